"""Runs live queries against one graph: a snapshot, then what changes, until the client goes.

The position of the log is taken before the snapshot, and what follows is told by comparing with
what the client has: nothing is lost between the two, and looking twice does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakSet

from kastor.errors import CatalogChanged, QueryError, TooManyRequests, Unavailable
from kastor.live.diff import Difference, Row, Shown, numbered, read_row
from kastor.live.plan import Identity, Mode, live_plan
from kastor.live.tail import Changed, Listener, Tail
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator

    from kastor.budget import StreamShare
    from kastor.graph.catalog import ModelCatalog
    from kastor.query.compiled import Compiled
    from kastor.query.given import Given
    from kastor.query.plan import Plan
    from kastor.query.service import QueryService
    from kastor.records import Context
    from kastor.storage.protocol import Store
    from kastor.vital import Vitals

ATTEMPTS = 5
BATCH_ROWS, BATCH_BYTES = 500, 262_144
"""Rows that one update has, and bytes of their texts, one row aside."""
STARTING = 2
"""Queries of a graph whose first result is read at once: it is in memory as a whole for a while."""
_THREAD_ROWS = 1_000
"""From so many rows on they are compared in a thread, so that no other request waits."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Limits of live queries.

    Attributes:
        max_queries: open at once on one graph.
        max_queries_each: of these, what one client may have.
        max_rows: of one query's result.
        max_changes: twins and relationships that are evaluated by themselves; beyond, all is.
        debounce: seconds in which changes are gathered.
        rerun_pause: seconds between two runs of a whole query, at least.
        share: of one reader's time, what one query may take.
        total_share: of one reader's time, what all of them together may take.
    """

    max_queries: int = 200
    max_queries_each: int = 100
    max_rows: int = 10_000
    max_changes: int = 100
    debounce: float = 0.05
    rerun_pause: float = 0.25
    share: float = 0.2
    total_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that the client has to add, change or remove; told from the state at a position on."""

    kind: Literal["added", "changed"]
    rows: list[Row]
    position: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows that are no longer there."""

    ids: list[Identity]
    position: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The client has the whole result; how it is followed from here on."""

    mode: Mode
    why: str
    position: int


@dataclass(frozen=True, slots=True)
class LiveHeartbeat:
    """Nothing new; the position that was looked at."""

    position: int


Update: TypeAlias = Rows | Removed | Ready | LiveHeartbeat


class ReaderShare:
    """Lets one live query at a time use a reader, and not all of the time."""

    def __init__(self, share: float) -> None:
        self._rest = 1 / share - 1
        self._lock = asyncio.Lock()
        self._free_at = 0.0
        self._running: asyncio.Future[Difference] | None = None
        self._closed = False

    async def run(
        self, work: Callable[[], Coroutine[Any, Any, Difference]]
    ) -> tuple[Difference, float]:
        """Return what the work gave, and the seconds that it took."""
        async with self._lock:
            await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))
            if self._closed:
                raise Unavailable("The graph was closed.")
            started = time.monotonic()
            self._running = asyncio.ensure_future(work())
            try:
                difference = await self._running
            except asyncio.CancelledError:
                if self._closed:
                    raise Unavailable("The graph was closed.") from None
                raise
            finally:
                ended = time.monotonic()
                self._free_at = ended + (ended - started) * self._rest
        return difference, ended - started

    async def close(self) -> None:
        """End what runs now, and let nothing run any more."""
        self._closed = True
        if self._running is not None:
            self._running.cancel()
        async with self._lock:  # until it has ended
            pass


class LiveService:
    """The live queries of one graph."""

    def __init__(
        self,
        store: Store[ModelCatalog],
        query: QueryService,
        settings: LiveSettings | None = None,
        vitals: Vitals | None = None,
    ) -> None:
        self.settings = settings or LiveSettings()
        self._query = query
        self.runner = query.runner
        self.reader_share = ReaderShare(self.settings.total_share)
        self.tail = Tail(store, vitals)
        self.starting = asyncio.Semaphore(STARTING)
        self._open: WeakSet[LiveQuery] = WeakSet()  # one that is forgotten is closed

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    async def open(
        self,
        text: str,
        context: Context,
        *,
        strict: bool = False,
        parameters: object = None,
        share: StreamShare | None = None,
    ) -> LiveQuery:
        """Run a query, ready to be followed.

        Args:
            text: of the query.
            context: of who follows it; every look of it is taken with that.
            strict: refuse every extension.
            parameters: the values for ``$name``.
            share: counts what it keeps in memory.

        Raises:
            BadRequest: the parameters cannot be.
            QueryError: the text is wrong, cannot be followed, or has too many rows.
            QueryTimeout: it took too long.
            TooManyRequests: too many are open, or they keep too much.
        """
        context.require_plain()  # what follows a query goes on into the present
        most = self.settings.max_queries
        if len(self._open) >= most:
            raise TooManyRequests(
                f"This graph has all the live queries open that are allowed: {most} (setting "
                "max_live_queries). Close one, or share one among several readers.",
                retry_after=5,
            )
        if share is not None:
            self._require_place(share.client)
        given = self._query.given(parameters, strict=strict)
        compiled = await self.runner.compiled(text, context, strict=strict, given=given)
        live = LiveQuery(self, compiled, text, given, context, strict=strict, share=share)
        self._open.add(live)
        try:
            await live.start()
        except BaseException:
            self.close(live)
            raise
        return live

    def _require_place(self, client: str) -> None:
        most = self.settings.max_queries_each
        if sum(each.client == client for each in self._open) >= most:
            raise TooManyRequests(
                f"This client has all the live queries open on this graph that it may have: {most} "
                "(setting max_live_queries_per_client). Close one, or share one among several "
                "readers.",
                retry_after=5,
            )

    def close(self, live: LiveQuery) -> None:
        """Forget a query; doing so twice does no harm."""
        self._open.discard(live)
        live.let_go()
        if live.listener is not None:
            self.tail.leave(live.listener)

    async def stop(self) -> None:
        """End all of them: the graph closes."""
        await self.tail.stop()
        await self.reader_share.close()


class LiveQuery:
    """One query and one client that follows it."""

    def __init__(
        self,
        service: LiveService,
        compiled: Compiled,
        text: str,
        given: Given | None,
        context: Context,
        *,
        strict: bool,
        share: StreamShare | None,
    ) -> None:
        self._service = service
        self._share = share
        self.client = "" if share is None else share.client
        self._settings = service.settings
        self._text, self._strict, self._given = text, strict, given
        self._context = context
        self._compiled, self.plan = compiled, live_plan(compiled.plan)
        self._shown = Shown()
        self._snapshot = Difference()
        self._may_run_at = 0.0
        self.listener: Listener | None = None
        self.settled = 0
        """The position whose state the client has been told, all of it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names of the query that no stored model knows, for people."""
        return self._compiled.warnings

    async def start(self) -> None:
        """Take the position, then the snapshot."""
        self.listener = await self._service.tail.listen(self._settings.max_changes, self.plan.reads)
        self.settled = self.listener.position
        changed = Changed(self.settled, everything=True)
        async with self._service.starting:
            self._snapshot = await self._evaluate(changed)
            self._keep(self._snapshot.size())

    def let_go(self) -> None:
        """Drop what is kept for the client."""
        self._snapshot, self._shown = Difference(), Shown()
        if self._share is not None:
            self._share.leave()

    def _keep(self, untold: int) -> None:
        """Count what is in memory: what the client has yet to be told, and what is known of it."""
        if self._share is not None:
            self._share.hold(untold + self._shown.size)

    async def updates(self, heartbeat: float) -> AsyncGenerator[Update, None]:
        """Yield the rows, then what becomes of them; has no end of its own.

        Raises:
            KastorError: it cannot be followed any longer; the graph was closed, for one.
        """
        listener = self.listener
        if listener is None:
            return
        try:
            first, self._snapshot = self._snapshot, Difference()
            for update in self._tell(first, self.settled):
                yield update
            del first
            yield Ready(self.plan.mode, self.plan.why, self.settled)
            while True:
                await self._news(listener, heartbeat)
                if listener.idle:
                    self.settled = listener.position
                    yield LiveHeartbeat(self.settled)
                    continue
                mode = self.plan.mode
                position, difference = await self._next(listener)
                for update in self._tell(difference, position):
                    yield update
                del difference
                if self.plan.mode != mode:  # other models, another plan
                    yield Ready(self.plan.mode, self.plan.why, position)
                self.settled = position
        finally:
            self._service.close(self)

    def _tell(self, difference: Difference, position: int) -> Iterator[Update]:
        """The updates of a difference, each counted until it is told."""
        untold = difference.size()
        self._keep(untold)
        for update in _told(difference, position):
            yield update
            if isinstance(update, Rows):
                untold -= sum(row.size for row in update.rows)
                self._keep(untold)

    async def _news(self, listener: Listener, heartbeat: float) -> None:
        """Wait for changes, but not for ever."""
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the news.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(heartbeat):
                await listener.wake.wait()
        if listener.failure is not None:
            raise listener.failure

    async def _next(self, listener: Listener) -> tuple[int, Difference]:
        """Gather changes, wait until it may run again, and return what became of the rows."""
        settings = self._settings
        await asyncio.sleep(max(settings.debounce, self._may_run_at - time.monotonic()))
        changed = listener.take()
        difference, cost = await self._service.reader_share.run(lambda: self._evaluate(changed))
        pause = settings.rerun_pause if self.plan.mode == "rerun" else 0.0
        pause = max(pause, cost * (1 / settings.share - 1))
        self._may_run_at = time.monotonic() + pause
        return changed.position, difference

    async def _evaluate(self, changed: Changed) -> Difference:
        for _ in range(ATTEMPTS):
            compiled = await self._service.runner.compiled(
                self._text, self._context, strict=self._strict, given=self._given
            )
            if compiled.plan != self._compiled.plan:  # IS_OF_MODEL means other models now
                self.plan = live_plan(compiled.plan)
                changed.everything = True
            self._compiled = compiled
            try:
                difference = await self._look(changed)
            except CatalogChanged:
                continue
            if len(self._shown) > self._settings.max_rows:
                raise self._too_many()
            return difference
        raise Unavailable("Models change too often to follow the query now; start it again.")

    async def _look(self, changed: Changed) -> Difference:
        """Evaluate what the changes make necessary."""
        plan = self.plan
        touched = bool(changed.twins or changed.relationships)
        whole = changed.everything or (changed.models and "model" in plan.reads)
        if whole or (touched and plan.mode == "rerun"):
            texts = await self._rows(plan.plan)
            return await _in_thread_if_many(texts, lambda: self._replace(texts))
        if not touched:
            return Difference()
        found: list[str] = []
        for restricted in plan.restricted(changed.twins, changed.relationships):
            found += await self._rows(restricted)
        affected = plan.binding(self._shown.ids, changed.twins, changed.relationships)
        return await _in_thread_if_many(
            found, lambda: self._shown.amend(self._read(found), affected)
        )

    def _replace(self, texts: list[str]) -> Difference:
        return self._shown.replace(numbered(self._read(texts)))

    def _read(self, texts: list[str]) -> Iterator[Row]:
        width, grouped = self.plan.width, self.plan.plan.grouped
        return (read_row(text, width, grouped=grouped) for text in texts)

    async def _rows(self, plan: Plan) -> list[str]:
        """The texts of a plan's rows."""
        most = self._settings.max_rows + 1
        limit = most if plan.top is None else min(plan.top, most)
        texts = await self._service.runner.texts(self._compiled, plan, limit, self._context)
        if len(texts) == most:
            raise self._too_many()
        return texts

    def _too_many(self) -> QueryError:
        return QueryError(
            f"The query has more than {counted(self._settings.max_rows, 'row')}, too many to be "
            "followed (setting max_live_rows). Narrow it down with WHERE, or aggregate."
        )


def _told(difference: Difference, position: int) -> Iterator[Update]:
    """The updates of a difference, in batches; each batch is let go once it is told."""
    removed = difference.removed
    while removed:
        yield Removed(removed[:BATCH_ROWS], position)
        del removed[:BATCH_ROWS]
    kinds: tuple[tuple[Literal["changed", "added"], list[Row]], ...] = (
        ("changed", difference.changed),
        ("added", difference.added),
    )
    for kind, rows in kinds:
        rows.reverse()  # so that what is told is taken off the end
        while rows:
            yield Rows(kind, _batch(rows), position)


def _batch(rows: list[Row]) -> list[Row]:
    """Take rows off the end, in the opposite order, as many as one update may have."""
    batch = [rows.pop()]
    room = BATCH_BYTES - len(batch[0].text)
    while rows and len(batch) < BATCH_ROWS and len(rows[-1].text) <= room:
        room -= len(rows[-1].text)
        batch.append(rows.pop())
    return batch


async def _in_thread_if_many(texts: list[str], work: Callable[[], Difference]) -> Difference:
    return work() if len(texts) < _THREAD_ROWS else await asyncio.to_thread(work)
