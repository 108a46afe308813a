"""The file of an audit log: whole lines at its end, for several processes, on full disks."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import orjson
import pytest

from kastor.audit.file import AuditFile, aside
from kastor.audit.reading import AuditReader

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from kastor.audit.file import AuditFile
from kastor.audit.lines import line_of

file = AuditFile(Path(sys.argv[1]), most_bytes=20_000, most_files=100)
for n in range(int(sys.argv[3])):
    lines = [line_of("act", {"who": sys.argv[2], "n": 2 * n + k, "x": "y" * 60}, n) for k in (0, 1)]
    done = file.append(b"".join(lines), durable=n % 100 == 0)
    assert done.fault is None, done
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit" / "audit.ndjson"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_its_owner_alone(path: Path) -> None:
    file = AuditFile(path)
    assert file.append(b"{}\n").taken == 3
    assert (_mode(path.parent), _mode(path)) == (0o700, 0o600)


def test_what_is_there_is_never_written_over(path: Path) -> None:
    AuditFile(path).append(b'{"a":1}\n')
    file = AuditFile(path)
    file.append(b'{"a":2}\n')
    file.append(b'{"a":3}\n', durable=True)
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'


def test_a_link_or_a_pipe_in_its_place_is_refused(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    path.symlink_to(target)
    assert AuditFile(path).append(b"{}\n").fault is not None
    path.unlink()
    os.mkfifo(path)
    fault = AuditFile(path).append(b"{}\n").fault
    assert fault is not None
    assert fault.errno in (errno.EINVAL, errno.ENXIO)
    assert target.read_bytes() == b"mine"


def test_half_a_line_does_not_run_into_the_next(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"time":"x","eve')
    assert AuditFile(path).append(b"{}\n").taken == 3
    assert path.read_bytes() == b'{"time":"x","eve\n{}\n'


def test_a_full_disk_takes_what_it_can_and_the_rest_comes_after_it(path: Path) -> None:
    file = AuditFile(path)
    file.open()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30, limits[1]))
    try:
        done = file.append(b'{"a":1}\n' * 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.taken == 30
    assert done.fault is not None
    assert done.fault.errno == errno.EFBIG
    assert file.append(b'{"a":2}\n').fault is None
    assert path.read_bytes() == b'{"a":1}\n' * 3 + b'{"a":1\n{"a":2}\n'


def test_a_full_file_is_set_aside_and_the_oldest_goes(path: Path) -> None:
    file = AuditFile(path, most_bytes=100, most_files=3)
    for n in range(10):
        file.append(b'{"n":%d,"x":"%s"}\n' % (n, b"y" * 40))
    kept = [aside(path, number) for number in (3, 2, 1)]
    assert not aside(path, 4).exists()
    numbers = [orjson.loads(line)["n"] for each in (*kept, path) for line in each.open()]
    assert numbers == list(range(9 - len(numbers) + 1, 10))
    assert all(each.stat().st_size <= 100 for each in (*kept, path))
    assert {_mode(each) for each in (*kept, path)} == {0o600}


def test_a_file_that_was_taken_away_is_made_anew(path: Path) -> None:
    file = AuditFile(path)
    file.append(b"1\n")
    path.rename(path.with_name("taken"))
    file.append(b"2\n")
    assert path.read_bytes() == b"2\n"


def test_it_waits_for_no_process_that_keeps_the_lock(path: Path) -> None:
    file = AuditFile(path, most_bytes=10)
    file.append(b"1111\n")
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert file.append(b"2222222\n").fault is None
        assert path.read_bytes() == b"1111\n2222222\n"  # one that stopped while it set it aside
    file.append(b"3\n")
    assert path.read_bytes() == b"3\n"


def test_where_it_cannot_be_set_aside_it_grows(path: Path) -> None:
    file = AuditFile(path, most_bytes=10, most_files=1)
    file.append(b"1111\n")
    aside(path, 1).mkdir()
    (aside(path, 1) / "x").touch()
    done = file.append(b"2222222\n")
    assert done.taken == 8
    assert done.fault is not None
    assert path.read_bytes() == b"1111\n2222222\n"


def test_processes_that_write_at_once_lose_and_tear_nothing(path: Path) -> None:
    rounds = 400
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(rounds)])
        for name in ("a", "b")
    ]
    assert [each.wait(60) for each in writers] == [0, 0]
    reader = AuditReader(path)
    found = list(reader.lines())
    assert reader.unreadable == 0
    assert Counter(each["who"] for each in found) == {"a": 2 * rounds, "b": 2 * rounds}
    for name in ("a", "b"):
        assert [each["n"] for each in found if each["who"] == name] == list(range(2 * rounds))
    assert aside(path, 2).exists()
    assert all(each.stat().st_size <= 20_000 for each in path.parent.iterdir())
