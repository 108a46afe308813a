"""Names for the plain values that travel everywhere; imports nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

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


if TYPE_CHECKING:
    from typing_extensions import override as override  # noqa: PLC0414 - it is for all
else:
    _Method = TypeVar("_Method")

    def override(method: _Method) -> _Method:
        """Mark a method that overrides one; mypy checks that it does.

        To a type checker it is that of `typing_extensions`, whose import would slow each start.
        """
        return method
