"""Many graphs on PostgreSQL: apart from each other, known to every process, moved under load."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from kastor.testing import KastorServer

from .cluster import Cluster

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:graphs:Thing;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "size", "schema": "integer"},
        {"@type": "Relationship", "name": "next"},
    ],
}
PATIENCE_SECONDS = 40.0


@dataclass
class Site:
    """Two processes on one database, and a second database server that graphs can move to."""

    dsn: str
    east: str
    home: str
    servers: list[KastorServer] = field(default_factory=list)

    def graph(self, name: str, at: int = 0) -> httpx2.Client:
        base = f"{self.servers[at].url}/graphs/{name}"
        return httpx2.Client(base_url=base, params=VERSION)

    def make(self, name: str, body: object = None, at: int = 0) -> httpx2.Response:
        url = f"{self.servers[at].url}/kastor/v1/graphs/{name}"
        return httpx2.put(url) if body is None else httpx2.put(url, json=body)

    def move(self, name: str, body: object, at: int = 0) -> httpx2.Response:
        return httpx2.post(f"{self.servers[at].url}/kastor/v1/graphs/{name}/move", json=body)

    def info(self, name: str, at: int = 0) -> dict[str, str]:
        answer = httpx2.get(f"{self.servers[at].url}/kastor/v1/graphs/{name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found

    def await_end_of_move(self, name: str, at: int = 0) -> dict[str, str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (info := self.info(name, at))["state"] == "moving":
            assert time.monotonic() < deadline, info
            time.sleep(0.05)
        return info


def run(dsn: str, text: str, *values: object) -> list[asyncpg.Record]:
    async def go() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(text, *values)
            return rows
        finally:
            await connection.close()

    return asyncio.run(go())


def has_schema(dsn: str, name: str) -> bool:
    return bool(run(dsn, "SELECT 1 FROM pg_namespace WHERE nspname = $1", name))


def dropped(dsn: str) -> int:
    return len(run(dsn, "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'kastor_dropped_%'"))


def twin(size: int) -> dict[str, object]:
    return {"$metadata": {"$model": MODEL["@id"]}, "size": size}


def fill(graph: httpx2.Client, count: int) -> None:
    assert graph.post("/models", json=[MODEL]).status_code == 201
    for number in range(count):
        assert graph.put(f"/digitaltwins/t{number}", json=twin(number)).status_code == 200


def arguments(site: Site, folder: Path) -> tuple[str, ...]:
    settings = folder / "kastor.toml"
    settings.write_text(f'[databases]\neast = "{site.east}"\n', encoding="utf-8")
    return ("--db", site.dsn, "--graph-schema", site.home, "--config", str(settings))


@pytest.fixture(scope="module")
def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        other = stack.enter_context(Cluster(durable=False)).create().start()
        site = Site(dsn, other.dsn, f"g{uuid4().hex[:12]}_default")
        flags = arguments(site, tmp_path_factory.mktemp("site"))
        flags += ("--file-root", str(tmp_path_factory.getbasetemp()))
        site.servers = [
            stack.enter_context(KastorServer((*flags, "--db-pool", "4"))) for _ in range(2)
        ]
        yield site


def test_a_graph_is_known_to_every_process_at_once(site: Site) -> None:
    made = site.make("known")
    assert made.status_code == 201, made.text
    assert made.json()["place"].endswith(f"schema {site.home.removesuffix('_default')}_known")
    with site.graph("known", at=1) as other:
        fill(other, 1)
    with site.graph("known") as here:
        assert here.get("/digitaltwins/t0").json()["size"] == 0
    again = site.make("known", at=1)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "GraphExists")


def test_graphs_know_nothing_of_each_other(site: Site) -> None:
    for name in ("apart-a", "apart-b"):
        assert site.make(name).status_code == 201
    with site.graph("apart-a") as one, site.graph("apart-b", at=1) as two:
        fill(one, 3)
        assert two.get("/models/dtmi:graphs:Thing;1").status_code == 404
        fill(two, 1)
        assert one.put("/digitaltwins/t0", json=twin(77)).status_code == 200
        assert two.get("/digitaltwins/t0").json()["size"] == 0
        query = {"query": "SELECT COUNT() FROM DIGITALTWINS"}
        counts = [each.post("/query", json=query).json()["value"] for each in (one, two)]
        assert counts == [[{"COUNT": 3}], [{"COUNT": 1}]]
        assert two.delete("/digitaltwins/t0").status_code == 204
        assert one.get("/digitaltwins/t0").status_code == 200


def test_a_deleted_graph_is_gone_everywhere_with_its_schema(site: Site) -> None:
    site.make("short")
    with site.graph("short") as here, site.graph("short", at=1) as other:
        fill(here, 1)
        assert other.get("/digitaltwins/t0").status_code == 200
        url = f"{site.servers[1].url}/kastor/v1/graphs/short"
        assert httpx2.delete(url).status_code == 204
        statuses = set()
        deadline = time.monotonic() + 10
        while (answer := here.get("/digitaltwins/t0")).status_code != 404:
            statuses.add(answer.status_code)
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert statuses <= {503}, "until it is known to be gone, it can only be unavailable"
        assert answer.json()["error"]["code"] == "GraphNotFound"
    assert not has_schema(site.dsn, f"{site.home.removesuffix('_default')}_short")
    assert site.make("short").status_code == 201
    with site.graph("short") as fresh:
        assert fresh.get("/digitaltwins/t0").json()["error"]["code"] == "DigitalTwinNotFound"


def test_many_graphs_share_the_connections(site: Site) -> None:
    for number in range(12):
        assert site.make(f"many-{number}").status_code == 201
    for number in range(12):
        with site.graph(f"many-{number}", at=1) as graph:
            fill(graph, 2)
    text = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '' AND datname IS NOT NULL"
    )
    count = run(site.dsn, f"{text} AND pid <> pg_backend_pid() AND query LIKE '%{site.home[:13]}%'")
    assert 0 < count[0][0] <= 2 * 4


def test_a_graph_that_was_copied_in_is_served(site: Site, tmp_path: Path) -> None:
    with (
        KastorServer(data_dir=tmp_path) as source,
        httpx2.Client(base_url=source.url, params=VERSION) as http,
    ):
        fill(http, 4)
    schema = f"copied_{uuid4().hex[:8]}"
    file = str(tmp_path / "graphs" / "default.sqlite3")
    target = f"{site.dsn}{'&' if '?' in site.dsn else '?'}graph_schema={schema}"
    command = [sys.executable, "-m", "kastor", "copy", "--quiet", file, target]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert site.make("copied", {"schema": schema}).status_code == 201
    with site.graph("copied", at=1) as graph:
        assert graph.get("/digitaltwins/t3").json()["size"] == 3
    taken = site.make("another", {"schema": schema})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "GraphExists")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"database": "west"}, 400, "InvalidArgument"),
        ({"schema": "Not A Schema"}, 400, "InvalidArgument"),
        ({"schema": "pg_mine"}, 400, "InvalidArgument"),
        ({"schema": 5}, 400, "InvalidArgument"),
        ({"host": "elsewhere"}, 400, "InvalidArgument"),
        ([], 400, "InvalidArgument"),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    site: Site, body: object, status: int, code: str
) -> None:
    answer = site.make("wrong", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    listed = httpx2.get(f"{site.servers[0].url}/kastor/v1/graphs").json()["value"]
    assert "wrong" not in {each["name"] for each in listed}


def test_a_dry_run_of_making_moving_and_deleting_says_what_would_be(site: Site) -> None:
    trying = {"kastor-dry-run": "true"}
    graphs = f"{site.servers[0].url}/kastor/v1/graphs"

    def tried(method: str, path: str, body: object = None) -> httpx2.Response:
        answer = httpx2.request(method, f"{graphs}/{path}", json=body, headers=trying)
        assert answer.headers["kastor-dry-run"] == "true"
        return answer

    schema = f"tried_{uuid4().hex[:8]}"
    would = tried("PUT", "tried", {"database": "east", "schema": schema})
    assert would.status_code == 201
    assert not has_schema(site.east, schema)
    assert httpx2.get(f"{graphs}/tried").status_code == 404
    made = site.make("tried", {"database": "east", "schema": schema})
    # The process that is asked may have closed it again, to open another.
    assert made.json() | {"state": "open"} == would.json()
    refused = tried("PUT", "other", {"database": "east", "schema": schema})
    assert refused.json() == site.make("other", {"database": "east", "schema": schema}).json()
    run(site.dsn, f"CREATE SCHEMA {schema}")
    for body in ({"database": "west"}, {}, {"database": ""}):
        assert tried("POST", "tried/move", body).json() == site.move("tried", body).json()
    before = site.info("tried")
    would = tried("POST", "tried/move", {"database": "", "schema": f"{schema}_2"})
    assert (would.status_code, would.json()["state"]) == (202, "moving")
    assert site.info("tried") == before
    assert not has_schema(site.dsn, f"{schema}_2")
    view = f"CREATE VIEW public.{schema}_v AS SELECT * FROM {schema}.twins"
    run(site.east, view)
    assert tried("DELETE", "tried").json()["error"]["code"] == "GraphInUse"
    run(site.east, f"DROP VIEW public.{schema}_v")
    assert tried("DELETE", "tried").status_code == 204
    assert site.info("tried") == before
    assert httpx2.delete(f"{graphs}/tried").status_code == 204


def test_a_schema_of_somebody_else_is_left_alone(site: Site) -> None:
    schema = f"foreign_{uuid4().hex[:8]}"
    run(site.dsn, f"CREATE SCHEMA {schema}")
    run(site.dsn, f"CREATE TABLE {schema}.invoices (number bigint)")
    answer = site.make("foreign", {"schema": schema})
    assert answer.status_code == 400, answer.text
    assert "another program" in answer.json()["error"]["message"]
    assert run(site.dsn, f"SELECT count(*) FROM {schema}.invoices")[0][0] == 0


class Load:
    """Patches twins through one process until told to stop, as an SDK would: 503 is tried again."""

    def __init__(self, graph: httpx2.Client, twins: range) -> None:
        self._graph = graph
        self._twins = twins
        self.acknowledged: dict[int, int] = {}
        self.statuses: set[int] = set()
        self.longest = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        number, last = 0, time.monotonic()
        while not self._stopped.is_set():
            number += 1
            twin_id = self._twins[number % len(self._twins)]
            patch = [{"op": "add", "path": "/size", "value": number}]
            while True:
                status = self._graph.patch(f"/digitaltwins/t{twin_id}", json=patch).status_code
                self.statuses.add(status)
                if status != 503:
                    break
                time.sleep(0.05)
            self.longest = max(self.longest, time.monotonic() - last)
            last = time.monotonic()
            self.acknowledged[twin_id] = number


def test_a_move_under_load_loses_nothing(site: Site, tmp_path: Path) -> None:
    site.make("mover")
    events = tmp_path / "events.ndjson"
    schema = f"moved_{uuid4().hex[:8]}"
    with site.graph("mover") as here, site.graph("mover", at=1) as other:
        fill(here, 400)
        for number in range(50):
            body = {"$relationshipName": "next", "$targetId": f"t{number + 1}"}
            assert here.put(f"/digitaltwins/t{number}/relationships/r", json=body).is_success
        endpoint = {"kind": "file", "settings": {"path": str(events)}}
        assert here.put("/kastor/v1/endpoints/log", json=endpoint).is_success
        route = {"endpointName": "log", "filter": "true"}
        assert here.put("/eventroutes/all", json=route).is_success
        indexed = here.put("/kastor/v1/indexes/size")
        assert indexed.is_success, indexed.text
        loads = [Load(here, range(200)), Load(other, range(200, 400))]
        time.sleep(0.5)
        answer = site.move("mover", {"database": "east", "schema": schema})
        assert (answer.status_code, answer.json()["state"]) == (202, "moving"), answer.text
        info = site.await_end_of_move("mover", at=1)
        time.sleep(2.5)
        for load in loads:
            load.stop()
        assert info == {**info, "state": "open"}
        assert "error" not in info
        assert info["place"].endswith(f"schema {schema}")
        for load in loads:
            assert load.statuses <= {204, 503}
            assert load.longest < 8, "writes waited too long"
            assert len(load.acknowledged) == 200
            for twin_id, number in load.acknowledged.items():
                for client in (here, other):
                    assert client.get(f"/digitaltwins/t{twin_id}").json()["size"] == number
        listed = here.get("/kastor/v1/indexes").json()["value"]
        assert [each["path"] for each in listed] == ["size"]
        assert other.get("/digitaltwins/t49/relationships/r").status_code == 200
        expected = {
            (f"t{twin_id}", number)
            for load in loads
            for twin_id, number in load.acknowledged.items()
        }
        assert expected <= _told(events, len(expected), expected)
    assert not has_schema(site.dsn, f"{site.home.removesuffix('_default')}_mover")
    assert dropped(site.dsn) == 0
    count = run(site.east, f"SELECT count(*) FROM {schema}.twins")[0][0]
    assert count == 400


def test_a_job_goes_along_when_its_graph_moves(site: Site) -> None:
    site.make("worker")
    lines: list[object] = [{"Section": "Header"}, {"fileVersion": "1.0.0"}]
    lines += [{"Section": "Models"}, MODEL, {"Section": "Twins"}]
    lines += [{"$dtId": f"t{number}", **twin(number)} for number in range(4_000)]
    for server in site.servers:  # either of them may import it
        folder = server.data_dir / "exchange" / "worker"
        folder.mkdir(parents=True)
        (folder / "in.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    places = {"inputBlobUri": "exchange/worker/in.ndjson", "outputBlobUri": "exchange/worker/out"}
    with site.graph("worker") as here, site.graph("worker", at=1) as other:
        assert here.put("/jobs/imports/fill", json=places).status_code == 201
        assert _ended(here, "/jobs/imports/fill")["status"] == "succeeded"
        begun = here.post("/jobs/deletions", headers={"operation-id": "empty"})
        assert begun.status_code == 202, begun.text
        assert site.move("worker", {"database": "east"}).status_code == 202
        info = site.await_end_of_move("worker", at=1)
        assert "error" not in info, info
        for client in (here, other):
            job = _ended(client, "/jobs/deletions/empty")
            assert job["status"] == "succeeded", job
            assert client.get("/digitaltwins/t3999").status_code == 404
        told = other.get("/kastor/v1/jobs").json()["value"][1]
        assert told["counts"] == {"relationships": 0, "twins": 4_000, "models": 1}


def test_proposals_and_ways_of_changes_go_along_when_their_graph_moves(site: Site) -> None:
    site.make("proposer")
    with site.graph("proposer") as here, site.graph("proposer", at=1) as other:
        fill(here, 3)
        step = [{"op": "replace", "path": "/size", "value": 70}]
        applied, waiting, open_one = (
            _proposed(here, {"op": "patch", "kind": "twin", "id": f"t{n}", "body": step})
            for n in range(3)
        )
        first = _apply(here, applied)
        assert first.status_code == 200, first.text
        approved = here.post(f"/kastor/v1/proposals/{waiting['id']}/approve")
        assert approved.status_code == 200, approved.text
        before = here.get("/kastor/v1/digitaltwins/t0/history").json()["value"]
        assert before[1]["via"]["proposal"] == applied["id"]
        assert site.move("proposer", {"database": "east"}).status_code == 202
        info = site.await_end_of_move("proposer", at=1)
        assert "error" not in info, info
        for client in (here, other):
            after = _known(client, "/kastor/v1/digitaltwins/t0/history")["value"]
            assert [each.get("via") for each in after] == [each.get("via") for each in before]
            assert _apply(client, applied).text == first.text
            shown = client.get(f"/kastor/v1/proposals/{waiting['id']}").json()
            assert (shown["status"], shown["reason"]) == ("approved", "a move")
        assert _apply(other, waiting).json()["succeeded"] == 1
        assert _apply(here, open_one).json()["succeeded"] == 1
        ways = [
            here.get(f"/kastor/v1/digitaltwins/t{n}/history").json()["value"][-1]["via"]["proposal"]
            for n in range(3)
        ]
        assert ways == [applied["id"], waiting["id"], open_one["id"]]


def _proposed(graph: httpx2.Client, operation: object) -> dict[str, Any]:
    body = {"operations": [operation], "reason": "a move"}
    answer = graph.post("/kastor/v1/proposals", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _apply(graph: httpx2.Client, made: dict[str, Any]) -> httpx2.Response:
    body = {"token": made["token"]}
    return graph.post(f"/kastor/v1/proposals/{made['id']}/apply", json=body)


def _known(graph: httpx2.Client, path: str) -> dict[str, Any]:
    """What is there, once the process has noticed where the graph is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := graph.get(path)).status_code == 503:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)
    found: dict[str, Any] = answer.json()
    return found


def _ended(graph: httpx2.Client, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = graph.get(path)
        if answer.status_code == 200 and answer.json()["status"] in ("succeeded", "failed"):
            job: dict[str, Any] = answer.json()
            return job
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def _told(events: Path, _count: int, expected: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """The sizes that the file's events tell of, once all are there or time is up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    told: set[tuple[str, int]] = set()
    while not expected <= told and time.monotonic() < deadline:
        time.sleep(0.2)
        for line in events.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["type"] == "Microsoft.DigitalTwins.Twin.Update":
                told |= {(event["subject"], step["value"]) for step in event["data"]["patch"]}
    return told


def test_the_command_line_makes_lists_moves_and_deletes(site: Site) -> None:
    def kastor(*words: str, expect: int = 0) -> str:
        url = ("--url", site.servers[0].url)
        command = [sys.executable, "-m", "kastor", "graph", *words, *url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "/graphs/spoken" in kastor("create", "spoken")
    with site.graph("spoken") as graph:
        fill(graph, 2)
    moved = kastor("move", "spoken", "--database", "east")
    assert "spoken lives at" in moved
    assert "schema" in moved
    assert "spoken" in kastor("list")
    with site.graph("spoken", at=1) as graph:
        deadline = time.monotonic() + 10
        while (answer := graph.get("/digitaltwins/t1")).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert answer.json()["size"] == 1
    assert "no database west" in kastor("move", "spoken", "--database", "west", expect=1)
    assert "Say where to" in kastor("move", "spoken", expect=1)
    assert "default graph" in kastor("move", "default", "--database", "east", expect=1)
    assert "gone" in kastor("delete", "spoken", "--yes")


def test_a_move_whose_process_is_killed_is_undone_by_another(site: Site, tmp_path: Path) -> None:
    site.make("orphan")
    schema = f"{site.home.removesuffix('_default')}_orphan"
    with site.graph("orphan", at=1) as graph:
        fill(graph, 20)
        with KastorServer(arguments(site, tmp_path)) as doomed:
            blocker = _Blocker(site.dsn, schema)
            answer = httpx2.post(
                f"{doomed.url}/kastor/v1/graphs/orphan/move", json={"database": "east"}
            )
            assert answer.status_code == 202, answer.text
            deadline = time.monotonic() + PATIENCE_SECONDS
            while site.info("orphan", at=1).get("progress") != "switching":
                assert time.monotonic() < deadline
                time.sleep(0.05)
            doomed.process.send_signal(signal.SIGKILL)
            doomed.process.wait()
            blocker.let_go()
        assert graph.put("/digitaltwins/t0", json=twin(1234)).status_code == 200
        info = site.await_end_of_move("orphan", at=1)
        assert "ended" in info["error"]
        assert graph.get("/digitaltwins/t0").json()["size"] == 1234
        assert not has_schema(site.east, schema)
        assert site.move("orphan", {"database": "east"}, at=1).status_code == 202
        assert "error" not in site.await_end_of_move("orphan", at=1)
        deadline = time.monotonic() + 10
        while (answer := graph.get("/digitaltwins/t0")).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert answer.json()["size"] == 1234


class _Blocker:
    """Holds a lock that keeps a move from its last step."""

    def __init__(self, dsn: str, schema: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(dsn))
        text = f"BEGIN; LOCK TABLE {schema}.twins IN ROW EXCLUSIVE MODE"
        self._loop.run_until_complete(self._connection.execute(text))

    def let_go(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()


def test_a_user_without_the_right_to_make_schemas_is_told_so(dsn: str) -> None:
    home = f"g{uuid4().hex[:12]}_default"
    user = f"poor_{uuid4().hex[:8]}"
    run(dsn, f"CREATE ROLE {user} LOGIN")
    run(dsn, f"CREATE SCHEMA {home} AUTHORIZATION {user}")
    with KastorServer(
        ("--db", dsn.replace("//postgres@", f"//{user}@"), "--graph-schema", home)
    ) as server:
        answer = httpx2.put(f"{server.url}/kastor/v1/graphs/more")
        assert answer.status_code == 400, answer.text
        assert "right to create schemas" in answer.json()["error"]["message"]
        assert httpx2.get(f"{server.url}/kastor/v1/graphs").json()["value"][0]["name"] == "default"


def test_a_server_on_files_says_that_its_graphs_do_not_move() -> None:
    with KastorServer() as server:
        httpx2.put(f"{server.url}/kastor/v1/graphs/here")
        answer = httpx2.post(f"{server.url}/kastor/v1/graphs/here/move", json={"database": "east"})
        assert answer.status_code == 400
        assert "kastor copy" in answer.json()["error"]["message"]
        wished = httpx2.put(f"{server.url}/kastor/v1/graphs/there", json={"schema": "x"})
        assert wished.status_code == 400
