"""Files as locations of jobs: beneath their root, whole or not at all, for their owner alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kastor.jobs.locations import LocationError
from kastor.jobs.locations.files import CHUNK_BYTES, FileLocation

from .places import LOG_LINE, content, locations, write_log, write_output

pytestmark = pytest.mark.anyio

TAKEN = "its first line is none of a job's log"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def at(data: Path, root: Path, path: str) -> FileLocation:
    found = locations(data, f"file://{root}").check(f"file://{root}/{path}", setting="x")
    assert isinstance(found, FileLocation)
    return found


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def open_below(folder: Path) -> list[str]:
    """Files of a folder that this process has open; others may come and go meanwhile."""
    found = []
    for each in names_in(Path("/proc/self/fd")):
        with contextlib.suppress(FileNotFoundError):  # closed by now
            found.append(str(Path(f"/proc/self/fd/{each}").readlink()))
    return [path for path in found if path.startswith(f"{folder}/")]


async def test_a_file_is_read_in_chunks(data: Path, root: Path) -> None:
    whole = os.urandom(2 * CHUNK_BYTES + 5)
    (root / "in").write_bytes(whole)
    chunks = [chunk async for chunk in at(data, root, "in").read()]
    assert b"".join(chunks) == whole
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert open_below(data.parent) == []


async def test_the_exchange_folder_is_made_as_needed_for_its_owner(data: Path) -> None:
    found = locations(data).check("exchange/default/a/b/log", setting="x")
    await write_log(found, LOG_LINE, LOG_LINE)
    assert await content(found) == LOG_LINE * 2
    for folder in ("exchange", "exchange/default", "exchange/default/a/b"):
        assert stat.S_IMODE((data / folder).stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "exchange/default/a/b/log").stat().st_mode) == 0o600
    assert names_in(data / "exchange/default/a/b") == ["log"]
    assert open_below(data.parent) == []


async def test_both_names_of_a_file_of_the_exchange_folder_lead_to_it(data: Path) -> None:
    allowed = locations(data, graph="north")
    await write_output(allowed.check("exchange/north/a b", setting="x"), b"abc")
    whole = f"file://{data}/exchange/north/a%20b"
    assert await content(allowed.check(whole, setting="x")) == b"abc"


async def test_no_folder_is_made_below_another_root(data: Path, root: Path) -> None:
    with pytest.raises(LocationError, match="there is no such file or folder"):
        await at(data, root, "a/log").log().begin()
    with pytest.raises(LocationError, match="there is no such file or folder"):
        await at(data, root, "a/out").write()
    assert names_in(root) == []


def make_link(root: Path, target: Path) -> None:
    (root / "it").symlink_to(target)


def make_pipe(root: Path, _target: Path) -> None:
    os.mkfifo(root / "it")


def make_socket(root: Path, _target: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(root / "it"))


def make_folder(root: Path, _target: Path) -> None:
    (root / "it").mkdir()


@pytest.mark.parametrize("make", [make_link, make_pipe, make_socket, make_folder])
async def test_what_is_no_plain_file_is_neither_read_nor_replaced(
    data: Path, root: Path, make: Callable[[Path, Path], None]
) -> None:
    secret = data / "tokens"
    secret.write_bytes(LOG_LINE)
    make(root, secret)
    mode = (root / "it").lstat().st_mode
    found = at(data, root, "it")
    for call in (lambda: content(found), lambda: found.log().begin(), found.write):
        with pytest.raises(LocationError):
            await asyncio.wait_for(call(), timeout=5)
    assert (root / "it").lstat().st_mode == mode
    assert secret.read_bytes() == LOG_LINE
    assert names_in(root) == ["it"]


async def test_a_link_on_the_way_is_not_followed(data: Path, root: Path) -> None:
    (data / "tokens").write_bytes(b"secret")
    (root / "way").symlink_to(data)
    with pytest.raises(LocationError, match="a step of its path is a link"):
        await content(at(data, root, "way/tokens"))
    (data / "exchange").mkdir()
    (data / "exchange/default").symlink_to(root)
    with pytest.raises(LocationError, match="a step of its path is a link"):
        await locations(data).check("exchange/default/log", setting="x").log().begin()
    assert names_in(root) == ["way"]


async def test_a_device_is_not_read(data: Path) -> None:
    found = locations(data, "file:///dev").check("file:///dev/zero", setting="x")
    with pytest.raises(LocationError, match="no plain file"):
        await content(found)


async def test_a_log_is_seen_line_by_line_while_it_grows(data: Path, root: Path) -> None:
    log = at(data, root, "log").log()
    await log.begin()
    for count in range(1, 4):
        await log.extend(LOG_LINE)
        assert (root / "log").read_bytes() == LOG_LINE * count
    await log.abandon()
    await log.abandon()
    with pytest.raises(LocationError, match="was not begun"):
        await log.extend(LOG_LINE)


@pytest.mark.parametrize(
    "other",
    [
        b'{"Section": "Header"}\n',
        LOG_LINE.rstrip(),
        b"\n" + LOG_LINE,
        b"{}\n",
        b"\xff\n",
        b"a" * 9000,
    ],
)
async def test_what_is_no_job_log_is_not_replaced(data: Path, root: Path, other: bytes) -> None:
    (root / "out").write_bytes(other)
    found = at(data, root, "out")
    with pytest.raises(LocationError, match=TAKEN):
        await found.log().begin()
    with pytest.raises(LocationError, match=TAKEN):
        await found.write()
    assert (root / "out").read_bytes() == other
    assert names_in(root) == ["out"]


@pytest.mark.parametrize("earlier", [LOG_LINE * 3, b""])
async def test_an_earlier_log_is_replaced(data: Path, root: Path, earlier: bytes) -> None:
    (root / "out").write_bytes(earlier)
    await write_log(at(data, root, "out"), LOG_LINE)
    assert (root / "out").read_bytes() == LOG_LINE
    await write_output(at(data, root, "out"), b"export")
    assert (root / "out").read_bytes() == b"export"


async def test_a_log_that_is_replaced_keeps_other_names_of_the_file(data: Path, root: Path) -> None:
    (root / "kept").write_bytes(LOG_LINE * 2)
    os.link(root / "kept", root / "out")
    await write_log(at(data, root, "out"), LOG_LINE)
    assert (root / "kept").read_bytes() == LOG_LINE * 2


async def test_an_output_is_there_when_it_is_whole(data: Path, root: Path) -> None:
    output = await at(data, root, "out").write()
    await output.write(b"a" * CHUNK_BYTES)
    assert not (root / "out").exists()
    await output.finish()
    assert (root / "out").stat().st_size == CHUNK_BYTES
    await output.abandon()
    assert names_in(root) == ["out"]
    with pytest.raises(LocationError, match="ended already"):
        await output.write(b"a")
    await write_output(at(data, root, "out"), b"b", again=True)
    assert (root / "out").read_bytes() == b"b"
    assert names_in(root) == ["out"]


async def test_an_abandoned_output_leaves_nothing(data: Path, root: Path) -> None:
    output = await at(data, root, "out").write()
    await output.write(b"a")
    await output.abandon()
    await output.abandon()
    assert names_in(root) == []
    assert open_below(data.parent) == []


async def test_an_output_that_was_taken_meanwhile_is_not_overwritten(
    data: Path, root: Path
) -> None:
    output = await at(data, root, "out").write()
    await output.write(b"mine")
    (root / "out").write_bytes(b"another's")
    with pytest.raises(LocationError, match=TAKEN):
        await output.finish()
    await output.abandon()
    assert (root / "out").read_bytes() == b"another's"
    assert names_in(root) == ["out"]


async def test_a_full_disk_is_said(data: Path, root: Path) -> None:
    log = at(data, root, "log").log()
    await log.begin()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(LocationError, match="log: File too large"):
            await log.extend(LOG_LINE * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await log.abandon()


async def test_a_read_that_is_cancelled_closes_the_file(data: Path, root: Path) -> None:
    (root / "in").write_bytes(bytes(20 * CHUNK_BYTES))

    async def read_slowly() -> None:
        async for _ in at(data, root, "in").read():
            await asyncio.sleep(0.01)

    for seconds in (0.0, 0.001, 0.005, 0.03):
        reading = asyncio.create_task(read_slowly())
        await asyncio.sleep(seconds)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    for _ in range(100):
        if open_below(data.parent) == []:
            return
        await asyncio.sleep(0.01)
    assert open_below(data.parent) == []
