"""Several graphs on one server: by path, by host name, and apart from each other."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from kastor.auth.tokens import create_token
from kastor.storage.sqlite import files
from kastor.testing import KastorServer

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


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer(("--graph-domain", "graphs.test", "--allow-anonymous")) as started:
        yield started


def _graph(server: KastorServer, name: str) -> httpx2.Client:
    made = httpx2.put(f"{server.url}/kastor/v1/graphs/{name}")
    assert made.status_code == 201, made.text
    base = f"{server.url}/graphs/{name}"
    assert httpx2.post(f"{base}/models", params=VERSION, json=[MODEL]).status_code == 201
    return httpx2.Client(base_url=base, params=VERSION)


def _twin(size: int) -> dict[str, object]:
    return {"$metadata": {"$model": "dtmi:graphs:Thing;1"}, "size": size}


def _count(client: httpx2.Client) -> int:
    query = {"query": "SELECT COUNT() FROM DIGITALTWINS"}
    count: int = client.post("/query", json=query).json()["value"][0]["COUNT"]
    return count


def test_a_graph_knows_nothing_of_another(server: KastorServer) -> None:
    with _graph(server, "one") as one, _graph(server, "two") as two:
        assert one.put("/digitaltwins/t", json=_twin(1)).status_code == 200
        assert two.get("/digitaltwins/t").status_code == 404
        assert two.put("/digitaltwins/t", json=_twin(2)).status_code == 200
        assert one.get("/digitaltwins/t").json()["size"] == 1
        assert (_count(one), _count(two)) == (1, 1)
        assert one.delete("/models/dtmi:graphs:Thing;1").status_code == 204
        assert two.get("/models/dtmi:graphs:Thing;1").status_code == 200
    default = httpx2.get(f"{server.url}/digitaltwins/t", params=VERSION)
    assert default.status_code == 404


def test_links_stay_in_the_graph(server: KastorServer) -> None:
    with _graph(server, "links") as graph:
        for number in range(12):
            graph.put(f"/digitaltwins/t{number}", json=_twin(number))
        for number in range(1, 12):
            body = {"$relationshipName": "next", "$targetId": f"t{number}"}
            path = f"/digitaltwins/t0/relationships/r{number:02}"
            assert graph.put(path, json=body).status_code == 200
        page = graph.get("/digitaltwins/t0/relationships").json()
        assert page["nextLink"].startswith(f"{server.url}/graphs/links/digitaltwins/t0/")
        rest = httpx2.get(page["nextLink"]).json()
        assert (len(page["value"]), len(rest["value"])) == (10, 1)
        incoming = graph.get("/digitaltwins/t1/incomingrelationships").json()["value"][0]
        assert incoming["$relationshipLink"].startswith(f"{server.url}/graphs/links/")
        assert httpx2.get(incoming["$relationshipLink"]).json()["$targetId"] == "t1"


def test_a_token_of_one_graph_is_none_of_another(server: KastorServer) -> None:
    with _graph(server, "token-a") as first, _graph(server, "token-b") as second:
        for number in range(3):
            first.put(f"/digitaltwins/t{number}", json=_twin(number))
        body = {"query": "SELECT * FROM DIGITALTWINS"}
        page = first.post("/query", json=body, headers={"max-items-per-page": "2"}).json()
        answer = second.post("/query", json={"continuationToken": page["continuationToken"]})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "BadRequest"


def test_a_host_name_names_a_graph(server: KastorServer) -> None:
    with _graph(server, "by-host") as graph:
        graph.put("/digitaltwins/here", json=_twin(7))
    host = {"Host": "by-host.graphs.test"}
    url = f"{server.url}/digitaltwins/here"
    assert httpx2.get(url, params=VERSION, headers=host).json()["size"] == 7
    other = {"Host": "nosuch.graphs.test"}
    answer = httpx2.get(url, params=VERSION, headers=other)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "GraphNotFound")


def test_a_host_name_leads_to_no_file_outside_the_data_folder(
    server: KastorServer, tmp_path: Path
) -> None:
    with _graph(server, "hidden") as graph:
        graph.put("/digitaltwins/here", json=_twin(7))
    outside = os.path.relpath(tmp_path / "secret", server.data_dir / "graphs")
    shutil.copy(server.data_dir / "graphs" / "hidden.sqlite3", tmp_path / "secret.sqlite3")
    names = [outside, "../graphs/hidden", "", ".", "a" * 64, "a" * 4_000, "a_b", "a.b", "a%2fb"]
    for name in names:
        answer = httpx2.get(
            f"{server.url}/digitaltwins/here",
            params=VERSION,
            headers={"Host": f"{name}.graphs.test"},
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "GraphNotFound")


def test_who_is_unknown_neither_opens_a_graph_nor_learns_of_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    token = create_token(data / "tokens", "owner", "owner")
    known = {"Authorization": f"Bearer {token}"}
    flags = ("--graph-domain", "graphs.test", "--auth", "tokens")
    with KastorServer(flags, data_dir=data) as server:
        # A file that came while the server runs is a graph that nobody has opened yet.
        late = data / "graphs" / "late.sqlite3"
        files.make(late)
        made = late.read_bytes()

        def state() -> str:
            url = f"{server.url}/kastor/v1/graphs/late"
            found: str = httpx2.get(url, headers=known).json()["state"]
            return found

        for name in ("late", "nosuch"):
            host = {"Host": f"{name}.graphs.test"}
            for path, status in (("/models", 401), ("/nothing", 401), ("/healthz", 200)):
                by_host = httpx2.get(f"{server.url}{path}", params=VERSION, headers=host)
                by_path = httpx2.get(f"{server.url}/graphs/{name}{path}", params=VERSION)
                assert (by_host.status_code, by_path.status_code) == (status, status)
            assert state() == "idle"
        assert late.read_bytes() == made
        assert not late.with_name("late.sqlite3-wal").exists()
        opened = httpx2.get(f"{server.url}/graphs/late/models", params=VERSION, headers=known)
        assert (opened.status_code, state()) == (200, "open")


def test_graphs_are_listed_made_once_and_deleted(server: KastorServer) -> None:
    url = f"{server.url}/kastor/v1/graphs"
    _graph(server, "short-lived").close()
    names = [info["name"] for info in httpx2.get(url).json()["value"]]
    assert "default" in names
    assert "short-lived" in names
    again = httpx2.put(f"{url}/short-lived")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "GraphExists")
    assert httpx2.delete(f"{url}/short-lived").status_code == 204
    assert not (server.data_dir / "graphs" / "short-lived.sqlite3").exists()
    gone = httpx2.get(f"{server.url}/graphs/short-lived/models", params=VERSION)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "GraphNotFound")
    assert httpx2.delete(f"{url}/short-lived").status_code == 404
    assert httpx2.delete(f"{url}/default").status_code == 400


@pytest.mark.parametrize("name", ["Upper", "a_b", "-a", "a-", "a" * 64, "a%2Fb"])
def test_a_name_that_is_no_host_label_is_refused(server: KastorServer, name: str) -> None:
    answer = httpx2.put(f"{server.url}/kastor/v1/graphs/{name}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")


def test_the_command_line_makes_lists_and_deletes(server: KastorServer) -> None:
    def kastor(*words: str) -> str:
        command = [sys.executable, "-m", "kastor", "graph", *words, "--url", server.url]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    assert f"{server.url}/graphs/by-command" in kastor("create", "by-command")
    assert "by-command" in kastor("list")
    kastor("delete", "by-command", "--yes")
    assert "by-command" not in kastor("list")


def test_graphs_survive_a_restart() -> None:
    with KastorServer() as first:
        with _graph(first, "kept") as graph:
            graph.put("/digitaltwins/t", json=_twin(3))
        first.process.terminate()
        first.process.wait(15)
        with KastorServer(data_dir=first.data_dir) as second:
            states: dict[str, str] = {}
            while states.get("kept") != "open":  # by itself: its routes may have work
                listed = httpx2.get(f"{second.url}/kastor/v1/graphs").json()["value"]
                states = {info["name"]: info["state"] for info in listed}
            url = f"{second.url}/graphs/kept/digitaltwins/t"
            assert httpx2.get(url, params=VERSION).json()["size"] == 3


def test_a_file_of_another_program_is_named_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "graphs").mkdir(parents=True)
    foreign = {
        "songs": data / "graphs" / "songs.sqlite3",
        "notes": data / "graphs" / "notes.sqlite3",
    }
    with contextlib.closing(sqlite3.connect(foreign["songs"])) as database:
        database.execute("CREATE TABLE songs (title)")
        database.commit()
    foreign["notes"].write_text("no database", encoding="utf-8")
    before = {name: path.read_bytes() for name, path in foreign.items()}
    with KastorServer(data_dir=data) as server:
        url = f"{server.url}/kastor/v1/graphs"
        for name, path in foreign.items():
            refused = httpx2.delete(f"{url}/{name}")
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "PlaceNotOurs")
            assert str(path) in refused.json()["error"]["message"]
            asked = httpx2.get(f"{server.url}/graphs/{name}/models", params=VERSION)
            assert (asked.status_code, asked.json()["error"]["code"]) == (409, "GraphNotUsable")
            assert str(path) in httpx2.get(f"{url}/{name}").json()["error"]
    assert {name: path.read_bytes() for name, path in foreign.items()} == before


def test_what_a_deletion_left_behind_is_not_taken_for_the_new_graphs(tmp_path: Path) -> None:
    """A log without its file would be played into the next file of that name."""
    data = tmp_path / "data"
    with KastorServer(data_dir=data) as server:
        with _graph(server, "again") as graph:
            graph.put("/digitaltwins/t", json=_twin(3))
        server.process.kill()  # so that the log is not folded into the file
        server.process.wait()
    (data / "graphs" / "again.sqlite3").unlink()
    assert (data / "graphs" / "again.sqlite3-wal").stat().st_size > 0
    files.make(data / "graphs" / "late.sqlite3.deleted")
    (data / "graphs" / "others.sqlite3.deleted").touch()
    with KastorServer(data_dir=data) as server:
        with _graph(server, "again") as graph:
            assert graph.get("/digitaltwins/t").status_code == 404
            assert _count(graph) == 0
        assert not (data / "graphs" / "late.sqlite3.deleted").exists()
        assert (data / "graphs" / "others.sqlite3.deleted").exists()


def test_a_graph_that_only_its_log_knows_can_be_deleted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with KastorServer(data_dir=data) as server:
        _graph(server, "young").close()
        server.process.kill()
        server.process.wait()
    with KastorServer(data_dir=data) as server:
        assert httpx2.delete(f"{server.url}/kastor/v1/graphs/young").status_code == 204
    assert not list((data / "graphs").glob("young*"))
