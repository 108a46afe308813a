"""Vector indexes and vectors beside twins go out by exports and come in by uploads, all exactly."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest

from kastor.testing import KastorServer
from tests.postgres.server import database
from tests.store.graphs import room

from .import_files import ALL_MODELS, HEADER, MODELS, TWINS, Lines, text_of, twin

PATH = "/kastor/v1/jobs/imports"
INDEXES, VECTORS = {"Section": "Kastor.VectorIndexes"}, {"Section": "Kastor.Vectors"}
DIMS = 33
NAMES = [*(f"t{number}" for number in range(300)), "\u00e9", "B:x"]
SIDE: dict[str, Any] = {"name": "side", "dims": DIMS, "metric": "l2"}
EXTREME = [0.0, -0.0, 1.1754943508222875e-38, -3.4028234663852886e38, 0.1, 1 / 3, 16777217.0]


@pytest.fixture(scope="module")
def servers() -> Iterator[list[KastorServer]]:
    """One on each engine."""
    with database() as dsn, KastorServer() as sqlite, KastorServer(("--db", dsn)) as postgres:
        yield [sqlite, postgres]


@pytest.fixture
def clients(servers: list[KastorServer]) -> Iterator[list[httpx2.Client]]:
    found = [httpx2.Client(base_url=each.url, timeout=60) for each in servers]
    for server, client in zip(servers, found, strict=True):
        server.reset()
        for index in client.get("/kastor/v1/vectors").json()["value"]:
            client.delete(f"/kastor/v1/vectors/{index['name']}").raise_for_status()
    yield found
    for client in found:
        client.close()


def imported(client: httpx2.Client, data: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Content-Type": "application/x-ndjson", **named}
    answer = client.post(PATH, content=data, headers=sent)
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = client.get(answer.headers["location"]).json()
        if job["status"] not in ("notstarted", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def exported(client: httpx2.Client, **query: str) -> bytes:
    answer = client.get("/kastor/v1/export", params={"kastor": "true", **query})
    assert answer.status_code == 200, answer.text
    return answer.content


def file() -> bytes:
    """A graph whose vectors are in no order, with all that float32 can hold."""
    chance = random.Random(7)
    drawn = struct.unpack(
        f">{DIMS * 9}f",
        struct.pack(f">{DIMS * 9}f", *[chance.gauss(0, 1) for _ in range(DIMS * 9)]),
    )
    vectors: list[dict[str, Any]] = [
        {
            "$dtId": name,
            "index": "side",
            "vector": [*EXTREME, *drawn[n % 9 :][: DIMS - len(EXTREME)]],
        }
        for n, name in enumerate(NAMES)
    ]
    chance.shuffle(vectors)
    inside: dict[str, Any] = {
        "name": "inside",
        "dims": 2,
        "property": "labels.x",
        "models": ["dtmi:x;1"],
    }
    lines: Lines = (
        *(*HEADER, MODELS, *ALL_MODELS, TWINS, *(twin(name, room()) for name in NAMES)),
        *(INDEXES, inside, SIDE, VECTORS, *vectors),
    )
    return text_of(*lines)


def test_both_engines_take_and_give_the_same_bytes(clients: list[httpx2.Client]) -> None:
    sqlite, postgres = clients
    assert imported(sqlite, file())["counts"] == {
        "models": 3,
        "twins": len(NAMES),
        "relationships": 0,
        "vectorIndexes": 2,
        "vectors": len(NAMES),
        "replaced": 0,
        "unchanged": 0,
        "errors": 0,
        "warnings": 0,
    }
    first = exported(sqlite)
    told = [orjson.loads(line) for line in first.splitlines()]
    at = told.index(INDEXES)
    assert told[at + 1 : at + 4] == [
        {
            "name": "inside",
            "dims": 2,
            "metric": "cosine",
            "property": "labels.x",
            "models": ["dtmi:x;1"],
        },
        {**SIDE, "models": []},
        VECTORS,
    ]
    vectors = told[at + 4 :]
    assert [each["$dtId"] for each in vectors] == sorted(NAMES)
    assert str(vectors[0]["vector"][: len(EXTREME)]) == str(
        [0.0, -0.0, *EXTREME[2:4], 0.10000000149011612, 0.3333333432674408, 16777216.0]
    )
    # Sections of Kastor that an import does not take are warnings.
    assert imported(postgres, first)["counts"]["warnings"] == 4
    assert exported(postgres) == first
    imported(postgres, first)
    assert exported(postgres) == first
    path = "/kastor/v1/digitaltwins/B:x/vectors/side"
    assert sqlite.get(path).json() == postgres.get(path).json()
    assert sqlite.delete(path).status_code == 204
    assert b'{"$dtId":"B:x","index"' not in exported(sqlite)
    # Vectors have no place in the change log: they come whole, also where nothing changed since.
    newest = sqlite.get("/kastor/v1/export").headers["kastor-as-of"].partition("change=")[2]
    assert exported(sqlite, since=newest).count(b'"index":"side"') == len(NAMES) - 1


def test_without_kastor_there_are_none(clients: list[httpx2.Client]) -> None:
    imported(clients[0], file())
    assert b"Kastor." not in exported(clients[0], kastor="false")


def test_a_bad_line_is_refused_by_itself_and_a_dry_run_says_the_same(
    clients: list[httpx2.Client],
) -> None:
    given: list[Any] = [
        {"$dtId": "a", "index": "side", "vector": [1.0] * DIMS},
        {"$dtId": "a", "index": "side", "vector": [1.0, 2.0]},
        {"$dtId": "gone", "index": "side", "vector": [1.0] * DIMS},
        {"$dtId": "a", "index": "none", "vector": [1.0] * DIMS},
        {"$dtId": "a", "index": "inside", "vector": [1.0, 2.0]},
        {"$dtId": "a", "index": "side", "vector": ["x"] * DIMS},
        {"$dtId": "a\0", "index": "side", "vector": [1.0] * DIMS},
        {"$dtId": "a", "index": "side", "vector": [2.0] * DIMS, "more": 1},
        {"index": "side", "vector": [2.0] * DIMS},
        b'{"$dtId":"b","index":"side","vector":[' + b"2," * DIMS + b"]}",
    ]
    begin: Lines = (*HEADER, MODELS, *ALL_MODELS, TWINS, twin("a", room()), INDEXES)
    bad = {"name": "wrong", "dims": 0}
    inside = {"name": "inside", "dims": 2, "property": "x"}
    data = text_of(*begin, SIDE, inside, bad, {**SIDE, "dims": 2}, VECTORS, *given)
    for client in clients:
        tried = imported(client, data, kastor_dry_run="true")
        assert client.get("/kastor/v1/vectors").json() == {"value": []}
        done = imported(client, data)
        counts = done["counts"]
        assert tried["counts"] == counts
        assert (done["status"], done["error"]["code"]) == ("failed", "ImportPartiallyFailed")
        assert (counts["errors"], counts["vectorIndexes"], counts["vectors"]) == (11, 2, 1)
        stored = client.get("/kastor/v1/digitaltwins/a/vectors/side").json()
        assert stored == {"vector": [1.0] * DIMS}
