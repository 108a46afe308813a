"""`kastor copy` between SQLite and PostgreSQL and back: everything arrives, nothing is overwritten."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import apsw
import asyncpg
import httpx2
import pytest

from kastor.hosting.open import open_graph_file
from kastor.storage import transfer
from kastor.storage.postgres.transfer import PostgresGraphFile
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.tables import COPIED, Table
from kastor.storage.transfer import digest, synchronise
from kastor.testing import KastorServer
from tests.backups import plant_drawing, require_harmless

from .server import database

if TYPE_CHECKING:
    from typing import Self

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:copy:Thing;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "size", "schema": "double"},
        {"@type": "Property", "name": "note", "schema": "string"},
        {"@type": "Relationship", "name": "next"},
    ],
}
SIZES = [0, 1, 1.0, -2.5, 1e22, 1.5e-9, 2**53 + 1, 9_223_372_036_854_775_807, 1e300]


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with database() as found:
        yield found


def place(dsn: str) -> str:
    join = "&" if "?" in dsn else "?"
    return f"{dsn}{join}graph_schema=copy_{uuid4().hex}"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph with history, deletions, odd numbers, a route, telemetry."""
    folder = tmp_path_factory.mktemp("source")
    with (
        KastorServer(data_dir=folder) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        http.post("/models", json=[MODEL])
        hook = {"kind": "file", "settings": {"path": str(folder / "events.ndjson")}}
        http.put("/kastor/v1/endpoints/log", json=hook)
        http.put("/eventroutes/r", json={"endpointName": "log", "filter": "true"})
        rules = [{"twin": "{/a}", "patch": {"/size": "/b"}}]
        body = {"kind": "webhook", "settings": {"rules": rules}}
        assert http.put("/kastor/v1/inputs/hook", json=body).is_success
        for number, size in enumerate(SIZES * 3):
            twin: dict[str, Any] = {
                "$metadata": {"$model": MODEL["@id"]},
                "size": size,
                "note": f"n\u00e4\U0001f600{number}",
            }
            assert http.put(f"/digitaltwins/t{number}", json=twin).status_code == 200
            patch = [{"op": "add", "path": "/note", "value": f"again {number}"}]
            assert http.patch(f"/digitaltwins/t{number}", json=patch).status_code == 204
        for number in range(1, 20):
            body = {"$relationshipName": "next", "$targetId": f"t{number}"}
            path = f"/digitaltwins/t{number - 1}/relationships/r"
            assert http.put(path, json=body).status_code == 200
        http.delete("/digitaltwins/t18/relationships/r")
        http.delete("/digitaltwins/t26")
        for changed in ("t0", "t3"):
            note = [{"op": "replace", "path": "/note", "value": "proposed"}]
            operation = {"op": "patch", "kind": "twin", "id": changed, "body": note}
            proposal = {"operations": [operation], "reason": "a copy"}
            made = http.post("/kastor/v1/proposals", json=proposal).json()
            path = f"/kastor/v1/proposals/{made['id']}/apply"
            assert http.post(path, json={"token": made["token"]}).is_success
        http.post("/digitaltwins/t1/telemetry", json={"a": [1, 2.50]})
    return folder / "graphs" / "default.sqlite3"


def copy(source: str, target: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kastor", "copy", "--quiet", *flags, source, target]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_graph_goes_to_postgresql_and_back_unchanged(
    source: Path, dsn: str, tmp_path: Path
) -> None:
    schema, back = place(dsn), tmp_path / "back.sqlite3"
    there = copy(str(source), schema)
    assert there.returncode == 0, there.stdout + there.stderr
    again = copy(schema, str(back))
    assert again.returncode == 0, again.stdout + again.stderr
    assert there.stdout == again.stdout, "other counts or hashes"
    for table in COPIED:
        assert table.name in there.stdout


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_routes_and_inputs_of_a_copy_wait_if_that_is_asked_for(
    source: Path, dsn: str, tmp_path: Path, engine: str
) -> None:
    file, schema = tmp_path / "data" / "graphs" / "default.sqlite3", place(dsn)
    target = str(file) if engine == "sqlite" else schema
    flags = () if engine == "sqlite" else ("--db", dsn, "--graph-schema", schema.rpartition("=")[2])
    file.parent.mkdir(parents=True)
    warned = copy(str(source), target)
    assert "runs 1 route and 1 input as soon as it is served" in warned.stderr
    assert "--paused" in warned.stderr
    done = copy(str(source), target, "--paused")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.startswith(warned.stdout), "other counts or hashes"
    assert "`kastor route resume`, `kastor input resume`" in done.stdout
    with (
        KastorServer(flags, data_dir=tmp_path / "data") as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        (route,) = http.get("/kastor/v1/routes").json()["value"]
        assert route["state"] == "paused"
        assert http.get("/kastor/v1/inputs/hook/status").json()["state"] == "paused"
    copied = copy(target, str(tmp_path / "again.sqlite3"))
    assert (copied.returncode, copied.stderr) == (0, ""), "paused is paused wherever it goes"


def test_a_graph_of_an_older_kastor_is_told_of(source: Path, dsn: str, tmp_path: Path) -> None:
    older, schema = tmp_path / "older.sqlite3", place(dsn)
    assert copy(str(source), str(older)).returncode == 0
    assert copy(str(source), schema).returncode == 0
    connection = apsw.Connection(str(older))
    connection.execute("ALTER TABLE inputs DROP COLUMN paused; PRAGMA user_version = 3").fetchall()
    connection.close()
    name = schema.partition("graph_schema=")[2]
    asyncio.run(run(dsn, f"UPDATE {name}.meta SET schema_number = 3"))
    for each in (str(older), schema):
        refused = copy(each, str(tmp_path / "never.sqlite3"))
        assert refused.returncode == 1
        assert "Let this Kastor serve it once" in refused.stderr
    nothing = copy(place(dsn), str(tmp_path / "never.sqlite3"))
    assert "There is no graph in the schema" in nothing.stderr


def test_a_copied_graph_is_served_and_goes_on(source: Path, dsn: str) -> None:
    schema = place(dsn)
    assert copy(str(source), schema).returncode == 0
    name = schema.rpartition("=")[2]
    with (
        KastorServer(("--db", dsn, "--graph-schema", name)) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        for number, size in enumerate(SIZES):
            assert json.loads(http.get(f"/digitaltwins/t{number}").text)["size"] == size
        query = {"query": "SELECT COUNT() FROM DIGITALTWINS"}
        assert http.post("/query", json=query).json()["value"] == [{"COUNT": 26}]
        body = {"$metadata": {"$model": MODEL["@id"]}, "size": 5}
        for twin in ("t26", "quite-new", "t0"):
            assert http.put(f"/digitaltwins/{twin}", json=body).status_code == 200
        assert http.get("/eventroutes").json()["value"][0]["id"] == "r"
        entries = http.get("/kastor/v1/digitaltwins/t3/history").json()["value"]
        assert [each.get("via", {}).get("reason") for each in entries] == [None, None, "a copy"]


def test_a_drawing_that_a_copy_brings_is_made_harmless(
    source: Path, dsn: str, tmp_path: Path
) -> None:
    other = tmp_path / "default.sqlite3"
    shutil.copy(source, other)
    plant_drawing(other)
    schema = place(dsn)
    assert copy(str(other), schema).returncode == 0
    with KastorServer(("--db", dsn, "--graph-schema", schema.rpartition("=")[2])) as server:
        require_harmless(server)


def test_a_copy_that_was_interrupted_goes_on(source: Path, dsn: str) -> None:
    schema = place(dsn)

    async def half() -> None:
        async with (
            open_graph_file(str(source), writes=False) as reading,
            open_graph_file(schema, writes=True) as writing,
        ):
            await writing.identify(await reading.identification())

            def stop(table: str, _done: int, _total: int) -> None:
                if table == "relationships":
                    raise InterruptedError

            with pytest.raises(InterruptedError):
                await synchronise(reading, writing, stop)

    asyncio.run(half())
    done = copy(str(source), schema)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_pass_writes_only_what_changed(source: Path, dsn: str) -> None:
    schema = place(dsn)

    async def passes() -> tuple[int, int, bool]:
        async with (
            open_graph_file(str(source), writes=False) as reading,
            open_graph_file(schema, writes=True) as writing,
        ):
            first = await synchronise(reading, writing)
            second = await synchronise(reading, writing)
            return first, second, await digest(reading) == await digest(writing)

    first, second, equal = asyncio.run(passes())
    assert first > 100
    assert (second, equal) == (0, True)


@pytest.mark.parametrize("way", ["sqlite to postgres", "postgres to sqlite"])
def test_routes_go_on_where_the_log_was_pruned_away(dsn: str, tmp_path: Path, way: str) -> None:
    """A copied log that is empty must not begin at 1 again: routes are beyond that already."""
    folder, schema = tmp_path / "here", place(dsn)
    there = ("--db", dsn, "--graph-schema", schema.rpartition("=")[2])
    file = folder / "graphs" / "default.sqlite3"
    first, second = ((), there) if way.startswith("sqlite") else (there, ())
    outside = tmp_path / "outside"
    outside.mkdir()
    events = outside / "events.ndjson"
    with (
        KastorServer((*first, "--file-root", str(outside)), data_dir=folder) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        http.post("/models", json=[MODEL])
        body = {"$metadata": {"$model": MODEL["@id"]}, "size": 1}
        for number in range(20):
            assert http.put(f"/digitaltwins/t{number}", json=body).status_code == 200
        hook = {"kind": "file", "settings": {"path": str(events)}}
        assert http.put("/kastor/v1/endpoints/log", json=hook).is_success
        route = {"endpointName": "log", "filter": "true"}
        assert http.put("/eventroutes/r", json=route).is_success
        assert http.get("/kastor/v1/routes/r").json()["position"] > 20
    if first:
        asyncio.run(run(dsn, f"DELETE FROM {there[3]}.changes"))
    else:
        connection = apsw.Connection(str(file))
        connection.execute("DELETE FROM changes").fetchall()
        connection.close()
    file.parent.mkdir(parents=True, exist_ok=True)
    copied = copy(schema, str(file)) if first else copy(str(file), schema)
    assert copied.returncode == 0, copied.stdout + copied.stderr
    with (
        KastorServer((*second, "--file-root", str(outside)), data_dir=folder) as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        assert http.put("/digitaltwins/after", json=body).status_code == 200
        deadline = time.monotonic() + 20
        while not (events.exists() and "after" in events.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline, "the event of the new twin was lost"
            time.sleep(0.1)


async def run(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


class Writers:
    """Writes so many times a second in all, to a server; the newest acknowledged value of each."""

    def __init__(self, url: str, rate: int = 200, threads: int = 8) -> None:
        self._url, self._pause = url, threads / rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(threads)]
        self.values: dict[str, int] = {}
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, thread: int) -> None:
        body = {"$metadata": {"$model": MODEL["@id"]}, "size": 0}
        following = time.monotonic()
        with httpx2.Client(base_url=self._url, params=VERSION) as http:
            number = 0
            while not self._stop.is_set():
                # Each thread makes a twin, changes it, relates it to its last one, and so on.
                twin, step = f"w{thread}-{number // 4}", number % 4
                path = f"/digitaltwins/{twin}"
                if step == 0:
                    answer = http.put(path, json=body)
                elif step == 3 and number > 4:
                    target = f"w{thread}-{number // 4 - 1}"
                    edge = {"$relationshipName": "next", "$targetId": target}
                    answer = http.put(f"{path}/relationships/r", json=edge)
                else:
                    patch = [{"op": "replace", "path": "/size", "value": step}]
                    answer = http.patch(path, json=patch)
                    self.values[twin] = step
                if not answer.is_success:
                    self.failures.append(answer.text)
                number += 1
                following = max(following + self._pause, time.monotonic() - 1)
                time.sleep(max(0, following - time.monotonic()))


def arguments_of(engine: str, dsn: str, folder: Path) -> tuple[tuple[str, ...], str]:
    """How a server is started on an engine, and what its graph is called."""
    if engine == "sqlite":
        return ("--data", str(folder)), str(folder / "graphs" / "default.sqlite3")
    graph = place(dsn)
    return ("--db", dsn, "--graph-schema", graph.rpartition("=")[2]), graph


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_graph_that_is_written_to_200_times_a_second_is_copied_as_of_one_instant(
    engine: str, dsn: str, tmp_path: Path
) -> None:
    arguments, graph = arguments_of(engine, dsn, tmp_path / "data")
    file = tmp_path / "copy.sqlite3"
    with KastorServer(arguments) as server:
        httpx2.post(f"{server.url}/models", params=VERSION, json=[MODEL]).raise_for_status()
        with Writers(server.url) as writers:
            time.sleep(0.5)
            known = dict(writers.values)
            first = copy(graph, str(file))
            assert first.returncode == 0, first.stdout + first.stderr
            require_one_instant(file, known)
            known = dict(writers.values)
            second = copy(graph, str(file), "--paused")  # brings over what came meanwhile
            assert second.returncode == 0, second.stdout + second.stderr
            require_one_instant(file, known)
        assert writers.failures == []
        assert len(writers.values) > len(known) > 0


def require_one_instant(file: Path, known: dict[str, int]) -> None:
    """The rows are those that the log of the copy leads to, and nothing acknowledged is missing."""
    with apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY) as graph:

        def ask(text: str) -> list[Any]:
            return graph.execute(text).fetchall()

        versions = dict(ask("SELECT id, version FROM twins"))
        edges = "SELECT t.id || '/relationships/' || r.id, r.version FROM relationships r"
        versions |= dict(ask(f"{edges} JOIN twins t ON t.key = r.source_key"))
        logged = "SELECT subject, max(version), count(*) FROM changes WHERE version IS NOT NULL"
        found = ask(f"{logged} GROUP BY subject")
        assert {subject: version for subject, version, _ in found} == versions
        assert all(version == count for _, version, count in found), "an entry is missing or twice"
        superseded = "SELECT id, count(*) FROM twin_versions GROUP BY id"
        assert dict(ask(superseded)) == {
            each: version - 1
            for each, version in versions.items()
            if "/" not in each and version > 1
        }
        values = dict(ask("SELECT id, doc ->> '$.size' FROM twins"))
        assert all(values[twin] >= value for twin, value in known.items())
        entries, newest = ask("SELECT count(*), max(seq) FROM changes")[0]
        assert entries == newest


def test_a_place_that_holds_another_graph_is_left_alone(
    source: Path, dsn: str, tmp_path: Path
) -> None:
    schema = place(dsn)
    with KastorServer(data_dir=tmp_path) as server:
        httpx2.post(f"{server.url}/models", params=VERSION, json=[MODEL])
    other = tmp_path / "graphs" / "default.sqlite3"
    assert copy(str(other), schema).returncode == 0
    refused = copy(str(source), schema)
    assert refused.returncode == 1
    assert "holds another graph" in refused.stderr
    refused = copy(str(source), str(other))
    assert refused.returncode == 1
    assert "holds another graph" in refused.stderr


def test_a_folder_in_use_is_not_written_to(source: Path, tmp_path: Path) -> None:
    with KastorServer(data_dir=tmp_path):
        refused = copy(str(source), str(tmp_path / "graphs" / "default.sqlite3"))
    assert refused.returncode == 1
    assert "in use by another Kastor" in refused.stderr


def test_a_place_that_is_none_is_told_in_words(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "never.sqlite3"
    missing = copy("/nosuch/graph.sqlite3", str(target))
    assert (missing.returncode, "There is no graph" in missing.stderr) == (1, True)
    assert not target.exists()
    unreachable = copy(str(source), "postgresql://127.0.0.1:1/none")
    assert unreachable.returncode == 1
    assert "cannot be used" in unreachable.stderr


def test_a_copy_that_did_not_end_is_not_served_until_it_has(source: Path, dsn: str) -> None:
    """Killed in the middle, it refuses to be opened, adopted and copied; the next run ends it."""
    schema = place(dsn)
    name = schema.rpartition("=")[2]

    async def half() -> None:
        async with (
            open_graph_file(str(source), writes=False) as reading,
            open_graph_file(schema, writes=True) as writing,
        ):
            await writing.identify(await reading.identification())

            def stop(table: str, _done: int, _total: int) -> None:
                if table == "relationships":
                    raise InterruptedError

            with pytest.raises(InterruptedError):
                await synchronise(reading, writing, stop)

    asyncio.run(half())
    serve = [sys.executable, "-m", "kastor", "serve", "--port", "0", "--db", dsn]
    refused = subprocess.run(
        [*serve, "--graph-schema", name], capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1, refused.stdout
    assert "has not ended" in refused.stderr
    assert "kastor copy" in refused.stderr
    further = copy(schema, place(dsn))
    assert further.returncode == 1
    assert "has not ended" in further.stderr
    with KastorServer(("--db", dsn, "--graph-schema", f"h{uuid4().hex[:10]}")) as server:
        url = f"{server.url}/kastor/v1/graphs/half"
        answer = httpx2.put(url, json={"schema": name})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "GraphUnfinished")
        assert copy(str(source), schema).returncode == 0
        assert httpx2.put(url, json={"schema": name}).status_code == 201
        # What a server has is no place for a copy any more.
        late = copy(str(source), schema)
        assert late.returncode == 1
        assert "running server" in late.stderr


def test_a_graph_that_is_being_copied_over_again_is_not_opened_meanwhile(
    source: Path, dsn: str
) -> None:
    schema = place(dsn)
    name = schema.rpartition("=")[2]
    assert copy(str(source), schema).returncode == 0

    async def unfinished() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(f"SELECT unfinished FROM {name}.meta")
        finally:
            await connection.close()

    assert asyncio.run(unfinished()) is None
    assert copy(str(source), schema).returncode == 0, "nothing to do"
    asyncio.run(run(dsn, f"DELETE FROM {name}.tombstones"))

    async def begin() -> object:
        async with (
            open_graph_file(str(source), writes=False) as reading,
            open_graph_file(schema, writes=True) as writing,
        ):
            await synchronise(reading, writing)
            return await unfinished()

    assert asyncio.run(begin()) == "copying"
    assert copy(str(source), schema).returncode == 0
    assert asyncio.run(unfinished()) is None


def test_rows_are_brought_over_so_many_at_a_time_as_have_few_bytes(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand documents may have gigabytes, and a server moves graphs while it serves."""
    with (
        KastorServer(data_dir=tmp_path / "large") as server,
        httpx2.Client(base_url=server.url, params=VERSION) as http,
    ):
        http.post("/models", json=[MODEL]).raise_for_status()
        for number in range(40):
            twin: dict[str, Any] = {"$metadata": {"$model": MODEL["@id"]}}
            twin["note"] = "x" * 300_000 if number % 10 > 5 else "short"
            http.put(f"/digitaltwins/t{number}", json=twin).raise_for_status()
    monkeypatch.setattr(transfer, "PORTION_BYTES", 1_000_000)
    sizes: list[int] = []
    for kind in (SqliteGraphFile, PostgresGraphFile):
        monkeypatch.setattr(kind, "rows", noting(kind.rows, sizes))

    async def bring() -> None:
        places = str(tmp_path / "large/graphs/default.sqlite3"), place(dsn), place(dsn)
        for source, target in pairwise(places):
            async with (
                open_graph_file(source, writes=False) as reading,
                open_graph_file(target, writes=True) as writing,
            ):
                await writing.identify(await reading.identification())
                assert await synchronise(reading, writing) > 80
                assert await digest(reading) == await digest(writing)
                await writing.finish()

    asyncio.run(bring())
    assert 600_000 < max(sizes) < 1_100_000


def noting(rows: Any, sizes: list[int]) -> Any:
    async def noted(graph: Any, table: Table, identities: Any) -> Any:
        found = await rows(graph, table, identities)
        sizes.append(
            sum(len(each) for row in found for each in row if isinstance(each, str | bytes))
        )
        return found

    return noted
