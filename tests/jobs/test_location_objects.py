"""Azure Blob and S3 as locations of jobs, against servers that speak their protocols."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest

from kastor.errors import InvalidArgument
from kastor.jobs.locations import LocationError, Locations
from kastor.jobs.locations.objects import PART_BYTES, RANGE_BYTES

from .places import LOG_LINE, content, locations, write_log, write_output
from .storage_servers import AZURITE_KEY, S3_SECRET, Stored, azurite, sas_of, seaweed

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KASTOR_SECRET_AZURE", AZURITE_KEY)
    monkeypatch.setenv("KASTOR_SECRET_S3", S3_SECRET)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(params=["azure", "s3"])
def store(request: pytest.FixtureRequest) -> Stored:
    chosen: Stored = request.getfixturevalue(request.param)
    for name in chosen.names():
        obstore.delete(chosen.client, name)
    return chosen


@pytest.fixture
def allowed(store: Stored, tmp_path: Path) -> Locations:
    return locations(tmp_path, store.setting)


async def test_an_object_is_read_in_parts(store: Stored, allowed: Locations) -> None:
    whole = os.urandom(2 * RANGE_BYTES + 1_234)
    for name, expected in (("a.ndjson", whole), ("in/a b+ä.ndjson", b"few"), ("empty", b"")):
        found = allowed.check(store.put(name, expected), setting="inputBlobUri")
        chunks = [chunk async for chunk in found.read()]
        assert b"".join(chunks) == expected
        assert all(len(chunk) <= RANGE_BYTES for chunk in chunks)


async def test_what_changes_while_it_is_read_is_not_mixed(
    store: Stored, allowed: Locations
) -> None:
    found = allowed.check(store.put("a", b"1" * 2 * RANGE_BYTES), setting="x")
    chunks = found.read()
    assert await anext(chunks) == b"1" * RANGE_BYTES
    store.put("a", b"2" * 2 * RANGE_BYTES)
    with pytest.raises(LocationError, match="changed meanwhile"):
        await anext(chunks)


async def test_what_is_missing_is_named(store: Stored, allowed: Locations) -> None:
    found = allowed.check(f"{store.prefix}/absent", setting="inputBlobUri")
    with pytest.raises(LocationError, match="absent: there is no such object"):
        await content(found)


async def test_a_log_is_seen_while_it_grows(
    store: Stored, allowed: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = allowed.check(f"{store.prefix}/log", setting="outputBlobUri")
    log = found.log()
    await log.begin()
    assert store.get("log") == b""
    await log.extend(LOG_LINE)
    assert store.get("log") == LOG_LINE
    await log.extend(LOG_LINE)
    assert store.get("log") == LOG_LINE  # put again after some seconds
    monkeypatch.setattr("kastor.jobs.locations.objects.time.monotonic", lambda: 1e9)
    await log.extend(b"")
    assert store.get("log") == 2 * LOG_LINE
    await log.extend(LOG_LINE * 30_000)
    await log.finish()
    assert store.get("log") == LOG_LINE * 30_002


async def test_a_log_replaces_a_log_and_nothing_else(store: Stored, allowed: Locations) -> None:
    found = allowed.check(f"{store.prefix}/out", setting="outputBlobUri")
    await write_log(found, LOG_LINE * 3)
    await write_log(found, LOG_LINE)
    assert store.get("out") == LOG_LINE
    for other in (b'{"Section": "Header"}\n', LOG_LINE.rstrip(), b"\n" + LOG_LINE):
        store.put("out", other)
        with pytest.raises(LocationError, match="its first line is none of a job's log"):
            await found.log().begin()
        with pytest.raises(LocationError, match="its first line is none of a job's log"):
            await found.write()
        assert store.get("out") == other


async def test_an_output_is_there_when_it_is_whole(store: Stored, allowed: Locations) -> None:
    found = allowed.check(f"{store.prefix}/export", setting="outputUri")
    part = os.urandom(PART_BYTES // 4)
    output = await found.write()
    for _ in range(9):
        await output.write(part)
    assert store.names() == []
    await output.finish()
    await output.abandon()
    assert store.get("export") == part * 9
    await write_output(found, b"new", again=True)
    assert store.get("export") == b"new"


async def test_an_abandoned_output_leaves_nothing(store: Stored, allowed: Locations) -> None:
    found = allowed.check(f"{store.prefix}/export", setting="outputUri")
    output = await found.write()
    for _ in range(3):
        await output.write(bytes(PART_BYTES))
    await output.abandon()
    await output.abandon()
    assert store.names() == []
    with pytest.raises(LocationError, match="ended already"):
        await output.write(b"more")


async def test_parts_of_an_abandoned_output_are_removed(s3: Stored, tmp_path: Path) -> None:
    allowed = locations(tmp_path, s3.setting)
    for name in ("parts", "more", "again"):
        output = await allowed.check(f"{s3.prefix}/{name}", setting="outputUri").write()
        for _ in range(3):
            await output.write(bytes(PART_BYTES))
        assert len(s3.unfinished()) == 1
        await output.abandon()
        async with asyncio.timeout(2):  # the store answers a moment before they are gone
            await _none_unfinished(s3)


async def _none_unfinished(s3: Stored) -> None:
    left = s3.unfinished()
    while left:
        await asyncio.sleep(0.01)
        left = s3.unfinished()


async def test_an_output_that_was_taken_meanwhile_is_not_overwritten(
    store: Stored, allowed: Locations
) -> None:
    output = await allowed.check(f"{store.prefix}/export", setting="outputUri").write()
    await output.write(b"mine")
    store.put("export", b"another's")
    with pytest.raises(LocationError, match="it is there already"):
        await output.finish()
    await output.abandon()
    assert store.get("export") == b"another's"


async def test_memory_is_bounded_whatever_the_size(store: Stored, allowed: Locations) -> None:
    found = allowed.check(f"{store.prefix}/large", setting="outputUri")
    chunk = os.urandom(1_048_576)
    await write_output(found, chunk)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    output = await found.write(again=True)
    for _ in range(56):
        await output.write(chunk)
    await output.finish()
    read = [len(each) async for each in found.read()]
    assert sum(read) == 56 * len(chunk)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 52_000, f"{grown} KB more for 56 MB"


async def test_a_read_can_be_cancelled(store: Stored, allowed: Locations) -> None:
    found = allowed.check(store.put("a", bytes(3 * RANGE_BYTES)), setting="x")
    reading = asyncio.create_task(content(found))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_wrong_credentials_are_said_without_showing_any(
    store: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = store.put("a", b"a")
    for name, wrong in (("AZURE", "d3Jvbmcta2V5LXdyb25nLWtleQ=="), ("S3", "wrong-secret")):
        monkeypatch.setenv(f"KASTOR_SECRET_{name}", wrong)
    with pytest.raises(LocationError, match="look at the credentials") as caught:
        await content(locations(tmp_path, store.setting).check(uri, setting="x"))
    assert "wrong" not in str(caught.value)


async def test_a_secret_that_is_not_there_is_said_when_it_is_needed(
    store: Stored, allowed: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = allowed.check(f"{store.prefix}/a", setting="x")
    monkeypatch.delenv("KASTOR_SECRET_AZURE")
    monkeypatch.delenv("KASTOR_SECRET_S3")
    with pytest.raises(LocationError, match="environment variable KASTOR_SECRET_"):
        await content(found)


class TestSignatures:
    """A shared access signature in the URI opens that blob alone."""

    async def test_one_opens_its_own_blob(self, azure: Stored, tmp_path: Path) -> None:
        allowed = locations(tmp_path, azure.prefix)
        found = allowed.check(sas_of(azure.put("in", b"abc")), setting="inputBlobUri")
        assert found.shown == f"{azure.prefix}/in?..."
        assert await content(found) == b"abc"
        output = allowed.check(sas_of(f"{azure.prefix}/out"), setting="outputBlobUri")
        obstore.put(azure.client, "out", LOG_LINE)
        await write_log(output, LOG_LINE * 2)
        assert azure.get("out") == LOG_LINE * 2

    async def test_it_is_not_used_for_another_blob(self, azure: Stored, tmp_path: Path) -> None:
        allowed = locations(tmp_path, {"prefix": azure.prefix, "anonymous": True})
        azure.put("other", b"abc")
        assert await content(allowed.check(sas_of(azure.put("in", b"")), setting="x")) == b""
        with pytest.raises(LocationError):
            await content(allowed.check(f"{azure.prefix}/other", setting="x"))

    async def test_it_wins_over_the_key_of_the_server(self, azure: Stored, tmp_path: Path) -> None:
        allowed = locations(tmp_path, azure.setting)
        expired = sas_of(azure.put("in", b"abc"), minutes=-1)
        with pytest.raises(LocationError) as caught:
            await content(allowed.check(expired, setting="x"))
        signature = expired.partition("sig=")[2]
        assert signature not in str(caught.value)
        assert "sig=" not in str(caught.value)

    async def test_it_needs_no_key_of_the_server(
        self, azure: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("KASTOR_SECRET_AZURE")
        allowed = locations(tmp_path, azure.setting)
        assert await content(allowed.check(sas_of(azure.put("in", b"abc")), setting="x")) == b"abc"

    async def test_one_of_the_setting_opens_what_it_is_for(
        self, azure: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        uri = azure.put("in", b"abc")
        monkeypatch.setenv("KASTOR_SECRET_SAS", sas_of(uri).partition("?")[2])
        allowed = locations(tmp_path, {"prefix": uri, "sas": {"env": "KASTOR_SECRET_SAS"}})
        assert await content(allowed.check(uri, setting="x")) == b"abc"

    def test_what_is_no_signature_is_refused(self, azure: Stored, tmp_path: Path) -> None:
        with pytest.raises(InvalidArgument, match="no shared access signature"):
            locations(tmp_path, azure.prefix).check(f"{azure.prefix}/a?comp=list", setting="x")
