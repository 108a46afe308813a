"""Order and position: by keys, or by values of any kind with the keys behind them.

ORDER BY sorts missing first, then null, booleans, numbers, strings, arrays, objects (spec 14). A
value becomes two columns, rank and value, so that neither is ever NULL and kinds never mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.query.sql.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order."""

    sql: str
    descending: bool = False


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


def after(keys: list[Key], marks: list[str]) -> str:
    """Strictly behind the position that `marks` hold."""
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
