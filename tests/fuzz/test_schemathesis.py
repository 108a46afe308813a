"""A bounded run of schemathesis over the OpenAPI document of a running server.

`KASTOR_FUZZ_SECONDS` sets the length of the run of whoever may do everything, 40 seconds by default;
the three of others take a tenth of it each, and 5 seconds at least.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from kastor.api.operations import OPERATIONS
from kastor.testing import KastorServer

SECONDS = int(os.environ.get("KASTOR_FUZZ_SECONDS", "40"))
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
def seeded(kastor: KastorServer) -> KastorServer:
    """A graph in which some requests find something."""
    kastor.reset()
    fill(kastor, {})
    return kastor


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


@pytest.mark.fuzz
@pytest.mark.timeout(SECONDS + 180)
def test_no_generated_request_gets_an_undocumented_answer(
    seeded: KastorServer, tmp_path: Path
) -> None:
    assert generated(seeded, tmp_path, SECONDS) >= 10 * SECONDS, "too few to mean anything"


@pytest.mark.fuzz
@pytest.mark.timeout(SECONDS + 180)
@pytest.mark.parametrize("role", ["nobody", "none", "reader"])
def test_no_caller_gets_an_undocumented_answer(role: str, tmp_path: Path) -> None:
    """A caller whom nobody knows, one who may do nothing, and one who may only read."""
    seconds = max(5, SECONDS // 10)
    with KastorServer(("--auth", "tokens")) as server:
        owner = {"Authorization": f"Bearer {server.token('owner')}"}
        fill(server, owner)
        caller = () if role == "nobody" else (f"Authorization: Bearer {server.token(role)}",)
        assert generated(server, tmp_path, seconds, *caller) >= 10 * seconds
        version = {"api-version": "2023-10-31"}
        twin = httpx2.get(f"{server.url}/digitaltwins/0", params=version, headers=owner)
        assert twin.status_code == 200
        assert (
            len(httpx2.get(f"{server.url}/models", params=version, headers=owner).json()["value"])
            == 1
        )


def generated(server: KastorServer, folder: Path, seconds: int, *headers: str) -> int:
    """Send generated requests for so long; return how many there were."""
    command = [
        str(Path(sys.executable).with_name("st")),
        "run",
        f"{server.url}/openapi.json",
        f"--url={server.url}",
        f"--checks={','.join(CHECKS)}",
        f"--max-time={seconds}",
        f"--seed={SEED}",
        *(f"--header={each}" for each in headers),
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
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
    told = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert told, done.stdout[-5_000:]
    assert server.process.poll() is None, "the server ended"
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
    return int(told[1])
