"""Order and position: by keys, or by values of any kind with the keys behind them.

ORDER BY sorts missing first, then null, booleans, numbers, strings, arrays, objects
(query-language 14). A value becomes a rank and one or two columns of value, so that none is ever
NULL and kinds never mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order.

    Attributes:
        exact: the SQL type that a position holds as text, because a double would round it.
        missing: what stands for it where an optional block has no match.
    """

    sql: str
    descending: bool = False
    exact: str = ""
    missing: str = "0"

    def at(self, sql: str) -> Key:
        """The same column where others read it."""
        return Key(sql, self.descending, self.exact, self.missing)

    def position(self, column: str) -> str:
        """How a position holds the column."""
        return f"CAST({column} AS text)" if self.exact else column

    def value(self, mark: str) -> str:
        """What a position held, to be compared with the column."""
        return f"CAST(CAST({mark} AS text) AS {self.exact})" if self.exact else mark


_NULLS_LAST = (
    "CASE {} WHEN 2 THEN 6 WHEN 3 THEN 7 WHEN 4 THEN 5 WHEN 5 THEN 3 WHEN 6 THEN 1 ELSE 9 END"
)
"""Ranks of openCypher's order for those of `kinds.RANKS`: maps and nodes, lists, strings, booleans,
numbers, null."""


def nulls_last(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of one value, with the rank that it has in openCypher's order."""
    return (_NULLS_LAST.format(columns[0]), *columns[1:])


def keys_of(columns: tuple[str, ...], dialect: Dialect, *, descending: bool) -> list[Key]:
    """The columns of one value in the order."""
    return [
        Key(sql, descending, exact)
        for sql, (_, exact) in zip(columns, dialect.sort_columns, strict=True)
    ]


def sorted_by(keys: list[Key]) -> str:
    """The ORDER BY list of the same columns above the query that has them in front."""
    return ", ".join(
        f"k.o{index}{' DESC' if key.descending else ''}" for index, key in enumerate(keys)
    )


def order_by(keys: list[Key]) -> str:
    """The ORDER BY list of columns that stand first in the select list."""
    parts = [f"{index}{' DESC' if key.descending else ''}" for index, key in enumerate(keys, 1)]
    return ", ".join(parts)


def limit_of(parameters: Parameters) -> str:
    """The limit, as an expression.

    SQLite plans with the value of a parameter that is the whole LIMIT, and so would prepare the
    statement again whenever the parameter is bound.
    """
    return f"{parameters.reserved(0)} + 0"


def offset_of(offset: int, parameters: Parameters) -> str:
    """The offset; its type is said because an equal number elsewhere shares the parameter."""
    return f"CAST({parameters.add(offset)} AS bigint)"


def window(top: int | None, offset: int, parameters: Parameters) -> str:
    """LIMIT and OFFSET of rows below; nothing where there is neither."""
    if top is None and not offset:
        return ""
    most = 2**63 - 1 if top is None else top
    text = f" LIMIT {offset_of(most, parameters)}"
    return f"{text} OFFSET {offset_of(offset, parameters)}" if offset else text


def after(keys: list[Key], marks: list[str]) -> str:
    """Strictly behind the position that `marks` hold."""
    marks = [key.value(mark) for key, mark in zip(keys, marks, strict=True)]
    if any(key.descending for key in keys):
        return _nested(keys, marks)
    columns = [key.sql for key in keys]
    if len(columns) == 1:
        return f"{columns[0]} > {marks[0]}"
    lead = f"{columns[0]} >= {marks[0]}"  # the engine drives an index by this one
    return f"{lead} AND ({', '.join(columns)}) > ({', '.join(marks)})"


def _nested(keys: list[Key], marks: list[str]) -> str:
    text = ""
    for key, mark in zip(reversed(keys), reversed(marks), strict=True):
        step = f"{key.sql} {'<' if key.descending else '>'} {mark}"
        text = f"({step} OR ({key.sql} = {mark} AND {text}))" if text else step
    return text
