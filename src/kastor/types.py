"""Names for the plain values that travel everywhere; imports nothing of ours."""

from __future__ import annotations

from typing import Any, TypeAlias

TwinId: TypeAlias = str
RelationshipId: TypeAlias = str
ModelId: TypeAlias = str
Etag: TypeAlias = str
"""The guid inside ``W/"..."``, lower case with hyphens."""

Ticks: TypeAlias = int
"""100 ns steps of UTC since 0001-01-01, as signed 64-bit integer."""

Json: TypeAlias = Any  # any: what was decoded is looked into
"""A decoded JSON value: dict, list, str, int, float, bool or None."""

Document: TypeAlias = dict[str, Any]
"""A decoded JSON object."""
