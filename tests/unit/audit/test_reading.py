"""Reading an audit log: in order, each line once, while it is written and set aside."""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from kastor.audit.file import AuditFile, aside
from kastor.audit.lines import line_of
from kastor.audit.reading import LONGEST_LINE, AuditReader

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.ndjson"


def _write(path: Path, numbers: range, most_bytes: int = 1_000) -> None:
    file = AuditFile(path, most_bytes=most_bytes, most_files=100)
    for n in numbers:
        assert file.append(line_of("act", {"n": n}, 1_000.0 + n)).fault is None
    file.close()


def test_files_set_aside_come_first(path: Path) -> None:
    _write(path, range(100))
    assert aside(path, 3).exists()
    assert [each["n"] for each in AuditReader(path).lines()] == list(range(100))


def test_no_file_has_no_lines(path: Path) -> None:
    assert list(AuditReader(path).lines()) == []


def test_what_was_written_last_before_is_not_read(path: Path) -> None:
    _write(path, range(100))
    aside(path, 1).write_bytes(b"not read\n")
    reader = AuditReader(path)
    begin = path.stat().st_mtime + 3_600
    assert list(reader.lines(since=begin)) == []
    assert reader.unreadable == 0


def test_what_is_no_line_is_counted_and_left_out(path: Path) -> None:
    path.write_bytes(
        b'{"time":"a","n":1}\n{"time":"b\nx\n[1]\n{}\n'
        + b"y" * (LONGEST_LINE + 5)
        + b'\n{"time":"c","n":2}\n{"time":"d'
    )
    reader = AuditReader(path)
    assert [each["n"] for each in reader.lines()] == [1, 2]
    assert reader.unreadable == 6  # the long one in two parts; what has no end yet is not counted


def test_following_finds_each_line_once_also_over_ends_of_files(path: Path) -> None:
    _write(path, range(30))
    writer = threading.Thread(target=_write, args=(path, range(30, 300)))
    following = AuditReader(path).follow()
    found = [each["n"] for each in islice(following, 30)]
    writer.start()
    found += [each["n"] for each in islice(following, 270)]
    writer.join()
    assert found == list(range(300))


def test_following_waits_for_a_file_and_for_the_end_of_a_line(path: Path) -> None:
    line = line_of("act", {"n": 1}, 1_000.0)

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            file.write(line[:20])
            file.write(line[20:])

    timer = threading.Timer(0.1, write)
    timer.start()
    (found,) = islice(AuditReader(path).follow(), 1)
    timer.join()
    assert found["n"] == 1
