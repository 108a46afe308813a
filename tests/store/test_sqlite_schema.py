"""The embedded engine's file: who may open it, how it is migrated, what ties its rows together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from kastor.errors import Gone
from kastor.graph import commands as c
from kastor.records import SYSTEM
from kastor.storage.history import Version
from kastor.storage.refusals import NotAGraphError, SchemaTooNewError
from kastor.storage.sqlite import schema
from kastor.storage.sqlite.connection import open_writer
from kastor.storage.sqlite.schema import prepare

from .graphs import HALL_MODEL, ROOM, ROOM_MODEL, THERMOSTAT_MODEL, Graph, replace, room
from .sqlite_engine import SqliteEngine, SqliteHistory
from .test_lifecycle import fill
from .test_proposals import ANN, ANNS, propose, put, service_of

TABLES = {
    "changes",
    "dead_letters",
    "endpoints",
    "inputs",
    "instants",
    "job_lines",
    "jobs",
    "kept_answers",
    "meta",
    "model_keys",
    "models",
    "origins",
    "part_lost",
    "part_names",
    "part_twins",
    "parts",
    "parts_left",
    "proposals",
    "relationship_names",
    "relationship_versions",
    "relationships",
    "routes",
    "saved",
    "setbacks",
    "telemetry",
    "tombstones",
    "twin_versions",
    "twins",
    "vector_indexes",
    "vectors",
    "version_blocks",
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def shape(connection: apsw.Connection) -> list[tuple[str, str]]:
    """Everything's statement, without comments and blanks: an added column has none of its own."""
    rows = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    return [
        (str(name), re.sub(r"\s*([(),])\s*|\s+", r"\1 ", re.sub(r"--.*", "", str(sql or ""))))
        for name, sql in rows
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "graph.sqlite3"


@pytest.mark.anyio
async def test_a_new_file_has_the_whole_schema_and_its_numbers(sqlite: SqliteEngine) -> None:
    await sqlite.open()
    connection = sqlite.history().connection
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    assert {name for (name,) in names} - {"sqlite_sequence", "sqlite_stat1"} == TABLES
    assert connection.pragma("user_version") == schema.SCHEMA_VERSION
    assert connection.pragma("application_id") == schema.APPLICATION_ID
    assert connection.pragma("journal_mode") == "wal"


@pytest.mark.anyio
async def test_a_newer_database_is_refused_with_both_versions_named(sqlite: SqliteEngine) -> None:
    store = await sqlite.open()
    await store.close()
    newer = schema.SCHEMA_VERSION + 7
    with apsw.Connection(str(sqlite.path())) as connection:
        connection.pragma("user_version", newer)
    connection.close()
    before = digest(sqlite.path())
    with pytest.raises(SchemaTooNewError) as caught:
        await sqlite.open()
    message = str(caught.value)
    assert f"schema {newer}" in message
    assert f"up to {schema.SCHEMA_VERSION}" in message
    assert str(sqlite.path()) in message
    assert digest(sqlite.path()) == before


@pytest.mark.anyio
@pytest.mark.parametrize("version", [0, 1, 9])
async def test_a_database_of_another_program_is_refused_and_left_as_it_is(
    sqlite: SqliteEngine, version: int
) -> None:
    foreign = apsw.Connection(str(sqlite.path()))
    foreign.execute("CREATE TABLE songs (title); INSERT INTO songs VALUES ('one')")
    foreign.pragma("user_version", version)
    foreign.close()
    before = digest(sqlite.path())
    with pytest.raises(NotAGraphError, match="another program"):
        await sqlite.open()
    assert digest(sqlite.path()) == before
    assert [each.name for each in sqlite.folder.iterdir()] == [sqlite.path().name]


@pytest.mark.anyio
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(
    sqlite: SqliteEngine,
) -> None:
    sqlite.path().write_bytes(b"not a database, but long enough to be looked at. " * 100)
    before = digest(sqlite.path())
    with pytest.raises(NotAGraphError, match="not a SQLite database"):
        await sqlite.open()
    assert digest(sqlite.path()) == before


@pytest.mark.anyio
async def test_a_folder_that_is_missing_cannot_be_opened(sqlite: SqliteEngine) -> None:
    with pytest.raises(apsw.CantOpenError):
        await sqlite.open("missing/graph")


ADDED_BY = {
    2: ("endpoints", "routes", "dead_letters"),
    3: ("inputs",),
    4: (),
    5: ("jobs", "job_lines", "kept_answers"),
    6: ("instants", "setbacks", "version_blocks", "telemetry"),
    7: ("saved",),
    8: ("proposals",),
    9: ("origins",),
    10: ("vectors", "vector_indexes"),
    11: ("part_lost", "parts_left", "part_twins", "part_names", "parts"),
}
BEFORE_6 = """
DROP INDEX twin_versions_by_key;
CREATE UNIQUE INDEX twin_versions_by_key ON twin_versions (key, version);
DROP INDEX twin_versions_by_end;
CREATE INDEX twin_versions_by_end ON twin_versions (valid_to);
DROP INDEX relationship_versions_by_key;
CREATE UNIQUE INDEX relationship_versions_by_key ON relationship_versions (key, version);
DROP INDEX relationship_versions_by_end;
CREATE INDEX relationship_versions_by_end ON relationship_versions (valid_to);
DROP INDEX relationship_versions_out;
DROP INDEX relationship_versions_in;
ALTER TABLE models DROP COLUMN change;
ALTER TABLE models DROP COLUMN ended_by;
"""
ADDED_TO_META_BY_6 = (
    *("history_from", "history", "packed_to", "telemetry_bytes"),
    *("twins_more", "twins_other", "relationships_more", "relationships_other"),
)


def make_older(connection: apsw.Connection, version: int) -> None:
    """Turn a file into one of an earlier schema, with its rows."""
    for number in range(schema.SCHEMA_VERSION, version, -1):
        for table in ADDED_BY[number]:
            connection.execute(f"DROP TABLE {table}")
        if number == 11:
            connection.execute("ALTER TABLE vector_indexes DROP COLUMN template")
        if number == 6:
            connection.execute(BEFORE_6)
            for column in ADDED_TO_META_BY_6:
                connection.execute(f"ALTER TABLE meta DROP COLUMN {column}")
    connection.pragma("user_version", version)


@pytest.mark.anyio
async def test_a_proposal_of_before_ways_were_kept_is_applied_after_the_upgrade(
    sqlite: SqliteEngine,
) -> None:
    store = await sqlite.open()
    graph = Graph(store, sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    made = await propose(service_of(graph), put("a"))
    earlier = await propose(service_of(graph), put("b"))
    await service_of(graph).apply(earlier.token, ANNS, ANN)
    await store.close()
    older = open_writer(sqlite.path())
    make_older(older, 8)
    older.close()
    graph = Graph(await sqlite.open(), sqlite.history())
    assert not graph.history.origins()
    assert orjson.loads(await service_of(graph).apply(made.token, ANNS, ANN))["succeeded"] == 1
    await service_of(graph).apply(earlier.token, ANNS, ANN)
    assert [orjson.loads(each)["proposal"] for each in graph.history.origins()] == [made.entry.id]


def test_the_migrations_lead_to_the_whole_schema(path: Path) -> None:
    whole = open_writer(path)
    prepare(whole)
    older = open_writer(path.with_name("older.sqlite3"))
    prepare(older)
    make_older(older, 1)
    prepare(older)
    assert sorted(schema.load_migrations()) == sorted(ADDED_BY)
    assert max(ADDED_BY) == schema.SCHEMA_VERSION
    assert shape(older) == shape(whole)
    older.close()
    whole.close()


def test_migrations_run_in_order_each_with_its_number(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_writer(path)
    prepare(connection)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 2)
    first = schema.SCHEMA_VERSION - 1
    steps = {
        first: "CREATE TABLE added (n); INSERT INTO added SELECT 1;",
        first + 1: "ALTER TABLE added ADD COLUMN m; UPDATE added SET m = n + 1;",
    }
    prepare(connection, migrations=steps)
    assert connection.execute("SELECT n, m FROM added").fetchall() == [(1, 2)]
    assert connection.pragma("user_version") == schema.SCHEMA_VERSION
    prepare(connection, migrations=steps)
    assert connection.execute("SELECT n, m FROM added").fetchall() == [(1, 2)]
    connection.close()


def test_a_migration_that_fails_leaves_the_version_before_it_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_writer(path)
    prepare(connection)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 2)
    first = schema.SCHEMA_VERSION - 1
    steps = {
        first: "CREATE TABLE added (n);",
        first
        + 1: "DROP TABLE changes; INSERT INTO added VALUES (1); INSERT INTO nowhere VALUES (1);",
    }
    with pytest.raises(apsw.SQLError, match="nowhere"):
        prepare(connection, migrations=steps)
    assert not connection.in_transaction
    assert connection.pragma("user_version") == first
    assert connection.execute("SELECT count(*) FROM added").fetchall() == [(0,)]
    assert connection.execute("SELECT count(*) FROM changes").fetchall() == [(0,)]
    steps[first + 1] = "INSERT INTO added VALUES (2);"
    prepare(connection, migrations=steps)
    assert connection.pragma("user_version") == schema.SCHEMA_VERSION
    assert connection.execute("SELECT n FROM added").fetchall() == [(2,)]
    connection.close()


def test_making_the_schema_is_one_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = open_writer(path)
    broken = schema.schema_text() + "INSERT INTO nowhere VALUES (1);"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "schema_text", lambda: broken)
        with pytest.raises(apsw.SQLError, match="nowhere"):
            prepare(connection)
    assert shape(connection) == []
    assert connection.pragma("application_id") == 0
    prepare(connection)
    assert connection.pragma("user_version") == schema.SCHEMA_VERSION
    connection.close()


@pytest.mark.anyio
async def test_what_an_earlier_schema_kept_of_the_past_can_be_read(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await fill(graph)
    versions = await _all_versions(graph)
    graph.history.close()
    await graph.store.close()
    with apsw.Connection(str(sqlite.path())) as connection:
        connection.execute("DELETE FROM changes WHERE kind = 'Model.Update'")
        make_older(connection, 5)
    connection.close()
    again = Graph(await sqlite.open(), sqlite.history())
    assert await _all_versions(again) == versions
    status = await again.store.history.status()
    first = min(each.end for found in versions for each in found if each.end is not None)
    oldest = await again.store.history.resolve(change=status.oldest.change)
    assert status.oldest.change < status.newest.change
    assert oldest.time < first


@pytest.mark.anyio
async def test_the_past_begins_behind_what_an_earlier_schema_wrote_over(
    sqlite: SqliteEngine,
) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await graph.put("r", room(temperature=0))
    await graph.patch("r", replace("/temperature", 1))
    before = await graph.store.history.resolve()
    await graph.execute(c.CommissionModel(ROOM, in_service=False))
    since = await graph.store.history.resolve()
    await graph.patch("r", replace("/temperature", 2))
    graph.history.close()
    await graph.store.close()
    with apsw.Connection(str(sqlite.path())) as connection:
        # Whether a model is in service was a mark in its only row.
        connection.execute("DELETE FROM models WHERE valid_to IS NOT NULL")
        connection.execute("UPDATE models SET seq = 1, valid_from = uploaded")
        make_older(connection, 5)
    connection.close()
    store = await sqlite.open()
    assert (await store.history.resolve(change=since.change)).change == since.change
    with pytest.raises(Gone):
        await store.history.resolve(change=before.change)


@pytest.mark.anyio
async def test_numbers_of_another_engine_become_positions(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await fill(graph)
    positions = "SELECT key, change FROM twins UNION ALL SELECT key, change FROM relationships"
    assert isinstance(graph.history, SqliteHistory)
    before = graph.history.connection.execute(positions).fetchall()
    graph.history.close()
    await graph.store.close()
    with apsw.Connection(str(sqlite.path())) as connection:
        make_older(connection, 5)
        # One transaction wrote several entries there: its number is no position.
        for table in ("twins", "relationships", "twin_versions", "relationship_versions"):
            connection.execute(f"UPDATE {table} SET change = 700 + change / 3")
        for table in ("twin_versions", "relationship_versions"):
            connection.execute(f"UPDATE {table} SET ended_by = 700")
    connection.close()
    again = Graph(await sqlite.open(), sqlite.history())
    assert isinstance(again.history, SqliteHistory)
    assert again.history.connection.execute(positions).fetchall() == before
    status = await again.store.history.status()
    assert (status.versions, status.oldest.change) == (0, status.newest.change)
    assert status.whole_bytes == 0
    await again.put("after", room())
    assert [status.newest.change + 1] in [
        [each.change for each in found] for found in await _all_versions(again)
    ]


async def _all_versions(graph: Graph) -> list[list[Version]]:
    found = []
    wanted: dict[str, Any] = {"start": 0, "end": 2**62, "limit": 1_000, "descending": False}
    for _, twin_id in await graph.store.twin_ids(0, 1_000, SYSTEM):
        found.append(await graph.store.history.versions("twin", (twin_id,), **wanted))
    for _, source, own in await graph.store.relationship_ids(0, 1_000, SYSTEM):
        named = (source, own)
        found.append(await graph.store.history.versions("relationship", named, **wanted))
    return [each for each in found if each]


def test_stored_migrations_lead_to_the_schema_of_this_program() -> None:
    numbers = sorted(schema.load_migrations())
    assert numbers == list(range(2, schema.SCHEMA_VERSION + 1))


@pytest.mark.anyio
async def test_rows_name_the_log_entry_that_wrote_and_ended_them(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await fill(graph)
    assert isinstance(graph.history, SqliteHistory)
    execute: Callable[[str], Any] = graph.history.connection.execute
    log = {row.seq: row for row in graph.history.log()}
    for table in ("twins", "twin_versions", "relationships", "relationship_versions"):
        rows = execute(f"SELECT id, version, change, actor, valid_from FROM {table}").fetchall()
        assert rows
        for own_id, version, change, actor, valid_from in rows:
            entry = log[change]
            assert entry.subject.rpartition("/")[2] == own_id
            assert (entry.version, entry.actor, entry.time) == (version, actor, valid_from)
    for table in ("twin_versions", "relationship_versions"):
        rows = execute(f"SELECT version, ended_by, ended_actor, valid_to FROM {table}").fetchall()
        assert rows
        for version, ended_by, actor, valid_to in rows:
            entry = log[ended_by]
            assert (entry.version, entry.actor, entry.time) == (version + 1, actor, valid_to)


@pytest.mark.anyio
async def test_the_writer_syncs_fully_and_readers_cannot_write(sqlite: SqliteEngine) -> None:
    store = await sqlite.open()
    assert store._connection.pragma("synchronous") == 2
    assert store._connection.pragma("journal_mode") == "wal"
    assert store._connection.pragma("foreign_keys") == 1
    with pytest.raises(apsw.ReadOnlyError):
        store._loop_connection.execute("DELETE FROM twins")
    with pytest.raises(apsw.ReadOnlyError):
        await store.fetch_all("DELETE FROM twins", (), SYSTEM, timeout=5)


@pytest.mark.anyio
async def test_closing_folds_the_log_into_the_file(sqlite: SqliteEngine) -> None:
    graph = Graph(await sqlite.open(), sqlite.history())
    await graph.upload(HALL_MODEL)
    graph.history.close()
    await graph.store.close()
    assert [each.name for each in sqlite.folder.iterdir()] == [sqlite.path().name]
