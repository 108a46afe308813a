"""The text of a path into a document: one function, for queries and for property indexes.

An index on an expression is used only when the query repeats its text, so both must come from here.
Steps that look like DTDL names may stand in the SQL itself; any other path is bound.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"\$?[A-Za-z](?:[A-Za-z0-9_]{0,510}[A-Za-z0-9])?")


def is_literal(steps: tuple[str | int, ...]) -> bool:
    """Whether the path is made of names that are safe inside SQL text."""
    return all(isinstance(step, int) or _NAME.fullmatch(step) is not None for step in steps)


def json_path(steps: tuple[str | int, ...]) -> str:
    """The path in SQLite's notation: ``$.name``, ``$."$metadata"``, ``$[0]``."""
    text = "$"
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _NAME.fullmatch(step) is not None and step[0] != "$":
            text += f".{step}"
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'."{escaped}"'
    return text
