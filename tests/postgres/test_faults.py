"""What errors of the server mean: the table, and what a client is told while they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from kastor.dtdl import ValueRules
from kastor.errors import KastorError, Unavailable
from kastor.graph.catalog import catalog_builder
from kastor.query.service import QueryService
from kastor.query.settings import QuerySettings
from kastor.query.sql.postgres import Postgres
from kastor.records import SYSTEM
from kastor.storage.postgres import outcomes
from kastor.storage.postgres.faults import Fault, fault_of
from kastor.storage.postgres.store import PostgresStore
from tests.store.graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, replace, room
from tests.store.postgres_engine import PostgresEngine

from .proxy import Proxy, ServerError
from .server import POOLER

pytestmark = pytest.mark.anyio
MARK = "the mark that the proxy looks for"

MEANINGS = [
    ("23505", "ERROR", Fault.RACE),
    ("23503", "ERROR", Fault.RACE),
    ("40001", "ERROR", Fault.AGAIN),
    ("40P01", "ERROR", Fault.AGAIN),
    ("40003", "ERROR", Fault.BEHIND),
    ("55P03", "ERROR", Fault.AGAIN),
    ("72000", "ERROR", Fault.AGAIN),
    ("0A000", "ERROR", Fault.AGAIN),
    ("25006", "ERROR", Fault.ELSEWHERE),
    ("25P03", "FATAL", Fault.LOST),
    ("25P04", "FATAL", Fault.LOST),
    ("57P01", "FATAL", Fault.LOST),
    ("57P01", "ERROR", Fault.BEHIND),
    ("57P02", "FATAL", Fault.LOST),
    ("57P03", "FATAL", Fault.LOST),
    ("57P03", "ERROR", Fault.BEHIND),
    ("57P05", "FATAL", Fault.LOST),
    ("57014", "ERROR", Fault.FULL),
    ("08000", "ERROR", Fault.BEHIND),
    ("08001", "ERROR", Fault.BEHIND),
    ("08003", None, Fault.LOST),
    ("08006", "ERROR", Fault.BEHIND),
    ("08006", "FATAL", Fault.LOST),
    ("08P01", "FATAL", Fault.LOST),
    ("53100", "ERROR", Fault.FULL),
    ("53200", "ERROR", Fault.FULL),
    ("53300", "ERROR", Fault.FULL),
    ("58030", "ERROR", Fault.FULL),
    ("26000", "ERROR", Fault.FULL),
    ("42P01", "ERROR", Fault.GONE),
    ("3F000", "ERROR", Fault.GONE),
    ("42601", "ERROR", Fault.OTHER),
    ("22P02", "ERROR", Fault.OTHER),
    ("XX000", "ERROR", Fault.OTHER),
    ("XX001", "ERROR", Fault.OTHER),
]
BROKEN = [
    "server closed the connection unexpectedly",
    "connection not open",
    "no connection to the server",
    "connection to the remote node worker1:5432 failed with the following error: timeout expired",
    'connection to server at "worker1" (10.0.0.5), port 5432 failed: Connection refused',
    "could not receive data from server: Connection reset by peer",
    "could not send data to server: Broken pipe",
    'could not translate host name "worker1" to address: Temporary failure',
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error: EOF detected",
    "terminating connection due to administrator command",
    "terminating connection because of crash of another server process",
    "the database system is starting up",
    "the database system is in recovery mode",
    "connection error: worker1:5432",
    "failure on connection marked as essential: worker1:5432",
    "failed to execute task 50",
    "could not establish any connections to the node worker1:5432 after 5000 ms",
    'lost synchronization with server: got message type "T"',
    "postmaster was shut down, exiting",
    "sorry, too many clients already",
]
OURS = [
    "cache lookup failed for type 1234",
    "unexpected chunk number 0 (expected 1) for toast value 17 in pg_toast_2619",
    "could not find block containing chunk 0x55",
    "variable not found in subplan target list",
]


def made(code: str, severity: str | None, text: str = "words") -> asyncpg.PostgresError:
    fields = {"C": code, "M": text}
    if severity is not None:
        fields |= {"S": "FEHLER", "V": severity}
    error = asyncpg.PostgresError.new(fields)
    assert isinstance(error, asyncpg.PostgresError)
    return error


@pytest.mark.parametrize(("code", "severity", "meaning"), MEANINGS)
def test_a_code_means(code: str, severity: str | None, meaning: Fault) -> None:
    assert fault_of(made(code, severity)) is meaning


@pytest.mark.parametrize("text", BROKEN)
def test_words_of_a_broken_connection_behind_the_server_are_known(text: str) -> None:
    assert fault_of(made("XX000", "ERROR", text)) is Fault.BEHIND


@pytest.mark.parametrize("text", OURS)
def test_other_words_without_a_code_stay_a_fault(text: str) -> None:
    assert fault_of(made("XX000", "ERROR", text)) is Fault.OTHER


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    async with Proxy(dsn) as proxy:
        yield proxy


@pytest.fixture
async def graph(postgres: PostgresEngine, proxy: Proxy) -> AsyncIterator[Graph]:
    direct = Graph(await postgres.open(), postgres.history())
    await direct.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    store = await PostgresStore.open(
        proxy.dsn, postgres.schema(), catalog_builder(ValueRules()), pool=4, pooler=POOLER
    )
    yield Graph(store, postgres.history())
    await store.close()


@pytest.mark.parametrize(
    ("code", "text"),
    [("XX000", BROKEN[0]), ("XX000", BROKEN[3]), ("08006", BROKEN[3]), ("57P01", BROKEN[10])],
)
@pytest.mark.parametrize("done", [True, False])
async def test_a_write_that_a_server_behind_lost_is_looked_up(
    graph: Graph, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, code: str, text: str, done: bool
) -> None:
    monkeypatch.setattr(outcomes, "CHECK_PAUSE_SECONDS", 0.01)
    await graph.put("r", room(name="before"))
    proxy.error = ServerError(MARK.encode(), code, text, done=done)
    connections = proxy.connections
    if done:
        written = await graph.patch("r", replace("/name", MARK))
        assert (await graph.service.twin("r", SYSTEM)).etag == written.etag
    else:
        with pytest.raises(Unavailable, match="whether"):
            await graph.patch("r", replace("/name", MARK))
        assert (await graph.document("r"))["name"] == "before"
    assert proxy.error.times == 0
    assert len(graph.history.twin_versions("r")) == (2 if done else 1)
    assert proxy.connections - connections <= 1, "sound connections were given up"


@pytest.mark.parametrize(("code", "text"), [("XX000", BROKEN[0]), ("08006", BROKEN[3])])
async def test_reads_queries_and_upkeep_are_unavailable_and_then_go_on(
    graph: Graph, proxy: Proxy, postgres: PostgresEngine, code: str, text: str
) -> None:
    await graph.put("wanted", room(name="here"))
    store = graph.store
    query = QueryService(
        store,
        lambda: store.catalog,
        store.signing_key,
        QuerySettings(),
        dialect=Postgres(postgres.schema()),
        refresh=store.refresh,
    )
    words = "SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'wanted'"

    async def read() -> object:
        return await graph.service.twin("wanted", SYSTEM)

    async def ask() -> object:
        return await query.run(words, SYSTEM)

    async def list_routes() -> object:
        return await store.events.routes()

    for work, mark in ((read, b"wanted"), (ask, b"wanted"), (list_routes, b".routes")):
        proxy.error = ServerError(mark, code, text, times=100)
        with pytest.raises(KastorError) as caught:
            await work()
        assert isinstance(caught.value, Unavailable), work
        assert text.splitlines()[0] in caught.value.message
        proxy.error = None
        assert await work() is not None
