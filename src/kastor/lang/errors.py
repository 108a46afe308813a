"""The one shape of a query error: frame of the contract, then the line with a caret under the spot.

query-language 4: `Line` is 1-based, `Position` the 0-based column of the offending token.
"""

from __future__ import annotations

import re

from kastor.errors import Detail, QueryError
from kastor.pages import refer

_PAGES = {
    "SQL": refer("reference/query", to="http"),
    "Cypher": refer("reference/cypher", to="http"),
}
_WIDTH = 100
_TOKEN = re.compile(r"[\w$]+|'[^'\n]*'?|\"[^\"\n]*\"?|[^\s]|", re.DOTALL)


def query_error(text: str, at: int, message: str, language: str = "SQL") -> QueryError:
    """The error for the token at offset `at` of `text`; its place is also told as data."""
    line = text.count("\n", 0, at) + 1
    start = text.rfind("\n", 0, at) + 1
    position = at - start
    found = _TOKEN.match(text, at)
    hint = f"See {_PAGES[language]} for the correct syntax."
    place = {"line": line, "column": position, "length": len(found[0]) if found else 0}
    return QueryError(
        f"{language} query parse failed: {language} Parser Error, Line={line}, "
        f"Position={position}, Message={message}\n{_excerpt(text, start, position)}\n{hint}",
        line=line,
        position=position,
        details=(Detail(QueryError.default_code, message, place),),
    )


def _excerpt(text: str, start: int, position: int) -> str:
    """The line around the spot, cut to a readable width, and the caret below it."""
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)].rstrip("\r")
    left = max(0, position - _WIDTH // 2)
    shown = line[left : left + _WIDTH].replace("\t", " ").replace("\r", " ")
    lead = "..." if left else ""
    tail = "..." if left + _WIDTH < len(line) else ""
    return f"  {lead}{shown}{tail}\n  {' ' * (len(lead) + position - left)}^"
