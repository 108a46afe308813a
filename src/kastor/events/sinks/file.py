"""Appends events as lines of JSON to a file, on disk before they count.

Several routes, also of several processes, may write to one file: each locks it while it appends,
and looks at its end and its name anew, for another one may have added lines or put it aside.

What Kastor did not make it never cuts, renames or deletes: `events.sinks.made` says which is which.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kastor.events.endpoint_kinds import FileEndpoint
from kastor.events.envelope import as_line
from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.sinks import made
from kastor.outside.beneath import open_file, open_folder
from kastor.outside.bounds import EndpointPolicy
from kastor.waiting import in_own_thread

LOCK_SECONDS, LOCK_PAUSE_SECONDS = 5.0, 0.01


class NotOursError(OSError):
    """A file that Kastor did not make would have to be moved or deleted."""


class FileSink:
    """Writes to one file, to which nobody appends but sinks like this one."""

    def __init__(self, _name: str, endpoint: FileEndpoint, policy: EndpointPolicy) -> None:
        self._path = Path(endpoint.path)
        self._place = policy.place(endpoint.path)
        self._file = self._path.name if self._place is None else self._place.steps[-1]
        self._max_bytes = endpoint.max_bytes
        self._keep = endpoint.keep
        self._lock = threading.Lock()
        self._folder: int | None = None
        self._handle: int | None = None
        self._size = 0
        self._unterminated = False

    async def open(self) -> None:
        """Nothing yet: the file is opened and locked with the first events."""

    async def close(self) -> None:
        """Close the file, after a write that is still under way."""
        await in_own_thread(self._close_when_done)

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Append, flush to disk, confirm."""
        lines = [as_line(event) for event in events]
        return await in_own_thread(self._append, lines)

    def _append(self, lines: list[bytes]) -> Delivered:
        with self._lock:
            written = 0
            try:
                self._take()
                for part in self._parts(lines):
                    self._write(b"".join(part))
                    written += len(part)
            except OSError as error:
                self._close()
                self._leave_folder()
                reason = error.strerror or str(error)
                return Delivered(written, DeliveryFault("unavailable", f"{self._path}: {reason}"))
            self._release()
            return Delivered(written)

    def _take(self) -> int:
        """Lock the file that has the name now; raises OSError."""
        deadline = time.monotonic() + LOCK_SECONDS
        self._enter_folder()
        _lock(handle := self._open(), deadline)
        while not self._is_at(handle):
            self._close()
            _lock(handle := self._open(), deadline)
        self._size, self._unterminated = made.end_of_lines(handle)
        return handle

    def _release(self) -> None:
        self._leave_folder()
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def _enter_folder(self) -> None:
        """Open the folder that has the name now."""
        self._leave_folder()
        if self._place is None:
            self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        else:
            self._folder = open_folder(self._place.root, self._place.steps[:-1])

    def _leave_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            os.close(folder)

    def _parts(self, lines: list[bytes]) -> list[list[bytes]]:
        """Lines by the file they go to: a file is put aside before it would grow too large."""
        parts: list[list[bytes]] = [[]]
        size = self._size
        for line in lines:
            if self._max_bytes and size and size + len(line) > self._max_bytes:
                parts.append([])
                size = 0
            parts[-1].append(line)
            size += len(line)
        return parts

    def _write(self, data: bytes) -> None:
        handle = self._open()
        # Again, where another sink was the first to write to the new file.
        while self._max_bytes and self._size and self._size + len(data) > self._max_bytes:
            self._rotate()
            handle = self._take()
        if self._unterminated:
            data = b"\n" + data
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            # What reached the file in part would be half a line before the same event comes again;
            # what somebody else added meanwhile is not ours to cut.
            if data.startswith(os.pread(handle, len(data) + 1, self._size)):
                os.ftruncate(handle, self._size)
            raise
        self._size += len(data)
        self._unterminated = False

    def _open(self) -> int:
        if self._handle is None:
            flags = os.O_RDWR | os.O_APPEND
            try:
                self._handle = self._open_file(self._file, flags)
            except FileNotFoundError:
                # Another process may be faster; then it is there with the next try.
                with contextlib.suppress(FileExistsError):
                    self._handle = self._open_file(self._file, flags | os.O_CREAT | os.O_EXCL)
                    made.mark(self._handle)
                if self._handle is None:
                    self._handle = self._open_file(self._file, flags)
            self._sync_folder()
        return self._handle

    def _open_file(self, name: str, flags: int) -> int:
        return open_file(name, flags, folder=self._folder, links=self._place is None)

    def _is_at(self, handle: int) -> bool:
        """Whether the name still leads to the open file."""
        try:
            found = os.stat(self._file, dir_fd=self._folder, follow_symlinks=self._place is None)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(handle), found)

    def _rotate(self) -> None:
        aside = [number for number in range(1, self._keep + 1) if self._is_there(number)]
        for number in (0, *aside):
            self._require_ours(number)
        for number in reversed(aside):
            if number == self._keep:
                os.unlink(self._aside(number), dir_fd=self._folder)
            else:
                self._rename(number, number + 1)
        self._rename(0, 1)
        self._close()  # the lock ends last: two that rename at once would overwrite files

    def _require_ours(self, number: int) -> None:
        name = self._aside(number)
        handle = self._open_file(name, os.O_RDONLY)
        try:
            if made.is_ours(handle):
                return
        finally:
            os.close(handle)
        raise NotOursError(
            errno.EEXIST,
            f"it would be put aside, but Kastor did not make {name}, which would be moved or "
            "deleted: choose another path, or max_bytes 0",
        )

    def _is_there(self, number: int) -> bool:
        try:
            os.stat(self._aside(number), dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _rename(self, number: int, following: int) -> None:
        old, new = self._aside(number), self._aside(following)
        os.rename(old, new, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _aside(self, number: int) -> str:
        return f"{self._file}.{number}" if number else self._file

    def _sync_folder(self) -> None:
        if self._folder is not None:
            os.fsync(self._folder)

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _close_when_done(self) -> None:
        with self._lock:
            self._close()
            self._leave_folder()


def _lock(handle: int, deadline: float) -> None:
    """Lock a file; raises TimeoutError when the time, by the monotonic clock, is up."""
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError("another process keeps the file locked") from None
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
