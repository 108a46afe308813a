"""What EXPLAIN answers: the plan as JSON, the statement, the engine's steps, and advice."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import TYPE_CHECKING

from kastor.lang.words import suggestion
from kastor.query.plan import And, Compare, Condition, Const, Doc, Or, TextTest, Value
from kastor.query.references import parts_of
from kastor.query.sql.paths import is_literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.query.plan import Plan
    from kastor.types import Json

_MOST_NAMES = 20
"""That are compared with all names of the models, which takes long."""


def as_json(node: object) -> Json:
    """A plan's node as plain JSON: its class under ``node``, then its fields."""
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        found: dict[str, Json] = {"node": type(node).__name__}
        for one in dataclasses.fields(node):
            value = getattr(node, one.name)
            if value != one.default:
                found[one.name] = as_json(value)
        return found
    if isinstance(node, tuple | frozenset | list):
        return [as_json(one) for one in (sorted(node) if isinstance(node, frozenset) else node)]
    return node


def advice(
    plan: Plan, indexed: frozenset[tuple[str | int, ...]], declared: frozenset[str]
) -> list[str]:
    """What would make the query faster, and names that look like slips of the pen."""
    found = []
    for path in dict.fromkeys(_scanned(plan)):
        if path not in indexed and is_literal(path):
            dotted = ".".join(map(str, path))
            found.append(f"an index on {dotted} would help: kastor index create {dotted}")
    return found + _unknown(plan, declared)


def _scanned(plan: Plan) -> Iterator[tuple[str | int, ...]]:
    """Properties of twins that every row is tested on in a way that an index could serve."""
    terms = plan.where.terms if isinstance(plan.where, And) else (plan.where,)
    for term in terms:
        match term:
            case Compare(op=op, left=Doc() as left, right=Const(value=value)):
                useful = op != "!=" and isinstance(value, int | float | str)
            case TextTest(name="STARTSWITH", subject=Doc() as left, negated=False):
                useful = not term.ignore_case
            case _:
                continue
        if useful and plan.graph.sources[left.source].kind == "twin" and left.steps:
            yield left.steps


def _unknown(plan: Plan, declared: frozenset[str]) -> list[str]:
    """Property names that no model declares though one declares a similar name."""
    if not declared:
        return []
    used = [column.value for column in plan.columns or ()]
    found = []
    names: dict[str, None] = {}
    for doc in _documents(plan.where, *used):
        name = doc.steps[0] if doc.steps else None
        if isinstance(name, str) and name[0] != "$" and name not in declared:
            names[name] = None
    for name in islice(names, _MOST_NAMES):
        hint = suggestion(name, declared)
        if hint:
            found.append(f"no model declares a property {name}.{hint}")
    return found


def _documents(*items: Condition | Value) -> Iterator[Doc]:
    for item in items:
        if isinstance(item, Doc):
            yield item
        elif isinstance(item, And | Or):
            yield from _documents(*item.terms)
        else:
            yield from _documents(*parts_of(item))
