"""A server that is killed in the middle of batches, and batches that are repeated under their ids.

Two kills by default; `KASTOR_BATCH_KILLS=50 python3 dev test tests/faults/test_batch_kill.py -s`
makes fifty.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer

KILLS = int(os.environ.get("KASTOR_BATCH_KILLS", "2"))
SEED = int(os.environ.get("KASTOR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
TWINS = 300
ROUNDS = 14
"""So often each twin is patched by one batch."""
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:kill:Counter;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "n", "schema": "integer"}],
}


def _batch(number: int) -> dict[str, Any]:
    operations = [
        {
            "op": "patch",
            "kind": "twin",
            "id": f"t{twin}",
            "body": [{"op": "add", "path": "/n", "value": number * ROUNDS + turn}],
        }
        for turn in range(ROUNDS)
        for twin in range(TWINS)
    ]
    return {"operations": operations}


def _send(url: str, body: dict[str, Any], operation_id: str) -> httpx2.Response:
    headers = {"operation-id": operation_id}
    return httpx2.post(f"{url}/kastor/v1/batch", json=body, headers=headers, timeout=60)


def _entries(url: str) -> int:
    return int(httpx2.get(f"{url}/kastor/v1/status").json()["counts"]["changeLog"])


def _kill_meanwhile(server: KastorServer, entries: int, rng: random.Random) -> bool:
    """Kill the server while it applies; return whether it had not ended before."""
    goal = entries + rng.randrange(1, TWINS * ROUNDS * 3 // 4)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _entries(server.url) < goal:
        pass
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    return True


@pytest.mark.faults
@pytest.mark.timeout(120 + 20 * KILLS)
def test_a_repeated_batch_goes_on_where_a_killed_server_stopped(tmp_path: Path) -> None:
    rng, interrupted = random.Random(SEED), 0
    print(f"KASTOR_SEED={SEED}")
    with KastorServer(data_dir=tmp_path) as server:
        puts = [
            {
                "op": "put",
                "kind": "twin",
                "id": f"t{n}",
                "body": {"$metadata": {"$model": MODEL["@id"]}},
            }
            for n in range(TWINS)
        ]
        httpx2.post(f"{server.url}/models", json=[MODEL]).raise_for_status()
        _send(server.url, {"operations": puts}, "puts").raise_for_status()
        entries = _entries(server.url)
    for number in range(KILLS):
        body, operation_id = _batch(number), f"batch-{SEED}-{number}"
        answered: list[httpx2.Response] = []

        def send(server: KastorServer, body: Any, operation_id: str, answered: Any) -> None:
            try:
                answered.append(_send(server.url, body, operation_id))
            except httpx2.HTTPError:
                return

        with KastorServer(data_dir=tmp_path) as server:
            given = (server, body, operation_id, answered)
            sending = threading.Thread(target=send, args=given)
            sending.start()
            _kill_meanwhile(server, entries, rng)
            sending.join()
        interrupted += not answered
        with KastorServer(data_dir=tmp_path) as server:
            before = _entries(server.url)
            assert before >= entries
            answer = _send(server.url, body, operation_id)
            answer.raise_for_status()
            found = answer.json()
            assert (found["succeeded"], found["failed"]) == (TWINS * ROUNDS, 0)
            assert _send(server.url, body, operation_id).content == answer.content
            # Nothing twice and nothing left out: one entry for each operation.
            entries += TWINS * ROUNDS
            assert _entries(server.url) == entries
            last = {each["etag"] for each in found["results"][-TWINS:]}
            query = {"query": "SELECT * FROM DIGITALTWINS", "parameters": None}
            headers = {"max-items-per-page": "1000"}
            rows = httpx2.post(f"{server.url}/query", json=query, headers=headers).json()["value"]
            assert {each["n"] for each in rows} == {number * ROUNDS + ROUNDS - 1}
            assert {each["$etag"] for each in rows} == last
    print(f"{interrupted} of {KILLS} batches were interrupted")
    assert interrupted
