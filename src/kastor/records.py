"""What crosses the store's door: rows on the way out, changes on the way in.

A `Change` carries the new row *and* its log entry, and the store takes nothing else, so that
a row without its event cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, TypeAlias

from kastor.types import Etag, ModelId, RelationshipId, Ticks, TwinId

LONGEST_TRACE = 256
"""Characters of a traceparent; those of version 00 have 55."""


@dataclass(frozen=True, slots=True)
class TwinRow:
    """A stored twin; `doc` is its JSON text without `$etag`."""

    key: int
    id: TwinId
    model_key: int
    etag: Etag
    version: int
    doc: bytes


@dataclass(frozen=True, slots=True)
class RelationshipRow:
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


@dataclass(frozen=True, slots=True)
class LogEntry:
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


@dataclass(frozen=True, slots=True)
class WriteTwin:
    """Create (`before` None) or replace a twin's row."""

    before: TwinRow | None
    id: TwinId
    model_key: int
    etag: Etag
    doc: bytes
    log: LogEntry


@dataclass(frozen=True, slots=True)
class EraseTwin:
    """Delete a twin's row, leaving its version and a tombstone."""

    before: TwinRow
    log: LogEntry


@dataclass(frozen=True, slots=True)
class WriteRelationship:
    """Create (`before` None) or replace a relationship's row."""

    before: RelationshipRow | None
    source: TwinRow
    id: RelationshipId
    name: str
    target_key: int
    etag: Etag
    doc: bytes
    log: LogEntry


@dataclass(frozen=True, slots=True)
class EraseRelationship:
    """Delete a relationship's row, leaving its version and a tombstone."""

    before: RelationshipRow
    log: LogEntry


@dataclass(frozen=True, slots=True)
class LogTelemetry:
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


@dataclass(frozen=True, slots=True)
class Needs:
    """What a decision has to see: loaded by the store in the writing transaction."""

    twin_id: TwinId | None = None
    relationship_id: RelationshipId | None = None
    target_id: TwinId | None = None
    relationships_of_twin: bool = False


@dataclass(frozen=True, slots=True)
class Current:
    """The state that a decision is made on."""

    catalog: Any
    twin: TwinRow | None = None
    relationship: RelationshipRow | None = None
    target: TwinRow | None = None
    has_relationships: bool = False


class ReadFrom(Enum):
    """Where reads may go; an engine without replicas reads as from the primary."""

    PRIMARY = "primary"
    """Every write acknowledged before the read is seen."""

    CURRENT_REPLICA = "current-replica"
    """As well: a replica answers once it has all that was written before the read."""

    REPLICA = "replica"
    """A replica answers with what it has; it may be behind, and it may answer without a primary."""


class Sees:
    """What rules let an actor see of a graph; only who makes the rules and who keeps them look in.

    No rules are made yet. A read that is not told how to keep them refuses a context that has some
    (`Context.require_plain`), so that they cannot be kept on one road and forgotten on another.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a request brings to every read and write: for whom, from where, as of when.

    Attributes:
        actor: who asks; it is kept with each change.
        traceparent: the trace that the request belongs to, kept as well; what is longer than
            LONGEST_TRACE is none.
        source: where it reads.
        at: the instant as of which it reads; None for now.
        sees: what it may see; None for everything.
        size: bytes of the request's body, as far as it was read.
    """

    actor: str
    traceparent: str | None = None
    source: ReadFrom = ReadFrom.PRIMARY
    at: Ticks | None = None
    sees: Sees | None = None
    size: int = 0

    def __post_init__(self) -> None:
        if self.traceparent is not None and len(self.traceparent) > LONGEST_TRACE:
            object.__setattr__(self, "traceparent", None)

    def require_plain(self) -> None:
        """Refuse to read the present, or everything, for who asked for something else.

        Called by every read that knows neither instants nor rules.

        Raises:
            NotImplementedError: `at` or `sees` is set.
        """
        if self.at is not None or self.sees is not None:
            raise NotImplementedError("this read knows neither an instant nor rules")


SYSTEM = Context("system")
"""For what the server reads for itself, and for nobody: whether the store answers, what it holds.

It reads the primary, the present and everything. Nothing is written with it: whoever writes has a
name of its own.
"""


@dataclass(frozen=True, slots=True)
class Decision:
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
