"""What is not kept any more is told, also where it went between two steps of one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import structs

from kastor.clock import TICKS_PER_SECOND, twin_time
from kastor.errors import Gone, InvalidArgument
from kastor.graph.instants import Named
from kastor.history.activity import read_activity
from kastor.jobs.exporting.wanted import Wanted
from kastor.records import SYSTEM, AsOf, Context

from .clocks import Clock
from .engines import Engine
from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, hall, replace, room
from .test_contexts import query
from .test_exports import exports

pytestmark = pytest.mark.anyio
DAY = 86_400 * TICKS_PER_SECOND
NEVER = 1e9


@pytest.fixture
async def graph(engine: Engine, clock: Clock) -> Graph:
    """A graph in which something was patched on each of ten days."""
    store = await engine.open(clock=clock, version_seconds=5 * 86_400, log_seconds=NEVER)
    graph = Graph(store, engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await graph.put("r", room(temperature=0.0))
    await graph.put("h", hall())
    await graph.relate("r", "e", edge("h"))
    for day in range(10):
        clock.now += DAY
        await graph.patch("r", replace("/temperature", float(day)))
    return graph


async def _differences(graph: Graph, context: Context) -> Any:
    assert context.at is not None
    newest = await graph.store.history.resolve()
    return await graph.store.history.differences("twin", context.at, newest, (), 10)


async def _export(graph: Graph, context: Context) -> Any:
    export = await exports(graph).open(Wanted(), context)
    await export.aclose()


READS: dict[str, Callable[[Graph, Context], Awaitable[Any]]] = {
    "twin": lambda graph, context: graph.store.twin("r", context),
    "no twin": lambda graph, context: graph.store.twin("never", context),
    "relationship": lambda graph, context: graph.store.relationship("r", "e", context),
    "outgoing": lambda graph, context: graph.store.outgoing("r", None, "", 10, context),
    "incoming": lambda graph, context: graph.store.incoming("h", (-1, -1, -1), 10, context),
    "degrees": lambda graph, context: graph.store.degrees(["r"], 10, context),
    "look-up": lambda graph, context: query(graph).run(
        "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'r'", context
    ),
    "query": lambda graph, context: query(graph).run("SELECT * FROM DIGITALTWINS", context),
    "count": lambda graph, context: query(graph).run("SELECT COUNT() FROM DIGITALTWINS", context),
    "differences": _differences,
    "export": _export,
}


async def past(graph: Graph, instant: int) -> Context:
    return structs.replace(SYSTEM, at=await graph.service.at(Named(time=instant)))


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_what_goes_between_the_instant_and_the_read_is_gone(
    graph: Graph, clock: Clock, read: Callable[[Graph, Context], Awaitable[Any]]
) -> None:
    first, newest = clock.now - 9 * DAY, clock.now
    old, young = await past(graph, first), await past(graph, newest)
    await read(graph, old)
    assert await graph.store.prune() > 0
    with pytest.raises(Gone) as told:
        await read(graph, old)
    assert told.value.code == "HistoryExpired"
    await read(graph, young)


async def test_the_error_names_what_was_asked_for_and_the_first_that_is_kept(
    graph: Graph, clock: Clock
) -> None:
    await graph.store.prune()
    status = await graph.store.history.status()
    asked = clock.now - 9 * DAY
    with pytest.raises(Gone) as told:
        await graph.service.at(Named(time=asked))
    oldest = twin_time(status.oldest.time)
    assert twin_time(asked) in told.value.message
    assert oldest in told.value.message
    kept = await graph.service.at(Named(time=status.oldest.time))
    assert kept.change == status.oldest.change
    row = await graph.store.twin("r", structs.replace(SYSTEM, at=kept))
    assert row is not None
    with pytest.raises(Gone):
        await graph.service.at(Named(time=status.oldest.time - 1))
    with pytest.raises(Gone):
        await graph.service.at(Named(change=status.oldest.change - 1))


async def test_one_thing_tells_what_there_is_of_it(graph: Graph) -> None:
    history = graph.store.history
    await graph.store.prune()
    wanted: dict[str, Any] = {"start": 0, "end": 2**62, "limit": 100, "descending": False}
    found = await history.versions("twin", ("r",), **wanted)
    assert found is not None
    numbers = [each.version for each in found]
    assert numbers == list(range(numbers[0], 12))
    assert 1 < numbers[0] < 8
    assert await history.version_before("twin", ("r",), numbers[0] - 1) is None
    state = await history.resolve(change=1, kept=False)
    assert state.change == 1


async def test_the_future_has_no_state(graph: Graph, clock: Clock) -> None:
    newest = await graph.store.history.resolve()
    assert (await graph.store.history.resolve(time=clock.now)).change == newest.change
    for named in (Named(time=clock.now + 1), Named(change=newest.change + 1)):
        with pytest.raises(InvalidArgument):
            await graph.service.at(named)


async def test_an_emptied_graph_has_no_past(graph: Graph) -> None:
    newest = await graph.store.history.resolve()
    at = structs.replace(SYSTEM, at=AsOf(newest.change, newest.time))
    await graph.store.reset()
    with pytest.raises(Gone):
        await graph.store.twin("r", at)
    now = await graph.store.history.resolve()
    assert await graph.store.twin("r", structs.replace(SYSTEM, at=now)) is None
    assert graph.service.models(structs.replace(SYSTEM, at=await graph.service.at(Named()))) == []


async def test_changes_over_time_lie_on_their_days(graph: Graph, clock: Clock) -> None:
    now = clock.now
    first, last = Named(time=now - 39 * DAY // 2), Named(time=now - DAY // 2)
    found = await read_activity(graph.store.history, first, last, 19, now)
    # On the first of ten days all was made, and then something patched on each.
    assert list(found.changes) == [0] * 9 + [found.end.change - 9] + [1] * 9
    rest = await read_activity(graph.store.history, last, None, 2, now + DAY // 2)
    assert list(rest.changes) == [1, 0]
    with pytest.raises(InvalidArgument, match="exchange"):
        await read_activity(graph.store.history, last, first, 2, now)
