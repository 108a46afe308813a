"""What became of a past state: nothing but documents, more, or anything; and queries that rely on it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs

from kastor.graph import commands as c
from kastor.graph.instants import Named
from kastor.query.service import QueryService, QuerySettings
from kastor.query.sql.dialects import dialect_of
from kastor.records import SYSTEM, AsOf, Context, Others, Since

from .graphs import HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, edge, hall, replace, room
from .sqlite_engine import SqliteEngine

pytestmark = pytest.mark.anyio
NONE, MORE, ANY = Others.NONE, Others.MORE, Others.ANY
ALL = "SELECT $dtId, name FROM DIGITALTWINS ORDER BY $dtId"
JOINED = "SELECT S.$dtId, T.name FROM DIGITALTWINS S JOIN T RELATED S.nextTo R"


@pytest.fixture
async def graph(sqlite: SqliteEngine) -> Graph:
    """Two rooms beside each other."""
    made = Graph(await sqlite.open(), sqlite.history())
    await made.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    for name in ("a", "b"):
        await made.put(name, room(name=name))
    await made.relate("a", "r", edge("b", door="d"))
    return made


async def state(graph: Graph) -> AsOf:
    newest = await graph.store.history.resolve()
    return await graph.service.at(Named(change=newest.change))


async def patched(graph: Graph) -> None:
    await graph.patch("a", replace("/name", "other"))
    operations = (replace("/door", "e"),)
    await graph.execute(c.PatchRelationship("a", "r", operations))
    await graph.relate("a", "r", edge("b", door="f"))
    await graph.put("b", room(name="put"))


async def twin_created(graph: Graph) -> None:
    await graph.put("c", room(name="c"))


async def twin_deleted(graph: Graph) -> None:
    await graph.unrelate("a", "r")
    await graph.delete("b")


async def twin_put_of_another_model(graph: Graph) -> None:
    await graph.put("b", hall(seats=4))


async def related(graph: Graph) -> None:
    await graph.relate("b", "s", edge("a"))


async def unrelated(graph: Graph) -> None:
    await graph.unrelate("a", "r")


async def related_otherwise(graph: Graph) -> None:
    await graph.relate("a", "r", edge("b", "above"))


@pytest.mark.parametrize(
    ("change", "since"),
    [
        (patched, Since(NONE, NONE)),
        (twin_created, Since(MORE, NONE)),
        (twin_deleted, Since(ANY, ANY)),
        (twin_put_of_another_model, Since(ANY, NONE)),
        (related, Since(NONE, MORE)),
        (unrelated, Since(NONE, ANY)),
        (related_otherwise, Since(NONE, ANY)),
    ],
)
async def test_what_became_of_a_state_is_known_also_after_a_restart(
    graph: Graph,
    sqlite: SqliteEngine,
    change: Callable[[Graph], Awaitable[None]],
    since: Since,
) -> None:
    before = await state(graph)
    assert graph.store.since(before) == Since(NONE, NONE)
    await change(graph)
    assert graph.store.since(before) == since
    assert graph.store.since(await state(graph)) == Since(NONE, NONE)
    await graph.store.close()
    again = await sqlite.open()
    assert again.since(before) == since


def queries(graph: Graph, since: Callable[[AsOf], Since]) -> QueryService:
    store = graph.store
    return QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        QuerySettings(),
        dialect=dialect_of(store.engine),
        since=since,
    )


@pytest.mark.parametrize("change", [twin_deleted, twin_created, unrelated])
async def test_a_query_that_more_became_under_way_is_asked_again(
    graph: Graph, change: Callable[[Graph], Awaitable[None]]
) -> None:
    """What it was compiled for is no longer so when its rows are there."""
    known: list[Since] = []

    def since(at: AsOf) -> Since:
        """Tell what is so only when rows were read once on what was so before."""
        found = graph.store.since(at)
        known.append(Since(NONE, NONE) if len(known) < compiled_and_bound else found)
        return known[-1]

    before = await state(graph)
    context: Context = structs.replace(SYSTEM, at=before)
    plain = queries(graph, graph.store.since)
    wanted = {text: (await plain.run(text, context)).value for text in (ALL, JOINED)}
    await change(graph)
    compiled_and_bound = 2
    for text in (ALL, JOINED):
        known.clear()
        page = await queries(graph, since).run(text, context)
        assert json.loads(page.value) == json.loads(wanted[text])
        assert len(known) > compiled_and_bound
