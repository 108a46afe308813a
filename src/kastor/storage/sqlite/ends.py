"""From numbers of versions to what ended them.

Within a key, ends rise with versions, and the index has the ends; so a number is found by halving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.storage.history import Kind

NEAR = 64
"""Versions that are sooner passed than halved."""

_FIRST = "SELECT version FROM {kind}_versions WHERE key = ? ORDER BY ended_by LIMIT 1"
_ENDS = "SELECT min(ended_by), max(ended_by) FROM {kind}_versions WHERE key = ?"
_PROBE = """
SELECT version, ended_by FROM {kind}_versions WHERE key = ? AND ended_by >= ?
ORDER BY ended_by LIMIT 1
"""


def end_of(execute: Callable[..., Any], kind: Kind, key: int, version: int) -> int:
    """Return what ended the last kept version up to a number; 0 where there is none."""
    low, high = execute(_ENDS.format(kind=kind), (key,)).fetchall()[0]
    probe = _PROBE.format(kind=kind)
    found = 0
    while low is not None and low <= high:
        middle = (low + high) // 2
        number, end = execute(probe, (key, middle)).fetchall()[0]
        if number <= version:
            found, low = end, end + 1
        else:
            high = middle - 1
    return found


def end_near(execute: Callable[..., Any], kind: Kind, key: int, version: int) -> int:
    """Return an end up to that of a version, with at most NEAR others between."""
    rows = execute(_FIRST.format(kind=kind), (key,)).fetchall()
    if rows and version - rows[0][0] > NEAR:
        return end_of(execute, kind, key, version)
    return 0
