"""Puts the values of other parameters into a plan that was made with some of the same kinds.

Nothing in a plan but its constants and lists depends on such a value: what does is noted while the
query is bound (`Notes.decides`), and such plans are kept for these values alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

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

    from kastor.query.given import Item
    from kastor.query.plan import Scalar


def give(plan: Plan, values: Mapping[str, Item]) -> Plan:
    """`plan` with these values, and no trace of where they came from."""
    columns = plan.columns
    if columns is not None:
        columns = tuple([replace(one, value=_give(one.value, values)) for one in columns])
    return replace(
        plan,
        where=_give(plan.where, values),
        columns=columns,
        group=tuple([_give(one, values) for one in plan.group]),
        having=_give(plan.having, values),
        order=tuple([Order(_give(one.value, values), one.descending) for one in plan.order]),
    )


def _give(item: Any, values: Mapping[str, Item]) -> Any:
    return _condition(item, values) if isinstance(item, Condition) else _value(item, values)


def _value(item: Value, values: Mapping[str, Item]) -> Value:
    match item:
        case Const(given=str() as name):
            return Const(_scalar(name, values))
        case Call():
            return replace(item, args=tuple([_value(arg, values) for arg in item.args]))
        case Aggregate() if item.argument is not None:
            return replace(item, argument=_value(item.argument, values))
        case Flag():
            return Flag(_condition(item.true, values), _condition(item.false, values))
        case _:
            return item


def _condition(item: Condition, values: Mapping[str, Item]) -> Condition:
    match item:
        case And() | Or():
            return replace(item, terms=tuple([_condition(term, values) for term in item.terms]))
        case Compare():
            return Compare(item.op, _value(item.left, values), _value(item.right, values))
        case In():
            return In(_value(item.value, values), _listed(item, values), item.negated)
        case InQuery():
            plan = give(item.plan, values)
            return replace(item, value=_value(item.value, values), plan=plan)
        case IsKind():
            return replace(item, value=_value(item.value, values))
        case TextTest():
            subject, part = _value(item.subject, values), _value(item.part, values)
            return replace(item, subject=subject, part=part)
        case ArrayHas():
            array, value = _value(item.array, values), _value(item.value, values)
            return replace(item, array=array, value=value)
        case Within():
            point, area = _value(item.point, values), _value(item.area, values)
            return replace(item, point=point, area=area)
        case Exists():
            return replace(item, where=_condition(item.where, values))
        case _:
            return item


def _listed(item: In, values: Mapping[str, Item]) -> tuple[Scalar, ...]:
    if item.given is None:
        return item.values
    if isinstance(item.given, str):
        return cast("tuple[Scalar, ...]", values[item.given])
    return tuple(
        [
            value if name is None else _scalar(name, values)
            for value, name in zip(item.values, item.given, strict=True)
        ]
    )


def _scalar(name: str, values: Mapping[str, Item]) -> Scalar:
    value = values[name]
    return cast("Scalar", value)
