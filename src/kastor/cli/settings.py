"""Settings as commands take and show them: JSON files in, lines for people out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from kastor.cli.output import Exit, fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kastor.client.calls import Document, Json

_MOST_BYTES = 16 << 20


def read_settings(source: Path | None) -> Document:
    """Return the object that a JSON file holds, or standard input for `-`; {} without one.

    Ends the command where it cannot be read.
    """
    if source is None:
        return {}
    try:
        text = sys.stdin.read(_MOST_BYTES) if str(source) == "-" else _text_of(source)
        found = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fail(f"{source} cannot be read as JSON: {reason}.")
    if not isinstance(found, dict):
        fail(f"{source} holds no JSON object: settings stand in braces.", Exit.USAGE)
    return found


def _text_of(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(_MOST_BYTES)


def flat(document: Document) -> Document:
    """Return a document with a member for each value in it, named by the way that leads there."""
    return dict(_flat(document, ""))


def _flat(value: Json, name: str) -> Iterator[tuple[str, Json]]:
    # Few levels: what is flattened is what a server answered about settings.
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for number, each in enumerate(value):
            yield from _flat(each, f"{name}[{number}]")
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, value
