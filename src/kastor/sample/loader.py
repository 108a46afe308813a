"""Puts the sample building into an empty graph and keeps its sensors alive.

Everything goes through the graph service, as a client's writes do. A graph that holds anything
is never loaded into; one that holds this very building goes on being simulated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from kastor.errors import KastorError
from kastor.graph.catalog import ModelCatalog
from kastor.graph.commands import (
    Command,
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
from kastor.sample.simulation import SimulatedReading, Simulation
from kastor.storage.protocol import Store

BATCH = 64
TICK_SECONDS = 1.0
_LOADING = Context("sample")
_SENSING = Context("simulation")

_log = get_logger("kastor.sample")


@dataclass(frozen=True, slots=True)
class LoadedSample:
    """What became of the sample."""

    message: str
    can_simulate: bool


async def load_sample(service: GraphService, store: Store[ModelCatalog]) -> LoadedSample:
    """Load the building if the graph is empty; say what was done."""
    status = await store.status(_LOADING)
    if status.models == 0 and status.twins == 0:
        await _load(service)
        return LoadedSample("the sample building was loaded; its sensors are simulated", True)
    if await store.twin(BUILDING, _LOADING) is not None and _has_models(service):
        return LoadedSample("the sample building is here already; its sensors are simulated", True)
    return LoadedSample(
        "the graph is not empty, so the sample was not loaded; take another --data folder, "
        "or empty this one with `kastor reset`",
        False,
    )


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


async def _load(service: GraphService) -> None:
    documents = models()
    texts = [orjson.dumps(document) for document in documents]
    body = b"[" + b",".join(texts) + b"]"
    await service.upload(body, list(zip(documents, texts, strict=True)), _LOADING)
    sample = graph()
    await _execute(service, (PutTwin(twin["$dtId"], twin) for twin in sample.twins))
    await _execute(
        service,
        (
            PutRelationship(each["$sourceId"], each["$relationshipId"], each)
            for each in sample.relationships
        ),
    )


async def _execute(service: GraphService, commands: Iterable[Command[Written]]) -> None:
    # In batches, so that the writer commits them as groups.
    pending = list(commands)
    for start in range(0, len(pending), BATCH):
        batch = pending[start : start + BATCH]
        await asyncio.gather(*(service.execute(command, _LOADING) for command in batch))


async def _write(service: GraphService, reading: SimulatedReading) -> None:
    if reading.patch:
        await service.execute(PatchTwin(reading.twin_id, tuple(reading.patch)), _SENSING)
    if reading.telemetry is not None:
        body = orjson.dumps(reading.telemetry)
        await service.execute(SendTelemetry(reading.twin_id, body, "application/json"), _SENSING)


def _has_models(service: GraphService) -> bool:
    stored = service.catalog.models
    return all(document["@id"] in stored for document in models())
