"""Distances of vectors in PostgreSQL, over arrays; see `kastor.distances`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.distances import LARGEST, SMALLEST, norm

if TYPE_CHECKING:
    from kastor.query.sql.parameters import Parameters

_NUMBER = f"""CASE WHEN jsonb_typeof(p.item) = 'number' THEN
    CASE WHEN abs(p.item::numeric) < {SMALLEST!r} THEN 0::float8
         WHEN abs(p.item::numeric) <= {LARGEST!r} THEN p.item::numeric::float8::float4::float8 END
END"""
"""In steps, as only one branch of a CASE is certain not to be computed before its condition."""
_ITEMS = "CASE WHEN jsonb_typeof(SUBJECT) = 'array' THEN SUBJECT END"
_TOTALS = {
    "l2": "sqrt(sum((d.a - d.b) * (d.a - d.b)))",
    "l1": "sum(abs(d.a - d.b))",
    "dot": "-sum(d.a * d.b)",
    "product": "sum(d.a * d.b)",
}


def distance(
    kind: str, subject: str, vector: tuple[float, ...], parameters: Parameters, *, beside: bool
) -> str:
    """The number, NULL where there is none.

    Args:
        kind: of distance.
        subject: an array of numbers if `beside`, else JSON text.
        vector: what it is compared with.
        parameters: of the statement.
        beside: whether the subject is a vector beside a twin.
    """
    mark = f"{parameters.add(tuple(map(repr, vector)))}::text[]::float8[]"
    if beside:
        items, number = subject, "p.item::float8"
    else:
        # Once more in a query of its own: it is needed more often, and may be long.
        items, number = _ITEMS.replace("SUBJECT", "s.doc"), _NUMBER
        items = f"SELECT {items} AS item FROM (SELECT ({subject})::jsonb AS doc) s"
        items = f"({items})"
    unfold = f"unnest({items})" if beside else f"jsonb_array_elements({items})"
    total = _TOTALS.get(kind)
    if total is None:
        length = parameters.add(norm(vector))
        squares = "sqrt(sum(d.a * d.a))"
        total = (
            f"CASE WHEN sum(d.a * d.a) > 0 THEN greatest(0, least(2,"
            f" 1 - sum(d.a * d.b) / ({squares} * {length}::float8))) END"
        )
    count = len(vector)
    return (
        f"(SELECT CASE WHEN count(*) = {count} AND count(d.a) = {count} AND count(d.b) = {count}"
        f" THEN {total} END::text::numeric FROM (SELECT {number} AS a, p.b FROM"
        f" ROWS FROM ({unfold}, unnest({mark})) AS p (item, b)) d)"
    )
