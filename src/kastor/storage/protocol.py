"""The contract between the graph and a storage engine.

Everything is async because an engine may be remote; the embedded engine answers point reads
without suspending. Reads see every write acknowledged before them, unless their context names a
source that may be behind; each takes the context of who asks, and one whose `at` or `sees` is set
is refused by what does not know these (`Context.require_plain`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from kastor.records import (
    AsOf,
    C,
    Context,
    Degrees,
    IncomingRow,
    ModelRow,
    Needs,
    RelationshipPage,
    RelationshipRow,
    Since,
    T,
    TwinRow,
)
from kastor.storage.batches import Decide, MakeNote, Results, Write
from kastor.storage.events import EventStore
from kastor.storage.history import HistoryStore
from kastor.storage.indexes import IndexStore
from kastor.storage.inputs import InputStore
from kastor.storage.jobs import JobStore
from kastor.storage.load import StoreLoad
from kastor.storage.parts import PartStore
from kastor.storage.proposals import ProposalStore
from kastor.storage.saved import SavedStore
from kastor.storage.search import SearchStore
from kastor.storage.ticker import Ticker
from kastor.storage.transfer import Snapshot
from kastor.storage.vectors import VectorStore
from kastor.types import RelationshipId, Ticks, TwinId


@dataclass(frozen=True, slots=True)
class Engine:
    """What queries have to know of where they run.

    Attributes:
        schema: that the tables' names need; empty where they need none.
    """

    name: Literal["sqlite", "postgres"]
    schema: str = ""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Counts and sizes for `/kastor/v1/status`; sizes in bytes, times in ticks.

    Attributes:
        disk_free: room where the graph's file is; None where there is none, or nobody can tell.
    """

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
    disk_free: int | None = None


LookUp: TypeAlias = Callable[[str, Sequence[object], Context], tuple[Any, ...] | None]


class BuildCatalog(Protocol[C]):
    """Makes a catalog from what is stored."""

    def __call__(
        self,
        rows: Sequence[ModelRow],
        keys: Sequence[tuple[int, str]],
        epoch: int,
        previous: C | None = None,
    ) -> C:
        """Return a catalog.

        Args:
            rows: the stored models; those that `previous` has too may lack their text.
            keys: all (key, id) pairs ever used.
            epoch: the number of this state of the models.
            previous: an earlier catalog of the same graph, whose work is taken over.
        """


class Rehearsal(Protocol[C]):
    """A state of the graph, and what decisions would make of it."""

    @property
    def catalog(self) -> C:
        """The models as the writes that were decided would leave them."""

    async def decide(self, writes: Sequence[Write[C, Any]]) -> Results:
        """Decide as `Store.write_many` does, on the snapshot and on what was decided before.

        Memory does not grow with the number of writes. Nobody's writes wait for it.
        """


class Store(Protocol[C]):
    """One graph."""

    @property
    def catalog(self) -> C:
        """The model catalog as of the last committed change of models."""

    @property
    def signing_key(self) -> bytes:
        """The key that signs this graph's continuation tokens."""

    @property
    def engine(self) -> Engine:
        """The engine that keeps the graph, whose SQL queries are written in."""

    @property
    def host_name(self) -> str:
        """The name of this graph in its events' `source`."""

    @property
    def indexes(self) -> IndexStore:
        """The property indexes of the graph's twins."""

    @property
    def events(self) -> EventStore:
        """The change log, and the tables of routes and endpoints."""

    @property
    def history(self) -> HistoryStore[C]:
        """The past of the graph."""

    def since(self, at: AsOf) -> Since:
        """Return what became of a past state until now, at once; for queries of it."""

    @property
    def inputs(self) -> InputStore:
        """The table of inputs."""

    @property
    def jobs(self) -> JobStore:
        """The table of jobs."""

    @property
    def parts(self) -> PartStore:
        """The parts of the graph that rules name."""

    @property
    def saved(self) -> SavedStore:
        """The table of saved documents and scene files."""

    @property
    def proposals(self) -> ProposalStore:
        """The table of proposals."""

    @property
    def vectors(self) -> VectorStore:
        """Vector indexes, and vectors beside twins."""

    @property
    def search(self) -> SearchStore:
        """The search index, and what is read to follow it."""

    @property
    def ticker(self) -> Ticker:
        """What gives writes of this process their times."""

    async def settle(self) -> None:
        """Wait for the writes of this process that are under way."""

    def trouble(self) -> str | None:
        """Return why this process cannot write although the engine answers; None if it can."""

    async def refresh(self) -> None:
        """Bring `catalog` up to the last change of models, whichever process made it.

        Writes and queries need no call of this: they find out by themselves.
        """

    async def write(self, needs: Needs, decide: Decide[C, T], context: Context) -> T:
        """Load, decide and apply in one transaction; return the decision's outcome.

        What is applied replaces just what was loaded. If others were faster, it is decided again.

        Raises:
            KastorError: whatever `decide` raised, after the group it ran in was committed.
            Unavailable: nothing was written (disk full, shutting down).
        """

    async def write_many(
        self,
        writes: Sequence[Write[C, Any]],
        context: Context,
        *,
        atomic: bool = False,
        note: MakeNote | None = None,
    ) -> Results:
        """Decide and apply many writes in one transaction, in order; each sees those before it.

        Changes of models do not go together with others: `GraphService.upload` is their road.

        Args:
            writes: at most MOST_TOGETHER.
            context: who asks.
            atomic: whether one that is refused takes back all others.
            note: makes what is written in the same transaction; not called where nothing is.

        Raises:
            NotHeldError: the note says of whom a job is held, and another has it, or which part of
                an answer is kept, and another one is, or which proposal was applied, and it is not
                open; nothing was written.
            TypeError: there is a change of models among them; nothing was written.
            Unavailable: nothing was written.
        """

    def rehearsing(
        self, context: Context, *, long: bool = False
    ) -> AbstractAsyncContextManager[Rehearsal[C]]:
        """Return a block in which writes are decided, each after those before, and none applied.

        Args:
            context: who asks.
            long: whether it may take its time, on what a `snapshot` is made of. Else it begins at
                once, and after `rehearsal.LONGEST_SECONDS` it refuses to decide.

        Raises:
            TooManyRequests: too many of them are under way.
            Unavailable: the graph is closed, or the engine does not answer.
        """

    def snapshot(self, context: Context) -> AbstractAsyncContextManager[Snapshot]:
        """Return a block in which all is read of one and the same state, for as long as it takes.

        That is the present one, or the one that the context names. Nobody waits for it: writes go
        on, and so does the removal of what is old.

        Raises:
            Gone: the state is not kept any more.
            Unavailable: there is no room for it on the disk, or the engine does not answer.
        """

    async def twin(self, twin_id: TwinId, context: Context) -> TwinRow | None:
        """Return a twin."""

    async def relationship(
        self, source_id: TwinId, relationship_id: RelationshipId, context: Context
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source exists, and the relationship."""

    async def outgoing(
        self,
        source_id: TwinId,
        name: str | None,
        after: RelationshipId,
        limit: int,
        context: Context,
    ) -> RelationshipPage | None:
        """Return relationships in order of id, strictly after `after`; None without source.

        Up to `limit` of them; fewer where their documents have more than PAGE_BYTES together.
        """

    async def incoming(
        self, target_id: TwinId, after: tuple[int, int, int], limit: int, context: Context
    ) -> list[IncomingRow] | None:
        """Return incoming ones by (name key, source key, key) after `after`; None without twin."""

    @property
    def look_up(self) -> LookUp | None:
        """Runs a query that is one look-up for its row, without suspending; None if that cannot be.

        It takes as long as a point read: nothing else waits, and nothing ends it.
        """

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[Any, ...] | None:
        """Run a query compiled for `catalog` for one row; raises QueryTimeout, CatalogChanged."""

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[Any, ...]]:
        """Run a query compiled for `catalog` for all rows; raises QueryTimeout, CatalogChanged."""

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """Run a query for rows until their texts have `most` bytes; whether there are more.

        Raises:
            QueryTooLarge: the first row alone is too large.
        """

    async def degrees(
        self, twin_ids: Sequence[TwinId], most: int, context: Context
    ) -> list[Degrees]:
        """Return how many relationships twins have, each counted up to `most`.

        Twins that do not exist are left out.
        """

    async def status(self, context: Context) -> StoreStatus:
        """Return counts and sizes."""

    async def load(self) -> StoreLoad:
        """Return how busy this process keeps the engine; no table is read."""

    async def twin_ids(self, after: int, limit: int, context: Context) -> list[tuple[int, TwinId]]:
        """Return keys and ids of twins by key, strictly after `after`; a new one comes last."""

    async def relationship_ids(
        self, after: int, limit: int, context: Context
    ) -> list[tuple[int, TwinId, RelationshipId]]:
        """Return keys, sources and ids of relationships by key, as `twin_ids` does."""

    async def escaped_slashes(self, limit: int, context: Context) -> tuple[int, list[str]]:
        """Return how many ids hold the three characters `%2F`, and the first of them.

        Graphs of early versions have them, from requests for ids with a slash (decisions 2).
        """

    async def prune(self) -> int:
        """Remove what is older than the retention allows, a step at a time; return rows.

        Raises:
            Unavailable: as `write`.
        """

    async def reset(self, *, dry_run: bool = False) -> None:
        """Empty the graph: twins, relationships, models, history and log.

        Args:
            dry_run: whether only to look if that can be.

        Raises:
            Unavailable: as `write`; nothing was removed.
        """

    async def close(self) -> None:
        """Finish what is queued and release the files."""
