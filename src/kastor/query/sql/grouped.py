"""GROUP BY, aggregates, HAVING and DISTINCT of the superset.

Three layers: the raw rows with sort columns and JSON text of every group value and the operand of
every aggregate; the groups; and over them HAVING, order and position. Above the groups the plan's
values are slots: columns of the layer below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.kinds import RANKS
from kastor.query.passes.substitution import substitute
from kastor.query.plan import Aggregate, Column, Doc, Order, Plan, Slot, Truth, Value
from kastor.query.references import aggregates_of, is_mixed, sources_of
from kastor.query.sql.clauses import Clauses, select
from kastor.query.sql.keyed import Keyed
from kastor.query.sql.ordering import (
    Key,
    after,
    keys_of,
    limit_of,
    nulls_last,
    offset_of,
    order_by,
    window,
)
from kastor.query.sql.rows import row_sql

if TYPE_CHECKING:
    from kastor.query.sql.values import Values


class Grouped:
    """Writes the inner query of a grouped plan, and its rows."""

    def __init__(self, plan: Plan, clauses: Clauses, *, below: bool = False) -> None:
        self.plan = plan
        self.is_below = below
        self.clauses = clauses
        self.group = list(dict.fromkeys(plan.group))
        self.aggregates: list[Aggregate] = []
        values = [column.value for column in plan.columns or ()]
        for one in aggregates_of(plan.having, *values, *(order.value for order in plan.order)):
            if one not in self.aggregates:
                self.aggregates.append(one)
        self.slots: dict[Value, Slot] = {value: Slot(n) for n, value in enumerate(self.group)}
        for number, aggregate in enumerate(self.aggregates, len(self.group)):
            self.slots[aggregate] = Slot(number)

    @property
    def values(self) -> Values:
        """How values are written."""
        return self.clauses.values

    def row(self) -> str:
        """The JSON text of a row."""
        columns = tuple(
            Column(column.key, substitute(column.value, self.slots))
            for column in self.plan.columns or ()
        )
        return row_sql(columns, self.values, nulls=self.plan.nulls)

    def inner(self, *, resumes: bool) -> str:
        """Groups in order, up to the limit."""
        keys = self.order()
        items = [f"{key.sql} AS o{index}" for index, key in enumerate(keys)]
        text = f"SELECT {', '.join(items)}, k.* FROM ({self._groups()}) k"
        terms = []
        if self.plan.having != Truth(value=True):
            terms.append(self.clauses.condition(substitute(self.plan.having, self.slots)))
        if resumes:
            marks = [self.clauses.parameters.reserved(n + 1) for n in range(len(keys))]
            terms.append(after(keys, marks))
        if terms:
            text += f" WHERE {' AND '.join(terms)}"
        text += f" ORDER BY {order_by(keys)} LIMIT {limit_of(self.clauses.parameters)}"
        if self.plan.offset and not resumes:
            text += f" OFFSET {offset_of(self.plan.offset, self.clauses.parameters)}"
        return self.clauses.parameters.written(text)

    def below(self) -> str:
        """The groups as rows below another plan, see `derived`."""
        keys = self.order()
        items = [f"{key.sql} AS o{index}" for index, key in enumerate(keys)]
        letters = [letter for letter, _ in self.clauses.dialect.sort_columns]
        for index, column in enumerate(self.plan.columns or ()):
            value = substitute(column.value, self.slots)
            if isinstance(column.value, Doc) and not column.value.steps:
                items.append(f"{self.values.json(value)} AS c{index}j")
                continue
            made = self.values.ranked(value)
            items += [f"{sql} AS c{index}{at}" for at, sql in zip(letters, made, strict=True)]
            items.append(f"{self.values.json(value)} AS c{index}j")
        text = f"SELECT {', '.join(items)} FROM ({self._groups()}) k"
        if self.plan.having != Truth(value=True):
            having = self.clauses.condition(substitute(self.plan.having, self.slots))
            text += f" WHERE {having}"
        rows = window(self.plan.top, self.plan.offset, self.clauses.parameters)
        text += f" ORDER BY {order_by(keys)}{rows}" if rows else self.clauses.dialect.apart_from
        return self.clauses.parameters.written(text)

    def order(self) -> list[Key]:
        """ORDER BY, then the group values, which tell groups apart."""
        keys = []
        group = tuple(Order(value) for value in self.plan.group)
        for order in self.plan.order + group:
            columns = self.values.ranked(substitute(order.value, self.slots))
            columns = nulls_last(columns) if self.plan.nulls else columns
            keys += keys_of(columns, self.clauses.dialect, descending=order.descending)
        return keys or [Key("0")]  # the one group of all rows, which has to have a position too

    def _named(self, number: int) -> list[str]:
        return [f"g{number}{letter}" for letter, _ in self.clauses.dialect.sort_columns]

    def _groups(self) -> str:
        items = []
        for number in range(len(self.group)):
            least = self.clauses.dialect.least(f"g{number}j")
            if self._is_key(self.group[number]):
                least = f"min(g{number}j)"
            items += [*self._named(number), f"{least} AS g{number}j"]
        for number, aggregate in enumerate(self.aggregates, len(self.group)):
            if aggregate.name == "COLLECT":
                items += self.clauses.dialect.collected(number, distinct=aggregate.distinct)
                continue
            made = self.clauses.dialect.aggregate(
                aggregate.name, number, distinct=aggregate.distinct,
                whole=aggregate.argument is None,
            )  # fmt: skip
            zero = self.plan.nulls and aggregate.name == "SUM"
            items += _or_zero(made, number) if zero else made
        barrier = self.clauses.dialect.barrier
        text = f"SELECT {', '.join(items)} FROM ({self._numbered()}{barrier}) g"
        if self.group:
            text += " GROUP BY " + ", ".join(
                name for number in range(len(self.group)) for name in self._named(number)
            )
        return text

    def _numbered(self) -> str:
        """The raw rows; numbered where their order matters, and what is collected is bounded."""
        raw = self._raw()
        numbers = self._collected()
        if not numbers:
            return raw
        sizes = " + ".join(f"coalesce(octet_length(g{number}j), 0)" for number in numbers)
        groups = [name for number in range(len(self.group)) for name in self._named(number)]
        apart = {
            f"g{number}f": [*groups, *self._named(number)]
            for number, one in numbers.items()
            if one.distinct
        }
        return self.clauses.dialect.numbered(raw, sizes, apart)

    def _is_key(self, value: Value) -> bool:
        """Whether rows above need no more than its key."""
        return self.is_below and isinstance(value, Doc) and not value.steps

    def _collected(self) -> dict[int, Aggregate]:
        numbered = enumerate(self.aggregates, len(self.group))
        return {number: one for number, one in numbered if one.name == "COLLECT"}

    def _raw(self) -> str:
        arguments = [one.argument for one in self.aggregates if one.argument is not None]
        needed = sources_of(*self.group, *arguments)
        rows, keys = [], list[Key]()
        keyed = Keyed(self.clauses, nulls=self.plan.nulls) if self._is_ordered() else None
        for number, (branch, terms) in enumerate(self.clauses.branches(needed)):
            self.values.walks = branch.walks
            items = self._items()
            if keyed is not None:
                keys = keyed.order(number, branch)
                items += [f"{key.sql} AS o{index}" for index, key in enumerate(keys)]
            rows.append(select(", ".join(items) or "1 AS one", branch, terms))
        text = " UNION ALL ".join(rows)
        if keyed is not None:
            order = ", ".join(f"o{n}{' DESC' if k.descending else ''}" for n, k in enumerate(keys))
            text = f"SELECT * FROM ({text}) q ORDER BY {order}"
        return text

    def _is_ordered(self) -> bool:
        """Whether something is collected from rows that have an order."""
        return bool(self._collected()) and is_mixed(self.clauses.graph)

    def _items(self) -> list[str]:
        """The columns of the raw rows."""
        items = []
        for number, value in enumerate(self.group):
            items += self._columns(value, number)
            if isinstance(value, Doc) and self._is_key(value):
                items.append(f"{self.values.alias(value.source)}.key AS g{number}j")
                continue
            items.append(f"{self.values.json(value)} AS g{number}j")
        for number, aggregate in enumerate(self.aggregates, len(self.group)):
            if aggregate.argument is not None:
                items += self._columns(aggregate.argument, number)
                if aggregate.name == "COLLECT":
                    items.append(f"{self.values.json(aggregate.argument)} AS g{number}j")
        return items

    def _columns(self, value: Value, number: int) -> list[str]:
        ranked = self.values.ranked(value)
        if self.plan.nulls:  # null is missing
            rank = f"CASE {ranked[0]} WHEN {RANKS['null']} THEN 0 ELSE {ranked[0]} END"
            ranked = (rank, *ranked[1:])
        columns = zip(ranked, self._named(number), strict=True)
        return [f"{sql} AS {name}" for sql, name in columns]


def _or_zero(made: list[str], number: int) -> list[str]:
    """The columns of a sum that is 0 where there is nothing to add up."""
    text = made[-1].removesuffix(f" AS g{number}j")
    return [f"{RANKS['number']} AS g{number}r", *made[1:-1], f"coalesce({text}, '0') AS g{number}j"]
