"""Distances as SQL: how what is compared is written, and the vector that a parameter gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kastor.distances import rounded
from kastor.errors import QueryError
from kastor.query.distances import BESIDE, FUNCTIONS
from kastor.query.plan import Call, Const, Doc, Field
from kastor.storage.vectors import MOST_DIMS

if TYPE_CHECKING:
    from kastor.query.plan import Scalar, Value
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.parameters import Parameters


class DistanceWriter(Protocol):
    """What writes values into a statement (`kastor.query.sql.values`)."""

    dialect: Dialect
    parameters: Parameters

    def alias(self, source: int) -> str:
        """The table alias of a source."""
        ...

    def constant(self, value: Scalar) -> str:
        """A bound constant."""
        ...

    def json(self, value: Value) -> str:
        """The value as JSON text."""
        ...


KINDS = {name: kind for kind, name in FUNCTIONS.items()}


def distance(values: DistanceWriter, call: Call) -> str:
    """The guarded number.

    Raises:
        QueryError: the parameter gives no vector that could be compared.
    """
    subject, *rest = call.args
    const, dims, *keys = [each.value for each in rest if isinstance(each, Const)]
    kind = KINDS[call.name]
    vector = read_vector(const, kind, int(dims or 0))
    beside = isinstance(subject, Field)
    text = _beside(values, subject) if isinstance(subject, Field) else values.json(subject)
    made = values.dialect.vector_distance(kind, text, vector, values.parameters, beside=beside)
    if not keys or not isinstance(subject, Field | Doc):
        return made
    listed = ", ".join(map(str, keys))
    return f"CASE WHEN {values.alias(subject.source)}.model_key IN ({listed}) THEN {made} END"


def read_vector(given: object, kind: str, dims: int) -> tuple[float, ...]:
    """The vector that a parameter gives.

    Raises:
        QueryError: it is none, or of another length than `dims`, if that is not 0.
    """
    count = len(given) if isinstance(given, tuple) else 0
    if not 1 <= count <= MOST_DIMS:
        raise QueryError(f"A vector has 1 to {MOST_DIMS} numbers, and the one given has {count}.")
    if dims and count != dims:
        raise QueryError(f"The vectors of the index have {dims} numbers, the one given {count}.")
    found = rounded(given if isinstance(given, tuple) else ())
    if found is None:
        raise QueryError("A vector holds numbers in the range of float32, and nothing else.")
    if kind == "cosine" and not any(found):
        raise QueryError("A vector of zeros has no direction, so there is no cosine of it.")
    return found


def _beside(values: DistanceWriter, subject: Field) -> str:
    """The vector beside a twin."""
    table = values.dialect.table("vectors")
    name = values.constant(subject.name.removeprefix(BESIDE))
    alias = values.alias(subject.source)
    return (
        f"(SELECT v.vector FROM {table} v WHERE v.twin_key = {alias}.key AND v.index_name = {name})"
    )
