"""Imports from a location with their log at another, on a real server; a log that cannot be written."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kastor.jobs.importing import projection
from kastor.jobs.importing.faults import OutputUnwritableError
from kastor.jobs.importing.projection import log_written_to
from kastor.jobs.kinds import Run
from kastor.jobs.locations import ByteOutput, LocationError
from kastor.jobs.locations.web import WebLocation
from kastor.storage.protocol import Store
from kastor.testing import KastorServer
from kastor.types import override
from tests.store.engines import Engine
from tests.store.graphs import hall

from .import_files import ALL_MODELS, ANN, HEADER, MODELS, TWINS, text_of, twin
from .service import Scripted, ended, serving

VERSION = "api-version=2023-10-31"
COUNT = 6_000
FILE = text_of(
    *HEADER, MODELS, *ALL_MODELS, TWINS, *(twin(f"t{n}", hall(seats=n)) for n in range(COUNT))
)


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as server:
        yield server


@pytest.fixture
def client(server: KastorServer) -> Iterator[httpx2.Client]:
    server.reset()
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture
def folder(server: KastorServer) -> Path:
    folder = server.data_dir / "exchange" / "default"
    folder.mkdir(parents=True, exist_ok=True)
    for each in folder.iterdir():
        each.unlink()
    return folder


def begin(client: httpx2.Client, **names: str) -> str:
    uris = {f"{name}BlobUri": f"exchange/default/{file}" for name, file in names.items()}
    path = f"/jobs/imports/j{time.time_ns()}?{VERSION}"
    answer = client.put(path, json=uris)
    assert answer.status_code == 201, answer.text
    return path


def reach(client: httpx2.Client, path: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(path).json()
        if job["status"] in states:
            return job
        time.sleep(0.02)
    raise TimeoutError(path)


def number_of_twins(client: httpx2.Client) -> int:
    query = {"query": "SELECT COUNT() FROM DIGITALTWINS"}
    found: int = client.post(f"/query?{VERSION}", json=query).json()["value"][0]["COUNT"]
    return found


def test_the_log_stands_at_its_location(client: httpx2.Client, folder: Path) -> None:
    (folder / "in.ndjson").write_bytes(FILE)
    job = reach(client, begin(client, input="in.ndjson", output="out.ndjson"), "succeeded")

    log = [json.loads(line) for line in (folder / "out.ndjson").read_text().splitlines()]
    assert [each["details"]["status"] for each in log] == [
        *("Started", "Started", "Succeeded", "Started", "Succeeded", "Succeeded")
    ]
    assert {each["jobId"] for each in log} == {job["id"]}
    assert (job["modelsCreated"], job["twinsCreated"], job["errorCount"]) == (3, COUNT, 0)


def test_a_file_that_is_missing_fails_the_job_and_the_log_says_so(
    client: httpx2.Client, folder: Path
) -> None:
    job = reach(client, begin(client, input="none.ndjson", output="out.ndjson"), "failed")

    assert job["error"]["code"] == "UnableToReadInputBlob"
    last = json.loads((folder / "out.ndjson").read_text().splitlines()[-1])
    assert last["details"]["error"]["code"] == "UnableToReadInputBlob"


def test_an_output_that_is_something_else_is_kept_and_nothing_is_imported(
    client: httpx2.Client, folder: Path
) -> None:
    (folder / "in.ndjson").write_bytes(FILE)
    (folder / "mine.txt").write_text("my own words\n")
    job = reach(client, begin(client, input="in.ndjson", output="mine.txt"), "failed")

    assert job["error"]["code"] == "UnableToWriteToOutputBlob"
    assert (folder / "mine.txt").read_text() == "my own words\n"
    assert client.get(f"/models?{VERSION}").json()["value"] == []


def test_a_cancelled_import_keeps_what_it_did_and_goes_on_when_it_is_resumed(
    client: httpx2.Client, folder: Path
) -> None:
    (folder / "in.ndjson").write_bytes(FILE)
    path = begin(client, input="in.ndjson", output="out.ndjson")
    while not client.get(path).json().get("twinsCreated"):
        time.sleep(0.01)
    client.post(path.replace("?", "/cancel?"))
    job = reach(client, path, "cancelled")
    some = number_of_twins(client)
    log = (folder / "out.ndjson").read_text().splitlines()

    assert 0 < some == job["twinsCreated"] < COUNT
    assert json.loads(log[-1])["details"] == {"status": "Cancelled"}
    assert "finishedDateTime" not in job

    client.post(path.replace("?", "/resume?"))
    job = reach(client, path, "succeeded")
    assert job["twinsCreated"] == COUNT == number_of_twins(client)


class Flaky:
    """A location whose log cannot be written for the first few times."""

    shown = "flaky"

    def __init__(self, faults: int) -> None:
        self.faults, self.text = faults, b""

    def read(self) -> AsyncIterator[bytes]:
        raise NotImplementedError

    async def write(self, *, again: bool = False) -> ByteOutput:
        raise NotImplementedError(again)

    def log(self) -> Flaky:
        return self

    async def begin(self) -> None:
        self.text = b""

    async def extend(self, lines: bytes) -> None:
        if lines and self.faults:
            self.faults -= 1
            raise LocationError("the store is out of reach")
        self.text += lines

    async def finish(self) -> None:
        pass

    async def abandon(self) -> None:
        pass


@pytest.mark.anyio
@pytest.mark.parametrize(("faults", "code"), [(2, None), (100, "UnableToWriteToOutputBlob")])
async def test_a_log_is_begun_anew_from_the_table_where_it_could_not_be_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, faults: int, code: str | None
) -> None:
    monkeypatch.setattr(projection, "EVERY_SECONDS", 0.01)
    store: Store[Any] = await engine.open()
    location = Flaky(faults)

    async def work(run: Run) -> None:
        async with log_written_to(location, store.jobs, run):
            for number in range(5):
                await run.save({"done": number}, [b'{"n":%d}' % number])

    async with serving(store, Scripted(work)) as jobs:
        await jobs.add("tests", "one", {}, ANN)
        row = await ended(jobs, "one")

    assert (row.error is None) == (code is None)
    if code is None:
        assert location.text == b"".join(b'{"n":%d}\n' % number for number in range(5))
    else:
        assert json.loads(row.error or b"{}")["code"] == code == OutputUnwritableError.default_code


@pytest.mark.anyio
async def test_an_output_on_the_plain_web_fails_the_job_and_says_why(engine: Engine) -> None:
    store: Store[Any] = await engine.open()
    location = WebLocation("https://example.org/log", "https://example.org/log")
    begun = []

    async def work(run: Run) -> None:
        async with log_written_to(location, store.jobs, run):
            begun.append(run)

    async with serving(store, Scripted(work)) as jobs:
        await jobs.add("tests", "one", {}, ANN)
        row = await ended(jobs, "one")

    error = json.loads(row.error or b"{}")
    assert error["code"] == OutputUnwritableError.default_code
    assert "can only be read" in error["message"]
    assert begun == []


class Slow(Flaky):
    """A location that has a line long before it says so."""

    def __init__(self) -> None:
        super().__init__(0)
        self.begun = asyncio.Event()

    @override
    async def extend(self, lines: bytes) -> None:
        await super().extend(lines)
        if lines:
            self.begun.set()
            await asyncio.sleep(0.1)


@pytest.mark.anyio
async def test_a_job_that_ends_while_its_log_is_copied_has_each_line_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "EVERY_SECONDS", 0.01)
    store: Store[Any] = await engine.open()
    location = Slow()

    async def work(run: Run) -> None:
        async with log_written_to(location, store.jobs, run):
            await run.save({"done": 1}, [b'{"n":1}'])
            await location.begun.wait()
            await run.save({"done": 2}, [b'{"n":2}'])

    async with serving(store, Scripted(work)) as jobs:
        await jobs.add("tests", "one", {}, ANN)
        await ended(jobs, "one")
    assert location.text == b'{"n":1}\n{"n":2}\n'
