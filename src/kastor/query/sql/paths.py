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


def balanced(terms: list[str], word: str) -> str:
    """The terms joined as a balanced tree of parentheses.

    In a row without parentheses they would be a tree as deep as they are many, and engines bound
    the depth of an expression.
    """
    if len(terms) <= 8:  # noqa: PLR2004 - shallow enough to leave flat
        return f"({word.join(terms)})"
    half = len(terms) // 2
    return f"({balanced(terms[:half], word)}{word}{balanced(terms[half:], word)})"


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
