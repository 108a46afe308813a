"""What EXPLAIN answers: the plan as JSON, the statement, the engine's steps, and advice."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from kastor.query.plan import And, Compare, Const, Doc, TextTest
from kastor.query.sql.paths import is_literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.query.models import ModelIndex
    from kastor.query.plan import Plan
    from kastor.types import Json


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


def advice(plan: Plan, indexed: frozenset[tuple[str | int, ...]], models: ModelIndex) -> list[str]:
    """What would make the query faster; nothing of properties that no model declares."""
    found = []
    for path in dict.fromkeys(_scanned(plan)):
        declared = not models.model_ids() or path[0] in models.property_names()
        if declared and path not in indexed and is_literal(path):
            dotted = ".".join(map(str, path))
            found.append(f"an index on {dotted} would help: kastor index create {dotted}")
    return found


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
