"""GeoJSON rules beyond the schema: positions of two or three numbers, closed rings.

Only used when `ValueRules.closed_rings` says so; the spec's own rules know just nested arrays.
"""

from __future__ import annotations

from typing import Any

PREFIX = "dtmi:standard:schema:geospatial:"
_SHORTEST_RING = 4
# How deep the positions are in the coordinates of each shape.
_NESTING = {
    "point": 0,
    "multiPoint": 1,
    "lineString": 1,
    "multiLineString": 2,
    "polygon": 2,
    "multiPolygon": 3,
}


def shape_of(identifier: str) -> str | None:
    """Return the shape that a schema id stands for, or None."""
    if not identifier.startswith(PREFIX):
        return None
    name = identifier[len(PREFIX) :].partition(";")[0]
    return name if name in _NESTING else None


def shape_fault(shape: str, value: dict[str, Any]) -> str | None:
    """Return what is wrong with the coordinates of a shape that fits its schema, or None."""
    lists = [value.get("coordinates", [])]
    if "coordinates" not in value:
        return None
    rings: list[Any] = []
    for depth in range(_NESTING[shape]):
        if shape in ("polygon", "multiPolygon") and depth == _NESTING[shape] - 1:
            rings = list(lists)
        lists = [inner for entry in lists for inner in entry]
    if any(len(position) not in (2, 3) for position in lists):
        return "a position must have two or three numbers"
    for ring in rings:
        if len(ring) < _SHORTEST_RING or ring[0] != ring[-1]:
            return "a ring must have four positions or more and end where it begins"
    return None
