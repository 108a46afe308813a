"""What the suite asks of an engine: to open a graph, and to show its history row by row.

The store's protocol has no reads of versions and of the log yet, so each engine brings them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kastor.graph.catalog import ModelCatalog
from kastor.storage.protocol import Store


@dataclass(frozen=True)
class Version:
    """One version of a twin or relationship; the current one has no end."""

    key: int
    id: str
    version: int
    etag: str
    valid_from: int
    actor: str
    doc: dict[str, Any]
    model_key: int | None = None
    source_key: int | None = None
    target_key: int | None = None
    name: str | None = None
    valid_to: int | None = None
    ended_actor: str | None = None


@dataclass(frozen=True)
class LogRow:
    """One row of the change log."""

    seq: int
    pos: int
    bucket: int
    subject: str
    twin_key: int | None
    version: int | None
    kind: str
    notify: bool
    event_id: str
    time: int
    actor: str
    traceparent: str | None
    model_id: str | None
    component: str | None
    content_type: str | None
    data: bytes


@dataclass(frozen=True)
class Upload:
    """One upload of a model, ended ones included."""

    id: str
    seq: int
    text: str
    uploaded: int
    decommissioned: int | None
    valid_from: int
    valid_to: int | None


@dataclass(frozen=True)
class Tombstone:
    kind: str
    id: str
    key: int
    last_version: int
    deleted_at: int


class History(Protocol):
    """Reads behind the store's back, for one graph."""

    def twin_versions(self, twin_id: str) -> list[Version]:
        """Return all versions of an id, oldest first."""

    def relationship_versions(self, relationship_id: str) -> list[Version]:
        """Return all versions of the relationships with an id, oldest first."""

    def log(self) -> list[LogRow]:
        """Return the change log in order."""

    def origins(self) -> list[str]:
        """Return by which ways changes came, as far as anything is kept of that."""

    def uploads(self) -> list[Upload]:
        """Return every upload in order."""

    def tombstones(self) -> list[Tombstone]:
        """Return the tombstones by kind and id."""

    def sizes(self) -> tuple[int, int]:
        """Return what version documents and log rows really take, as the caps count it."""

    def close(self) -> None:
        """Release what was opened."""


class Engine(Protocol):
    """A way to open graphs by name; the same name is the same graph again.

    Attributes:
        in_order: one writer takes all commands in the order they are given, and writes the log in
            that order. Without it, commands in flight at the same time have no order.
    """

    in_order: bool

    async def open(
        self, name: str = "graph", *, clock: Callable[[], int] | None = None, **retention: Any
    ) -> Store[ModelCatalog]:
        """Open or create a graph; `retention` are the limits' names and values."""

    def history(self, name: str = "graph") -> History:
        """Return the reads of an open graph."""

    def place(self, name: str = "graph") -> tuple[str, str]:
        """Return where a graph is, for another process: a file, or a DSN and a schema."""

    async def close(self) -> None:
        """Close what was opened."""
