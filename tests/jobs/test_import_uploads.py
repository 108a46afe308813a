"""Import by upload on a real server: what is taken, where it waits, what it may cost."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import zstandard

from kastor.testing import KastorServer
from tests.attacks.watch import watched
from tests.store.graphs import edge, hall, room

from .import_files import (
    ALL_MODELS,
    HEADER,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    relationship,
    text_of,
    twin,
)

PATH = "/kastor/v1/jobs/imports"
NDJSON = {"Content-Type": "application/x-ndjson"}
VERSION = "api-version=2023-10-31"
MOST = 2_000_000
START = text_of(*HEADER, MODELS, *ALL_MODELS, TWINS)
FILE = START + text_of(
    *(twin("a", room()), twin("b", hall()), RELATIONSHIPS, relationship("a", "r", edge("b")))
)


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KASTOR_MAX_UPLOAD_BYTES", str(MOST))
        with KastorServer() as server:
            yield server


@pytest.fixture
def client(server: KastorServer) -> Iterator[httpx2.Client]:
    server.reset()
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


def upload(client: httpx2.Client, body: Any, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(PATH, content=body, headers={**NDJSON, **named})


def end_of(client: httpx2.Client, answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(answer.headers["location"]).json()
        if job["status"] not in ("notstarted", "running"):
            return job
        time.sleep(0.02)
    raise TimeoutError(answer.headers["location"])


def spooled(server: KastorServer) -> list[Path]:
    return list((server.data_dir / "spool" / "default").iterdir())


@pytest.mark.parametrize("coding", ["plain", "gzip", "zstd"])
def test_a_file_is_imported_packed_or_not(
    client: httpx2.Client, server: KastorServer, coding: str
) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "plain": bytes, "gzip": gzip.compress, "zstd": zstandard.compress
    }  # fmt: skip
    pack = packers[coding]
    headers = {} if coding == "plain" else {"content_encoding": coding}
    job = end_of(client, upload(client, pack(FILE), **headers))

    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": len(pack(FILE)), "of": len(pack(FILE)), "unit": "bytes"}
    listed = client.get(f"/digitaltwins/a/relationships?{VERSION}").json()["value"]
    assert [each["$targetId"] for each in listed] == ["b"]
    assert spooled(server) == []


def test_a_repeated_request_imports_once_and_another_file_is_refused(
    client: httpx2.Client, server: KastorServer
) -> None:
    name = f"once-{time.time_ns()}"
    first = upload(client, FILE, operation_id=name)
    job = end_of(client, first)
    again = upload(client, FILE, operation_id=name)
    other = upload(client, FILE + b"\n", operation_id=name)

    assert again.status_code == 202
    assert again.json() == job
    assert (other.status_code, other.json()["error"]["code"]) == (409, "OperationIdReused")
    assert spooled(server) == []


def test_a_dry_run_changes_nothing(client: httpx2.Client) -> None:
    answer = upload(client, FILE, kastor_dry_run="true")
    job = end_of(client, answer)

    assert answer.headers["kastor-dry-run"] == "true"
    assert (job["status"], job["counts"]["twins"], job["dryRun"]) == ("succeeded", 2, True)
    assert client.get(f"/digitaltwins/a?{VERSION}").status_code == 404
    assert client.get(f"/models?{VERSION}").json()["value"] == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": "application/json"}, 415, "UnsupportedMediaType"),
        ({"Content-Encoding": "br"}, 415, "UnsupportedContentEncoding"),
        ({"operation-id": "a/b"}, 400, "InvalidArgument"),
        ({"kastor-dry-run": "maybe"}, 400, "InvalidArgument"),
    ],
)
def test_what_is_refused_leaves_no_job_and_no_file(
    client: httpx2.Client, server: KastorServer, headers: dict[str, str], status: int, code: str
) -> None:
    before = len(client.get(PATH).json()["value"])
    answer = client.post(PATH, content=FILE, headers={**NDJSON, **headers})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(client.get(PATH).json()["value"]) == before
    assert spooled(server) == []


def test_a_file_over_the_setting_is_refused_declared_or_not(
    client: httpx2.Client, server: KastorServer
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 100_000

    for body in (b" " * (MOST + 1), chunks()):
        answer = upload(client, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PayloadTooLarge")
    assert spooled(server) == []


def test_a_waiting_file_is_for_the_server_alone(
    client: httpx2.Client, server: KastorServer
) -> None:
    seen: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield FILE
        for _ in range(100):
            files = spooled(server)
            if files:
                seen.extend(each.stat().st_mode & 0o777 for each in files)
                return
            time.sleep(0.02)

    end_of(client, upload(client, chunks()))

    assert seen == [0o600]


@pytest.mark.parametrize("what", ["a long line", "a bomb", "nothing but bad lines"])
def test_what_a_hostile_file_costs(client: httpx2.Client, server: KastorServer, what: str) -> None:
    noise = base64.b64encode(random.Random(1).randbytes(7_500))  # packed to a hundredth
    bodies = {
        "a long line": START + b'{"x": "' + noise * 10_000 + b'"}\n' + text_of(twin("a", room())),
        "a bomb": START + b"\0" * 400_000_000,
        "nothing but bad lines": START + b"{\n" * 20_000,
    }
    packed = gzip.compress(bodies[what], 1)
    with watched(server):
        job = end_of(client, upload(client, packed))

    assert job["status"] == "failed"
    code, twins = {
        "a long line": ("ImportPartiallyFailed", 1),
        "a bomb": ("ImportFileDamaged", 0),
        "nothing but bad lines": ("ImportPartiallyFailed", 0),
    }[what]
    assert (job["error"]["code"], job["counts"]["twins"]) == (code, twins)
    log = client.get(f"{PATH}/{job['id']}/log").text.splitlines()
    errors = [each for each in map(json.loads, log) if each["logType"] == "Error"]
    assert len(errors) == (20_001 if "bad" in what else 2 if twins else 1)
