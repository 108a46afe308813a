"""What a part of a graph holds, as text of a statement: the one place for both engines.

Two texts of one meaning. `keys` makes a part whole, for statements that read many rows: it walks
from its root down and meets each twin once. `holding` looks at one row, for those that read few: it
walks up. Both see the state that their statement sees.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.records import PolicyPart, Sees

MOST_ABOVE = 10_000
"""Twins that `holding` looks at above one; what is further down is as if it was not there."""
_TABLE = re.compile(
    r"\b(FROM|JOIN) (\{graph\}\.)?(twins|relationships)\b(?: (?!WHERE|ON|JOIN|LEFT)(\w+))?"
)
_PLAIN = re.compile(r"[?](?![0-9])")
_NUMBERED = re.compile(r"[?$](\d+)")


def keys(sees: Sees, table: Callable[[str], str], constant: Callable[[object], str]) -> str:
    """Return a query of one column: the keys of all twins that can be seen.

    Args:
        sees: the parts.
        table: what stands in FROM for a stored table.
        constant: the mark of a value.
    """
    texts = [_keys(part, table, constant) for part in sees.parts]
    return " UNION ".join(texts) or f"SELECT key FROM {table('twins')} WHERE 1 = 0"


def _keys(part: PolicyPart, table: Callable[[str], str], constant: Callable[[object], str]) -> str:
    if part.under is None:
        return f"SELECT key FROM {table('twins')} p WHERE {_of_models(part, 'p')}"
    above, below = _ends(part)
    names = _names(part, table, constant)
    walk = (
        f"WITH RECURSIVE part(key) AS (SELECT key FROM {table('twins')} WHERE id ="
        f" {constant(part.under)} UNION SELECT e.{below} FROM part JOIN"
        f" {table('relationships')} e ON e.{above} = part.key WHERE e.name_key IN ({names}))"
    )
    if not part.models:
        return f"SELECT key FROM ({walk} SELECT key FROM part) p"
    return (
        f"SELECT key FROM ({walk} SELECT p.key FROM part JOIN {table('twins')} p"
        f" ON p.key = part.key WHERE {_of_models(part, 'p')}) p"
    )


def holding(
    twin: str,
    sees: Sees,
    table: Callable[[str], str],
    constant: Callable[[object], str],
    row: str | None = None,
) -> str:
    """Return a condition: whether the twin whose key this expression is can be seen.

    Args:
        twin: the expression.
        sees: the parts.
        table: what stands in FROM for a stored table.
        constant: the mark of a value.
        row: the alias of the twin's own row, where that is at hand.
    """
    texts = [_holding(twin, part, table, constant, row) for part in sees.parts]
    return f"({' OR '.join(texts) or '1 = 0'})"


def _holding(
    twin: str,
    part: PolicyPart,
    table: Callable[[str], str],
    constant: Callable[[object], str],
    row: str | None,
) -> str:
    terms = []
    if part.models and row is not None:
        terms.append(_of_models(part, row))
    elif part.models:
        terms.append(
            f"EXISTS (SELECT 1 FROM {table('twins')} p WHERE p.key = {twin}"
            f" AND {_of_models(part, 'p')})"
        )
    if part.under is not None:
        above, below = _ends(part)
        names = _names(part, table, constant)
        terms.append(
            f"EXISTS (WITH RECURSIVE part(key) AS (SELECT {twin} UNION SELECT e.{above}"
            f" FROM part JOIN {table('relationships')} e ON e.{below} = part.key"
            f" WHERE e.name_key IN ({names})) SELECT 1 FROM"
            f" (SELECT key FROM part LIMIT {MOST_ABOVE}) b JOIN {table('twins')} p"
            f" ON p.key = b.key WHERE p.id = {constant(part.under)})"
        )
    return f"({' AND '.join(terms)})"


def _ends(part: PolicyPart) -> tuple[str, str]:
    """Return the columns of a relationship's ends that are above and below."""
    ends = ("source_key", "target_key")
    return ends if part.outgoing else ends[::-1]


def _names(part: PolicyPart, table: Callable[[str], str], constant: Callable[[object], str]) -> str:
    names = ", ".join(map(constant, part.outgoing or part.incoming))
    return f"SELECT key FROM {table('relationship_names')} WHERE name IN ({names})"


def _of_models(part: PolicyPart, alias: str) -> str:
    if part.model_keys is None:
        raise ValueError("the models of a part were not looked up")
    found = ", ".join(map(str, part.model_keys))
    return f"{alias}.model_key IN ({found})" if found else "1 = 0"


@lru_cache(maxsize=1_000)
def limited(statement: str, sees: Sees, mark: str) -> tuple[str, tuple[object, ...]]:
    """Return a statement over what can be seen alone, and the values behind its own.

    Args:
        statement: of the engine, with its tables after FROM and JOIN.
        sees: the parts.
        mark: of the engine's parameters, `?` or `$`.
    """
    if mark == "?":  # numbered in order of the text otherwise, and the tables come first
        counted = count(1)
        statement = _PLAIN.sub(lambda _: f"?{next(counted)}", statement)
    own = max(map(int, _NUMBERED.findall(statement)), default=0)
    values: list[object] = []

    def constant(value: object) -> str:
        if value not in values:
            values.append(value)
        return f"{mark}{own + 1 + values.index(value)}"

    def replaced(found: re.Match[str]) -> str:
        word, graph, name, alias = found.groups()

        def table(stored: str) -> str:
            return f"{graph or ''}{stored}"

        if name == "twins":
            kept = holding("v.key", sees, table, constant, "v")
        else:
            ends = ("v.source_key", "v.target_key")
            kept = " AND ".join(holding(end, sees, table, constant) for end in ends)
        return f"{word} (SELECT v.* FROM {table(name)} v WHERE {kept}) {alias or name}"

    return _TABLE.sub(replaced, statement), tuple(values)
