"""A bounded run of schemathesis over the OpenAPI document of a running server.

`KASTOR_FUZZ_SECONDS` sets the length of the run, 60 seconds by default.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from kastor.api.operations import OPERATIONS
from kastor.testing import KastorServer

SECONDS = int(os.environ.get("KASTOR_FUZZ_SECONDS", "60"))
SEED = 20231031
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

MODEL = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:fuzz:Room;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "Temperature", "schema": "double"},
        {"@type": "Relationship", "name": "near"},
    ],
}


@pytest.fixture
def seeded() -> Iterator[KastorServer]:
    """A server with callers, and a graph in which some requests find something."""
    with KastorServer(("--auth", "tokens")) as server:
        fill(server, {"Authorization": f"Bearer {server.token('owner')}"})
        yield server


def fill(server: KastorServer, headers: dict[str, str]) -> None:
    """Make a model, two twins and a relationship."""
    version = {"api-version": "2023-10-31"}
    with httpx2.Client(base_url=server.url, params=version, headers=headers) as client:
        assert client.post("/models", json=[MODEL]).status_code == 201
        for name in ("0", "1"):
            body = {"$metadata": {"$model": MODEL["@id"]}}
            assert client.put(f"/digitaltwins/{name}", json=body).status_code == 200
        near = {"$relationshipName": "near", "$targetId": "1"}
        assert client.put("/digitaltwins/0/relationships/0", json=near).status_code == 200


EXCLUDED = (
    # Would leave the others nothing to find; they have tests of their own.
    *("Kastor_DeleteAllModels", "DeleteJobs_Add", "Kastor_DeleteGraph", "Kastor_Reset"),
    # It knows no form of NDJSON; see tests/jobs.
    "Kastor_ImportUpload",
)


HOOKS = """
import itertools, os, schemathesis

CALLERS = itertools.cycle(os.environ["KASTOR_FUZZ_CALLERS"].split(","))

@schemathesis.hook
def before_call(context, case, kwargs):
    caller = next(CALLERS)
    case.headers.pop("Authorization", None)
    if caller:
        case.headers["Authorization"] = f"Bearer {caller}"
"""
"""Each request comes from the next caller."""


@pytest.mark.fuzz
@pytest.mark.timeout(SECONDS + 180)
def test_no_generated_request_gets_an_undocumented_answer(
    seeded: KastorServer, tmp_path: Path
) -> None:
    """Of those who may do everything, only read or only send, and of somebody unknown.

    Who has no role is left out: its 403 has no body (rest-api A.3), which OpenAPI has no word for
    beside one that has.
    """
    owner, reader, sender = (seeded.token(role) for role in ("owner", "reader", "sender"))
    (tmp_path / "callers.py").write_text(HOOKS, "utf-8")
    command = [
        str(Path(sys.executable).with_name("st")),
        "run",
        f"{seeded.url}/openapi.json",
        f"--url={seeded.url}",
        f"--checks={','.join(CHECKS)}",
        f"--max-time={SECONDS}",
        f"--seed={SEED}",
        # Streams have no end; they have tests of their own.
        *(f"--exclude-path={each.path}" for each in OPERATIONS if each.streams),
        *(f"--exclude-operation-id={each}" for each in EXCLUDED),
        "--max-failures=50",
        "--continue-on-failure",
        "--phases=examples,coverage,fuzzing,stateful",
        "--generation-database=none",
        "--request-timeout=30",
        "--suppress-health-check=all",
        "--warnings=off",
        "--no-color",
    ]
    callers = f"{owner},{reader},{owner},{sender},{owner},,{owner}"
    hooks = {"SCHEMATHESIS_HOOKS": "callers", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **hooks, "KASTOR_FUZZ_CALLERS": callers},
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
    told = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert told, done.stdout[-5_000:]
    assert int(told[1]) >= 10 * SECONDS, "too few requests to mean anything"
    assert seeded.process.poll() is None, "the server ended"
    assert httpx2.get(f"{seeded.url}/healthz").status_code == 200
    metrics = httpx2.get(f"{seeded.url}/metrics", headers={"Authorization": f"Bearer {owner}"}).text
    for status in ("200", "401", "403"):
        assert f'status="{status}"' in metrics, f"nobody was answered {status}"
