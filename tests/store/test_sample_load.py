"""The sample is loaded into an empty graph alone, whoever else writes meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import Conflict
from kastor.graph import commands as c
from kastor.records import SYSTEM
from kastor.sample.building import BUILDING, graph
from kastor.sample.loader import LoadedSample, load_sample

from .engines import Engine
from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, room

pytestmark = pytest.mark.anyio
MINUTE = 60 * TICKS_PER_SECOND


async def test_what_others_write_meanwhile_waits_and_has_the_time_of_now(empty: Graph) -> None:
    began = now_ticks()
    loading = asyncio.create_task(load_sample(empty.service, empty.store))
    while not (empty.store.ticker.reserved or loading.done()):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)
    await empty.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    assert not empty.store.ticker.reserved, "it came after the sample"
    await empty.put("mine", room())
    assert (await loading).before.twins == 0
    mine, building = (empty.history.twin_versions(each)[0] for each in ("mine", BUILDING))
    assert began <= mine.valid_from <= now_ticks() + MINUTE
    assert building.valid_from < began - MINUTE, "the sample has a past"
    assert (await empty.store.status(SYSTEM)).twins == 343


async def test_what_was_begun_before_is_seen(empty: Graph) -> None:
    writing = asyncio.create_task(empty.upload(THERMOSTAT_MODEL, ROOM_MODEL))
    other = asyncio.create_task(load_sample(empty.service, empty.store))
    found: LoadedSample = await other
    await writing
    status = await empty.store.status(SYSTEM)
    if found.before.models:
        assert (found.can_simulate, status.models, status.twins) == (False, 2, 0)
    else:
        assert (found.can_simulate, status.models, status.twins) == (True, 22, 342)


async def test_two_who_load_it_are_told_apart(empty: Graph) -> None:
    both = [load_sample(empty.service, empty.store) for _ in range(2)]
    one, other = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(one, LoadedSample)
    assert isinstance(other, Conflict)
    assert (await load_sample(empty.service, empty.store)).before.twins == 342


async def test_a_twin_of_another_process_is_not_replaced(
    engine: Engine, empty: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.in_order:
        pytest.skip("one process has the graph to itself")
    other = Graph(await engine.open(), engine.history())
    first = graph().twins[0]
    upload = empty.service.upload

    async def uploaded(*arguments: object) -> object:
        models = await upload(*arguments)  # type: ignore[arg-type]  # as they were given
        await other.service.refresh_models()
        put = c.PutTwin(first["$dtId"], {**first, "name": "mine"})
        await other.service.execute(put, SYSTEM)
        return models

    monkeypatch.setattr(empty.service, "upload", uploaded)
    with pytest.raises(Conflict) as caught:
        await load_sample(empty.service, empty.store)
    assert caught.value.code == "GraphNotEmpty"
    status = await empty.store.status(SYSTEM)
    assert (status.twins, status.relationships) == (1, 0)
    row = await empty.store.twin(first["$dtId"], SYSTEM)
    assert row is not None
    assert b'"mine"' in row.doc
    assert not empty.store.ticker.reserved
