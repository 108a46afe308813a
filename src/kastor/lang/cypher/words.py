"""The words by which a text of this language is known, and those that it refuses by name."""

from __future__ import annotations

import re

_PUT_TWIN = "PUT /digitaltwins/{id}"
_PATCH_TWIN = "PATCH /digitaltwins/{id}"
_DELETE_TWIN = "DELETE /digitaltwins/{id}"

WRITES = {
    "CREATE": f"{_PUT_TWIN}, and PUT /digitaltwins/{{id}}/relationships/{{id}}",
    "MERGE": _PUT_TWIN,
    "SET": _PATCH_TWIN,
    "REMOVE": _PATCH_TWIN,
    "DELETE": _DELETE_TWIN,
    "DETACH": _DELETE_TWIN,
    "INSERT": _PUT_TWIN,
    "DROP": _DELETE_TWIN,
}
"""Words that change a graph where a clause can begin, and the call that does it."""

LEFT_OUT = {
    "CALL": "CALL",
    "LOAD": "LOAD CSV",
    "FOREACH": "FOREACH",
    "USE": "USE",
    "PROFILE": "PROFILE",
    "FINISH": "FINISH",
    "FILTER": "FILTER",
    "LET": "LET",
}
"""Words that begin a clause of the whole language which this subset leaves out."""

RESERVED = frozenset(
    [
        "AND",
        "AS",
        "ASC",
        "ASCENDING",
        "BY",
        "CASE",
        "CONTAINS",
        "DESC",
        "DESCENDING",
        "DISTINCT",
        "ELSE",
        "END",
        "ENDS",
        "EXISTS",
        "FALSE",
        "IN",
        "IS",
        "LIMIT",
        "MATCH",
        "NOT",
        "NULL",
        "OPTIONAL",
        "OR",
        "ORDER",
        "RETURN",
        "SKIP",
        "STARTS",
        "THEN",
        "TRUE",
        "UNION",
        "UNWIND",
        "WHEN",
        "WHERE",
        "WITH",
        "XOR",
    ]
)
"""Words that are no variable, label or type without backticks."""

_READS = ("MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "UNION")
BEGINS = frozenset({*_READS, *WRITES, *LEFT_OUT} - {"LET", "FILTER", "FINISH"})
"""First words by which a text is known as one of this language."""
_FIRST = re.compile(r"(?:\s|\ufeff|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+([A-Za-z]++)")
_LONGEST_LEAD = 4_096
_PLAIN = re.compile(r"[^\W\d]\w*")


def is_cypher(text: str) -> bool:
    """Whether the first word of `text` begins a query of this language (decisions 7)."""
    lead = text[:_LONGEST_LEAD]
    first = _FIRST.match(lead)
    if first is None:
        return False
    word = first[1].upper()
    if word in {"EXPLAIN", "PROFILE"}:
        first = _FIRST.match(lead, first.end())
        word = "" if first is None else first[1].upper()
    return word in BEGINS


def is_plain(text: str) -> bool:
    """Whether `text` can be written as a name without backticks in any place."""
    return _PLAIN.fullmatch(text) is not None and text.upper() not in RESERVED
