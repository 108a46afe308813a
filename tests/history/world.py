"""A graph with a random history, and copies of it as it was at some of its moments."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import apsw

from kastor.errors import InvalidArgument, KastorError
from kastor.graph import commands as c
from kastor.graph.catalog import ModelCatalog
from kastor.graph.instants import Named
from kastor.hosting.open import open_graph_file, open_graph_snapshot
from kastor.storage.events import LoggedChange
from kastor.storage.protocol import Store
from kastor.storage.tables import COPIED
from kastor.storage.ticker import LEAD
from kastor.storage.transfer import synchronise
from kastor.types import Ticks
from tests.postgres.server import direct
from tests.store.clocks import Clock
from tests.store.graphs import Graph
from tests.store.postgres_engine import PostgresEngine, SideConnection
from tests.store.sqlite_engine import SqliteEngine

from .reads import ANN, Reader
from .steps import (
    CONTENTS,
    DAY,
    FIRST_MODELS,
    Batch,
    Copy,
    Held,
    Leap,
    Models,
    Step,
    Together,
    Upkeep,
    Write,
)

NEVER = 1e9
_LOG_STEP = 1_000
HELD_SECONDS = 0.1
"""So long a write is waited for that a lock may hold up."""
_numbers = count()


@dataclass
class Moment:
    """A state that was copied.

    Attributes:
        change: its position in the change log.
        time: of whoever asked for the present state then.
        unique: whether no clock was set back beyond a minute since, so that the time means it.
    """

    change: int
    time: Ticks
    copy: str
    unique: bool
    into_file: bool = False


@dataclass
class World:
    """One graph; on PostgreSQL two processes serve it, with a clock each."""

    engine: SqliteEngine | PostgresEngine
    files: SqliteEngine
    name: str
    readers: list[Reader]
    clocks: list[Clock]
    moments: list[Moment] = field(default_factory=list)
    refused: int = 0
    _turn: int = 0
    _latest: Ticks = 0
    _wrong: bool = False

    @classmethod
    async def make(
        cls, engine: SqliteEngine | PostgresEngine, folder: Path, **retention: float
    ) -> World:
        """An empty graph with the first models, of which nothing is ever too old."""
        name = f"g{next(_numbers)}"
        limits: dict[str, Any] = {"version_seconds": NEVER, "log_seconds": NEVER} | retention
        many = isinstance(engine, PostgresEngine)
        clocks = [Clock() for _ in range(2 if many else 1)]
        clocks[-1].now = clocks[0].now
        if many:
            limits["pool"] = 4
        stores = [await engine.open(name, clock=clock, **limits) for clock in clocks]
        files = SqliteEngine(folder / "copies")
        files.folder.mkdir(exist_ok=True)
        world = cls(engine, files, name, [Reader(each) for each in stores], clocks)
        await world.graph.upload(*FIRST_MODELS)
        return world

    @property
    def graph(self) -> Graph:
        """The graph as the process sees it whose turn it is."""
        return Graph(self._next().store, None)  # type: ignore[arg-type]

    @property
    def reader(self) -> Reader:
        """Whoever reads next."""
        return self._next()

    def _next(self) -> Reader:
        self._turn += 1
        return self.readers[self._turn % len(self.readers)]

    async def play(self, steps: list[Step]) -> None:
        """Let it all happen; what is refused is counted."""
        for step in steps:
            try:
                await self._take(step)
            except KastorError:
                self.refused += 1

    async def _take(self, step: Step) -> None:
        # Branches because each kind of step is one.
        match step:
            case Write():
                await self.reader.service.execute(step.command(), ANN)
            case Batch():
                commands = [each.command() for each in step.writes]
                await self.reader.service.execute_many(commands, ANN, atomic=step.atomic)
            case Together():
                await self._write_together(step.writes)
            case Held():
                await self._hold(step)
            case Models():
                await self._change_models(step)
            case Leap():
                self._leap(self.clocks[step.clock % len(self.clocks)], step.ticks)
            case Copy():
                await self._copy(into_file=step.into_file)
            case Upkeep():
                await self.keep_up(step.kind)

    async def _write_together(self, writes: list[Write]) -> None:
        work = [self.reader.service.execute(each.command(), ANN) for each in writes]
        for found in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(found, Exception) and not isinstance(found, KastorError):
                raise found

    async def _hold(self, step: Held) -> None:
        """Write to a twin that is locked until others have written and the graph was copied."""
        if isinstance(self.engine, SqliteEngine):  # one writer: whoever waits holds up all others
            await self._write_together([*step.writes, *step.meanwhile])
            await self._copy(into_file=True)
            return
        side = SideConnection(self.engine.dsn)
        try:
            side.fetch("BEGIN")
            twins = f"{self.engine.schema(self.name)}.twins"
            side.fetch(f"SELECT 1 FROM {twins} WHERE id = $1 FOR UPDATE", step.twin)
            writes = [*step.writes, *(each._replace(twin=step.twin) for each in step.writes[:1])]
            commands = [each.command() for each in writes]
            pending: list[asyncio.Future[Any]] = [
                asyncio.ensure_future(self.reader.service.execute_many(commands, ANN))
            ]
            await asyncio.wait(pending, timeout=HELD_SECONDS)
            for each in step.meanwhile:
                pending.append(asyncio.ensure_future(self._take(each)))
                await asyncio.wait(pending[-1:], timeout=HELD_SECONDS)
            await self._copy(into_file=step.into_file)
        finally:
            side.close()
        for found in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(found, Exception) and not isinstance(found, KastorError):
                raise found

    async def _change_models(self, step: Models) -> None:
        graph = self.graph
        match step.kind:
            case "upload":
                await graph.upload(CONTENTS[step.model][step.content])
            case "delete":
                await graph.execute(c.DeleteModel(step.model))
            case _:
                in_service = step.kind == "into service"
                await graph.execute(c.CommissionModel(step.model, in_service))

    def _leap(self, clock: Clock, ticks: Ticks) -> None:
        clock.now += ticks
        self._wrong = self._wrong or ticks < -LEAD
        # What was before a clock was set right may be named by its time no more: it comes again.
        for moment in self.moments:
            moment.unique = moment.unique and self._in_step()

    def _in_step(self) -> bool:
        """Whether no clock was ever wrong by more than a minute."""
        slowest, latest = min(each.now for each in self.clocks), self._latest
        self._wrong = self._wrong or latest - slowest > LEAD
        self._wrong = self._wrong or max(each.now for each in self.clocks) - slowest > LEAD
        return not self._wrong

    async def keep_up(self, kind: str) -> None:
        """A day passes, and versions of before are packed; or what is too old goes."""
        if kind == "pack":
            for clock in self.clocks:
                self._leap(clock, 2 * DAY)
            while await self.reader.store.history.pack():
                pass
        else:
            while await self.reader.store.prune():
                pass

    async def position(self) -> int:
        """The newest position; all that is committed has one afterwards."""
        events = self.reader.store.events
        _, newest = await events.log_bounds()
        while await events.changes_after(newest, _LOG_STEP):
            _, newest = await events.log_bounds()
        return newest

    @staticmethod
    async def log(store: Store[ModelCatalog]) -> list[LoggedChange]:
        """The change log as it is kept."""
        found: list[LoggedChange] = []
        while step := await store.events.changes_after(found[-1].seq if found else 0, _LOG_STEP):
            found += step
        return found

    async def look(self) -> Moment:
        """The present state, with an instant that means it."""
        change = await self.position()
        # By a clock that stands still writes are ahead of it.
        time = now = max(each.now for each in self.clocks)
        for each in await self.log(self.reader.store):
            time = max(time, each.time if each.time <= now + LEAD else 0)
        moment = Moment(change, time, f"{self.name}_{next(_numbers)}", unique=True)
        # Just after a step back, now is before what was asked for, which stays as it is.
        if time > self._latest and self._in_step():
            try:
                found = await self.change_at(time)
            except InvalidArgument:  # a write before the clock was set back for long
                moment.unique, found = False, change
            if await self.position() == change:  # else what was held up has come through meanwhile
                is_same = await self.is_same(found, change)
                assert is_same, "what is newest is what is asked for now"
        else:
            moment.unique = False
        self._latest = max(self._latest, time)
        return moment

    def go_on(self, time: Ticks) -> None:
        """Let time pass an instant that was asked for: what is written from now on is after it."""
        leading = max(self.clocks, key=lambda each: each.now)
        leading.now = max(leading.now, time) + 1

    async def _copy(self, *, into_file: bool) -> None:
        moment = await self.look()
        moment.into_file = into_file
        if isinstance(self.engine, SqliteEngine):
            moment.into_file = True
            _back_up(self.engine.path(self.name), self.files.path(moment.copy))
        else:
            await self._copy_schema(self.engine, moment)
        self.go_on(moment.time)
        if await self.position() != moment.change:
            return  # a write that was held up until now has come through meanwhile
        self.moments.append(moment)

    async def _copy_schema(self, engine: PostgresEngine, moment: Moment) -> None:
        target = _place(engine, moment.copy)
        if moment.into_file:
            target = str(self.files.path(moment.copy))
        else:
            engine.adopt(moment.copy)
        async with (
            open_graph_file(target, writes=True) as writing,
            open_graph_snapshot(_place(engine, self.name)) as reading,
        ):
            await writing.identify(await reading.identification())
            await synchronise(reading, writing, tables=COPIED)
            await writing.finish()

    @contextlib.asynccontextmanager
    async def opened(self, moment: Moment) -> Any:
        """A reader of the copy."""
        engine = self.files if moment.into_file else self.engine
        store = await engine.open(moment.copy, clock=self.clocks[0])
        try:
            yield Reader(store)
        finally:
            await store.close()

    async def close(self) -> None:
        """Close what serves the graph."""
        for each in self.readers:
            await each.store.close()

    async def change_at(self, time: Ticks) -> int:
        """The position of the state at an instant, of which the process knows whose clock leads."""
        ahead = max(range(len(self.clocks)), key=lambda each: self.clocks[each].now)
        return (await self.readers[ahead].store.history.resolve(time=time)).change

    async def is_same(self, found: int, change: int) -> bool:
        """Whether two positions name one state: between them lies telemetry, which changes none."""
        if found >= change:
            return found == change
        reader = self.reader
        older, newer = [
            await reader.everything(await reader.as_of(Named(change=each)))
            for each in (found, change)
        ]
        return older == newer

    async def as_of(self, moment: Moment) -> dict[str, Any]:
        """All that one of the processes reads of the past."""
        named = Named(change=moment.change)
        reader = self.reader
        return await reader.everything(await reader.as_of(named))


def _back_up(source: Path, target: Path) -> None:
    reading, writing = apsw.Connection(str(source)), apsw.Connection(str(target))
    with (
        contextlib.closing(reading),
        contextlib.closing(writing),
        writing.backup("main", reading, "main") as backup,
    ):
        while not backup.step():
            pass


def _place(engine: PostgresEngine, name: str) -> str:
    dsn = direct(engine.dsn)
    return f"{dsn}{'&' if '?' in dsn else '?'}graph_schema={engine.schema(name)}"
