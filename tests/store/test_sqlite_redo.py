"""A group of the embedded engine in which one command fails while its rows are written.

A trigger lets one statement of that command fail. The others of the group, which were written in
the same transaction before it or are yet to be, stand as if it had never been there.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import apsw
import pytest

from kastor.errors import KastorError
from kastor.graph import commands as c
from kastor.records import SYSTEM, Context
from kastor.storage.sqlite import writer

from .graphs import (
    HALL,
    HALL_MODEL,
    ROOM_MODEL,
    THERMOSTAT,
    THERMOSTAT_MODEL,
    Graph,
    add,
    edge,
    hall,
    replace,
    room,
)
from .sqlite_engine import SqliteEngine, embedded

pytestmark = pytest.mark.anyio

FAILURES: dict[str, tuple[str, c.Command[Any]]] = {
    "a new twin": ("INSERT ON twins WHEN new.actor = 'bad'", c.PutTwin("bad", hall())),
    "its log entry": ("INSERT ON changes WHEN new.actor = 'bad'", c.PutTwin("bad", hall())),
    "a changed twin": (
        "UPDATE ON twins WHEN new.actor = 'bad'",
        c.PatchTwin("room", (add("/temperature", 2),)),
    ),
    "a twin's version": (
        "INSERT ON twin_versions WHEN new.ended_actor = 'bad'",
        c.PutTwin("room", room()),
    ),
    "the log entry of a change": (
        "INSERT ON changes WHEN new.actor = 'bad'",
        c.PutTwin("room", room()),
    ),
    "a deleted twin": ("DELETE ON twins WHEN old.id = 'alone'", c.DeleteTwin("alone")),
    "a tombstone": ("INSERT ON tombstones WHEN new.id = 'alone'", c.DeleteTwin("alone")),
    "a twin that comes again": ("DELETE ON tombstones", c.PutTwin("dead", hall())),
    "a new relationship": (
        "INSERT ON relationships WHEN new.actor = 'bad'",
        c.PutRelationship("room", "bad", edge("hall", "above")),
    ),
    "a new name": (
        "INSERT ON relationship_names WHEN new.name = 'above'",
        c.PutRelationship("room", "bad", edge("hall", "above")),
    ),
    "a changed relationship": (
        "UPDATE ON relationships WHEN new.actor = 'bad'",
        c.PatchRelationship("room", "there", (add("/door", "oak"),)),
    ),
    "a relationship's version": (
        "INSERT ON relationship_versions WHEN new.ended_actor = 'bad'",
        c.DeleteRelationship("room", "there"),
    ),
    "a deleted relationship": ("DELETE ON relationships", c.DeleteRelationship("room", "there")),
    "telemetry": (
        "INSERT ON changes WHEN new.actor = 'bad'",
        c.SendTelemetry("room", b"{}", "application/json"),
    ),
    "a model out of service": (
        f"UPDATE ON models WHEN new.key = (SELECT key FROM model_keys WHERE id = '{HALL}')",
        c.CommissionModel(HALL, in_service=False),
    ),
    "its log entry, after the catalog": (
        f"INSERT ON changes WHEN new.subject = '{HALL}'",
        c.CommissionModel(HALL, in_service=False),
    ),
}


@pytest.fixture
async def graph(sqlite: SqliteEngine) -> Graph:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    for twin_id in ("hall", "alone", "other", "dead"):
        await graph.put(twin_id, hall())
    await graph.put("room", room(temperature=1))
    await graph.put("flat", room())
    await graph.relate("room", "there", edge("alone", "nextTo"))
    await graph.unrelate("room", "there")
    await graph.relate("room", "there", edge("hall", "nextTo"))
    await graph.delete("dead")
    return graph


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each group was run, without savepoints or with."""
    ways: list[str] = []
    transact = writer.Writer._transact

    def noting(self: Any, jobs: Any, run: Any) -> Any:
        ways.append(run.__name__)
        return transact(self, jobs, run)

    monkeypatch.setattr(writer.Writer, "_transact", noting)
    return ways


@pytest.mark.parametrize("name", FAILURES)
async def test_the_others_are_durable_and_the_failing_one_gets_its_error(
    graph: Graph, sqlite: SqliteEngine, attempts: list[str], name: str
) -> None:
    trigger, bad = FAILURES[name]
    _install(sqlite, trigger)
    epoch = graph.service.catalog.epoch
    before = len(graph.history.log())
    attempts.clear()
    results = await _in_one_group(
        graph,
        c.PutTwin("g0", room(temperature=1)),
        c.PatchTwin("room", (replace("/temperature", 5),)),
        c.PutRelationship("flat", "new", edge("room", "nextTo")),
        c.CommissionModel(THERMOSTAT, in_service=False),
        bad,
        c.PutTwin("refused", hall(seats="many")),
        c.PutTwin("out", {"$metadata": {"$model": THERMOSTAT}}),
        c.PutTwin("g0", room(temperature=2)),
        c.DeleteTwin("other"),
        c.PutRelationship("g0", "new", edge("room", "nextTo")),
    )
    assert attempts[1:] == ["_run_bare", "_run_apart"]
    assert isinstance(results.pop(4), apsw.ConstraintError)
    assert [isinstance(each, KastorError) for each in results] == [*[False] * 4, True, True] + [
        False
    ] * 3
    assert not any(isinstance(each, Exception) for each in (*results[:4], *results[6:]))

    log = graph.history.log()
    assert [row.seq for row in log] == list(range(log[0].seq, log[0].seq + len(log)))
    assert len({row.event_id for row in log}) == len(log)
    assert [(row.kind, row.subject) for row in log[before:]] == [
        ("Twin.Create", "g0"),
        ("Twin.Update", "room"),
        ("Relationship.Create", "flat/relationships/new"),
        ("Model.Update", THERMOSTAT),
        ("Twin.Update", "g0"),
        ("Twin.Delete", "other"),
        ("Relationship.Create", "g0/relationships/new"),
    ]
    assert [each.version for each in graph.history.twin_versions("g0")] == [1, 2]
    assert [each.doc["temperature"] for each in graph.history.twin_versions("room")] == [1, 5]
    assert graph.service.catalog.epoch == epoch + 1
    assert not graph.service.model(HALL, SYSTEM).decommissioned
    assert graph.service.model(THERMOSTAT, SYSTEM).decommissioned
    assert [route.id for route in await embedded(graph.store).events.routes()] == ["to-all"]
    status = await graph.store.status(SYSTEM)
    assert (status.version_bytes, status.log_bytes) == graph.history.sizes()


@pytest.mark.parametrize("name", FAILURES)
async def test_what_failed_once_is_taken_when_its_reason_is_gone(
    graph: Graph, sqlite: SqliteEngine, name: str
) -> None:
    trigger, bad = FAILURES[name]
    connection = _install(sqlite, trigger)
    with pytest.raises(apsw.ConstraintError):
        await graph.execute(bad, "bad")
    connection.execute("DROP TRIGGER failing").fetchall()
    await graph.execute(bad, "bad")
    log = graph.history.log()
    assert [row.seq for row in log] == list(range(log[0].seq, log[0].seq + len(log)))
    assert log[-1].actor == "bad"
    # A name's key that was taken back is not remembered.
    await graph.relate("flat", "again", edge("room", "nextTo"))
    await graph.relate("room", "again", edge("hall", "above"))
    assert [each.name for each in graph.history.relationship_versions("again")] == [
        "nextTo",
        "above",
    ]


async def test_a_group_that_was_refused_in_part_only_is_run_once(
    graph: Graph, attempts: list[str]
) -> None:
    await _in_one_group(graph, c.DeleteTwin("nobody"), c.PutTwin("g", hall()), c.DeleteTwin("no"))
    assert attempts[1:] == ["_run_bare"]


def _install(sqlite: SqliteEngine, trigger: str) -> apsw.Connection:
    connection = apsw.Connection(str(sqlite.path()))
    connection.set_busy_timeout(5_000)
    raising = "BEGIN SELECT raise(ABORT, 'not this one'); END"
    connection.execute(f"CREATE TRIGGER failing BEFORE {trigger} {raising}").fetchall()
    return connection


async def _in_one_group(graph: Graph, *commands: c.Command[Any]) -> list[Any]:
    """Return outcomes and errors of what was queued while the writer was held, with a route."""
    store, go = embedded(graph.store), threading.Event()
    held = asyncio.ensure_future(store._upkeep(lambda *_: go.wait(20)))
    await asyncio.sleep(0.05)  # it is taken alone
    tasks = [
        asyncio.ensure_future(
            graph.service.execute(command, Context("bad" if number == 4 else "ann"))
        )
        for number, command in enumerate(commands)
    ]
    tasks.append(asyncio.ensure_future(store.events.put_route("to-all", "endpoint", "true")))
    await asyncio.sleep(0)
    go.set()
    results = await asyncio.gather(held, *tasks, return_exceptions=True)
    assert results[-1] is None  # of the route
    return results[1:-1]
