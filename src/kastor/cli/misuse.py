"""Command lines that are wrong: what is said of them, beside what Typer says itself."""

from __future__ import annotations

from typing import Any

import typer

Misuse: Any = typer.BadParameter.__base__  # any: it has no public name
"""What Typer raises for any command line that is wrong."""
_CONNECTION = {"--url", "--context", "--ca-file"}
_OUTPUT = {"--output", "-o"}


def explain(error: Any, command: Any) -> None:  # any: as Typer has them
    """Add to an error what to do next, and take out the words of the library that found it.

    Args:
        error: a `Misuse`; its message is changed.
        command: the command or group that was called.
    """
    message = error.message.removeprefix("Value error, ")
    if message.startswith("Input should be "):
        message = f"it should be {message.removeprefix('Input should be ').partition(',')[0]}."
    hint = _hint(error, command)
    error.message = f"{message.removesuffix('.')}. {hint}" if hint else message


def _hint(error: Any, command: Any) -> str:
    wrong = getattr(error, "option_name", "")
    if hasattr(command, "commands"):
        if wrong in _CONNECTION | _OUTPUT:
            return "It goes behind the whole command, as in `kastor twin list --output json`."
        return ""
    parameter = getattr(error, "param", None)
    if wrong in _OUTPUT or getattr(parameter, "name", "") == "output":
        return _hint_for_output(command, is_there=parameter is not None)
    if "unexpected extra argument" in error.message:
        return "What has blanks or other signs of the shell in it goes into quotes."
    return ""


def _hint_for_output(command: Any, *, is_there: bool) -> str:
    """Say where a file goes that somebody may have meant."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    if any(each.metavar == "FILE" for each in arguments):
        return f"A file is named without a flag: `kastor {command.name} FILE`."
    start = "It says how an answer is written; into" if is_there else "Into"
    return f"{start} a file goes what is printed by `> FILE`."
