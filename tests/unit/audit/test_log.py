"""The audit log of a process: it neither raises nor waits, and says what is missing."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, NoReturn

import pytest

from kastor.audit import current, install, note
from kastor.audit import log as module
from kastor.audit.file import MOST_BYTES, MOST_FILES, Appended, AuditFile
from kastor.audit.floods import CALLERS_KEPT, OF_A_CALLER, OF_A_KIND, Floods
from kastor.audit.lines import MOST_TEXT
from kastor.audit.log import AuditCounts, AuditLog
from kastor.audit.reading import AuditReader
from tests.logged import logged

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> AuditCounts:
    made = AuditCounts()
    monkeypatch.setattr(module, "counts", made)
    return made


@pytest.fixture
def path(tmp_path: Path, counts: AuditCounts) -> Path:
    del counts
    return tmp_path / "audit.ndjson"


def _told(path: Path) -> list[tuple[str, object]]:
    return [(each["event"], each.get("n", each.get("count"))) for each in AuditReader(path).lines()]


class Disk(AuditFile):
    """A file that fails, or does not answer, for as long as it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.fault: OSError | None = None
        self.answers = threading.Event()
        self.answers.set()

    def append(self, lines: bytes, *, durable: bool = False) -> Appended:
        self.answers.wait(10)
        if self.fault is not None:
            return Appended(0, self.fault)
        return super().append(lines, durable=durable)


def test_lines_are_written_in_their_order(path: Path, counts: AuditCounts) -> None:
    log = AuditLog(AuditFile(path))
    for n in range(1_000):
        log.note("act", n=n)
    log.close()
    assert _told(path) == [("act", n) for n in range(1_000)]
    assert counts == AuditCounts(written=1_000)


async def _record(log: AuditLog) -> bool:
    return await log.record("act", n=1)


def test_an_act_is_on_disk_when_it_is_answered(path: Path) -> None:
    log = AuditLog(AuditFile(path))
    assert asyncio.run(_record(log))
    assert _told(path) == [("act", 1)]
    log.close()


def test_a_disk_that_does_not_answer_holds_up_an_act_for_a_moment(
    path: Path, counts: AuditCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.05)
    disk = Disk(path)
    disk.answers.clear()
    log = AuditLog(disk)
    with logged() as entries:
        assert not asyncio.run(_record(log))
        assert log.trouble() == "the disk does not answer"
    assert [each["event"] for each in entries] == [
        "an act is answered before its line is in the audit log"
    ]
    assert counts.late == 1
    disk.answers.set()
    log.close()
    assert _told(path) == [("act", 1)]


def test_a_disk_that_refuses_costs_lines_which_are_told(path: Path, counts: AuditCounts) -> None:
    disk = Disk(path)
    disk.fault = OSError(28, "No space left on device")
    log = AuditLog(disk)
    with logged() as entries:
        for _ in range(3):
            assert not asyncio.run(_record(log))
        assert log.trouble() == "No space left on device"
        disk.fault = None
        assert asyncio.run(_record(log))
        log.close()
    assert log.trouble() is None
    assert _told(path) == [("missing", 3), ("act", 1)]
    assert (counts.unwritten, counts.written) == (3, 1)
    assert [each["log_level"] for each in entries] == ["error", "info"]


def test_what_waits_is_bounded(
    path: Path, counts: AuditCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUEUE_LINES", 10)
    disk = Disk(path)
    disk.answers.clear()
    log = AuditLog(disk)
    for n in range(100):
        log.note("act", n=n)
    assert 80 <= counts.overflowed <= 90  # the thread may have taken a queue full
    disk.answers.set()
    log.close()
    # In two lines, where the thread began while others were still lost.
    lines = AuditReader(path).lines()
    missing = [each["count"] for each in lines if each["event"] == "missing"]
    assert sum(missing) == counts.overflowed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_started_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(AuditFile(path))
    take = log._take

    def end() -> NoReturn:
        monkeypatch.setattr(log, "_take", take)
        raise SystemExit

    monkeypatch.setattr(log, "_take", end)
    log.note("act", n=1)
    assert log._thread is not None
    log._thread.join()
    log.note("act", n=2)
    log.close()
    assert _told(path) == [("act", 1), ("act", 2)]


def test_a_line_after_the_end_is_lost_and_nothing_else(path: Path, counts: AuditCounts) -> None:
    log = AuditLog(AuditFile(path))
    log.close()
    log.note("act", n=1)
    assert not asyncio.run(_record(log))
    assert counts.overflowed == 2


def test_what_is_held_back_is_told_at_the_latest_at_the_end(
    path: Path, counts: AuditCounts
) -> None:
    log = AuditLog(AuditFile(path))
    admitted = 0
    for n in range(100):
        if log.floods.admits(401, "192.0.2.1"):
            admitted += 1
            log.note("refused", n=n)
    log.close()
    told = _told(path)
    assert admitted == OF_A_CALLER[1]
    assert told[-1] == ("suppressed", 100 - admitted)
    assert len(told) == admitted + 1
    assert counts.suppressed == 100 - admitted


def test_note_writes_where_there_is_a_log(path: Path) -> None:
    log = AuditLog(AuditFile(path))
    note("policy", n=1)
    install(log)
    try:
        note("policy", n=2)
    finally:
        install(None)
    note("policy", n=3)
    assert not current._installed
    log.close()
    assert _told(path) == [("policy", 2)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestFloods:
    def test_a_caller_takes_nobody_elses_lines(self) -> None:
        floods = Floods(Clock())
        assert sum(floods.admits(401, "a") for _ in range(1_000)) == OF_A_CALLER[1]
        assert floods.admits(401, "b")
        assert floods.admits(403, "a")
        assert floods.told() == {401: 1_000 - OF_A_CALLER[1]}
        assert floods.told() == {}

    def test_many_callers_of_one_kind_leave_room_for_the_others(self) -> None:
        floods = Floods(Clock())
        assert sum(floods.admits(401, str(n)) for n in range(10_000)) == OF_A_KIND[1]
        assert sum(floods.admits(429, str(n)) for n in range(10_000)) == OF_A_KIND[1]
        assert sum(floods.admits(403, str(n)) for n in range(10_000)) == OF_A_KIND[1]

    def test_strangers_do_not_push_out_what_the_last_week_brought(self) -> None:
        clock = Clock()
        floods = Floods(clock)
        admitted = 0
        for _ in range(3_600):
            clock.now += 1.0
            admitted += sum(
                floods.admits(status, str(n)) for status in (401, 429) for n in range(10)
            )
        bursts = 2 * OF_A_KIND[1]
        longest = 2 * MOST_TEXT + 512  # of a path that is all to be escaped
        in_a_week = bursts + (admitted - bursts) * 24 * 7
        assert in_a_week * longest < MOST_BYTES * (MOST_FILES + 1)

    def test_after_a_while_there_are_lines_again(self) -> None:
        clock = Clock()
        floods = Floods(clock)
        for _ in range(100):
            floods.admits(401, "a")
        clock.now = 3 / OF_A_CALLER[0] + 0.1
        assert [floods.admits(401, "a") for _ in range(4)] == [True, True, True, False]

    def test_callers_are_bounded(self) -> None:
        floods = Floods(Clock())
        for n in range(3 * CALLERS_KEPT):
            floods.admits(401, str(n))
        assert len(floods._callers) == CALLERS_KEPT
