"""Graphs and backups of earlier releases are opened by this one: all is told as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
import asyncpg
import httpx2
import pytest

from kastor.storage.sqlite import schema as sqlite_schema
from kastor.testing import KastorServer
from tests.postgres.server import direct
from tests.postgres.test_schema import COLUMNS, INDEXES
from tests.store.test_sqlite_schema import shape
from tests.system.program import kastor

from .left import FIXTURES, Fixture
from .making import FOR_GOOD
from .reads import NOT_IN_BACKUPS, missing, past, read
from .world import OWN, THING, VERSION, replace, thing

OF_A_PLACE = ("/history/body/oldest/time", "/epoch")
"""What is told of where a graph is: since when, and how its processes number its models."""
each_fixture = pytest.mark.parametrize(
    "fixture", FIXTURES, ids=lambda each: f"schema {each.schema}"
)


@contextmanager
def served(data: Path, *more: str) -> Iterator[httpx2.Client]:
    """A server of this release and a client to it."""
    with (
        KastorServer((*FOR_GOOD, *more), data_dir=data) as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as http,
    ):
        yield http


def require_all(
    then: dict[str, Any], now: dict[str, Any], *, but: tuple[str, ...] = ("//",)
) -> None:
    """All that was told is told, but what is at places that end so."""
    assert then, "nothing was told"
    lost = [each for each in missing(then, now) if not each.partition(":  ")[0].endswith(but)]
    assert not lost, "\n".join(lost[:40])


def require_use(http: httpx2.Client, tokens: dict[str, str], then: dict[str, Any]) -> None:
    """An upgraded graph takes what was under way, and new writes; its past stays as it was."""
    reasons = {
        name: told["body"]["reason"]
        for name, told in then.items()
        if name.startswith(f"GET {OWN}/proposals/")
    }
    by_reason = {reason: name.rpartition("/")[2] for name, reason in reasons.items()}
    applied = by_reason["to apply"]
    answer = http.post(f"{OWN}/proposals/{applied}/apply", json={"token": tokens[applied]})
    assert answer.status_code == 200, answer.text
    assert http.get("/digitaltwins/to apply").json()["count"] == thing(2)["count"]
    rejected = http.delete(f"{OWN}/proposals/{by_reason['to reject']}")
    assert rejected.status_code == 204, rejected.text
    versions = http.get(f"{OWN}/digitaltwins/t5/history").json()["value"]
    assert http.put("/digitaltwins/t5", json=thing(1)).status_code == 200
    again = http.get(f"{OWN}/digitaltwins/t5/history").json()["value"]
    assert len(again) == len(versions) + 1
    assert again[-1]["version"] == versions[-1]["version"] + 1
    body = {"$relationshipName": "next", "$targetId": "t5"}
    assert http.put("/digitaltwins/t0/relationships/new", json=body).status_code == 200
    text = replace("/note", "written after the upgrade")
    assert http.patch("/digitaltwins/t2", json=text).status_code == 204
    newer = THING | {"@id": "dtmi:kept:Newer;1", "extends": THING["@id"], "contents": []}
    assert http.post("/models", json=[newer]).status_code == 201
    now = {"kastor-read": "current-replica"}
    found = http.get(f"{OWN}/search", params={"q": "after the upgrade"}, headers=now).json()
    assert [each["id"] for each in found["value"]] == ["t2"]
    states = past(http, then["positions"])
    assert len(states) > 30
    require_all({name: then[name] for name in states}, states)


@each_fixture
def test_a_file_of_an_earlier_release_is_upgraded(fixture: Fixture, tmp_path: Path) -> None:
    file = fixture.graph_file(tmp_path)
    then, tokens = fixture.told("sqlite")
    with served(tmp_path) as http:
        require_all(then, read(http))
        require_use(http, tokens, then)
    with closing(apsw.Connection(str(file))) as upgraded, closing(apsw.Connection("")) as made:
        assert upgraded.pragma("user_version") == sqlite_schema.SCHEMA_VERSION
        sqlite_schema.prepare(made)
        assert set(shape(made)) <= set(shape(upgraded))
        more = {name for name, _ in set(shape(upgraded)) - set(shape(made))}
        assert all(name.startswith(("property", "sqlite_")) for name in more), more
        assert upgraded.pragma("integrity_check") == "ok"
        assert upgraded.execute("PRAGMA foreign_key_check").fetchall() == []


@each_fixture
def test_a_schema_of_an_earlier_release_is_upgraded(
    fixture: Fixture, dsn: str, tmp_path: Path
) -> None:
    name, fresh = (f"u{uuid4().hex}" for _ in range(2))
    then, tokens = fixture.told("postgres")
    asyncio.run(run(dsn, fixture.statements(name)))
    try:
        with served(tmp_path, "--db", dsn, "--graph-schema", name) as http:
            require_all(then, read(http))
            require_use(http, tokens, then)
        with served(tmp_path, "--db", dsn, "--graph-schema", fresh):
            pass
        for sql in (COLUMNS, INDEXES):
            upgraded, made = (asyncio.run(rows(dsn, sql, each)) for each in (name, fresh))
            assert made <= upgraded
            if sql is COLUMNS:
                assert upgraded == made
    finally:
        asyncio.run(run(dsn, f"DROP SCHEMA {name} CASCADE; DROP SCHEMA IF EXISTS {fresh} CASCADE"))


@each_fixture
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_backup_of_an_earlier_release_is_restored(
    fixture: Fixture, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data, name = tmp_path / "data", f"u{uuid4().hex}"
    there: tuple[str, ...] = ()
    if engine == "postgres":
        there = ("--db", request.getfixturevalue("dsn"), "--graph-schema", name)
    then, _ = fixture.told("sqlite")
    kept = {
        path: told
        for path, told in then.items()
        if not any(each in path for each in NOT_IN_BACKUPS)
    }
    backup = fixture.backup(tmp_path / "backup")
    done = kastor("restore", backup, "--data", data, *there, "--quiet")
    assert done.returncode == 0, done.stderr
    try:
        with served(data, *there) as http:
            require_all(kept, read(http), but=OF_A_PLACE)
    finally:
        if there:
            asyncio.run(run(there[1], f"DROP SCHEMA IF EXISTS {name} CASCADE"))


async def run(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(direct(dsn))
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def rows(dsn: str, sql: str, name: str) -> set[tuple[object, ...]]:
    """What is in a schema, whatever its name is."""
    connection = await asyncpg.connect(direct(dsn))
    try:
        found = await connection.fetch(sql, name)
    finally:
        await connection.close()
    # What only search needs is made anew beside the graph, once there is time for it.
    return {
        tuple(each.replace(name, "graph") if isinstance(each, str) else each for each in row)
        for row in found
        if "search_" not in row[0]
    }


class TestComparison:
    """A graph that lost something, or tells it otherwise, does not pass."""

    def test_what_an_upgrade_loses_is_found(self, tmp_path: Path) -> None:
        fixture = FIXTURES[-1]
        then, _ = fixture.told("sqlite")
        file = fixture.graph_file(tmp_path)
        with closing(apsw.Connection(str(file))) as connection:
            for table in ("saved", "dead_letters", "telemetry", "job_lines"):
                assert connection.execute(f"DELETE FROM {table} RETURNING 1").fetchall()
        with served(tmp_path) as http:
            lost = list(missing(then, read(http)))
        for part in ("/explorer/views", "/deadletters", "telemetry=true", "/log"):
            assert any(part in each for each in lost), part

    def test_more_is_allowed_and_less_or_other_is_not(self) -> None:
        then = {"a": [1, {"b": 0.0}], "c": "x"}
        assert list(missing(then, {"a": [1, {"b": 0.0, "new": 1}], "c": "x", "more": None})) == []
        for now in (
            {"a": [1, {"b": 0.0}]},
            {"a": [1, {"b": -0.0}], "c": "x"},
            {"a": [1.0, {"b": 0.0}], "c": "x"},
            {"a": [1, {"b": 0.0}, 2], "c": "x"},
            {"a": [1], "c": "x"},
            {"a": None, "c": "x"},
        ):
            assert list(missing(then, now))
