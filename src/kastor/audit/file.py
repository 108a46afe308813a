"""The file of an audit log: lines are added at its end, and it is never written anew.

Several processes share it. Who writes holds a lock on the file meanwhile, so that lines stay whole
and the file is set aside by one of them when it is full: `audit.ndjson` becomes `audit.ndjson.1`,
that `audit.ndjson.2`, and the oldest goes.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kastor.private import make_folder, open_private, sync_folder

if os.name == "posix":
    import fcntl

MOST_BYTES, MOST_FILES = 64 * 2**20, 10
_LOCK_SECONDS, _LOCK_PAUSE = 0.5, 0.005
"""How long others may hold the lock, such as a process that was stopped while it did."""
_ATTEMPTS = 5
# Absent on Windows.
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of lines.

    Attributes:
        taken: bytes of them that are in the file.
        fault: what went wrong, also beside it, such as that no room was made.
    """

    taken: int
    fault: OSError | None = None


class AuditFile:
    """One file, open for as long as nobody takes it away; used by one thread.

    Args:
        path: where it is; a link is not followed.
        most_bytes: from which on it is set aside.
        most_files: kept of those that were, one at least.
    """

    def __init__(
        self, path: Path, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES
    ) -> None:
        self.path = path
        self._most_bytes, self._most_files = most_bytes, most_files
        self._handle: int | None = None

    def open(self) -> None:
        """Make it where it is not there.

        Raises:
            OSError: it cannot be made or written to.
        """
        self._opened()

    def close(self) -> None:
        """Let it go."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def append(self, lines: bytes, *, durable: bool = False) -> Appended:
        """Add whole lines in one write; raises nothing.

        Args:
            lines: each with its end.
            durable: whether they have to outlast a power cut when this returns.
        """
        try:
            handle, kept = self._with_room(len(lines))
            taken, fault = _write(handle, lines)
            if durable and fault is None:
                os.fsync(handle)
        except OSError as error:
            return Appended(0, error)
        finally:
            if self._handle is not None:
                _unlock(self._handle)
        return Appended(taken, fault or kept)

    def _with_room(self, size: int) -> tuple[int, OSError | None]:
        """Return the handle of a file that takes so many bytes more, and why there is none."""
        for _ in range(_ATTEMPTS):
            handle, locked = self._locked()
            if not locked or not 0 < os.fstat(handle).st_size > self._most_bytes - size:
                return handle, None
            try:
                self._set_aside()
            except OSError as error:  # rather too long a file than no line
                return handle, error
        return self._locked()[0], None

    def _locked(self) -> tuple[int, bool]:
        """Return the handle of the file that has the name now, and whether it could be locked."""
        for _ in range(_ATTEMPTS):
            handle = self._opened()
            if not _lock(handle):
                return handle, False
            if self._is_current(handle):
                return handle, True
            self.close()  # another process has set it aside
        return self._opened(), False

    def _opened(self) -> int:
        if self._handle is not None and self._is_current(self._handle):
            return self._handle
        self.close()
        self._handle = _open(self.path)
        return self._handle

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self.path.lstat())
        except FileNotFoundError:
            return False

    def _set_aside(self) -> None:
        """Give the file another name; needs the lock, which is gone afterwards."""
        for number in range(self._most_files - 1, 0, -1):
            with suppress(FileNotFoundError):
                aside(self.path, number).replace(aside(self.path, number + 1))
        self.path.replace(aside(self.path, 1))
        self.close()


def aside(path: Path, number: int) -> Path:
    """Return the name of a file that was set aside; 1 is the newest."""
    return path.with_name(f"{path.name}.{number}")


def _open(path: Path) -> int:
    if not path.parent.exists():
        make_folder(path.parent)
        _belong(path.parent, path.parent.parent)
    is_new = not path.exists()
    # Read as well: whether the last line is whole is seen by its end.
    handle = open_private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _CAREFULLY)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "Is no plain file", str(path))
    if is_new:
        _belong(path, path.parent)
        with suppress(OSError):
            sync_folder(path.parent)
    return handle


def _belong(path: Path, parent: Path) -> None:
    """Give what root makes to whom the folder belongs, so that the server can write to it."""
    if getattr(os, "geteuid", lambda: 1)() == 0:
        with suppress(OSError):
            owner = parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _write(handle: int, lines: bytes) -> tuple[int, OSError | None]:
    """Write lines; return how many bytes of them were taken, and why not all of them."""
    size = os.fstat(handle).st_size
    # Half a line that a full disk or a crash left must not run into the next one.
    torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
    rest = memoryview(b"\n" + lines if torn else lines)
    taken = -int(torn)
    try:
        while rest:
            written = os.write(handle, rest)
            taken, rest = taken + written, rest[written:]
    except OSError as error:
        return max(0, taken), error
    return taken, None


def _lock(handle: int) -> bool:
    if os.name != "posix":  # pragma: no cover - not run on this platform: one process, no lock
        return True
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOCK_PAUSE)
        except OSError:  # a file system without locks
            return False
        else:
            return True


def _unlock(handle: int) -> None:
    if os.name == "posix":
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
