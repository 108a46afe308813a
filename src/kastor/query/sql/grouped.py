"""GROUP BY, aggregates, HAVING and DISTINCT of the superset.

Three layers: the raw rows with rank, value and JSON text of every group value and the operand of
every aggregate; the groups; and over them HAVING, order and position. Above the groups the plan's
values are slots: columns of the layer below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.passes.substitution import substitute
from kastor.query.plan import Aggregate, Column, Order, Plan, Slot, Truth, Value
from kastor.query.references import aggregates_of, sources_of
from kastor.query.sql.clauses import Clauses, select
from kastor.query.sql.ordering import Key, after, limit_of, order_by
from kastor.query.sql.rows import row_sql

if TYPE_CHECKING:
    from kastor.query.sql.values import Values


class Grouped:
    """Writes the inner query of a grouped plan, and its rows."""

    def __init__(self, plan: Plan, clauses: Clauses) -> None:
        self.plan = plan
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
        return row_sql(columns, self.values)

    def inner(self, *, resumes: bool) -> str:
        """Groups in order, up to the limit."""
        keys = self._order()
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
            text += f" OFFSET {self.clauses.parameters.add(self.plan.offset)}"
        return text

    def _order(self) -> list[Key]:
        keys = []
        group = tuple(Order(value) for value in self.plan.group)
        for order in self.plan.order + group:
            rank, value = self.values.ranked(substitute(order.value, self.slots))
            keys += [Key(rank, order.descending), Key(value, order.descending)]
        return keys or [Key("0")]

    def _groups(self) -> str:
        items = []
        for number in range(len(self.group)):
            items += [f"g{number}r", f"g{number}v", f"min(g{number}j) AS g{number}j"]
        for number, aggregate in enumerate(self.aggregates, len(self.group)):
            items += self.clauses.dialect.aggregate(
                aggregate.name, number, distinct=aggregate.distinct,
                whole=aggregate.argument is None,
            )  # fmt: skip
        text = f"SELECT {', '.join(items)} FROM ({self._raw()}) g"
        if self.group:
            text += " GROUP BY " + ", ".join(
                f"g{number}r, g{number}v" for number in range(len(self.group))
            )
        return text

    def _raw(self) -> str:
        items = []
        for number, value in enumerate(self.group):
            rank, plain = self.values.ranked(value)
            items += [f"{rank} AS g{number}r", f"{plain} AS g{number}v"]
            items.append(f"{self.values.json(value)} AS g{number}j")
        for number, aggregate in enumerate(self.aggregates, len(self.group)):
            if aggregate.argument is not None:
                rank, plain = self.values.ranked(aggregate.argument)
                items += [f"{rank} AS g{number}r", f"{plain} AS g{number}v"]
        arguments = [one.argument for one in self.aggregates if one.argument is not None]
        needed = sources_of(*self.group, *arguments)
        listed = ", ".join(items) or "1 AS one"
        return " UNION ALL ".join(
            select(listed, branch, terms) for branch, terms in self.clauses.branches(needed)
        )
