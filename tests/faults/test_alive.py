"""What must not die lives on: a full disk under data and log, a log that nobody reads, a dead thread."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from kastor.testing import KastorServer

SECONDS = 30
RECOVERS_SECONDS = 5.0
MODEL = {"@id": "dtmi:alive:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
BODY = {"$metadata": {"$model": MODEL["@id"]}}
UNLIMITED = resource.RLIM_INFINITY
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="limits and mounts of Linux"),
    pytest.mark.skipif(
        os.environ.get("KASTOR_TEST_ENGINE") == "postgres", reason="about files of SQLite"
    ),
]


class Program:
    """A server's process whose standard error goes where a test wants it."""

    def __init__(self, data: Path, stderr: Any, before: str = "") -> None:
        start = f"{before}\nfrom kastor.cli.main import main\nmain()"
        arguments = ["serve", "--port", "0", "--data", str(data), "--log-format", "json"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", start, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "")
        self.url = next(m[1] for line in lines if (m := re.search(r"address +(\S+)", line)))
        self.client = httpx2.Client(
            base_url=self.url, params={"api-version": "2023-10-31"}, timeout=SECONDS
        )

    def put(self, twin_id: str) -> int:
        answer = self.client.put(f"/digitaltwins/{twin_id}", json=BODY)
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["error"]["code"] == "ServiceUnavailable"
        return answer.status_code

    def metric(self, name: str) -> float:
        text = httpx2.get(f"{self.url}/metrics").text
        return sum(float(each) for each in re.findall(rf"^{name}\S* (\S+)$", text, re.MULTILINE))

    def ready(self) -> httpx2.Response:
        return httpx2.get(f"{self.url}/readyz")

    def limit(self, size: int) -> None:
        """No file of the server's may grow beyond a size."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


@contextmanager
def running(data: Path, stderr: Any, before: str = "") -> Iterator[Program]:
    program = Program(data, stderr, before)
    try:
        assert program.client.post("/models", json=[MODEL]).status_code == 201
        assert program.put("first") == 200
        yield program
    finally:
        program.client.close()
        program.process.terminate()
        assert program.process.stdout is not None
        program.process.stdout.close()
        try:
            assert program.process.wait(SECONDS) == 0
        finally:
            program.process.kill()  # one that hangs


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_log_whose_reader_has_gone_and_a_full_disk_cost_nothing_but_answers(
    tmp_path: Path,
) -> None:
    reading, writing = os.pipe()
    with running(tmp_path / "data", writing) as program:
        os.close(writing)
        os.close(reading)
        log = tmp_path / "data" / "graphs" / "default.sqlite3-wal"
        for _ in range(2):  # it bears it again
            program.limit(log.stat().st_size)
            assert [program.put(f"full{n}") for n in range(5)] == [503] * 5
            assert program.client.get("/digitaltwins/first").status_code == 200
            assert program.ready().status_code == 200
            program.limit(UNLIMITED)
            started = time.monotonic()
            assert program.put("again") in (200, 201)
            assert time.monotonic() - started < RECOVERS_SECONDS
        assert program.metric("kastor_log_lines_lost_total") >= 10
        assert program.metric("kastor_part_up") >= 3
        assert program.metric("kastor_part_restarts_total") == 0


def test_data_and_log_on_one_full_disk_go_on_when_there_is_room(small_disk: Path) -> None:
    log = small_disk / "log"
    with log.open("a") as stderr, running(small_disk / "data", stderr) as program:
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096) > 0:
                pass
        assert os.statvfs(small_disk).f_bavail == 0
        statuses = [program.put(f"full{n}") for n in range(100)]
        assert statuses[-10:] == [503] * 10
        assert program.ready().status_code == 200
        filler.unlink()
        started = time.monotonic()
        assert program.put("again") == 200
        assert time.monotonic() - started < RECOVERS_SECONDS
        # The log goes on too, and says what is missing.
        assert program.client.get("/digitaltwins/first").status_code == 200
        program.limit((small_disk / "data/graphs/default.sqlite3-wal").stat().st_size)
        assert program.put("full") == 503
        program.limit(UNLIMITED)
        assert program.put("last") == 200
        for n, status in enumerate(statuses):
            if status == 200:
                assert program.client.get(f"/digitaltwins/full{n}").status_code == 200
    lines = log.read_bytes().splitlines()
    events = [orjson.loads(line)["event"] for line in lines if line.endswith(b"}")]
    assert len(lines) - len(events) <= 1  # torn where the disk was full
    assert "log lines are missing" in events
    assert "write group refused" in events[events.index("log lines are missing") :]


DIES = """
import kastor.storage.sqlite.unit_of_work as unit
load = unit.UnitOfWork.load
def dying(self, needs):
    if needs.twin_id == "kill":
        raise SystemExit
    return load(self, needs)
unit.UnitOfWork.load = dying
"""


def test_a_writer_that_died_is_told_and_nobody_waits_for_it(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w") as stderr,
        running(tmp_path / "data", stderr, DIES) as program,
    ):
        assert program.ready().status_code == 200
        assert program.put("kill") == 503
        assert [program.put(f"later{n}") for n in range(3)] == [503] * 3
        answer = program.ready()
        assert answer.status_code == 503
        assert "writer: its thread was ended by SystemExit" in answer.json()["error"]["message"]
        assert httpx2.get(f"{program.url}/healthz").status_code == 200
        assert program.client.get("/digitaltwins/first").status_code == 200
        assert program.metric(r'kastor_part_up\{graph="default",part="writer"') == 0
    assert "the writer has ended" in (tmp_path / "log").read_text()


HANGS = """
import threading, time
import kastor.storage.sqlite.unit_of_work as unit
import kastor.storage.sqlite.writer as writer
writer.STUCK_SECONDS = 0.5
load = unit.UnitOfWork.load
def hanging(self, needs):
    if needs.twin_id == "hang":
        time.sleep(3)
    return load(self, needs)
unit.UnitOfWork.load = hanging
"""


def test_a_writer_that_hangs_is_told_takes_no_more_and_goes_on(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("w") as stderr,
        running(tmp_path / "data", stderr, HANGS) as program,
    ):
        with pytest.raises(httpx2.TimeoutException):
            httpx2.put(
                f"{program.url}/digitaltwins/hang",
                params={"api-version": "2023-10-31"},
                json=BODY,
                timeout=1.0,
            )
        assert program.put("later") == 503
        answer = program.ready()
        assert answer.status_code == 503
        assert "writer: no progress" in answer.json()["error"]["message"]
        time.sleep(2.5)
        assert program.ready().status_code == 200
        assert program.put("later") == 200
        assert program.client.get("/digitaltwins/hang").status_code == 200


def test_a_bad_graph_is_shut_and_the_others_are_served(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with KastorServer(data_dir=data) as server:
        for name in ("good", "bad"):
            assert httpx2.put(f"{server.url}/kastor/v1/graphs/{name}").status_code == 201
    (data / "graphs" / "bad.sqlite3").write_bytes(b"")
    (data / "graphs" / "good.sqlite3").chmod(0o644)
    with (tmp_path / "log").open("w") as stderr, running(data, stderr) as program:
        version = {"api-version": "2023-10-31"}
        assert httpx2.get(f"{program.url}/graphs/good/models", params=version).status_code == 200
        assert httpx2.get(f"{program.url}/graphs/bad/models", params=version).status_code >= 400
        assert program.metric(r'kastor_graph_up\{graph="good"') == 1
        assert program.metric(r'kastor_graph_up\{graph="bad"') == 0
        assert program.ready().status_code == 200
        assert (data / "graphs" / "bad.sqlite3").stat().st_size == 0
        refused = httpx2.delete(f"{program.url}/kastor/v1/graphs/bad")
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "PlaceNotOurs"
        assert (data / "graphs" / "bad.sqlite3").exists()
    said = (tmp_path / "log").read_text()
    assert "a graph cannot be opened" in said
    assert "is empty" in said
    assert "others could use files of Kastor" in said


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: os.truncate(path, path.stat().st_size - 4096), "cut short"),
        (
            lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 50_000),
            "damaged|cut short",
        ),
    ],
    ids=["emptied", "cut", "rubbish"],
)
def test_a_bad_default_graph_refuses_the_start_with_the_cure(
    tmp_path: Path, damage: Any, said: str
) -> None:
    with KastorServer(data_dir=tmp_path) as server:
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
    path = tmp_path / "graphs" / "default.sqlite3"
    damage(path)
    before = path.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-m", "kastor", "serve", "--port", "0", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 1
    assert re.search(said, ended.stderr), ended.stderr
    assert "backup" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert path.read_bytes() == before


SAYS = """
import logging, threading, time, warnings
def say():
    while not logging.getLogger().handlers:
        time.sleep(0.05)
    logging.getLogger("uvicorn.error").warning("a line of the server's\\nwith another")
    logging.getLogger("asyncio").error("a line of the loop's")
    warnings.warn("a warning")
threading.Thread(target=say, daemon=True).start()
"""


def test_a_log_of_libraries_too_is_json_line_by_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stderr, running(tmp_path / "data", stderr, SAYS):
        pass
    lines = [orjson.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    assert {"uvicorn.error", "asyncio", "py.warnings"} <= {line["logger"] for line in lines}
