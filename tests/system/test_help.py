"""What `--help` shows: every flag of every command, in words that can be typed."""

from __future__ import annotations

import re
import typing
from enum import Enum
from typing import Any

import pytest

from kastor.config import Settings
from kastor.dtdl.language import LIMIT_CONTEXTS
from kastor.events.endpoints import KINDS as ENDPOINT_KINDS
from kastor.ingest.inputs import KINDS as INPUT_KINDS
from tests.cli.tree import COMMANDS

from .program import invoked

BY_HAND = {
    ("endpoint", "create", "kind"): sorted(ENDPOINT_KINDS),
    ("input", "create", "kind"): sorted(INPUT_KINDS),
    ("models", "validate", "limits"): list(LIMIT_CONTEXTS),
}
"""Flags whose values are checked elsewhere than on the command line."""


def _help(path: tuple[str, ...]) -> str:
    """A command's help without its frame, on one line."""
    done = invoked(*path, "--help", COLUMNS="300", NO_COLOR="1", TERM="dumb")
    assert done.returncode == 0
    return " ".join(re.sub("[│─╭╮╰╯]", " ", done.stdout).split())


def _literals(annotation: Any) -> list[str]:
    """The texts that an annotation allows, where it allows only some."""
    if typing.get_origin(annotation) is typing.Literal:
        return [each for each in typing.get_args(annotation) if isinstance(each, str)]
    return [text for each in typing.get_args(annotation) for text in _literals(each)]


def _values(path: tuple[str, ...], parameter: Any, hints: dict[str, Any]) -> list[str]:
    """The values between which a flag's user has to choose; none where it is free."""
    if path == ("serve",) and parameter.name in Settings.model_fields:
        return _literals(Settings.model_fields[parameter.name].annotation)
    hint = hints.get(parameter.name)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [each.value for each in hint]
    if literals := _literals(hint):
        return literals
    return BY_HAND.get((*path, parameter.name), [])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_flags_have_no_type_and_defaults_stand_alone(path: tuple[str, ...]) -> None:
    text = _help(path)
    assert "<bool>" not in text
    assert "BOOLEAN" not in text
    assert "<list[" not in text
    assert "[default: (" not in text
    assert "\\" not in text


@pytest.mark.parametrize(
    ("path", "usage"),
    [
        (("import",), "kastor import [OPTIONS] FILE..."),
        (("export",), "kastor export [OPTIONS] [FILE]"),
        (("models", "describe"), "kastor models describe [OPTIONS] DTMI PATHS..."),
        (("route", "status"), "kastor route status [OPTIONS] [ROUTE]"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_the_usage_is_written_as_manuals_do(path: tuple[str, ...], usage: str) -> None:
    assert f"Usage: {usage} " in _help(path)


def test_paragraphs_break_where_the_terminal_ends() -> None:
    lines = invoked("backup", "--help", COLUMNS="80", NO_COLOR="1", TERM="dumb").stdout.split("\n")
    at = next(index for index, line in enumerate(lines) if "Each graph is backed up" in line)
    assert min(len(line.rstrip()) for line in lines[at : at + 3]) > 60


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_flag_with_some_values_lists_them(path: tuple[str, ...]) -> None:
    text = _help(path)
    callback = getattr(COMMANDS[path], "callback", None)
    hints = typing.get_type_hints(callback) if callback and path not in ((), ("serve",)) else {}
    for parameter in COMMANDS[path].params:
        values = _values(path, parameter, hints)
        if values:
            is_flag = parameter.param_type_name == "option"
            name = parameter.opts[0] if is_flag else parameter.metavar
            shown = re.search(rf"{name}( -\w)? <([^<>]*)>", text)
            assert shown is not None, parameter.name
            assert sorted(shown[2].split("|")) == sorted(values), parameter.name


def test_serve_shows_the_defaults_that_it_has() -> None:
    text = _help(("serve",))
    for parameter in COMMANDS["serve",].params:
        field = Settings.model_fields.get(parameter.name)
        default = None if field is None or field.default_factory else field.default
        if isinstance(default, str | int | float) and not isinstance(default, bool):
            after = text.partition(f" {parameter.opts[0]} ")[2].partition("[default: ")[2]
            shown = f"{default:g}" if isinstance(default, float) else default
            assert after.startswith(f"{shown}]"), parameter.name
