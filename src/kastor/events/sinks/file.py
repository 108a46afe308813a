"""Appends events as lines of JSON to a file, on disk before they count.

Several routes, also of several processes, may write to one file: each locks it while it appends,
and looks at its end and its name anew, for another one may have added lines or put it aside.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kastor.events.endpoint_kinds import FileEndpoint
from kastor.events.envelope import delivery_trace, structured
from kastor.events.model import Delivered, Event, Fault
from kastor.events.policy import EndpointPolicy
from kastor.private import open_private, sync_folder

LOCK_SECONDS, LOCK_PAUSE_SECONDS = 5.0, 0.01
_TAIL_BYTES = 65_536


class FileSink:
    """Writes to one file, to which nobody appends but sinks like this one."""

    def __init__(self, _name: str, endpoint: FileEndpoint, _policy: EndpointPolicy) -> None:
        self._path = Path(endpoint.path)
        self._max_bytes = endpoint.max_bytes
        self._keep = endpoint.keep
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._size = 0

    async def open(self) -> None:
        """Nothing yet: the file is opened and locked with the first events."""

    async def close(self) -> None:
        """Close the file, after a write that is still under way."""
        await asyncio.to_thread(self._close_when_done)

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Append, flush to disk, confirm."""
        lines = [structured(event, delivery_trace(event)) + b"\n" for event in events]
        return await asyncio.to_thread(self._append, lines)

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
                reason = error.strerror or str(error)
                return Delivered(written, Fault("unavailable", f"{self._path}: {reason}"))
            self._release()
            return Delivered(written)

    def _take(self) -> int:
        """Lock the file that has the name now; raises OSError."""
        deadline = time.monotonic() + LOCK_SECONDS
        _lock(handle := self._open(), deadline)
        while not _is_at(handle, self._path):
            self._close()
            _lock(handle := self._open(), deadline)
        self._size = _cut_half_line(handle)
        return handle

    def _release(self) -> None:
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

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
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            # What reached the file in part would be half a line before the same event comes again.
            os.ftruncate(handle, self._size)
            raise
        self._size += len(data)

    def _open(self) -> int:
        if self._handle is None:
            self._handle = open_private(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            sync_folder(self._path.parent)
        return self._handle

    def _rotate(self) -> None:
        for number in range(self._keep, 0, -1):
            older = self._aside(number)
            if not older.exists():
                continue
            if number == self._keep:
                older.unlink()
            else:
                older.rename(self._aside(number + 1))
        self._path.rename(self._aside(1))
        self._close()  # the lock ends last: two that rename at once would overwrite files

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _close_when_done(self) -> None:
        with self._lock:
            self._close()


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


def _is_at(handle: int, path: Path) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _cut_half_line(handle: int) -> int:
    """Cut what a crash left behind the last line end; it was never confirmed. Return the size."""
    size = end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _TAIL_BYTES)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(handle, end)
    return end
