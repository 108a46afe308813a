"""How much of the past a graph keeps, and what its change log is measured by."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from kastor.clock import TICKS_PER_SECOND
from kastor.storage.history import HistorySettings, Keep

if TYPE_CHECKING:
    from kastor.types import ModelId, Ticks

BUCKETS = 64
"""Of the change log: a twin's events are in one of them."""
LOG_ROW_OVERHEAD = 200
"""Bytes that a log row takes beside its body, for the size cap of the log."""
VERSION_ROW_OVERHEAD = 200
"""Bytes that a superseded version takes beside its document, its place in indexes included."""
NOTHING_KEPT = 2**62
"""Stands for the oldest state of a graph that writes no versions, where the engine says so."""
TELEMETRY_ROW_OVERHEAD = 100
"""Bytes that a kept telemetry message takes beside its body."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much is kept: seconds, bytes, and dead letters of each route.

    What it says of versions and telemetry is the server's word; a graph may have its own
    (`rules_of`).
    """

    version_seconds: float = 7 * 86_400
    version_bytes: int = 2_000_000_000
    log_seconds: float = 86_400
    log_bytes: int = 1_000_000_000
    dead_letters: int = 10_000
    telemetry_seconds: float = 0.0
    telemetry_bytes: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How long and how much of something is kept; None: no bound of its own."""

    seconds: float | None
    bytes: int | None

    @property
    def is_off(self) -> bool:
        """Whether nothing is kept."""
        return self.seconds == 0 or self.bytes == 0

    def cutoff(self, now: Ticks) -> Ticks:
        """Return the time before which nothing is kept."""
        return 0 if self.seconds is None else now - int(self.seconds * TICKS_PER_SECOND)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """How much of its past a graph keeps, all said.

    Attributes:
        graph: of superseded versions; both bounds are set.
        models: of versions of the twins of a model, as far as it has rules of its own.
        telemetry: of messages; both bounds are set.
        settings: what of it the graph itself says.
    """

    graph: Limit
    models: Mapping[ModelId, Limit]
    telemetry: Limit
    settings: HistorySettings = field(default_factory=HistorySettings)


def rules_of(retention: Retention, stored: str | None) -> Rules:
    """Return the rules of a graph.

    Args:
        retention: what the server says.
        stored: what the graph says, JSON as `stored_settings` makes it; None: nothing.
    """
    said = read_stored(stored)
    return Rules(
        _limit(said.graph, retention.version_seconds, retention.version_bytes),
        {model_id: Limit(keep.seconds, keep.bytes) for model_id, keep in said.models.items()},
        _limit(said.telemetry, retention.telemetry_seconds, retention.telemetry_bytes),
        said,
    )


def read_stored(stored: str | None) -> HistorySettings:
    """Return settings that `stored_settings` made."""
    return (
        HistorySettings() if stored is None else msgspec.json.decode(stored, type=HistorySettings)
    )


def stored_settings(settings: HistorySettings) -> str:
    """Return settings as they are stored."""
    return msgspec.json.encode(settings).decode()


def _limit(keep: Keep, seconds: float, most: int) -> Limit:
    return Limit(
        seconds if keep.seconds is None else keep.seconds,
        most if keep.bytes is None else keep.bytes,
    )


def bucket_of(twin_id: str) -> int:
    """Return the bucket of a twin's events; the same on every engine and machine."""
    return zlib.crc32(twin_id.encode()) % BUCKETS
