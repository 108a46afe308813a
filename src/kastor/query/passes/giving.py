"""Puts the values of other parameters into a plan that was made with some of the same kinds.

Nothing in a plan but its constants and lists depends on such a value: what does is noted while the
query is bound (`Notes.decides`), and such plans are kept for these values alone. A plan that is
kept holds the smallest values of each kind, so that it takes no room for somebody's long list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from kastor.query.plan import (
    Aggregate,
    And,
    ArrayHas,
    Call,
    Compare,
    Condition,
    Const,
    Exists,
    Flag,
    In,
    InQuery,
    IsKind,
    Or,
    Order,
    Plan,
    TextTest,
    Value,
    Within,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.query.given import Given, Item
    from kastor.query.plan import Scalar


_SMALLEST: dict[str, Item] = {
    "null": None,
    "boolean": False,
    "number": 0,
    "string": "",
    "list": (),
}


def give(plan: Plan, given: Given) -> Plan:
    """`plan` with these values, and no trace of where they came from."""
    return _Filling(given.values, marked=False).plan(plan)


def emptied(plan: Plan, given: Given) -> Plan:
    """`plan`, ready for `give`, without the values that it was made with."""
    return _Filling({name: _SMALLEST[kind] for name, kind in given.kinds}, marked=True).plan(plan)


class _Filling:
    """Puts values in; `marked` if it stays known which parameters they are of."""

    def __init__(self, values: Mapping[str, Item], *, marked: bool) -> None:
        self.values = values
        self.marked = marked

    def plan(self, plan: Plan) -> Plan:
        columns = plan.columns
        if columns is not None:
            columns = tuple([replace(one, value=self.value(one.value)) for one in columns])
        return replace(
            plan,
            where=self.condition(plan.where),
            columns=columns,
            group=tuple([self.value(one) for one in plan.group]),
            having=self.condition(plan.having),
            order=tuple([Order(self.value(one.value), one.descending) for one in plan.order]),
        )

    def value(self, item: Value) -> Value:
        match item:
            case Const(given=str() as name):
                value = cast("Scalar", self.values[name])
                return Const(value, name if self.marked else None)
            case Call():
                return replace(item, args=tuple([self.value(arg) for arg in item.args]))
            case Aggregate() if item.argument is not None:
                return replace(item, argument=self.value(item.argument))
            case Flag():
                return Flag(self.condition(item.true), self.condition(item.false))
            case _:
                return item

    def condition(self, item: Condition) -> Condition:
        match item:
            case And() | Or():
                return replace(item, terms=tuple([self.condition(term) for term in item.terms]))
            case Compare():
                return Compare(item.op, self.value(item.left), self.value(item.right))
            case In():
                listed, given = self._listed(item), item.given if self.marked else None
                return In(self.value(item.value), listed, item.negated, given)
            case InQuery():
                return replace(item, value=self.value(item.value), plan=self.plan(item.plan))
            case IsKind():
                return replace(item, value=self.value(item.value))
            case TextTest():
                return replace(item, subject=self.value(item.subject), part=self.value(item.part))
            case ArrayHas():
                return replace(item, array=self.value(item.array), value=self.value(item.value))
            case Within():
                return replace(item, point=self.value(item.point), area=self.value(item.area))
            case Exists():
                return replace(item, where=self.condition(item.where))
            case _:
                return item

    def _listed(self, item: In) -> tuple[Scalar, ...]:
        if item.given is None:
            return item.values
        if isinstance(item.given, str):
            return cast("tuple[Scalar, ...]", self.values[item.given])
        return tuple(
            [
                value if name is None else cast("Scalar", self.values[name])
                for value, name in zip(item.values, item.given, strict=True)
            ]
        )
