"""Locations in files, opened beneath their root: no link, pipe or device on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kastor.jobs.locations.faults import LocationError
from kastor.jobs.locations.overwriting import FIRST_LINE_BYTES, TAKEN, is_job_log
from kastor.outside.beneath import NoPlainFileError, open_file, open_folder
from kastor.private import FOLDER_MODE
from kastor.waiting import in_own_thread

CHUNK_BYTES = 1_048_576
_FRESH = os.O_RDWR | os.O_CREAT | os.O_EXCL
_PART = ".part"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileLocation:
    """A file below a root.

    Attributes:
        shown: its URI for people.
        root: a folder; links on the way to it are followed.
        steps: from there to the file; links are not followed.
        made_from: so many of the first steps are folders that are there; those after them are made
            when something is written. None: no folder is made.
    """

    shown: str
    root: Path
    steps: tuple[str, ...]
    made_from: int | None = None

    async def read(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes."""
        handle = await self.work(self._open_to_read)
        try:
            while chunk := await self.work(handle.use, lambda each: os.read(each, CHUNK_BYTES)):
                yield chunk
        finally:
            handle.close()

    def log(self) -> FileLog:
        """Return what writes a job's log there."""
        return FileLog(self)

    async def write(self, *, again: bool = False) -> FileOutput:
        """Return what writes an output there."""
        output = FileOutput(self, again=again)
        await output.begin()
        return output

    async def work(self, work: Callable[..., T], *arguments: object) -> T:
        """Do something with files in a thread; raises LocationError where the system refuses."""
        try:
            return await in_own_thread(work, *arguments)
        except OSError as error:
            raise LocationError(f"{self.shown}: {_reason(error)}.") from None

    def open_folder(self) -> int:
        """Return a handle of the file's folder, made if that is allowed; raises OSError."""
        folders = self.steps[:-1]
        if self.made_from is not None:
            for count in range(self.made_from, len(folders)):
                _make_folder(self.root, folders[:count], folders[count])
        return open_folder(self.root, folders)

    def _open_to_read(self) -> _Handle:
        folder = open_folder(self.root, self.steps[:-1])
        try:
            return _Handle(open_file(self.steps[-1], os.O_RDONLY, folder=folder))
        finally:
            os.close(folder)


class FileLog:
    """A log that grows in place: readers see each line as soon as it is written."""

    def __init__(self, location: FileLocation) -> None:
        self._location = location
        self._handle: _Handle | None = None

    async def begin(self) -> None:
        """Make the file, empty, in place of an earlier log."""
        await self.abandon()
        self._handle = await self._location.work(self._make)

    async def extend(self, lines: bytes) -> None:
        """Append."""
        if lines:
            await self._location.work(self._opened().use, lambda each: _write_all(each, lines))

    async def finish(self) -> None:
        """Flush it to the disk."""
        await self._location.work(self._opened().use, os.fsync)
        await self.abandon()

    async def abandon(self) -> None:
        """Close it."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def _opened(self) -> _Handle:
        if self._handle is None:
            raise LocationError(f"{self._location.shown}: the log was not begun.")
        return self._handle

    def _make(self) -> _Handle:
        folder = self._location.open_folder()
        try:
            return _Handle(self._replace(folder))
        finally:
            os.close(folder)

    def _replace(self, folder: int) -> int:
        """Put an empty file under the name; an earlier log's readers keep what they have open."""
        name = self._location.steps[-1]
        _require_replaceable(folder, name)
        fresh = _fresh_name()
        handle = open_file(fresh, _FRESH, folder=folder)
        try:
            os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        except OSError:
            os.close(handle)
            _remove(folder, fresh)
            raise
        return handle


class FileOutput:
    """A file that gets its name when it is whole."""

    def __init__(self, location: FileLocation, *, again: bool) -> None:
        self._location = location
        self._again = again
        self._fresh = _fresh_name()
        self._folder: _Handle | None = None
        self._handle: _Handle | None = None

    async def begin(self) -> None:
        """Make it beside its later place; raises LocationError where that is taken."""
        self._folder, self._handle = await self._location.work(self._make)

    async def write(self, chunk: bytes) -> None:
        """Append; the part that fails is removed by `abandon`."""
        if self._handle is None:
            raise LocationError(f"{self._location.shown}: the output was ended already.")
        await self._location.work(self._handle.use, lambda each: _write_all(each, chunk))

    async def finish(self) -> None:
        """Flush it, and give it its name."""
        handle, folder = self._handle, self._folder
        if handle is None or folder is None:
            raise LocationError(f"{self._location.shown}: the output was ended already.")
        await self._location.work(handle.use, os.fsync)
        await self._location.work(folder.use, self._name)
        self._end()

    async def abandon(self) -> None:
        """Remove it."""
        folder = self._folder
        if folder is not None:
            await self._location.work(folder.use, lambda each: _remove(each, self._fresh))
        self._end()

    def _make(self) -> tuple[_Handle, _Handle]:
        number = self._location.open_folder()
        folder = _Handle(number)
        self._require_free(number)
        return folder, _Handle(open_file(self._fresh, _FRESH, folder=number))

    def _require_free(self, folder: int) -> None:
        if not self._again:
            _require_replaceable(folder, self._location.steps[-1])

    def _name(self, folder: int) -> None:
        name = self._location.steps[-1]
        try:
            # Unlike a renaming this fails where the name was taken meanwhile.
            os.link(self._fresh, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            _remove(folder, self._fresh)
        except OSError:  # taken, or a file system without hard links
            self._require_free(folder)
            os.rename(self._fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)

    def _end(self) -> None:
        for handle in (self._handle, self._folder):
            if handle is not None:
                handle.close()
        self._handle = self._folder = None


class TakenError(OSError):
    """Something that is no job log of ours has the name of an output."""


class _Handle:
    """A file handle that threads use, and that nobody closes under them.

    It closes itself where whoever waited for it was cancelled, and never hears of it.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._lock = threading.Lock()
        self._ended = self._closed = False

    def __del__(self) -> None:
        self.close()

    def use(self, work: Callable[[int], T]) -> T:
        """Work with the handle; closes it afterwards, if it was to be closed meanwhile."""
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, "it was closed")
            result = work(self._number)
        if self._ended:
            self.close()
        return result

    def close(self) -> None:
        """Close it now, or let whoever works with it close it."""
        self._ended = True
        if self._lock.acquire(blocking=False):
            try:
                if not self._closed:
                    self._closed = True
                    os.close(self._number)
            finally:
                self._lock.release()


def _require_replaceable(folder: int, name: str) -> None:
    """Refuse a name under which something is that is no job log of ours; raises OSError."""
    try:
        handle = open_file(name, os.O_RDONLY, folder=folder)
    except FileNotFoundError:
        return
    try:
        head = os.pread(handle, FIRST_LINE_BYTES, 0)
    finally:
        os.close(handle)
    if not is_job_log(head):
        raise TakenError(errno.EEXIST, TAKEN)


def _make_folder(root: Path, steps: tuple[str, ...], name: str) -> None:
    parent = open_folder(root, steps)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, FOLDER_MODE, dir_fd=parent)
            os.fsync(parent)
    finally:
        os.close(parent)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _remove(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _fresh_name() -> str:
    return f".kastor-{secrets.token_hex(8)}{_PART}"


def _reason(error: OSError) -> str:
    if isinstance(error, NoPlainFileError):
        return "it is a link, a folder, a pipe or a device, and no plain file"
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "a step of its path is a link, or no folder"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    return error.strerror or type(error).__name__
