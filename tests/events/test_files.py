"""The file and the standard output sink: whole lines, on disk, rotated, in order."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kastor.events.endpoints import make_sink, read_endpoint
from kastor.events.model import Delivered, Event, Sink
from kastor.events.sinks import file as file_sink
from kastor.outside.bounds import EndpointPolicy

from .factory import updates

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sink_to(path: Path, **settings: Any) -> Sink:
    return make_sink("log", read_endpoint("file", {"path": str(path), **settings}))


def ids(*paths: Path) -> list[str]:
    return [json.loads(line)["id"] for path in paths for line in path.read_bytes().splitlines()]


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def test_appends_lines(tmp_path: Path) -> None:
    file, sent = tmp_path / "events.ndjson", updates(30)
    for part in (sent[:10], sent[10:]):
        sink = sink_to(file)
        await sink.open()
        assert await sink.deliver(part) == Delivered(len(part))
        await sink.close()
    assert ids(file) == [each.id for each in sent]
    assert file.stat().st_mode & 0o007 == 0


async def test_rotates_by_size_and_keeps_so_many(tmp_path: Path) -> None:
    file, sent = tmp_path / "events.ndjson", updates(100)
    sink = sink_to(file, max_bytes=4_000, keep=3)
    for at in range(0, 100, 25):
        assert await sink.deliver(sent[at : at + 25]) == Delivered(25)
    await sink.close()
    files = [file.with_name(f"events.ndjson.{number}") for number in (3, 2, 1)] + [file]
    assert names_in(tmp_path) == sorted(each.name for each in files)
    assert all(each.stat().st_size <= 4_000 for each in files)
    kept = ids(*files)
    assert kept == [each.id for each in sent[-len(kept) :]]


async def test_an_event_larger_than_the_file_may_be(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    sink = sink_to(file, max_bytes=10)
    assert await sink.deliver(updates(3)) == Delivered(3)
    await sink.close()
    assert ids(file) == ["event-3"]
    assert ids(file.with_name("events.ndjson.1")) == ["event-2"]


HALF = b'{"specversion":"1.0","id":"ha' + b"x" * 100_000


async def crashed(file: Path, half: bytes = HALF) -> None:
    """A file that Kastor made, as a crash in the middle of an event leaves it."""
    await deliver_to(sink_to(file), updates(1))
    with file.open("ab") as opened:
        opened.write(half)


async def deliver_to(sink: Sink, events: Sequence[Event]) -> None:
    assert await sink.deliver(events) == Delivered(len(events))
    await sink.close()


@pytest.mark.parametrize("half", [HALF, HALF[:5], b"\0" * 3_000, HALF[:25] + b"\0" * 70_000])
async def test_half_a_line_of_a_crash_is_cut(tmp_path: Path, half: bytes) -> None:
    file = tmp_path / "events.ndjson"
    await crashed(file, half)
    await deliver_to(sink_to(file), updates(2)[1:])
    assert ids(file) == ["event-1", "event-2"]


@pytest.mark.parametrize("content", [b"secret = 1\nlast = 2", HALF, b"x", b'{"a":1}\n{"b":2}'])
async def test_a_file_that_kastor_did_not_make_is_never_cut(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(content)
    for at in range(2):
        await deliver_to(sink_to(file), updates(2)[at : at + 1])
    assert file.read_bytes().startswith(content + b"\n")
    added = file.read_bytes()[len(content) + 1 :].splitlines()
    assert [json.loads(line)["id"] for line in added] == ["event-1", "event-2"]


async def test_where_there_are_no_marks_half_a_line_gets_an_end_and_nothing_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any) -> bytes:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", unknown)
    monkeypatch.setattr(os, "getxattr", unknown)
    file = tmp_path / "events.ndjson"
    await crashed(file)
    await deliver_to(sink_to(file), updates(2)[1:])
    first, half, second = file.read_bytes().splitlines()
    assert half == HALF
    assert [json.loads(line)["id"] for line in (first, second)] == ["event-1", "event-2"]


async def test_what_somebody_adds_to_kastors_file_is_not_cut(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    await crashed(file, b"a note of somebody")
    await deliver_to(sink_to(file), updates(2)[1:])
    lines = file.read_bytes().splitlines()
    assert lines[1] == b"a note of somebody"
    assert json.loads(lines[2])["id"] == "event-2"


async def test_what_somebody_adds_during_a_failed_write_is_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "events.ndjson"

    def failing(_handle: int) -> None:
        with file.open("ab") as opened:
            opened.write(b"a note of somebody\n")
        raise OSError(28, "No space left on device")

    sink = sink_to(file)
    monkeypatch.setattr(os, "fsync", failing)
    file.touch()
    assert (await sink.deliver(updates(1))).confirmed == 0
    monkeypatch.undo()
    await sink.close()
    assert file.read_bytes().endswith(b"a note of somebody\n")


@pytest.mark.parametrize("foreign", ["", ".1", ".2"])
async def test_files_of_others_are_neither_moved_nor_deleted(tmp_path: Path, foreign: str) -> None:
    file = tmp_path / "events.ndjson"
    other = tmp_path / f"events.ndjson{foreign}"
    content = b"theirs\n" * 1_000
    sink = sink_to(file, max_bytes=4_000, keep=2)
    if foreign:
        await deliver_to(sink, updates(5))
    other.write_bytes(content)
    report = await sink.deliver(updates(40))
    assert report.confirmed < 40
    assert report.fault is not None
    assert "Kastor did not make" in report.fault.message
    assert other.read_bytes().startswith(content)
    other.unlink()
    await deliver_to(sink, updates(40)[report.confirmed :])


def bounded_sink(root: Path, path: Path) -> Sink:
    policy = EndpointPolicy(file_folder=root)
    return make_sink("log", read_endpoint("file", {"path": str(path)}, policy), policy)


async def test_no_link_leads_out_of_the_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "events.ndjson").write_bytes(b"theirs")
    sinks = [bounded_sink(root, root / each) for each in ("sub/events.ndjson", "events.ndjson")]
    await deliver_to(sinks[0], updates(1))
    # After the check: a link in the place of the folder, and of the file.
    (root / "sub").rename(root / "before")
    (root / "sub").symlink_to(outside)
    (root / "events.ndjson").symlink_to(outside / "events.ndjson")
    for sink in sinks:
        report = await sink.deliver(updates(2)[1:])
        assert report.confirmed == 0
        assert report.fault is not None
    assert (outside / "events.ndjson").read_bytes() == b"theirs"
    (root / "sub").unlink()
    (root / "before").rename(root / "sub")
    await deliver_to(sinks[0], updates(2)[1:])
    assert ids(root / "sub" / "events.ndjson") == ["event-1", "event-2"]


async def test_a_link_within_the_root_leads_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    await deliver_to(bounded_sink(tmp_path, tmp_path / "link" / "events"), updates(1))
    assert ids(tmp_path / "real" / "events") == ["event-1"]


@pytest.mark.parametrize("bounded", [False, True])
async def test_pipes_and_folders_are_no_files(tmp_path: Path, bounded: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        path = tmp_path / name
        sink = bounded_sink(tmp_path, path) if bounded else sink_to(path)
        async with asyncio.timeout(2):
            report = await sink.deliver(updates(1))
        assert report.fault is not None
        await sink.close()


async def test_a_missing_folder_is_a_fault_and_then_works(tmp_path: Path) -> None:
    file = tmp_path / "later" / "events.ndjson"
    sink = sink_to(file)
    report = await sink.deliver(updates(2))
    assert report.confirmed == 0
    assert report.fault is not None
    assert report.fault.kind == "unavailable"
    assert "No such file or directory" in report.fault.message
    file.parent.mkdir()
    assert await sink.deliver(updates(2)) == Delivered(2)
    await sink.close()


async def test_a_full_disk_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, sent = tmp_path / "events.ndjson", updates(10)
    sink = sink_to(file)
    assert await sink.deliver(sent[:5]) == Delivered(5)
    write = os.write

    def full(handle: int, data: Any) -> int:
        write(handle, bytes(data)[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    report = await sink.deliver(sent[5:])
    monkeypatch.undo()
    assert report.confirmed == 0
    assert report.fault is not None
    assert "No space left" in report.fault.message
    assert ids(file) == [each.id for each in sent[:5]]
    assert await sink.deliver(sent[5:]) == Delivered(5)
    await sink.close()
    assert ids(file) == [each.id for each in sent]


async def test_a_failed_write_of_one_route_takes_nothing_of_another_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    file, sent = tmp_path / "events.ndjson", updates(10)
    one, other = sink_to(file), sink_to(file)
    assert await one.deliver(sent[:2]) == Delivered(2)
    assert await other.deliver(sent[2:6]) == Delivered(4)
    monkeypatch.setattr(os, "fsync", failing)
    assert (await one.deliver(sent[6:])).confirmed == 0
    monkeypatch.undo()
    assert ids(file) == [each.id for each in sent[:6]]
    assert await one.deliver(sent[6:]) == Delivered(4)
    await one.close()
    await other.close()
    assert ids(file) == [each.id for each in sent]


async def test_several_routes_to_one_file_lose_nothing_when_it_is_put_aside(
    tmp_path: Path,
) -> None:
    file, sent = tmp_path / "events.ndjson", updates(600)
    sinks = [sink_to(file, max_bytes=10_000, keep=1_000) for _ in range(3)]

    async def send(number: int) -> None:
        for at in range(number * 200, number * 200 + 200, 10):
            assert await sinks[number].deliver(sent[at : at + 10]) == Delivered(10)
        await sinks[number].close()

    await asyncio.gather(*(send(number) for number in range(3)))
    files = [tmp_path / name for name in names_in(tmp_path)]
    assert len(files) > 10
    assert all(each.stat().st_size <= 10_000 for each in files)
    assert sorted(ids(*files)) == sorted(each.id for each in sent)


async def test_a_file_that_somebody_keeps_locked_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_sink, "LOCK_SECONDS", 0.1)
    file = tmp_path / "events.ndjson"
    sink = sink_to(file)
    with file.open("ab") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        report = await sink.deliver(updates(1))
        assert report.confirmed == 0
        assert report.fault is not None
        assert "locked" in report.fault.message
    assert await sink.deliver(updates(1)) == Delivered(1)
    await sink.close()


def test_nothing_counts_before_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    async def run() -> Delivered:
        sink = sink_to(tmp_path / "events.ndjson")
        try:
            return await sink.deliver(updates(3))
        finally:
            await sink.close()

    monkeypatch.setattr(os, "fsync", failing)
    report = asyncio.run(run())
    assert report.confirmed == 0
    assert report.fault is not None


PRINTER = """
import asyncio
from kastor.events.endpoints import make_sink, read_endpoint
from tests.events.factory import updates
sink = make_sink("out", read_endpoint("stdout", {}))
report = asyncio.run(sink.deliver(updates(1000)))
raise SystemExit(0 if report.confirmed == 1000 else 3)
"""


def test_standard_output() -> None:
    done = subprocess.run([sys.executable, "-c", PRINTER], stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["id"] for each in lines] == [each.id for each in updates(1000)]


def test_a_closed_pipe_confirms_nothing() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PRINTER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert program.stdout is not None
    program.stdout.close()
    assert program.wait(20) != 0
