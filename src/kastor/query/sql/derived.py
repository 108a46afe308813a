"""Rows below: the statement of a plan whose rows another plan goes on from.

Its columns are those of its order, ``o0`` .., and for each column of the plan the sort columns and
the JSON text, ``c0r``, ``c0v``, ``c0j`` ..; of a twin or a relationship ``c0j`` is the key alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import Doc
from kastor.query.references import sources_of
from kastor.query.sql.clauses import select
from kastor.query.sql.grouped import Grouped
from kastor.query.sql.keyed import Keyed
from kastor.query.sql.ordering import Key, order_by, window

if TYPE_CHECKING:
    from kastor.query.plan import Column, Plan
    from kastor.query.sql.clauses import Clauses
    from kastor.query.sql.values import Values


def rows_below(plans: tuple[Plan, ...], around: Clauses) -> tuple[str, list[Key]]:
    """The statement without its parentheses, and its order."""
    if len(plans) == 1:
        return _rows_of(plans[0], around)
    parts = []
    for number, plan in enumerate(plans):
        text, keys = _rows_of(plan, around)
        order = ", ".join(f"o{n}{' DESC' if key.descending else ''}" for n, key in enumerate(keys))
        columns = enumerate(plan.columns or ())
        names = [name for n, one in columns for name in _names(n, one, around)]
        listed = ", ".join([f"row_number() OVER (ORDER BY {order}) AS o1", *names])
        parts.append(f"SELECT {number} AS o0, {listed} FROM ({text}) p")
    return " UNION ALL ".join(parts), [Key("o0"), Key("o1")]


def _names(number: int, column: Column, around: Clauses) -> list[str]:
    if _is_key(column.value):
        return [f"c{number}j"]
    letters = [letter for letter, _ in around.dialect.sort_columns]
    return [f"c{number}{letter}" for letter in [*letters, "j"]]


def _rows_of(plan: Plan, around: Clauses) -> tuple[str, list[Key]]:
    clauses = around.of(plan.graph, plan.where)
    if plan.grouped:
        grouped = Grouped(plan, clauses, below=True)
        return grouped.below(), grouped.order()
    keyed = Keyed(clauses, plan.order, nulls=plan.nulls)
    columns = plan.columns or ()
    made = [one.value for one in columns if not _is_key(one.value)]
    needed = sources_of(*made, *(one.value for one in plan.order))
    selects, keys = [], list[Key]()
    for number, (branch, terms) in enumerate(clauses.branches(needed)):
        values = clauses.values
        values.walks = branch.walks
        keys = keyed.order(number, branch)
        items = [f"{key.sql} AS o{index}" for index, key in enumerate(keys)]
        for index, column in enumerate(columns):
            items += _column(index, column, values, branch.keys)
        selects.append(select(", ".join(items), branch, terms))
    text = " UNION ALL ".join(selects)
    rows = window(plan.top, plan.offset, clauses.parameters)
    if rows:
        return f"{text} ORDER BY {order_by(keys)}{rows}", keys
    return text + clauses.dialect.apart_from, keys


def _is_key(value: object) -> bool:
    """Whether a column is a whole twin or relationship."""
    return isinstance(value, Doc) and not value.steps


def _column(number: int, column: Column, values: Values, keys: dict[int, str]) -> list[str]:
    value = column.value
    if isinstance(value, Doc) and not value.steps:
        return [f"{keys[value.source]} AS c{number}j"]
    letters = [letter for letter, _ in values.dialect.sort_columns]
    made = values.ranked(value)
    items = [f"{sql} AS c{number}{letter}" for letter, sql in zip(letters, made, strict=True)]
    return [*items, f"{values.json(value)} AS c{number}j"]
