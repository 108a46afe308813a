"""Who may open a schema, how it is migrated, and what the server keeps of a document."""

from __future__ import annotations

import math
import random
import struct
from typing import Any

import asyncpg
import orjson
import pytest
from msgspec import structs

from kastor.errors import Gone
from kastor.graph import commands as c
from kastor.records import SYSTEM
from kastor.storage.postgres import schema
from kastor.storage.postgres.documents import from_jsonb, into_jsonb
from kastor.storage.refusals import NotAGraphError, SchemaTooNewError
from tests.postgres.earlier import BEFORE_HISTORY, BEFORE_JOBS, BEFORE_ORIGINS
from tests.store.graphs import (
    HALL_MODEL,
    ROOM,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    Graph,
    replace,
    room,
)
from tests.store.postgres_engine import PostgresEngine
from tests.store.test_proposals import ANN, ANNS, propose, put, service_of

from .server import direct

pytestmark = pytest.mark.anyio
COLUMNS = """
SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = $1 ORDER BY table_name, column_name
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY indexname"


async def test_a_newer_schema_is_refused_with_both_versions_named(postgres: PostgresEngine) -> None:
    await postgres.open()
    history = postgres.history()
    history.rows("UPDATE {graph}.meta SET schema_number = $1", schema.SCHEMA_VERSION + 7)
    with pytest.raises(SchemaTooNewError) as caught:
        await postgres.open()
    assert f"schema {schema.SCHEMA_VERSION + 7}" in str(caught.value)
    assert f"up to {schema.SCHEMA_VERSION}" in str(caught.value)


@pytest.mark.parametrize("table", ["songs (title text)", "meta (value text)"])
async def test_a_schema_of_another_program_is_refused_and_left_as_it_is(
    postgres: PostgresEngine, table: str
) -> None:
    await postgres.open("other")
    history = postgres.history("other")
    name = postgres.schema("other")
    history.rows(f"DROP SCHEMA {name} CASCADE")
    history.rows(f"CREATE SCHEMA {name}")
    history.rows(f"CREATE TABLE {name}.{table}")
    with pytest.raises(NotAGraphError, match="another program"):
        await postgres.open("other")
    assert (
        len(history.rows("SELECT 1 FROM pg_class WHERE relnamespace = $1::regnamespace", name)) == 1
    )


async def test_an_empty_schema_that_was_given_is_used(postgres: PostgresEngine) -> None:
    await postgres.open("given")
    history = postgres.history("given")
    name = postgres.schema("given")
    history.rows(f"DROP SCHEMA {name} CASCADE")
    history.rows(f"CREATE SCHEMA {name}")
    store = await postgres.open("given")
    assert store.host_name


async def test_migrations_are_run_once_in_order(
    postgres: PostgresEngine, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await postgres.open()
    name = postgres.schema()
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 2)
    steps = {
        schema.SCHEMA_VERSION - 1: "CREATE TABLE {graph}.one (a int)",
        schema.SCHEMA_VERSION: "ALTER TABLE {graph}.one ADD b int; CREATE INDEX ON {graph}.one (b)",
    }
    connection = await asyncpg.connect(direct(dsn))
    try:
        for _ in range(2):
            await schema.prepare(connection, name, migrations=steps)
    finally:
        await connection.close()
    columns = postgres.history().rows(COLUMNS, name)
    assert [row[1] for row in columns if row[0] == "one"] == ["a", "b"]
    numbers = postgres.history().rows("SELECT schema_number FROM {graph}.meta")
    assert numbers == [(schema.SCHEMA_VERSION,)]


async def test_a_schema_of_the_first_kind_gets_what_came_since(postgres: PostgresEngine) -> None:
    await postgres.open()
    history, name = postgres.history(), postgres.schema()
    whole = history.rows(INDEXES, name)
    columns = history.rows(COLUMNS, name)
    history.rows("DROP INDEX {graph}.dead_letters_requeued")
    history.rows("ALTER TABLE {graph}.inputs DROP COLUMN paused")
    for text in (*BEFORE_HISTORY, *BEFORE_JOBS):
        history.rows(text)
    history.rows("UPDATE {graph}.meta SET schema_number = 1")
    await postgres.open()
    assert history.rows(INDEXES, name) == whole
    assert history.rows(COLUMNS, name) == columns


async def test_the_past_begins_behind_what_an_earlier_schema_wrote_over(
    postgres: PostgresEngine,
) -> None:
    graph = Graph(await postgres.open(), postgres.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await graph.put("r", room(temperature=0))
    await graph.patch("r", replace("/temperature", 1))
    before = await graph.store.history.resolve()
    await graph.execute(c.CommissionModel(ROOM, in_service=False))
    since = await graph.store.history.resolve()
    await graph.patch("r", replace("/temperature", 2))
    await graph.store.history.resolve()
    await graph.store.close()
    history = postgres.history()
    # Whether a model is in service was a mark in its only row.
    history.rows("DELETE FROM {graph}.models WHERE valid_to IS NOT NULL")
    history.rows("UPDATE {graph}.models SET seq = 1, valid_from = uploaded")
    for text in BEFORE_HISTORY:
        history.rows(text)
    history.rows("UPDATE {graph}.meta SET schema_number = 5")
    store = await postgres.open()
    assert (await store.history.resolve(change=since.change)).change == since.change
    with pytest.raises(Gone):
        await store.history.resolve(change=before.change)


@pytest.mark.parametrize("pruned", [False, True])
async def test_states_before_what_had_no_position_yet_are_as_they_were(
    postgres: PostgresEngine, pruned: bool
) -> None:
    graph = Graph(await postgres.open(), postgres.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
    await graph.put("r", room(temperature=0))
    values = {}
    for value in range(1, 5):
        await graph.patch("r", replace("/temperature", value))
        values[(await graph.store.history.resolve()).change] = value
    await graph.patch("r", replace("/temperature", 5))
    await graph.store.close()
    history = postgres.history()
    assert history.rows("SELECT count(*) FROM {graph}.changes WHERE pos IS NULL") == [(1,)]
    if pruned:
        history.rows("DELETE FROM {graph}.changes WHERE pos <= $1", list(values)[1])
        del values[next(iter(values))]
    for text in BEFORE_HISTORY:
        history.rows(text)
    history.rows("UPDATE {graph}.meta SET schema_number = 5")
    store = await postgres.open()
    newest = (await store.history.resolve()).change
    for change, value in (values | {newest: 5}).items():
        at = await store.history.resolve(change=change)
        row = await store.twin("r", structs.replace(SYSTEM, at=at))
        assert row is not None
        assert orjson.loads(row.doc)["temperature"] == value


async def test_a_proposal_of_before_ways_were_kept_is_applied_after_the_upgrade(
    postgres: PostgresEngine,
) -> None:
    graph = Graph(await postgres.open(), postgres.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    made = await propose(service_of(graph), put("a"))
    earlier = await propose(service_of(graph), put("b"))
    await service_of(graph).apply(earlier.token, ANNS, ANN)
    await graph.store.close()
    history = postgres.history()
    for text in BEFORE_ORIGINS:
        history.rows(text)
    history.rows("UPDATE {graph}.meta SET schema_number = 8")
    graph = Graph(await postgres.open(), postgres.history())
    assert not graph.history.origins()
    assert orjson.loads(await service_of(graph).apply(made.token, ANNS, ANN))["succeeded"] == 1
    await service_of(graph).apply(earlier.token, ANNS, ANN)
    assert [orjson.loads(each)["proposal"] for each in graph.history.origins()] == [made.entry.id]


async def test_ids_and_names_compare_by_code_point(postgres: PostgresEngine) -> None:
    await postgres.open()
    columns = postgres.history().rows(COLUMNS, postgres.schema())
    by_code_point = {(row[0], row[1]) for row in columns if row[3] == "C"}
    for table, column in (
        ("twins", "id"),
        ("relationships", "id"),
        ("twin_versions", "id"),
        ("relationship_names", "name"),
        ("model_keys", "id"),
        ("tombstones", "id"),
        ("changes", "subject"),
    ):
        assert (table, column) in by_code_point


@pytest.mark.parametrize(
    "name", ["", "pg_x", "A", "a b", 'a"b', "a;b", "1a", "information_schema", "kastor_control"]
)
def test_names_that_cannot_be_schemas_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="schema"):
        schema.quoted(name)


async def test_every_double_comes_back_as_it_was(dsn: str) -> None:
    chance = random.Random(7)
    values: list[float] = [1e15, 1e16, 1e17, 9999999999999998.0, 123456789012345680.0, 1e22, 1e23]
    values += [1e-4, 1e-5, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1 / 3, 100.0]
    while len(values) < 3_000:
        value = struct.unpack("<d", chance.randbytes(8))[0]
        if math.isfinite(value):
            values.append(value)
    values += [chance.uniform(-1000, 1000) for _ in range(500)]
    document: dict[str, Any] = {
        "floats": values,
        "integers": [2**63 - 1, -(2**63), 2**64 - 1, 2**53 + 1, 10**16, 10**18, 0, -1],
        "texts": ["1e+22", "0.00001", "a 1e-7 b", '"1e+22"', "\\1e+22", "10000000000000000.0"],
        "1e+22": "a key",
    }
    doc = orjson.dumps(document)
    connection = await asyncpg.connect(direct(dsn))
    try:
        text = await connection.fetchval("SELECT ($1::jsonb)::text", into_jsonb(doc))
    finally:
        await connection.close()
    back = orjson.loads(from_jsonb(text))
    for name, expected in document.items():
        assert [repr(each) for each in back[name]] == [repr(each) for each in expected]
