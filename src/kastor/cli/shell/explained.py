"""What EXPLAIN answers, in lines for people: the statement, the engine's steps, and advice."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kastor.cli.screen import shown
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.cli.screen import Screen

_INDENT = 12
_SHORTEST = 40


def show_explanation(row: dict[str, Any], to: Screen) -> None:  # any: JSON
    """Print the row that EXPLAIN answers, all of it but the plan, which is for programs."""
    width = max(_SHORTEST, to.width - _INDENT)
    for name, texts in _sections(row):
        lines = [part for text in texts for part in _wrapped(text, width)]
        for number, line in enumerate(lines):
            to.write(f"{name if not number else '':<{_INDENT}}{line}".rstrip())


def _sections(row: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:  # any: JSON
    if "rows" in row:
        time = f"{row.get('milliseconds', 0):g} ms"
        yield "first page", [f"{counted(row['rows'], 'row')} in {time}"]
    yield "steps", _texts(row.get("steps"))
    yield "statement", _texts(row.get("sql"))
    if row.get("parameters"):
        listed = enumerate(row["parameters"], 1)
        yield "values", [", ".join(f"?{at} = {json.dumps(each)}" for at, each in listed)]
    yield "warnings", _texts(row.get("warnings"))
    yield "advice", _texts(row.get("advice"))


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value] if value else []
    return [each if isinstance(each, str) else json.dumps(each) for each in listed]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(shown(text), width, break_long_words=False, break_on_hyphens=False) or [""]
