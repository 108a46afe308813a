"""The past of a graph: which states there are, what they held, and how much of it is kept.

A state is named by a position in the change log: it is the graph after that entry. Positions are
a total order, also where clocks were set back or several processes write; times are not. So an
instant is resolved to a position once (`HistoryStore.resolve`), and all reads go by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct, field

from kastor.errors import Gone, InvalidArgument
from kastor.records import AsOf, Catalog
from kastor.types import Etag, RelationshipId, Ticks, TwinId

Kind: TypeAlias = Literal["twin", "relationship"]

C_co = TypeVar("C_co", bound=Catalog, covariant=True)
"""The catalog of a graph."""

YOUNG_SECONDS = 86_400.0
"""Versions that ended longer ago are packed."""
BLOCK_VERSIONS = 16
"""Versions of one twin that are packed together."""


def expired(asked: str, oldest: str) -> Gone:
    """Return the error of who asks for a state that is older than what is kept."""
    return Gone(
        f"The graph as of {asked} is not kept any more. Ask for {oldest} or later; "
        "how much is kept says GET /kastor/v1/history.",
        code="HistoryExpired",
    )


def require_same_state(token: int | None, asked: AsOf | None) -> None:
    """Refuse to go on at another state than the pages before were of.

    Args:
        token: the state of those; None: the present.
        asked: what the request names; None: nothing.

    Raises:
        InvalidArgument: it names another one.
    """
    if asked is not None and asked.change != token:
        of = "the present" if token is None else f"change:{token}"
        raise InvalidArgument(
            f"The pages before this one are of {of}, and change:{asked.change} is asked for. Leave "
            "out kastor-as-of and asOf to go on, or the continuationToken to begin anew."
        )


class Version(Struct, frozen=True):
    """One version of a twin or a relationship, or the deletion that ended it.

    Attributes:
        version: 1, 2, 3 ... over all lives of the id; a deletion has a number too.
        change: position of the entry of the change log that made it.
        start: when, in ticks; by the writer's clock.
        end: when the next one took its place; None while it is the present one, and for the last
            deletion.
        actor: who made it.
        etag: empty for a deletion.
        doc: the whole document as JSON text without `$etag`; None for a deletion.
        via: by which way the change came, JSON text; None for its author's own call.
    """

    version: int
    change: int
    start: Ticks
    end: Ticks | None
    actor: str
    etag: Etag
    doc: bytes | None
    via: bytes | None = None


class StateDifference(Struct, frozen=True):
    """A twin or a relationship of which two states hold different versions.

    Attributes:
        identity: (id,) of a twin, (source id, id) of a relationship.
        before: its document in the older state; None where it was not there.
        after: the same in the newer one.
    """

    identity: tuple[str, ...]
    before: bytes | None
    after: bytes | None


class TelemetryPoint(Struct, frozen=True):
    """A kept telemetry message.

    Attributes:
        change: position of its entry in the change log.
        time: when it was taken.
        source_time: what the sender said; None where it said nothing that can be read.
        component: its path; None where it was of the twin itself.
        data: the message, as it came.
    """

    change: int
    time: Ticks
    source_time: Ticks | None
    component: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class HistoryStatus:
    """What is kept: sizes in bytes, times in ticks.

    Attributes:
        oldest: the first state that can be read.
        newest: the present one.
        versions: superseded versions, packed ones included.
        packed: how many of them are packed.
        whole_bytes: of documents that are kept whole.
        packed_bytes: of blocks of packed ones.
        telemetry: kept messages.
        telemetry_bytes: of these.
    """

    oldest: AsOf
    newest: AsOf
    versions: int
    packed: int
    whole_bytes: int
    packed_bytes: int
    telemetry: int
    telemetry_bytes: int


class Keep(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much is kept, as far as it differs from what stands above it.

    Attributes:
        seconds: what ended longer ago goes; 0: nothing is kept; None: as above.
        bytes: what is beyond it goes, oldest first; 0: nothing is kept; None: as above, or for a
            model, no bound of its own.
    """

    seconds: float | None = None
    bytes: int | None = None


class HistorySettings(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much of its past a graph keeps, over the server's settings.

    Attributes:
        graph: for all twins and relationships.
        models: for the twins of just that model, by its id. A shorter time makes states of the
            whole graph unreadable from where something is missing; a longer one keeps the history
            of these twins alone. Beyond `graph.bytes` all goes.
        telemetry: for telemetry messages, which by default are not kept.
    """

    graph: Keep = field(default_factory=Keep)
    models: dict[str, Keep] = field(default_factory=dict)
    telemetry: Keep = field(default_factory=Keep)


class HistoryStore(Protocol[C_co]):
    """The past of one graph."""

    async def resolve(
        self, *, time: Ticks | None = None, change: int | None = None, kept: bool = True
    ) -> AsOf:
        """Return the state at an instant, or after an entry; without its catalog.

        An instant includes what happened at exactly that time (decisions 5). Asked again it is the
        same state, whatever is committed in between. Without both it is the present one, whatever
        the clocks say.

        Args:
            time: the instant; or
            change: the position of the entry.
            kept: whether it has to be one that is kept. Else its position is what is known of it,
                0 before all that is, and there may be nothing to be read of it.

        Raises:
            InvalidArgument: it lies in the future.
            Gone: it is older than what is kept (`expired`).
        """

    async def catalog(self, at: AsOf) -> C_co:
        """Return the models of a state; the present catalog, where no model has changed since."""

    async def versions(
        self,
        kind: Kind,
        identity: tuple[TwinId] | tuple[TwinId, RelationshipId],
        *,
        start: int,
        end: int,
        limit: int,
        descending: bool,
    ) -> list[Version] | None:
        """Return versions of one twin or relationship, also of one that is deleted.

        Those that were made by changes from position `start` to `end`, both included, and before
        them, where `start` is not the beginning of what is kept, nothing. In order of version, up
        to `limit`, fewer where they have more than PORTION_BYTES together, but at least one. None
        where nothing of such an identity is known.
        """

    async def version_before(
        self, kind: Kind, identity: tuple[TwinId] | tuple[TwinId, RelationshipId], version: int
    ) -> Version | None:
        """Return the version of that number or the nearest one before it; None: none is kept."""

    async def differences(
        self, kind: Kind, low: AsOf, high: AsOf, after: tuple[str, ...], limit: int
    ) -> list[StateDifference]:
        """Return what differs between two states, in order of identity, strictly after `after`.

        Up to `limit`, fewer where the documents have more than PORTION_BYTES together, but at
        least one while there are any. What was changed and changed back is left out if the
        documents are the same.
        """

    async def telemetry(
        self,
        twin_id: TwinId,
        component: str | None,
        *,
        start: Ticks,
        end: Ticks,
        after: int,
        limit: int,
        by_source_time: bool,
    ) -> list[TelemetryPoint]:
        """Return kept telemetry of a twin, in order of change, strictly after `after`.

        Up to `limit`, fewer where messages have more than PORTION_BYTES together, but at least one
        while there are any.

        Args:
            twin_id: of the twin, which may be deleted.
            component: of it; None for the twin itself.
            start: from this time on.
            end: before this time.
            after: a position of the change log; 0 at the start.
            limit: how many at most.
            by_source_time: whether `start` and `end` are the senders' times, where they said any.
        """

    async def status(self) -> HistoryStatus:
        """Return what is kept."""

    async def settings(self) -> HistorySettings:
        """Return how much is kept, as far as the graph says it."""

    async def put_settings(self, settings: HistorySettings) -> None:
        """Keep so much from now on; what is too much goes with the next pruning."""

    async def pack(self) -> int:
        """Pack what is older than YOUNG_SECONDS, a step at a time; return the versions packed."""
