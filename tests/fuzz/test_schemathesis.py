"""A bounded run of schemathesis over the OpenAPI document of a running server.

`KASTOR_FUZZ_SECONDS` sets the length of the run, 60 seconds by default.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.api.operations import OPERATIONS

if TYPE_CHECKING:
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
def seeded(kastor: KastorServer) -> KastorServer:
    """A graph with a model, two twins and a relationship, so that some requests find something."""
    kastor.reset()
    version = {"api-version": "2023-10-31"}
    with httpx2.Client(base_url=kastor.url, params=version) as client:
        assert client.post("/models", json=[MODEL]).status_code == 201
        for name in ("0", "1"):
            body = {"$metadata": {"$model": MODEL["@id"]}}
            assert client.put(f"/digitaltwins/{name}", json=body).status_code == 200
        near = {"$relationshipName": "near", "$targetId": "1"}
        assert client.put("/digitaltwins/0/relationships/0", json=near).status_code == 200
    return kastor


@pytest.mark.fuzz
@pytest.mark.timeout(SECONDS + 180)
def test_no_generated_request_gets_an_undocumented_answer(
    seeded: KastorServer, tmp_path: Path
) -> None:
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
        # Would leave the others nothing to find; it has tests of its own.
        "--exclude-operation-id=Kastor_DeleteAllModels",
        "--exclude-operation-id=DeleteJobs_Add",
        # It knows no form of NDJSON; see tests/jobs.
        "--exclude-operation-id=Kastor_ImportUpload",
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
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
    generated = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert generated, done.stdout[-5_000:]
    assert int(generated[1]) >= 10 * SECONDS, "too few requests to mean anything"
    assert seeded.process.poll() is None, "the server ended"
    assert httpx2.get(f"{seeded.url}/healthz").status_code == 200
