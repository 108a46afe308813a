"""A server that is killed between an applied proposal and its answer: the repeat has that answer."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from kastor.auth.tokens import create_token
from kastor.testing import KastorServer
from tests.postgres.server import database

PATIENCE = 20.0
PROPOSALS = "/kastor/v1/proposals"
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:kill:Counter;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "n", "schema": "integer"}],
}


@pytest.fixture(params=["sqlite", "postgres"])
def flags(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    always = ("--auth", "tokens", "--agents-confirm", "always")
    if request.param == "sqlite":
        yield always
        return
    with database() as dsn:
        yield (*always, "--db", dsn, "--graph-schema", f"g{uuid4().hex[:12]}")


def _client(server: KastorServer, token: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=server.url,
        headers={"authorization": f"Bearer {token}"},
        params={"api-version": "2023-10-31"},
        timeout=PATIENCE,
    )


def _increments(count: int) -> dict[str, Any]:
    operations = [
        {
            "op": "patch",
            "kind": "twin",
            "id": f"t{n}",
            "body": [{"op": "add", "path": "/n", "value": 1}],
        }
        for n in range(count)
    ]
    return {"operations": operations, "reason": "Count once."}


def test_the_repeat_of_an_apply_whose_answer_was_lost_has_it_and_writes_nothing(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    twins = [f"t{n}" for n in range(5)]
    token = create_token(tmp_path / "tokens", "owner", "counter")
    with KastorServer(flags, data_dir=tmp_path) as server, _client(server, token) as http:
        http.post("/models", json=[MODEL]).raise_for_status()
        for twin in twins:
            body = {"$metadata": {"$model": MODEL["@id"]}, "n": 0}
            http.put(f"/digitaltwins/{twin}", json=body).raise_for_status()
        made = http.post(PROPOSALS, json=_increments(5)).raise_for_status().json()
        http.post(f"{PROPOSALS}/{made['id']}/approve").raise_for_status()
        told: list[httpx2.Response] = []

        def apply() -> None:
            try:
                told.append(_apply(http, made))
            except httpx2.HTTPError:
                return

        # Nobody is answered before the line of the audit log is there, and that has to wait.
        with (tmp_path / "audit" / "audit.ndjson").open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            applying = threading.Thread(target=apply)
            applying.start()
            with _client(server, token) as beside:
                end = time.monotonic() + PATIENCE
                path = f"{PROPOSALS}/{made['id']}"
                while beside.get(path).json()["status"] != "applied":
                    assert time.monotonic() < end
            server.process.kill()
            server.process.wait()
        applying.join()
        assert not told, "it was killed too late"
    with KastorServer(flags, data_dir=tmp_path) as server, _client(server, token) as http:
        before = _state(http, twins)
        answers = [_apply(http, made) for _ in range(2)]
        assert {each.status_code for each in answers} == {200}
        assert answers[0].text == answers[1].text
        answer = answers[0].json()
        assert _state(http, twins) == before
        etags = [http.get(f"/digitaltwins/{each}").headers["etag"] for each in twins]
        assert [each["etag"] for each in answer["results"]] == etags
        for twin in twins:
            entries = http.get(f"/kastor/v1/digitaltwins/{twin}/history").json()["value"]
            assert [each["document"]["n"] for each in entries] == [0, 1]
            assert [each.get("via", {}).get("proposal") for each in entries] == [
                None,
                made["id"],
            ]


def _apply(http: httpx2.Client, made: dict[str, Any]) -> httpx2.Response:
    return http.post(f"{PROPOSALS}/{made['id']}/apply", json={"token": made["token"]})


def _state(http: httpx2.Client, twins: list[str]) -> list[Any]:
    return [http.get(f"/digitaltwins/{each}").json() for each in twins]
