"""`kastor find`: by words, by meaning, and by both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.client import KastorClient
from kastor.testing import KastorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .terminal import Cli, Piped

MODEL = {
    "@id": "dtmi:find:Pump;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "name", "schema": "string"}],
}
PUMPS = {"p1": ("Main pump", [1, 0]), "p2": ("Pump", [0, 1]), "fan": ("Fan", [1, 0.1])}


@pytest.fixture(scope="module")
def found() -> Iterator[KastorServer]:
    with KastorServer() as server, KastorClient(server.url) as client:
        client.models.upload([MODEL])
        base = f"{server.url}/kastor/v1"
        assert httpx2.put(f"{base}/vectors/meaning", json={"dims": 2}).status_code == 201
        for name, (called, vector) in PUMPS.items():
            client.twins.put(name, {"$metadata": {"$model": MODEL["@id"]}, "name": called})
            beside = f"{base}/digitaltwins/{name}/vectors/meaning"
            assert httpx2.put(beside, json={"vector": vector}).status_code == 204
        client.search("pump", up_to="now")
        yield server


@pytest.fixture
def run(cli: Cli, found: KastorServer) -> Callable[..., Piped]:
    return lambda *words: cli.pipe("find", *words, KASTOR_URL=found.url)


def test_both_ranks_are_told(run: Callable[..., Piped]) -> None:
    done = run("pump", "--like", "p1", "--output", "json")
    hits = {each["id"]: each for each in json.loads(done.out)}
    assert hits.keys() == PUMPS.keys()
    assert (hits["fan"]["vectorRank"], "textRank" in hits["fan"]) == (1, False)
    assert (hits["p2"]["vectorRank"], hits["p2"]["name"]) == (2, "Pump")
    table = run("--like", "p1", "--limit", "1").out.split()
    assert "distance" in table
    assert {"fan", "Fan"} <= set(table)


def test_what_it_needs_is_said(run: Callable[..., Piped]) -> None:
    assert "--like" in run().err
    done = run("--like", "nobody")
    assert (done.status, "nobody" in done.err) == (3, True)
    degraded = run("pump", "--like", "p1", "--index", "other")
    assert "by words alone" in degraded.err
    assert "p2" in degraded.out
