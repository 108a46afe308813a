"""Property indexes on a running server: made, used, told by EXPLAIN, dropped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

VERSION = {"api-version": "2023-10-31"}
MODEL = {
    "@id": "dtmi:index:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "label", "schema": "string"},
    ],
}
HOT = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.temperature > 390"


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with (
        KastorServer() as server,
        httpx2.Client(base_url=server.url, params=VERSION) as client,
    ):
        assert client.post("/models", json=[MODEL]).status_code == 201
        for number in range(400):
            meta = {"$model": MODEL["@id"]}
            body = {"$metadata": meta, "temperature": number, "label": f"room {number}"}
            assert client.put(f"/digitaltwins/t{number:03}", json=body).status_code == 200
        yield client


def explain(http: httpx2.Client, query: str) -> dict[str, Any]:
    answer = http.post("/query", json={"query": query}, headers={"kastor-explain": "true"})
    assert answer.status_code == 200, answer.text
    row: dict[str, Any] = answer.json()["value"][0]
    return row


def rows(http: httpx2.Client, query: str) -> list[Any]:
    found: list[Any] = http.post("/query", json={"query": query}).json()["value"]
    return found


def test_an_index_is_advised_made_used_and_dropped(http: httpx2.Client) -> None:
    before = rows(http, HOT)
    assert "kastor index create temperature" in json.dumps(explain(http, HOT))
    assert http.put("/kastor/v1/indexes/temperature").json() == {"path": "temperature"}
    assert http.put("/kastor/v1/indexes/temperature").status_code == 200
    assert http.get("/kastor/v1/indexes").json() == {"value": [{"path": "temperature"}]}
    told = json.dumps(explain(http, HOT))
    assert "property:temperature" in told
    assert "kastor index create" not in told
    assert sorted(map(str, rows(http, HOT))) == sorted(map(str, before))
    assert len(before) == 9
    assert http.delete("/kastor/v1/indexes/temperature").status_code == 204
    assert http.delete("/kastor/v1/indexes/temperature").json()["error"]["code"] == "IndexNotFound"
    assert rows(http, HOT) == before


def test_explain_by_word_and_by_header_say_the_same(http: httpx2.Client) -> None:
    by_header = explain(http, HOT)
    by_word = rows(http, f"EXPLAIN {HOT}")[0]
    assert by_header["sql"] == by_word["sql"]


def test_a_text_index_serves_equality(http: httpx2.Client) -> None:
    query = "SELECT COUNT() FROM DIGITALTWINS T WHERE T.label = 'room 3'"
    http.put("/kastor/v1/indexes/label")
    assert rows(http, query) == [{"COUNT": 1}]
    assert "property:label" in json.dumps(explain(http, query))
    http.delete("/kastor/v1/indexes/label")


@pytest.mark.parametrize("path", ["a b", "x'y", "a..b", "1abc", "a;DROP", "a" * 60])
def test_a_path_that_is_no_property_is_refused(http: httpx2.Client, path: str) -> None:
    answer = http.put(f"/kastor/v1/indexes/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidArgument")


def test_the_command_line_says_how_long_and_that_writes_wait(http: httpx2.Client) -> None:
    def kastor(*words: str) -> str:
        command = [sys.executable, "-m", "kastor", "index", *words, "--url", str(http.base_url)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    made = kastor("create", "label")
    assert "about 1 s. Writes wait meanwhile." in made
    assert kastor("list").split() == ["path", "label"]
    kastor("drop", "label")
    assert kastor("list").startswith("No indexes.")


@pytest.mark.parametrize("profile", ["default", "adt"])
def test_indexes_survive_a_restart_and_a_slow_query_is_logged(profile: str) -> None:
    with KastorServer() as first:
        httpx2.put(f"{first.url}/kastor/v1/indexes/temperature")
        first.process.terminate()
        first.process.wait(15)
        config = first.data_dir / "kastor.toml"
        config.write_text(f'slow_query_seconds = 0.0\nprofile = "{profile}"\n')
        with KastorServer(("--config", str(config)), data_dir=first.data_dir) as second:
            listed = httpx2.get(f"{second.url}/kastor/v1/indexes").json()
            assert listed == {"value": [{"path": "temperature"}]}
            httpx2.post(f"{second.url}/query", params=VERSION, json={"query": HOT})
            second.process.terminate()
            second.process.wait(15)
            assert "slow query" in second.output
            assert "T.temperature > 390" in second.output
