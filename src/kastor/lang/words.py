"""The words of the language: which are reserved, which name functions, which are contextual.

Reserved words cannot stand alone as an identifier (query-language 5); every other word that
the grammar uses is contextual and stays free for properties, aliases and relationship names.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

RESERVED = frozenset(
    [
        "ALL",
        "AND",
        "AS",
        "ASC",
        "AVG",
        "BY",
        "COUNT",
        "DESC",
        "DEVICES",
        "DEVICES_JOBS",
        "DEVICES_MODULES",
        "ENDS_WITH",
        "FALSE",
        "FROM",
        "GROUP",
        "IN",
        "IS_BOOL",
        "IS_DEFINED",
        "IS_NULL",
        "IS_NUMBER",
        "IS_OBJECT",
        "IS_OF_MODEL",
        "IS_PRIMITIVE",
        "IS_STRING",
        "MAX",
        "MIN",
        "NOT",
        "NOT_IN",
        "NULL",
        "OR",
        "ORDER",
        "SELECT",
        "STARTS_WITH",
        "SUM",
        "TOP",
        "TRUE",
        "WHERE",
    ]
)

CONTEXTUAL = frozenset(
    [
        "JOIN",
        "RELATED",
        "MATCH",
        "NIN",
        "EXACT",
        "DIGITALTWINS",
        "RELATIONSHIPS",
        "MODELS",
        "CONTAINS",
        "STARTSWITH",
        "ENDSWITH",
        "ARRAY_CONTAINS",
        "IS_ARRAY",
        "DISTINCT",
        "LIMIT",
        "OFFSET",
        "HAVING",
        "LEFT",
        "LIKE",
        "EXISTS",
        "SHORTEST",
        "EXPLAIN",
        "BETWEEN",
        "IS",
    ]
)
"""Words with a meaning in some place only; the printer escapes them to stay out of doubt."""

SYSTEM_NAMES = frozenset(
    [
        "$dtId",
        "$etag",
        "$metadata",
        "$model",
        "$sourceId",
        "$targetId",
        "$relationshipId",
        "$relationshipName",
    ]
)
"""Names that begin with a dollar sign and are no parameter (decisions 4)."""

TYPE_TESTS = frozenset(
    [
        "IS_DEFINED",
        "IS_NULL",
        "IS_BOOL",
        "IS_NUMBER",
        "IS_STRING",
        "IS_PRIMITIVE",
        "IS_OBJECT",
        "IS_ARRAY",
    ]
)

TEXT_TESTS = {
    "STARTSWITH": "STARTSWITH",
    "STARTS_WITH": "STARTSWITH",
    "ENDSWITH": "ENDSWITH",
    "ENDS_WITH": "ENDSWITH",
    "CONTAINS": "CONTAINS",
}
"""Spelling -> canonical name; the spellings with an underscore are the preview's."""

AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX"})

SCALARS: dict[str, tuple[int, int]] = {
    "ABS": (1, 1),
    "CEILING": (1, 1),
    "FLOOR": (1, 1),
    "ROUND": (1, 2),
    "SQRT": (1, 1),
    "POWER": (2, 2),
    "LENGTH": (1, 1),
    "LOWER": (1, 1),
    "UPPER": (1, 1),
    "TRIM": (1, 1),
    "CONCAT": (1, 50),
    "SUBSTRING": (2, 3),
    "INDEX_OF": (2, 2),
    "ARRAY_LENGTH": (1, 1),
    "NOW": (0, 0),
    "DATETIME": (1, 1),
    "DATETIME_ADD": (3, 3),
    "DATETIME_DIFF": (3, 3),
    "DATETIME_PART": (2, 2),
    "ST_DISTANCE": (2, 3),
    "VECTOR_DISTANCE": (2, 3),
    "COSINE_DISTANCE": (2, 3),
    "L2_DISTANCE": (2, 3),
}
"""Functions of the superset that give a value: name -> fewest and most arguments."""

CONDITIONS = TYPE_TESTS | TEXT_TESTS.keys() | {"ARRAY_CONTAINS", "IS_OF_MODEL", "ST_WITHIN"}

FUNCTIONS = CONDITIONS | SCALARS.keys() | AGGREGATES

_PLAIN = re.compile(r"(?:[^\W\d]|\$)[\w$]*")


def is_plain(text: str) -> bool:
    """Whether `text` can be written as an identifier without ``[[ ]]`` in any position."""
    return (
        _PLAIN.fullmatch(text) is not None
        and text.upper() not in RESERVED
        and text.upper() not in CONTEXTUAL
    )


def suggestion(word: str, known: frozenset[str]) -> str:
    """`` Did you mean X?`` for the closest known word, or nothing."""
    by_upper = {name.upper(): name for name in sorted(known)}
    close = get_close_matches(word.upper(), list(by_upper), n=1, cutoff=0.75)
    return f" Did you mean {by_upper[close[0]]}?" if close else ""
