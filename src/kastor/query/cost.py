"""The estimate behind the ``query-charge`` header (query-language 3); the one place for it."""

from __future__ import annotations

_BASE, _PER_ROW, _PER_HOP = 2.5, 0.02, 0.05


def charge(rows: int, hops: int) -> float:
    """Grows with the rows returned and the relationships each of them needed at least."""
    return round(_BASE + _PER_ROW * rows + _PER_HOP * rows * hops, 2)
