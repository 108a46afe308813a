"""Follows the change log of one graph and keeps its search index up with it.

One process at a time holds an index. It reads what changed as it is now, so that to read an entry
twice does no harm; where the log cannot tell, it reads the whole graph, place by place.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from kastor.errors import Unavailable
from kastor.logs import get_logger
from kastor.outside.lease import holder_name
from kastor.search.documents import indexed
from kastor.search.entries import touched_by
from kastor.storage.search import IndexBatch, IndexDamagedError, IndexState
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator

    from kastor.storage.events import EventStore, LoggedChange
    from kastor.storage.search import IndexedKind, SearchStore
    from kastor.vital import Kept, Vitals

ENTRIES = 500
"""Of the log that are worked in together."""
READ_TOGETHER = 25
"""Twins that are read together; each may have megabytes."""
SCANNED = 250
"""Rows of a graph that are read together."""
MANY_ROWS = 10_000
"""From so many on it is said that they were read: it takes a while."""
PAUSE_SECONDS = 0.25
"""Between two looks at the log while nobody waits: changes of a twin meanwhile are one."""
RESTS = 0.5
"""Seconds of rest for each second of work while there is more to do."""
LEASE_SECONDS = 6.0
RENEW_SECONDS = 2.0
FAULT_SECONDS = 2.0
SAMPLE_SECONDS = 60.0

_KINDS: tuple[IndexedKind, ...] = ("model", "twin")

_log = get_logger("kastor.search")


class _Place(msgspec.Struct, frozen=True):
    """Where a scan is."""

    kind: int = 0
    after: int = 0


class Follower:
    """Keeps the index of one graph; `start` and `stop` it."""

    def __init__(self, index: SearchStore, events: EventStore, source: str, vitals: Vitals) -> None:
        self._index, self._events, self._source, self._vitals = index, events, source, vitals
        self._owner = holder_name()
        self._held_at = 0.0
        self._sampled_until = 0.0
        self._state: IndexState | None = None
        self._part: Kept | None = None
        self._hurry = asyncio.Event()
        self._waiting = 0
        self._moved = asyncio.Condition()
        self._looking: asyncio.Task[IndexState] | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._part = self._vitals.keep("search", self._follow_for_ever)

    async def stop(self) -> None:
        """End, and leave the index to others."""
        part, self._part = self._part, None
        if part is not None:
            await part.stop()
        if self._state is not None:
            with contextlib.suppress(Unavailable):
                await self._index.let_go(self._owner)

    @property
    def leads(self) -> bool:
        """Whether it is this process that keeps the index up, of those that serve the graph."""
        return not self._index.shared or self._state is not None

    async def state(self) -> IndexState:
        """Return where the index stands, whoever holds it.

        Raises:
            Unavailable: that cannot be told now.
        """
        if self._state is not None:
            return self._state
        return await self._index.state()

    async def holder(self) -> str | None:
        """Return which process holds the index; None where only one can.

        Raises:
            Unavailable: that cannot be told now.
        """
        if not self._index.shared:
            return None
        return self._owner if self._state is not None else await self._index.holder()

    async def reach(self, position: int, seconds: float) -> IndexState:
        """Wait until the index holds all that the log tells up to a position.

        Raises:
            Unavailable: that took too long.
        """
        self._waiting += 1
        self._hurry.set()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with contextlib.suppress(IndexDamagedError):  # until it is made anew
                        state = await self._look()
                        if state.position >= position and not state.building:
                            return state
                    await self._wait_for_more()
        except TimeoutError:
            raise Unavailable(
                f"The search index has not come to change {position} within "
                f"{counted(round(seconds), 'second')}; try again, or search without the header "
                "kastor-read.",
                retry_after=2,
            ) from None
        finally:
            self._waiting -= 1

    async def _look(self) -> IndexState:
        """Return where the index stands: however many wait, the store is asked one question."""
        if self._state is not None:
            return self._state
        looking = self._looking
        if looking is None or looking.done():
            looking = self._looking = asyncio.create_task(self._index.state())
            looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(looking)

    async def _wait_for_more(self) -> None:
        """Wait until this process has moved the index on, or until another one may have."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05 if self._state is None else 1.0), self._moved:
                await self._moved.wait()

    async def _follow_for_ever(self) -> None:
        self._state = None
        await self._attempt(self._index.prepare)
        while True:
            await self._attempt(self._turn)

    async def _attempt(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except IndexDamagedError:
            self._state = None
            with contextlib.suppress(Unavailable):
                await self._index.prepare()
        except Unavailable as error:
            self._state = None
            _log.warning("the search index waits", reason=error.message)
            await asyncio.sleep(FAULT_SECONDS)

    async def _turn(self) -> None:
        """Do one step of whatever is to be done."""
        await self._sample()
        if not await self._holds():
            self._state = None
            await asyncio.sleep(RENEW_SECONDS)
            return
        state = self._state
        if state is None:
            state = await self._index.state()
            if not await self._continues(state):
                await self._begin_scan(state)
                return
            self._state = state
        began = time.monotonic()
        if state.place is not None:
            await self._scan(state, state.place)
        elif not await self._follow(state):
            await self._rest(state)
            return
        await asyncio.sleep((time.monotonic() - began) * (0 if self._waiting else RESTS))

    async def _sample(self) -> None:
        """Let the index know now and then what is frequent in it, which changes slowly."""
        now = time.monotonic()
        if now >= self._sampled_until:
            self._sampled_until = now + SAMPLE_SECONDS
            await self._index.sample()

    async def _holds(self) -> bool:
        if not self._index.shared:
            return True
        now = time.monotonic()
        if self._state is not None and now - self._held_at < RENEW_SECONDS:
            return True
        # What is known of the index counts as long as nobody else has had it in between.
        ask = self._index.hold if self._state is None else self._index.keep
        held = await ask(self._owner, LEASE_SECONDS)
        self._held_at = now
        return held

    async def _continues(self, state: IndexState) -> bool:
        """Whether the log goes on where the index ends."""
        _, newest = await self._events.log_bounds()
        known = state.target if state.place is not None else state.position
        if not state.scan or state.source != self._source or known > newest:
            return False
        return await self._mark(known) in ("", state.mark)

    async def _mark(self, position: int) -> str:
        """Return the event id of the entry at a position; empty where it is not kept."""
        if not position:
            return ""
        entries = await self._events.changes_after(position - 1, 1)
        return entries[0].event_id if entries and entries[0].seq == position else ""

    async def _begin_scan(self, state: IndexState) -> None:
        _, newest = await self._events.log_bounds()
        mark = await self._mark(newest)
        names = await self._index.count_names()
        same = state.source == self._source
        if state.scan and not same:  # of another graph: nothing of it may be found here
            await self._index.clear()
        began = IndexState(
            source=self._source,
            position=min(state.position, newest) if same else 0,
            mark=mark,
            scan=state.scan + 1,
            place=_text_of(_Place()),
            target=newest,
            counted=names.position,
            unplaced=names.unplaced,
        )
        await self._write(IndexBatch(began, counts=names.counts))

    async def _scan(self, state: IndexState, text: str) -> None:
        place = msgspec.json.decode(text, type=_Place)
        if place.kind == len(_KINDS):
            ended = replace(state, place=None, position=state.target)
            await self._write(IndexBatch(ended, sweep=True))
            self._sampled_until = 0.0
            if state.done >= MANY_ROWS:
                _log.info("the search index is complete", change=state.target, rows=state.done)
            return
        kind = _KINDS[place.kind]
        rows = await self._index.next_rows(kind, place.after, SCANNED)
        after = _Place(place.kind, rows[-1].key) if rows else _Place(place.kind + 1)
        done = replace(state, place=_text_of(after), done=state.done + len(rows))
        put = await asyncio.to_thread(indexed, kind, rows)
        await self._write(IndexBatch(done, put=put))

    async def _follow(self, state: IndexState) -> bool:
        """Work in what follows; return False where there is nothing left for now."""
        entries = await self._events.changes_after(state.position, ENTRIES)
        if not entries or entries[0].seq != state.position + 1:
            if await self._events.before_next(state.position) == state.position:
                return bool(entries)
            await self._begin_scan(state)  # the graph was emptied, or entries were removed
            return True
        await self._write(await self._batch(state, entries))
        return len(entries) == ENTRIES or bool(self._waiting)

    async def _batch(self, state: IndexState, entries: list[LoggedChange]) -> IndexBatch:
        touched = touched_by(entries, state)
        last = entries[-1]
        unplaced = tuple(each for each in state.unplaced if each not in touched.settled)
        moved = replace(state, position=last.seq, mark=last.event_id, unplaced=unplaced)
        batch = IndexBatch(moved, counted=dict(touched.counted))
        for ids in _portions(touched.twins):
            rows = await self._index.twins(ids)
            batch.put += await asyncio.to_thread(indexed, "twin", rows)
            batch.twins += set(ids) - {row.id for row in rows}
        for ids in _portions(touched.models):
            rows = await self._index.models(ids)
            batch.put += await asyncio.to_thread(indexed, "model", rows)
            batch.models += set(ids) - {row.id for row in rows}
        if touched.renamed:
            names = await self._index.count_names()
            batch.counts, batch.counted = names.counts, {}
            batch.state = replace(moved, counted=names.position, unplaced=names.unplaced)
        return batch

    async def _write(self, batch: IndexBatch) -> None:
        async with self._renewed():
            written = await self._index.write(self._owner, batch)
        if not written:
            self._state = None  # another process has it
            return
        self._state = batch.state
        if self._part is not None:
            self._part.beat()
        async with self._moved:
            self._moved.notify_all()

    @contextlib.asynccontextmanager
    async def _renewed(self) -> AsyncIterator[None]:
        """Hold the index for as long as a write takes: the end of a scan may take minutes.

        Whether it is held is looked at in the transaction that writes.
        """
        if not self._index.shared:
            yield
            return
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(Unavailable):
                if not await self._index.keep(self._owner, LEASE_SECONDS):
                    self._state = None
                    return
                self._held_at = time.monotonic()

    async def _rest(self, state: IndexState) -> None:
        """Wait until there may be more, and a moment longer unless somebody waits."""
        self._hurry.clear()
        if not self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._hurry.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RENEW_SECONDS if self._index.shared else None):
                await self._events.log_wake(state.position)


def _portions(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for at in range(0, len(ordered), READ_TOGETHER):
        yield ordered[at : at + READ_TOGETHER]


def _text_of(place: _Place) -> str:
    return msgspec.json.encode(place).decode()
