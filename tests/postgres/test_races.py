"""Two stores on one schema, as two processes have them: races are decided again, none is lost."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from msgspec import structs

from kastor.errors import KastorError, NotFound, Unavailable
from kastor.graph import commands as c
from kastor.graph.readings import Outcome, TwinReading
from kastor.graph.twin import RelationshipsLeft
from kastor.records import SYSTEM, Context, PolicyPart, RelationshipPage
from kastor.storage.postgres import writes
from tests.store.graphs import (
    HALL,
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    edge,
    hall,
    replace,
    room,
)
from tests.store.postgres_engine import PostgresEngine

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pair(postgres: PostgresEngine) -> tuple[Graph, Graph]:
    one = Graph(await postgres.open(), postgres.history())
    two = Graph(await postgres.open(), postgres.history())
    await one.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    return one, two


async def test_patches_from_both_sides_are_serial(pair: tuple[Graph, Graph]) -> None:
    await pair[0].put("r", room(labels={}))

    async def client(number: int) -> None:
        for n in range(10):
            operation = {"op": "add", "path": f"/labels/k{number}_{n}", "value": "x"}
            await pair[number % 2].patch("r", operation)

    await asyncio.gather(*(client(number) for number in range(20)))
    versions = pair[0].history.twin_versions("r")
    assert [each.version for each in versions] == list(range(1, 202))
    assert [len(each.doc["labels"]) for each in versions] == list(range(201))
    for older, newer in pairwise(versions):
        assert older.valid_to == newer.valid_from > older.valid_from


async def test_creation_and_deletion_from_both_sides_keep_one_history(
    pair: tuple[Graph, Graph],
) -> None:
    async def client(number: int) -> None:
        graph = pair[number % 2]
        for _ in range(15):
            try:
                if number < 4:
                    await graph.put("h", hall(seats=number))
                else:
                    await graph.delete("h")
            except NotFound:
                pass

    await asyncio.gather(*(client(number) for number in range(8)))
    log = [row for row in pair[0].history.log() if row.subject == "h"]
    assert [row.version for row in log] == list(range(1, len(log) + 1))
    assert len({row.twin_key for row in log}) == 1
    alive = False
    for row in log:
        assert (row.kind == "Twin.Create") == (not alive)
        alive = row.kind != "Twin.Delete"


async def test_no_relationship_is_left_without_an_end(pair: tuple[Graph, Graph]) -> None:
    for _ in range(20):
        await pair[0].put("a", room())
        await pair[0].put("b", room())

        async def relate(graph: Graph) -> object:
            return await graph.relate("a", "e", edge("b"))

        async def delete(graph: Graph, twin_id: str) -> None:
            await graph.delete(twin_id)

        results = await asyncio.gather(
            relate(pair[0]), delete(pair[1], "b"), delete(pair[0], "a"), return_exceptions=True
        )
        assert all(
            each is None or isinstance(each, c.Written | NotFound | RelationshipsLeft)
            for each in results
        ), results
        found = await pair[1].store.outgoing("a", None, "", 10, SYSTEM)
        if found is not None and found.rows:
            assert await pair[1].store.twin("b", SYSTEM) is not None
            await pair[0].unrelate("a", "e")
        for name in "ab":
            if await pair[0].store.twin(name, SYSTEM) is not None:
                await pair[0].delete(name)


async def test_relationships_of_both_sides_between_the_same_twins_do_not_block_each_other(
    pair: tuple[Graph, Graph],
) -> None:
    names = [f"t{n}" for n in range(4)]
    for name in names:
        await pair[0].put(name, room())

    async def client(number: int) -> None:
        graph = pair[number % 2]
        for n in range(10):
            source, target = names[(number + n) % 4], names[(number + n + 1 + n % 3) % 4]
            await graph.relate(source, f"e{number}", edge(target))
            await graph.patch(source, {"op": "add", "path": "/name", "value": f"{number}"})
            await graph.unrelate(source, f"e{number}")

    await asyncio.wait_for(asyncio.gather(*(client(number) for number in range(12))), 60)
    for name in names:
        assert await pair[0].store.outgoing(name, None, "", 10, SYSTEM) == RelationshipPage(
            [], False
        )


async def test_a_write_is_validated_against_models_that_came_meanwhile(
    pair: tuple[Graph, Graph],
) -> None:
    for _ in range(10):
        await pair[0].execute(c.CommissionModel(HALL, False))
        with pytest.raises(KastorError, match="decommissioned"):
            await pair[1].put("h", hall())
        await pair[0].execute(c.CommissionModel(HALL, True))
        await pair[1].put("h", hall())
        await pair[1].delete("h")


async def test_models_change_under_a_stream_of_writes(pair: tuple[Graph, Graph]) -> None:
    done = asyncio.Event()

    async def write(number: int) -> int:
        count = 0
        while not done.is_set():
            await pair[number % 2].put(f"h{number}", hall(seats=count))
            count += 1
        return count

    writers = [asyncio.create_task(write(number)) for number in range(8)]
    for n in range(20):
        await pair[n % 2].upload({**HALL_MODEL, "@id": f"dtmi:s:New{n};1"})
    done.set()
    counts = await asyncio.gather(*writers)
    assert sum(counts) > 20
    assert pair[0].service.catalog.epoch >= 21
    await pair[1].store.refresh()
    assert pair[1].service.catalog.models.keys() >= {f"dtmi:s:New{n};1" for n in range(20)}


async def test_only_one_process_makes_the_schema_and_all_get_it(postgres: PostgresEngine) -> None:
    stores = await asyncio.gather(*(postgres.open("fresh") for _ in range(6)))
    assert len({store.host_name for store in stores}) == 1
    assert len({store.signing_key for store in stores}) == 1


async def test_a_reset_beside_the_others_writes_leaves_a_sound_graph(
    pair: tuple[Graph, Graph],
) -> None:
    one, two = pair

    async def write(n: int) -> None:
        graph = pair[n % 2]
        await graph.put(f"r{n}", room())
        await graph.put(f"s{n}", room())
        await graph.relate(f"r{n}", "e", edge(f"s{n}"))
        await graph.patch(f"r{n}", {"op": "add", "path": "/name", "value": "x"})

    for _ in range(4):
        results = await asyncio.gather(
            *(write(n) for n in range(20)),
            one.store.reset(),
            *(write(n) for n in range(20, 40)),
            return_exceptions=True,
        )
        assert all(each is None or isinstance(each, KastorError) for each in results), results
        await two.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
        for graph in pair:
            await graph.put("again", room(temperature=1))
            await graph.patch("again", replace("/temperature", 2))
        # Whatever is there has a model that is known.
        for n in range(40):
            row = await one.store.twin(f"r{n}", SYSTEM)
            assert row is None or one.service.catalog.id_of(row.model_key)
        await one.store.reset()
        await one.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)


class TestReadings:
    """One side takes readings; the other one writes just before it, once it has decided."""

    LARGE = Context("ann", size=100_000)
    """So that it is decided in a thread, which may wait for the other side."""

    def taking(self, time: int, value: float) -> c.TakeReadings:
        instant = 638_000_000_000_000_000 + time
        reading = TwinReading("h", {("temperature",): value}, {}, instant, None, None, None, None)
        return c.TakeReadings("h", [reading], {})

    async def test_they_are_compared_with_what_the_other_one_wrote(
        self, pair: tuple[Graph, Graph]
    ) -> None:
        await pair[0].put("h", hall(temperature=0))
        loop, asked = asyncio.get_running_loop(), 0

        def permit() -> None:
            nonlocal asked
            asked += 1
            other = pair[1].execute(self.taking(9, 9.0))
            asyncio.run_coroutine_threadsafe(other, loop).result(10)

        taken = await pair[0].service.execute(self.taking(5, 5.0), self.LARGE, permit)
        assert (taken.outcomes, asked) == ((Outcome.STALE,), 1)
        assert (await pair[0].document("h"))["temperature"] == 9

    async def test_who_lost_its_lease_meanwhile_cannot_write_what_is_old(
        self, pair: tuple[Graph, Graph]
    ) -> None:
        await pair[0].put("h", hall(temperature=0))
        loop, held = asyncio.get_running_loop(), [True, False]

        def permit() -> None:
            if not held.pop(0):
                raise Unavailable("another one has it")
            other = pair[1].patch("h", replace("/temperature", 9))
            asyncio.run_coroutine_threadsafe(other, loop).result(10)

        with pytest.raises(Unavailable, match="another one has it"):
            await pair[0].service.execute(self.taking(5, 5.0), self.LARGE, permit)
        assert (await pair[0].document("h"))["temperature"] == 9
        assert held == []

    async def test_a_twin_that_always_changes_is_given_up_for_now(
        self, pair: tuple[Graph, Graph], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writes, "ATTEMPTS", 3)
        await pair[0].put("h", hall(temperature=0))
        loop = asyncio.get_running_loop()

        def permit() -> None:
            other = pair[1].patch("h", replace("/temperature", 9))
            asyncio.run_coroutine_threadsafe(other, loop).result(10)

        with pytest.raises(Unavailable, match="all the time"):
            await pair[0].service.execute(self.taking(5, 5.0), self.LARGE, permit)
        assert (await pair[0].service.twin("h", SYSTEM)).version == 4


async def test_parts_hold_what_two_processes_relate_at_the_same_time(
    pair: tuple[Graph, Graph],
) -> None:
    """Who adds a to b and who adds b to c would each miss the other's relationship."""
    part = PolicyPart("p", "t0", outgoing=("nextTo",))
    for number in range(30):
        await pair[0].put(f"t{number}", room())
    sees = await pair[0].service.seen([part])
    context = structs.replace(SYSTEM, sees=sees)

    async def client(which: int) -> None:
        for number in range(which, 29, 4):
            await pair[which % 2].relate(f"t{number}", "r", edge(f"t{number + 1}"))

    for _ in range(3):
        await asyncio.gather(*(client(which) for which in range(4)))
        for number in range(30):
            assert (await pair[number % 2].service.twin(f"t{number}", context)).id == f"t{number}"
        await pair[1].unrelate("t0", "r")
        with pytest.raises(NotFound):
            await pair[0].service.twin("t29", context)
        await asyncio.gather(*(pair[n % 2].unrelate(f"t{n}", "r") for n in range(1, 29)))
