"""Distances of vectors in both languages: what they are of, by which index, and who has none.

A distance is a `Call` of one of `FUNCTIONS` over what is compared, the vector that a parameter
gives, how many components both have (0: as many as that one), and the keys of the models whose
twins have one; without keys twins of all models have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, cast

from kastor.errors import QueryError
from kastor.query.plan import And, Call, Const, Doc, Field, IsKind, Plan, Value
from kastor.query.references import parts_of

if TYPE_CHECKING:
    from kastor.query.given import Item
    from kastor.query.plan import Condition, Scalar
    from kastor.query.scope import Scope
    from kastor.storage.vectors import VectorIndexRow

FUNCTIONS = {
    "cosine": "COSINE_DISTANCE",
    "l2": "L2_DISTANCE",
    "l1": "L1_DISTANCE",
    "dot": "DOT_DISTANCE",
    "product": "INNER_PRODUCT",
}
"""By the kind of distance, see `kastor.distances.Distance`."""
KINDS = {"VECTOR_DISTANCE": None, "COSINE_DISTANCE": "cosine", "L2_DISTANCE": "l2"}
"""How ADT SQL spells distances; the kind of the first one is that of the index."""
BESIDE = "vector:"
"""Begins the name of a `Field` that is the vector beside a twin; then comes its index."""
_NUMBER = frozenset({"number"})


@dataclass(frozen=True, slots=True)
class AskedDistance:
    """A distance as a text asks for it.

    Attributes:
        kind: of distance; None for that of the index.
        subject: a property, or a whole twin.
        index: the name of one.
        parameter: the name of the one that gives the vector; None for a literal.
        vector: what it gives.
        at: where the call stands in the text.
    """

    kind: str | None
    subject: Value
    index: str | None
    parameter: str | None
    vector: Item
    at: int


def mentions_distance(text: str) -> bool:
    """Whether a text may compute distances, so that indexes matter to it."""
    found = text.upper()
    return "DISTANCE" in found or "INNER_PRODUCT" in found


def bind_distance(asked: AskedDistance, scope: Scope) -> Call:
    """The value of a distance.

    Raises:
        QueryError: there is no such index, or more than one, or nothing that can be compared.
    """
    subject, at = asked.subject, asked.at
    if not isinstance(subject, Doc) or scope.sources[subject.source].kind != "twin":
        scope.fail("a distance is of a property of a twin, or of a twin and an index", at)
    if not subject.steps and asked.index is None:
        scope.fail("a distance of a whole twin needs the name of an index", at)
    index = _index(asked, scope)
    found: Value = subject
    if index is not None and not subject.steps:
        found = Doc(subject.source, index.steps)
        if index.path is None:
            found = Field(subject.source, BESIDE + index.name)
    kind = asked.kind or ("cosine" if index is None else index.metric)
    keys: set[int] = set()
    for model in () if index is None else index.models:
        keys |= scope.models.matching(model, exact=False)
    if index is not None and index.models and not keys:
        keys = {0}  # none of its models is stored
    vector = Const(cast("Scalar", asked.vector), asked.parameter)
    dims = Const(0 if index is None else index.dims)
    models = [Const(key) for key in sorted(keys)]
    return Call(FUNCTIONS[kind], (found, vector, dims, *models), "number")


def _index(asked: AskedDistance, scope: Scope) -> VectorIndexRow | None:
    indexes = scope.notes.vectors
    if asked.index is not None:
        for index in indexes:
            if index.name == asked.index:
                return index if _fits(index, asked) else _other(index, asked, scope)
        known = ", ".join(index.name for index in indexes) or "none"
        scope.fail(f"there is no vector index {asked.index[:100]!r}; there is {known}", asked.at)
    fitting = [index for index in indexes if _fits(index, asked)]
    if len(fitting) > 1 and asked.kind is None:
        names = ", ".join(index.name for index in fitting)
        scope.fail(f"the property has several vector indexes: name one of {names}", asked.at)
    return fitting[0] if len(fitting) == 1 else None


def _fits(index: VectorIndexRow, asked: AskedDistance) -> bool:
    subject = asked.subject
    return isinstance(subject, Doc) and (
        not subject.steps or (index.path is not None and index.steps == subject.steps)
    )


def _other(index: VectorIndexRow, asked: AskedDistance, scope: Scope) -> NoReturn:
    place = "vectors beside twins" if index.path is None else index.path
    scope.fail(f"the index {index.name} is of {place}, not of this property", asked.at)


def only_with_distances(plan: Plan) -> Plan:
    """The plan of rows that have every distance that they are ordered by (decisions 7)."""
    wanted: list[Condition] = [
        IsKind(call, _NUMBER) for order in plan.order for call in distances_in(order.value)
    ]
    if not wanted:
        return plan
    return replace(plan, where=And((plan.where, *dict.fromkeys(wanted))))


def require_in_documents(plan: Plan) -> None:
    """Refuse a plan of the past that needs vectors beside twins, which have none.

    Raises:
        QueryError: it does.
    """
    values = [column.value for column in plan.columns or ()]
    values += [order.value for order in plan.order]
    for call in distances_in(plan.where, plan.having, *values, *plan.group):
        if isinstance(call.args[0], Field):
            name = call.args[0].name.removeprefix(BESIDE)
            raise QueryError(
                f"The vectors of the index {name} stand beside twins and have no past. Ask for now,"
                " or by an index of a property."
            )


def distances_in(*items: Condition | Value) -> list[Call]:
    """The distances in values."""
    found = []
    for item in items:
        if isinstance(item, Call) and item.name in FUNCTIONS.values():
            found.append(item)
        else:
            found += distances_in(*parts_of(item))
    return found
