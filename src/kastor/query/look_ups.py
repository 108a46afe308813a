"""Which plans are one look-up: a row by its id, with nothing in them that could take long.

Such a query costs about what a GET of the same document does, wherever it runs; an engine that
answers at once need not hand it to a thread. So whatever is not known here to be quick is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import And, Compare, Const, Doc, Field, IsKind, OfModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.query.plan import Condition, Plan, Value

_MOST_SEARCHES = 12
"""For paths; each may have to pass a document of `MAX_DOCUMENT_BYTES`, which takes an engine a
fifth of what a GET of it takes, in a long array a third."""
_SEARCHES = 3
"""Of one term, for the value and for its kind."""
_MODELS = 100
_NEEDED = {"twin": frozenset({"id"}), "relationship": frozenset({"id", "source"})}
"""The fields that tell one row: ids of relationships are unique among those of one twin."""


def is_look_up(plan: Plan) -> bool:
    """Whether the plan finds one row at most, by an index, in a time that its document bounds.

    The row has no more bytes than the document: no part of it is shown twice.
    """
    needed = _needed(plan)
    if needed is None or not _is_plain(plan):
        return False
    terms = plan.where.terms if isinstance(plan.where, And) else (plan.where,)
    columns = plan.columns or ()
    told = [_told_by(term) for term in terms]
    searches = len(columns) + _SEARCHES * sum(field not in needed for field in told)
    if searches > _MOST_SEARCHES or not needed.issubset(told):
        return False
    return all(map(_is_quick, terms)) and _is_within([column.value for column in columns])


def _needed(plan: Plan) -> frozenset[str] | None:
    """The fields that tell one row of the only source; None where there are more sources."""
    sources = plan.graph.sources
    alone = len(sources) == 1 and not plan.graph.hops and not plan.graph.apart
    return _NEEDED.get(sources[0].kind) if alone else None


def _is_plain(plan: Plan) -> bool:
    """Whether the row goes out as it is found."""
    changed = plan.counts or plan.grouped or plan.order or plan.offset
    return not changed and plan.top != 0 and not plan.explain


def _told_by(term: Condition) -> str | None:
    """The field that the term demands a value of."""
    match term:
        case Compare(op="=", left=Field(name=name), right=Const(value=str())):
            return name
        case _:
            return None


def _is_quick(term: Condition) -> bool:
    """Whether a term looks at one place of the document, and searches no text."""
    match term:
        case Compare(left=Field() | Doc(), right=Const()) | IsKind(value=Field() | Doc()):
            return True
        case OfModel(keys=keys):
            return len(keys) <= _MODELS
        case _:
            return False


def _is_within(values: Iterable[Value]) -> bool:
    """Whether these columns are parts of the document, none inside another or twice."""
    seen: list[tuple[str | int, ...]] = []
    for value in values:
        if isinstance(value, Field):
            continue
        if not isinstance(value, Doc):
            return False
        if any(value.steps[: len(one)] == one[: len(value.steps)] for one in seen):
            return False
        seen.append(value.steps)
    return True
