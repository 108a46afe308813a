"""What the road of writes and the reads share: rows on the way out, changes on the way in.

A `Change` carries the new row *and* its log entry, and the store takes nothing else, so that
a row without its event cannot be written. Rows of other tables stand beside their protocols
(`storage.events`, `storage.inputs`).

What is made for every request is a `Struct`: a frozen dataclass takes ten times as long to make
(2 us with six fields), and a write makes a dozen. Those that cannot be part of a circle are not
looked at by the garbage collector, which takes a fifth of the time of a large batch otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from kastor.types import Etag, ModelId, RelationshipId, Ticks, TwinId

LONGEST_TRACE = 256
"""Characters of a traceparent; those of version 00 have 55."""


class TwinRow(Struct, frozen=True, gc=False):
    """A stored twin; `doc` is its JSON text without `$etag`.

    `size` is what the document takes where it is stored, for a writer that counts it; else 0.
    """

    key: int
    id: TwinId
    model_key: int
    etag: Etag
    version: int
    doc: bytes
    size: int = 0


class RelationshipRow(Struct, frozen=True, gc=False):
    """A stored relationship; `doc` and `size` are as a twin's."""

    key: int
    source_key: int
    id: RelationshipId
    name: str
    target_key: int
    etag: Etag
    version: int
    doc: bytes
    size: int = 0


class Degrees(Struct, frozen=True):
    """How many relationships leave and enter a twin, counted up to a bound."""

    key: int
    id: TwinId
    outgoing: int
    incoming: int


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A stored model; `text` is the document as uploaded."""

    key: int
    id: ModelId
    text: bytes
    uploaded: Ticks
    decommissioned: bool


class StoredSince(Protocol):
    """What a store asks of a model in the catalog."""

    @property
    def uploaded(self) -> Ticks:
        """When it was stored."""


class Catalog(Protocol):
    """What a store asks of the model catalog, which is made and read above it."""

    @property
    def epoch(self) -> int:
        """The number of the change of models that led here."""

    @property
    def models(self) -> Mapping[ModelId, StoredSince]:
        """The stored models by id."""

    @property
    def keys(self) -> Mapping[ModelId, int]:
        """The key of every id that is or was stored."""


C = TypeVar("C", bound=Catalog)
"""The catalog of a graph, as those see it who decide its writes."""

T = TypeVar("T")
"""The outcome of a write: what its caller gets once it is durable."""


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


class LogEntry(Struct, frozen=True, gc=False):
    """One row of the change log, but for what the store adds (seq, version, time, actor).

    `owner` is the id that gives the bucket: the twin's, a relationship's source twin's.
    `data` is the event's body as events 1.3 has it; `notify` is false for what
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


class WriteTwin(Struct, frozen=True, gc=False):
    """Create (`before` None) or replace a twin's row."""

    before: TwinRow | None
    id: TwinId
    model_key: int
    etag: Etag
    doc: bytes
    log: LogEntry


class EraseTwin(Struct, frozen=True, gc=False):
    """Delete a twin's row, leaving its version and a tombstone."""

    before: TwinRow
    log: LogEntry


class WriteRelationship(Struct, frozen=True, gc=False):
    """Create (`before` None) or replace a relationship's row."""

    before: RelationshipRow | None
    source: TwinRow
    id: RelationshipId
    name: str
    target_key: int
    etag: Etag
    doc: bytes
    log: LogEntry


class EraseRelationship(Struct, frozen=True, gc=False):
    """Delete a relationship's row, leaving its version and a tombstone."""

    before: RelationshipRow
    log: LogEntry


class LogTelemetry(Struct, frozen=True, gc=False):
    """Telemetry changes no row; it goes into the log, and where it is kept longer, beside it.

    `source_time` is when its sender says that it was taken.
    """

    twin: TwinRow
    log: LogEntry
    source_time: Ticks | None = None


@dataclass(frozen=True, slots=True)
class ChangeModels(Generic[C]):
    """Upload, (de)commission or delete models, and the catalog that follows.

    `next_catalog` is called with the keys of the uploaded ids and the new epoch; its result
    becomes the catalog once the transaction is committed.
    """

    uploads: tuple[tuple[ModelId, bytes], ...]
    commission: tuple[tuple[ModelId, bool], ...]
    deletes: tuple[ModelId, ...]
    logs: tuple[LogEntry, ...]
    next_catalog: Callable[[Mapping[ModelId, int], int], C]


Change: TypeAlias = (
    WriteTwin | EraseTwin | WriteRelationship | EraseRelationship | LogTelemetry | ChangeModels[C]
)


class Needs(Struct, frozen=True, gc=False):
    """What a decision has to see: loaded by the store in the writing transaction.

    Where a relationship is named, its ends may come with an empty `doc`: it depends on what they
    are, not on what they hold, and to read two documents takes longer than to write one.
    """

    twin_id: TwinId | None = None
    relationship_id: RelationshipId | None = None
    target_id: TwinId | None = None
    relationships_of_twin: bool = False


class Current(Struct, Generic[C], frozen=True, gc=False):
    """The state that a decision is made on."""

    catalog: C
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


class PolicyPart(Struct, frozen=True):
    """A part of a graph: the twins that meet all that is said.

    Attributes:
        name: as the policy calls it.
        under: the id of the twin with which it begins; None: it does not matter where a twin is.
        outgoing: names of the relationships that lead from a twin to those below it.
        incoming: names of those that lead from a twin to the one above it, in place of `outgoing`.
        models: ids of models, whose twins and those of models that extend them belong to it; none:
            of all.
        model_keys: the keys of all these; None: they were not looked up yet.
        key: under which the graph keeps what lies below that twin; None: it was not looked up yet.
    """

    name: str
    under: TwinId | None = None
    outgoing: tuple[str, ...] = ()
    incoming: tuple[str, ...] = ()
    models: tuple[ModelId, ...] = ()
    model_keys: tuple[int, ...] | None = None
    key: int | None = None


class Sees(Struct, frozen=True):
    """What rules let an actor see of a graph: the twins of any of these parts.

    And the relationships with both ends among them. A read that is not told how to keep to it
    refuses a context that has it (`Context.require_plain`), so that it cannot be kept on one road
    and forgotten on another.
    """

    parts: tuple[PolicyPart, ...] = ()


class AsOf(Struct, frozen=True):
    """A state of the past: the graph after a change, and nothing that came later.

    Made by `GraphService.at` alone; every read of a request is of the same one.

    Attributes:
        change: the position in the change log of the last entry that it includes.
        time: the instant that was asked for, or that of the entry; what answers name.
        catalog: the models of then.
        newest: the latest time of any write that it includes, for an engine that needs it; where
            clocks were set back, later than `time`.
    """

    change: int
    time: Ticks
    catalog: Catalog | None = None
    newest: Ticks = 0


class Others(IntEnum):
    """How the twins, or the relationships, of the present differ from those of a past state.

    Whatever differs, their documents may.
    """

    NONE = 0
    """They are the same ones, of the same models, between the same ends."""
    MORE = 1
    """They are the same ones, and some were created since."""
    ANY = 2
    """Some are gone, or have other models or ends; or nobody knows."""


class Since(Struct, frozen=True):
    """What became of a past state until now; later it can be more, never less."""

    twins: Others = Others.ANY
    relationships: Others = Others.ANY


ANYTHING = Since()
"""Nothing is known of it."""


class Context(Struct, frozen=True):
    """What a request brings to every read and write: for whom, from where, as of when.

    Attributes:
        actor: who asks; it is kept with each change.
        traceparent: the trace that the request belongs to, kept as well; what is longer than
            LONGEST_TRACE is none.
        source: where it reads.
        at: the state of the past that it reads; None for the present.
        sees: what it may see; None for everything.
        size: bytes of the request's body, as far as it was read.
        dry_run: whether a write is only judged, and changes nothing.
    """

    actor: str
    traceparent: str | None = None
    source: ReadFrom = ReadFrom.PRIMARY
    at: AsOf | None = None
    sees: Sees | None = None
    size: int = 0
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.traceparent is not None and len(self.traceparent) > LONGEST_TRACE:
            force_setattr(self, "traceparent", None)

    def require_all(self) -> None:
        """Refuse to read everything for who may see a part; for reads that know instants.

        Raises:
            NotImplementedError: `sees` is set.
        """
        if self.sees is not None:
            raise NotImplementedError("this read knows no rules")

    def require_plain(self) -> None:
        """Refuse to read the present, or everything, for who asked for something else.

        Called by every read that knows neither instants nor rules.

        Raises:
            NotImplementedError: `at` or `sees` is set.
        """
        if self.at is not None or self.sees is not None:
            raise NotImplementedError("this read knows neither an instant nor rules")

    def require_writing(self) -> None:
        """Refuse to write for who asked for a dry run; called by everything that writes.

        Raises:
            NotImplementedError: `dry_run` is set, and nobody looked at it until here.
        """
        if self.dry_run:
            raise NotImplementedError("this write knows no dry run")


SYSTEM = Context("system")
"""For what the server reads for itself, and for nobody: whether the store answers, what it holds.

It reads the primary, the present and everything. Nothing is written with it: whoever writes has a
name of its own.
"""


class Decision(Struct, Generic[C, T], frozen=True, gc=False):
    """A decision's change, and what the caller gets once it is durable.

    Without a change nothing is written, and the outcome holds for the state that was decided on.
    """

    change: Change[C] | None
    outcome: T


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
