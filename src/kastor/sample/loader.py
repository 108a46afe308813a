"""Puts the sample building into an empty graph and keeps its sensors alive.

Everything goes through the graph service, as a client's writes do. A graph that holds anything
is never loaded into; one that holds this very building goes on being simulated. One that was never
written to gets a past as well, see `incident`: its first writes have the times of a clock that was
handed to the writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from kastor.clock import TICKS_PER_SECOND
from kastor.errors import Conflict, KastorError, NotFound, PreconditionFailed
from kastor.graph.catalog import ModelCatalog
from kastor.graph.commands import (
    Command,
    PatchRelationship,
    PatchTwin,
    PutRelationship,
    PutTwin,
    SendTelemetry,
    Written,
)
from kastor.graph.service import GraphService
from kastor.logs import get_logger
from kastor.records import Context
from kastor.sample.building import BUILDING, graph, models
from kastor.sample.draft import SampleGraph
from kastor.sample.incident import BEGINNING, VALVE, IncidentStep, steps
from kastor.sample.scenes import save_scenes
from kastor.sample.simulation import SimulatedReading, Simulation
from kastor.saved.service import SavedService
from kastor.storage.protocol import Store, StoreStatus
from kastor.types import Ticks

TICK_SECONDS = 1.0
_LOADING = Context("sample")
_SENSING = Context("simulation")

_log = get_logger("kastor.sample")


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """How many things of each kind there are."""

    models: int
    twins: int
    relationships: int


@dataclass(frozen=True, slots=True)
class LoadedSample:
    """What became of the sample.

    Attributes:
        message: the same for whoever started the server.
        can_simulate: whether the graph holds it.
        before: what the graph held when nobody else wrote any more.
    """

    message: str
    can_simulate: bool
    before: StoreStatus


async def load_sample(service: GraphService, store: Store[ModelCatalog]) -> LoadedSample:
    """Load the building if the graph is empty; say what was done.

    Whatever else this process is to write waits meanwhile, so that the graph is empty still when
    the sample comes, and nothing of others gets a time of its past. What another process writes
    is not replaced: the sample is refused then.

    Raises:
        Conflict: others wrote to the graph at the same time.
    """
    with store.ticker.alone():
        await store.settle()
        await service.refresh_models()
        status = await store.status(_LOADING)
        if status.models == 0 and status.twins == 0:
            if (await store.events.log_bounds())[1]:
                # Times would go back, behind those of earlier entries.
                await _load(service, graph())
            else:
                await _load_with_past(service, store)
            await save_scenes(SavedService(store.saved), _LOADING)
            said = "the sample building was loaded; its sensors are simulated"
            return LoadedSample(said, True, status)
    if await is_here(service, store):
        said = "the sample building is here already; its sensors are simulated"
        return LoadedSample(said, True, status)
    return LoadedSample(
        "the graph is not empty, so the sample was not loaded; take another --data folder, "
        "or empty this one with `kastor reset`",
        False,
        status,
    )


def counts() -> SampleCounts:
    """Return how much the sample is."""
    sample = graph()
    return SampleCounts(len(models()), len(sample.twins), len(sample.relationships))


async def is_here(
    service: GraphService, store: Store[ModelCatalog], context: Context = _LOADING
) -> bool:
    """Whether the graph holds the building, so that its sensors can be simulated."""
    return await store.twin(BUILDING, context) is not None and _has_models(service)


async def simulate(service: GraphService, store: Store[ModelCatalog]) -> None:
    """Write simulated readings until cancelled; a twin that is gone is left alone."""
    simulation = Simulation(await _stored(store))
    while True:
        readings = simulation.due(datetime.now().astimezone())
        results = await asyncio.gather(
            *(_write(service, reading) for reading in readings), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, KastorError):
                _log.error("simulation failed", exc_info=result)
        await asyncio.sleep(TICK_SECONDS)


async def _stored(store: Store[ModelCatalog]) -> SampleGraph:
    """Return the sample as it stands in the store, so that no meter runs backwards."""
    sample = graph()
    rows = [await store.twin(twin["$dtId"], _SENSING) for twin in sample.twins]
    twins = [orjson.loads(row.doc) for row in rows if row is not None]
    return SampleGraph(twins, sample.relationships)


async def _load_with_past(service: GraphService, store: Store[ModelCatalog]) -> None:
    clock = _GivenClock(store.ticker.now())
    with store.ticker.writing_by(clock):
        clock.ago = BEGINNING
        sample = graph()
        await _load(service, sample)
        for step in steps(sample):
            clock.ago = step.ago
            await _write_step(service, step)


@dataclass(slots=True)
class _GivenClock:
    """Stands still at a time before its `start` until it is set."""

    start: Ticks
    ago: timedelta = timedelta()

    def __call__(self) -> Ticks:
        return self.start - int(self.ago.total_seconds()) * TICKS_PER_SECOND


async def _write_step(service: GraphService, step: IncidentStep) -> None:
    commands: list[Command[Written]] = [
        PatchTwin(twin_id, tuple(patch)) for twin_id, patch in step.twins.items()
    ]
    if step.valve is not None:
        commands.append(PatchRelationship(*VALVE, tuple(step.valve)))
    await _execute(service, commands, Context(step.actor))


async def _load(service: GraphService, sample: SampleGraph) -> None:
    documents = models()
    texts = [orjson.dumps(document) for document in documents]
    body = b"[" + b",".join(texts) + b"]"
    await service.upload(body, list(zip(documents, texts, strict=True)), _LOADING)
    commands: list[Command[Written]] = [
        PutTwin(twin["$dtId"], twin, only_if_absent=True) for twin in sample.twins
    ]
    commands += [
        PutRelationship(each["$sourceId"], each["$relationshipId"], each, only_if_absent=True)
        for each in sample.relationships
    ]
    await _execute(service, commands, _LOADING)


async def _execute(
    service: GraphService, commands: Sequence[Command[Written]], context: Context
) -> None:
    """Write all of it, or nothing.

    Raises:
        Conflict: another process wrote or deleted some of it at the same time.
        RuntimeError: it is not valid, which is a fault.
    """
    results = await service.execute_many(commands, context, atomic=True)
    refusals = [each for each in results.outcomes if isinstance(each, KastorError)]
    if any(isinstance(each, PreconditionFailed | NotFound) for each in refusals):
        raise Conflict(
            "Others write to this graph while the sample is loaded, so that it is not whole. Empty "
            "the graph, or take another one.",
            code="GraphNotEmpty",
        )
    if refusals:
        raise RuntimeError(f"the sample is not valid: {refusals[0].message}")


async def _write(service: GraphService, reading: SimulatedReading) -> None:
    if reading.patch:
        await service.execute(PatchTwin(reading.twin_id, tuple(reading.patch)), _SENSING)
    if reading.telemetry is not None:
        body = orjson.dumps(reading.telemetry)
        await service.execute(SendTelemetry(reading.twin_id, body, "application/json"), _SENSING)


def _has_models(service: GraphService) -> bool:
    stored = service.catalog.models
    return all(document["@id"] in stored for document in models())
