"""The sample building in a graph: loaded when somebody asks, alive until the graph is closed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kastor.errors import Conflict
from kastor.storage.history import HistorySettings, Keep

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.service import GraphService
    from kastor.records import Context
    from kastor.sample.loader import SampleCounts
    from kastor.storage.protocol import Store, StoreStatus
    from kastor.vital import Kept, Vitals

SAMPLES = ("building",)
_A_MODEL = "dtmi:kastor:sample:Building;1"
"""What the graph of whoever has never seen the sample does not have."""
KEPT = Keep(seconds=86_400.0, bytes=250_000_000)
"""Of the past of a graph that says nothing itself: the simulation writes day and night."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of a sample.

    Attributes:
        loaded: whether it was put there now; else it was there, and lives again.
        message: the same for whoever started the server.
        counts: how much the graph holds.
    """

    loaded: bool
    message: str
    counts: SampleCounts


@dataclass(frozen=True, slots=True)
class SampleState:
    """A sample that a graph holds.

    Attributes:
        simulated: whether this process keeps it alive. Nobody does after a restart, until it is
            asked for again.
    """

    name: str
    simulated: bool


class SampleService:
    """Fills one graph and keeps its sensors alive; the work of it is loaded when it is wanted."""

    def __init__(self, graph: GraphService, store: Store[ModelCatalog], vitals: Vitals) -> None:
        self._graph, self._store, self._vitals = graph, store, vitals
        self._turn = asyncio.Lock()
        self._simulation: Kept | None = None
        self._is_stopped = False

    @property
    def is_alive(self) -> bool:
        """Whether its sensors are simulated by this process."""
        return self._simulation is not None and not self._simulation.ended

    async def state(self, context: Context) -> SampleState | None:
        """Return how the sample of the graph is; None where it holds none."""
        if _A_MODEL not in self._graph.catalog.models:
            return None
        from kastor.sample.loader import is_here  # noqa: PLC0415 - seldom used

        here = await is_here(self._graph, self._store, context)
        return SampleState(SAMPLES[0], self.is_alive) if here else None

    async def fill(
        self, context: Context, *, keeps_little: bool = False, alive: bool = True
    ) -> Filled:
        """Load the sample into an empty graph, or go on with the one that is there.

        Whoever asked may go meanwhile: what was begun comes to its end.

        Args:
            context: who asks.
            keeps_little: where the graph says nothing itself of how much of its past it keeps, it
                is `KEPT` from now on.
            alive: whether its sensors are simulated; those that are go on.

        Raises:
            Conflict: the graph holds something else; it was left as it is.
        """
        if context.dry_run:
            return await self._look(context)
        task = asyncio.ensure_future(self._fill(context, keeps_little=keeps_little, alive=alive))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def stop(self) -> None:
        """Let the sensors fall silent for good; what is being loaded lets them live no more."""
        self._is_stopped = True
        await self.silence()

    async def silence(self) -> None:
        """Let the sensors fall silent."""
        if self._simulation is not None:
            await self._simulation.stop()
            self._simulation = None

    async def _look(self, context: Context) -> Filled:
        from kastor.sample.loader import counts, is_here  # noqa: PLC0415 - seldom used

        status = await self._store.status(context)
        if _is_empty(status):
            return Filled(loaded=True, message="", counts=await asyncio.to_thread(counts))
        if not await is_here(self._graph, self._store, context):
            raise _not_empty(status)
        return Filled(loaded=False, message="", counts=_counts(status))

    async def _fill(self, context: Context, *, keeps_little: bool, alive: bool) -> Filled:
        from kastor.sample.loader import load_sample, simulate  # noqa: PLC0415 - seldom used

        async with self._turn:
            found = await load_sample(self._graph, self._store)
            before = found.before
            if not found.can_simulate:
                raise _not_empty(before)
            if keeps_little and _is_empty(before):
                await self._keep_little()
            if alive and not self._is_stopped and (_is_empty(before) or not self.is_alive):
                # What is loaded anew begins from its own values.
                await self.silence()
                work = partial(simulate, self._graph, self._store)
                self._simulation = self._vitals.keep("simulation", work)
            after = _counts(await self._store.status(context))
            return Filled(_is_empty(before), found.message, after)

    async def _keep_little(self) -> None:
        """Keep less of the past, unless the graph says itself how much."""
        history = self._store.history
        if await history.settings() == HistorySettings():
            await history.put_settings(HistorySettings(graph=KEPT))


def _counts(status: StoreStatus) -> SampleCounts:
    from kastor.sample.loader import SampleCounts  # noqa: PLC0415 - seldom used

    return SampleCounts(status.models, status.twins, status.relationships)


def _is_empty(status: StoreStatus) -> bool:
    return status.models == 0 and status.twins == 0


def _not_empty(status: StoreStatus) -> Conflict:
    return Conflict(
        f"The graph is not empty (models: {status.models}, twins: {status.twins}), so the sample "
        "was not loaded. Take an empty graph, or make another one with PUT /kastor/v1/graphs/NAME.",
        code="GraphNotEmpty",
    )
