"""What crosses the store's door: rows on the way out, changes on the way in.

A `Change` carries the new row *and* its log entry, and the store takes nothing else, so that
a row without its event cannot be written.

What is made for every request is a `Struct`: a frozen dataclass takes ten times as long to make
(2 us with six fields), and a write makes a dozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from kastor.types import Etag, ModelId, RelationshipId, Ticks, TwinId

LONGEST_TRACE = 256
"""Characters of a traceparent; those of version 00 have 55."""


class TwinRow(Struct, frozen=True):
    """A stored twin; `doc` is its JSON text without `$etag`."""

    key: int
    id: TwinId
    model_key: int
    etag: Etag
    version: int
    doc: bytes


class RelationshipRow(Struct, frozen=True):
    """A stored relationship; `doc` is its JSON text without `$etag`."""

    key: int
    source_key: int
    id: RelationshipId
    name: str
    target_key: int
    etag: Etag
    version: int
    doc: bytes


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A stored model; `text` is the document as uploaded."""

    key: int
    id: ModelId
    text: bytes
    uploaded: Ticks
    decommissioned: bool


class ChangeKind(StrEnum):
    """Kinds of the change log (design: storage)."""

    TWIN_CREATE = "Twin.Create"
    TWIN_UPDATE = "Twin.Update"
    TWIN_DELETE = "Twin.Delete"
    RELATIONSHIP_CREATE = "Relationship.Create"
    RELATIONSHIP_UPDATE = "Relationship.Update"
    RELATIONSHIP_DELETE = "Relationship.Delete"
    TELEMETRY = "Telemetry"
    MODEL_UPLOAD = "Model.Upload"
    MODEL_UPDATE = "Model.Update"
    MODEL_DELETE = "Model.Delete"


class LogEntry(Struct, frozen=True):
    """One row of the change log, but for what the store adds (seq, version, time, actor).

    `owner` is the id that gives the bucket: the twin's, a relationship's source twin's.
    `data` is the event's body as `events-and-jobs` 1.3 has it; `notify` is false for what
    fires no event.
    """

    kind: ChangeKind
    subject: str
    owner: str
    data: bytes
    event_id: str
    notify: bool = True
    model_id: ModelId | None = None
    component: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One row of the change log as it is read again; `data` is the event's body."""

    seq: int
    subject: str
    version: int | None
    kind: ChangeKind
    notify: bool
    event_id: str
    time: Ticks
    actor: str
    traceparent: str | None
    model_id: ModelId | None
    component: str | None
    content_type: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class RouteRow:
    """An event route and how far it has come.

    Attributes:
        position: every change up to here is delivered, not wanted, or a dead letter.
        paused: the relay leaves it alone.
        delivered, died: events so far.
        last_error: what the endpoint last answered wrongly; None after a success.
        held: a process has it now, on a graph that several processes serve.
    """

    id: str
    endpoint: str
    filter: str
    position: int
    paused: bool
    created: Ticks
    delivered: int
    died: int
    last_delivery: Ticks | None
    last_error: str | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A configured endpoint; `settings` is JSON text without any secret."""

    name: str
    kind: str
    settings: bytes
    created: Ticks


@dataclass(frozen=True, slots=True)
class InputRow:
    """A configured input; `settings` is JSON text without any secret.

    Attributes:
        paused: it takes no messages.
    """

    name: str
    kind: str
    settings: bytes
    created: Ticks
    paused: bool = False


@dataclass(frozen=True, slots=True)
class InputHolder:
    """The process that takes an input's messages; `report` is JSON text of its own."""

    owner: str
    report: bytes


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a route gave up; `event` is all of it as JSON, to be sent again."""

    key: int
    route: str
    position: int
    event: bytes
    error: str
    attempts: int
    died: Ticks
    requeued: bool


class WriteTwin(Struct, frozen=True):
    """Create (`before` None) or replace a twin's row."""

    before: TwinRow | None
    id: TwinId
    model_key: int
    etag: Etag
    doc: bytes
    log: LogEntry


class EraseTwin(Struct, frozen=True):
    """Delete a twin's row, leaving its version and a tombstone."""

    before: TwinRow
    log: LogEntry


class WriteRelationship(Struct, frozen=True):
    """Create (`before` None) or replace a relationship's row."""

    before: RelationshipRow | None
    source: TwinRow
    id: RelationshipId
    name: str
    target_key: int
    etag: Etag
    doc: bytes
    log: LogEntry


class EraseRelationship(Struct, frozen=True):
    """Delete a relationship's row, leaving its version and a tombstone."""

    before: RelationshipRow
    log: LogEntry


class LogTelemetry(Struct, frozen=True):
    """Telemetry changes no row; it only goes into the log."""

    twin: TwinRow
    log: LogEntry


@dataclass(frozen=True, slots=True)
class ChangeModels:
    """Upload, (de)commission or delete models, and the catalog that follows.

    `next_catalog` is called with the keys of the uploaded ids and the new epoch; its result
    becomes the catalog once the transaction is committed.
    """

    uploads: tuple[tuple[ModelId, bytes], ...]
    commission: tuple[tuple[ModelId, bool], ...]
    deletes: tuple[ModelId, ...]
    logs: tuple[LogEntry, ...]
    next_catalog: Callable[[Mapping[ModelId, int], int], Any]


Change: TypeAlias = (
    WriteTwin | EraseTwin | WriteRelationship | EraseRelationship | LogTelemetry | ChangeModels
)


class Needs(Struct, frozen=True):
    """What a decision has to see: loaded by the store in the writing transaction."""

    twin_id: TwinId | None = None
    relationship_id: RelationshipId | None = None
    target_id: TwinId | None = None
    relationships_of_twin: bool = False


class Current(Struct, frozen=True):
    """The state that a decision is made on."""

    catalog: Any
    twin: TwinRow | None = None
    relationship: RelationshipRow | None = None
    target: TwinRow | None = None
    has_relationships: bool = False


class Context(Struct, frozen=True):
    """Who asks, the trace that the request belongs to, and how many bytes its body has.

    What is too long to be a trace is none: it is kept with each change.
    """

    actor: str
    traceparent: str | None = None
    size: int = 0

    def __post_init__(self) -> None:
        if self.traceparent is not None and len(self.traceparent) > LONGEST_TRACE:
            force_setattr(self, "traceparent", None)


class Decision(Struct, frozen=True):
    """A decision's change, and what the caller gets once it is durable."""

    change: Change
    outcome: Any


@dataclass(frozen=True, slots=True)
class RelationshipPage:
    """Relationships in order, and whether more follow than fit in the page."""

    rows: list[RelationshipRow]
    more: bool


@dataclass(frozen=True, slots=True)
class IncomingRow:
    """An item of the incoming listing."""

    key: int
    id: RelationshipId
    source_id: TwinId
    name: str
    name_key: int
    source_key: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Counts and sizes for `/kastor/v1/status`; sizes in bytes, times in ticks."""

    engine: str
    twins: int
    relationships: int
    models: int
    versions: int
    log_entries: int
    version_bytes: int
    log_bytes: int
    file_bytes: int
    oldest_version: Ticks | None
    oldest_log_entry: Ticks | None


Rows: TypeAlias = Sequence[tuple[Any, ...]]
