"""What people give to commands: JSON as text, in a file or on standard input; ids; answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NoReturn

from kastor.cli.output import Exit, ask, fail
from kastor.types import Document, Json

MOST_BYTES = 64 << 20
_STDIN = "-"


def read_json(text: str, flag: str) -> Json:
    """Return the JSON that a flag gives: itself, `@FILE`, or `-` for standard input.

    A text that is no JSON but the name of a file is that file, as `az dt` takes it. Ends the
    command where it cannot be read.
    """
    if text == _STDIN:
        return _parsed(_bounded(sys.stdin.buffer.read(MOST_BYTES + 1), flag), flag)
    if text.startswith("@"):
        return _of_file(Path(text[1:]), flag)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if text.lstrip()[:1] not in ("{", "[") and _is_file(text):
            return _of_file(Path(text), flag)
        _no_json(flag, error)


def read_object(text: str | None, flag: str) -> Document:
    """Return the JSON object that a flag gives; an empty one without the flag."""
    if text is None:
        return {}
    found = read_json(text, flag)
    if not isinstance(found, dict):
        fail(f'{flag} has to be a JSON object such as {{"temperature": 21.5}}.', Exit.USAGE)
    return found


def read_patch(text: str | None, flag: str) -> list[Document]:
    """Return the JSON Patch that a flag gives; an empty one without the flag.

    One operation may stand without its array, as `az dt` takes it.
    """
    if text is None:
        return []
    found = read_json(text, flag)
    patch = [found] if isinstance(found, dict) else found
    if not isinstance(patch, list) or not all(isinstance(each, dict) for each in patch):
        fail(
            f"{flag} has to be a JSON Patch such as "
            '[{"op": "replace", "path": "/temperature", "value": 21.5}].',
            Exit.USAGE,
        )
    return patch


def one_of(argument: str | None, option: str | None, name: str, flag: str) -> str:
    """Return what was given as an argument or by a flag; ends the command where it is neither."""
    if argument is not None and option is not None:
        fail(f"{name} is given twice: as {argument} and by {flag}.", Exit.USAGE)
    found = option if argument is None else argument
    if not found:
        fail(f"{name} is missing: give it as an argument, or by {flag}.", Exit.USAGE)
    return found


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something goes; ends the command unless that was answered with yes.

    Where nobody can answer, it ends with the flag that does.
    """
    if not yes:
        ask(question)


def _of_file(path: Path, flag: str) -> Json:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        fail(f"{path} of {flag} cannot be read: {error.strerror}.", Exit.USAGE)
    return _parsed(_bounded(data, flag), f"{path} of {flag}")


def _bounded(data: bytes, flag: str) -> bytes:
    if len(data) > MOST_BYTES:
        fail(f"{flag} has more than {MOST_BYTES >> 20} MB, which no server takes.", Exit.USAGE)
    return data


def _parsed(data: bytes, what: str) -> Json:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        _no_json(what, error)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_json(what: str, error: Exception) -> NoReturn:
    match error:
        case json.JSONDecodeError():
            reason = f"{error.msg} at line {error.lineno}, column {error.colno}"
        case UnicodeDecodeError():
            reason = f"it is no UTF-8 from byte {error.start} on"
        case RecursionError():
            reason = "it is nested too deeply"
        case _:
            reason = str(error)
    fail(
        f"{what} is no JSON: {reason}. Put JSON into single quotes, or into a file that is given "
        "as @FILE.",
        Exit.USAGE,
    )


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
