"""Backups of databases: onto either engine, all graphs of a server, nothing overwritten."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from kastor.storage.postgres.replacing import COMING
from kastor.testing import KastorServer
from tests.backups import VERSION, digests, graph_file, make_source, manifest_of, twin
from tests.system.program import COMMAND, environment, invoked

from .server import database, direct

COUNT = {"query": "SELECT COUNT() FROM DIGITALTWINS"}


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with database() as found:
        yield found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return make_source(folder / "data", folder / "out" / "events.ndjson")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = invoked(*arguments, "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def fetch(dsn: str, text: str, *values: object) -> list[Any]:
    async def ask() -> list[Any]:
        connection = await asyncpg.connect(direct(dsn))
        try:
            return [tuple(row) for row in await connection.fetch(text, *values)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def schemas(dsn: str) -> set[str]:
    return {name for (name,) in fetch(dsn, "SELECT nspname FROM pg_namespace")}


def tables(backup: Path) -> list[Any]:
    """What must be equal wherever the graphs are."""
    same = ("name", "hostName", "lastTick", "position", "tables", "indexes")
    return [{key: graph[key] for key in same} for graph in manifest_of(backup)["graphs"]]


def test_two_graphs_go_to_postgresql_and_back_unchanged(
    source: Path, dsn: str, tmp_path: Path
) -> None:
    home = f"b_{uuid4().hex[:8]}_default"
    there = ("--db", dsn, "--graph-schema", home)
    first, second, data = tmp_path / "first", tmp_path / "second", tmp_path / "data"
    run("backup", first, "--data", source)
    run("restore", first, *there)
    run("backup", second, *there)
    assert tables(first) == tables(second)
    assert manifest_of(second)["engine"] == "postgres"
    run("restore", second, "--data", data)
    for name in ("default", "second"):
        assert digests(graph_file(data, name)) == digests(graph_file(source, name))
    assert not [name for name in schemas(dsn) if name.startswith(COMING)]
    with (
        KastorServer(there) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        for graph in ("", "/graphs/second"):
            assert http.post(f"{graph}/query", json=COUNT).json()["value"] == [{"COUNT": 7}]
            found = http.get(f"{graph}/kastor/v1/indexes").json()["value"]
            assert [each["path"] for each in found] == ["size"]
            for name in ("t7", "new"):
                assert http.put(f"{graph}/digitaltwins/{name}", json=twin()).status_code == 200
        used = invoked("restore", second, *there, "--replace", "--quiet")
        assert used.returncode == 1
        assert "in use by" in used.stderr


def test_graphs_are_replaced_together_or_not_at_all(source: Path, dsn: str, tmp_path: Path) -> None:
    home = f"b_{uuid4().hex[:8]}_default"
    there = ("--db", dsn, "--graph-schema", home)
    backup = tmp_path / "backup"
    run("backup", backup, "--data", source)
    run("restore", backup, *there)
    with (
        KastorServer(there) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        assert http.delete("/digitaltwins/t6").status_code == 204
        assert http.put("/graphs/second/digitaltwins/more", json=twin()).status_code == 200
    refused = invoked("restore", backup, *there, "--quiet")
    assert f"There is a graph in the schema {home} already" in refused.stderr
    packed = (backup / "second.jsonl.zst").read_bytes()
    (backup / "second.jsonl.zst").write_bytes(packed[:-9])
    damaged = invoked("restore", backup, *there, "--replace", "--quiet")
    assert "The backup is damaged" in damaged.stderr
    ids = "SELECT id FROM {}.twins WHERE id IN ('t6', 'more')"
    other = home.replace("default", "second")
    assert fetch(dsn, ids.format(home)) == []
    assert sorted(fetch(dsn, ids.format(other))) == [("more",), ("t6",)]
    before = fetch(dsn, f"SELECT model_epoch FROM {home}.meta")
    (backup / "second.jsonl.zst").write_bytes(packed)
    run("restore", backup, *there, "--replace", "--paused")
    assert fetch(dsn, ids.format(home)) == [("t6",)]
    assert fetch(dsn, ids.format(other)) == [("t6",)]
    assert fetch(dsn, f"SELECT model_epoch FROM {home}.meta") > before
    assert fetch(dsn, f"SELECT paused FROM {home}.routes") == [(True,)]
    left = [name for name in schemas(dsn) if name.startswith((COMING, "kastor_dropped_"))]
    assert left == []
    with (
        KastorServer(there) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        assert http.get("/graphs/second/digitaltwins/t6").status_code == 200


def test_what_a_killed_restore_left_goes_and_what_is_strange_stays(
    source: Path, dsn: str, tmp_path: Path
) -> None:
    home = f"b_{uuid4().hex[:8]}_default"
    there = ("--db", dsn, "--graph-schema", home)
    backup = tmp_path / "backup"
    run("backup", backup, "--data", source)
    command = [*COMMAND, "restore", str(backup), *there, "--quiet"]
    process = subprocess.Popen(command, env=environment())
    while not [name for name in schemas(dsn) if name.startswith(COMING)]:
        assert process.poll() is None
    process.kill()
    process.wait()
    assert home not in schemas(dsn)
    fetch(dsn, f"CREATE SCHEMA {home}")
    empty = invoked("restore", backup, *there, "--quiet")
    assert f"The schema {home} is empty. Drop it" in empty.stderr
    fetch(dsn, f"CREATE TABLE {home}.mine (a int)")
    strange = invoked("restore", backup, *there, "--replace", "--quiet")
    assert "holds something of another program" in strange.stderr
    fetch(dsn, f"DROP SCHEMA {home} CASCADE")
    run("restore", backup, *there)
    fetch(dsn, f"ALTER SCHEMA {home} RENAME TO {COMING}12345678")
    run("restore", backup, "--db", dsn, "--graph-schema", f"b_{uuid4().hex[:8]}")
    assert f"{COMING}12345678" in schemas(dsn), "a whole graph that only has such a name"
    fetch(dsn, f"UPDATE {COMING}12345678.meta SET unfinished = 'copying'")
    run("restore", backup, "--db", dsn, "--graph-schema", f"b_{uuid4().hex[:8]}")
    assert not [name for name in schemas(dsn) if name.startswith(COMING)]
    nobody = invoked("backup", tmp_path / "n", "--db", "postgresql://127.0.0.1:9/none", "--quiet")
    assert nobody.returncode == 1
    assert "Traceback" not in nobody.stderr
    assert not (tmp_path / "n" / "manifest.json").exists()
