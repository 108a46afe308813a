"""Replaces values inside a value or a condition: above GROUP BY they are columns of the group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from kastor.query.plan import (
    Among,
    And,
    AnyOf,
    ArrayHas,
    Call,
    Case,
    Compare,
    Each,
    Flag,
    In,
    InQuery,
    IsKind,
    ListOf,
    MapOf,
    Or,
    PartOf,
    Same,
    TextTest,
    Within,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.query.plan import Condition, Value

Tree = TypeVar("Tree", bound="Condition | Value")


def substitute(tree: Tree, by: Mapping[Value, Value]) -> Tree:
    """`tree` with every value that is a key of `by` replaced."""
    return cast("Tree", _substitute(tree, by))


def _substitute(tree: Condition | Value, by: Mapping[Value, Value]) -> Condition | Value:
    found = by.get(cast("Value", tree))
    if found is not None:
        return found
    # Branches because each kind of node is rebuilt in its own way.
    match tree:
        case And() | Or():
            return replace(tree, terms=tuple([substitute(term, by) for term in tree.terms]))
        case Compare():
            return Compare(tree.op, substitute(tree.left, by), substitute(tree.right, by))
        case In() | IsKind() | InQuery():
            return replace(tree, value=substitute(tree.value, by))
        case TextTest():
            subject, part = substitute(tree.subject, by), substitute(tree.part, by)
            return replace(tree, subject=subject, part=part)
        case Same():
            left, right = substitute(tree.left, by), substitute(tree.right, by)
            return replace(tree, left=left, right=right)
        case ArrayHas() | Among():
            array, value = substitute(tree.array, by), substitute(tree.value, by)
            return replace(tree, array=array, value=value)
        case Within():
            point, area = substitute(tree.point, by), substitute(tree.area, by)
            return replace(tree, point=point, area=area)
        case Call():
            return replace(tree, args=tuple([substitute(arg, by) for arg in tree.args]))
        case Flag():
            return Flag(substitute(tree.true, by), substitute(tree.false, by))
        case AnyOf():
            true, false = substitute(tree.true, by), substitute(tree.false, by)
            return replace(tree, array=substitute(tree.array, by), true=true, false=false)
        case ListOf() | MapOf() | Each() | PartOf() | Case():
            return _made(tree, by)
        case _:
            return tree


def _made(tree: ListOf | MapOf | Each | PartOf | Case, by: Mapping[Value, Value]) -> Value:
    """The same of values that the statement puts together."""
    match tree:
        case ListOf():
            return ListOf(tuple([substitute(item, by) for item in tree.items]))
        case MapOf():
            return MapOf(tuple([(key, substitute(value, by)) for key, value in tree.entries]))
        case Each():
            where, item = substitute(tree.where, by), substitute(tree.item, by)
            return Each(substitute(tree.array, by), tree.element, where, item)
        case PartOf():
            return PartOf(substitute(tree.base, by), tree.steps)
        case Case():
            branches = [
                (substitute(test, by), substitute(value, by)) for test, value in tree.branches
            ]
            return Case(tuple(branches), substitute(tree.otherwise, by))
