"""A backup as a folder: it looks whole only when it is; no link is followed when it is read.

Files have other names until all of them are on the disk; the manifest gets its own last.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from kastor.backup import tar
from kastor.backup.manifest import (
    LONGEST_MANIFEST,
    MANIFEST,
    BackupError,
    Manifest,
    decode_manifest,
    encode_manifest,
)
from kastor.backup.reading import Bytes
from kastor.private import lock_folder, make_folder, open_private, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.backup.manifest import GraphEntry

UNFINISHED = ".unfinished"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_MOST_MEMBERS = 1_000_000


class NewBackup:
    """A folder that a backup is written into."""

    def __init__(self, path: Path) -> None:
        """Make the folder, or take an empty one.

        What a backup left there that was killed is removed.

        Raises:
            BackupError: something is there, another backup is under way, or it cannot be written.
        """
        self.path = path
        self._names: list[str] = []
        with self._told():
            make_folder(path)
            self._lock = lock_folder(path)
        if self._lock is None:
            raise BackupError(
                f"Another backup is being written to {path}. Wait until it has ended, or name "
                "another folder."
            )
        try:
            self._clear()
        except BaseException:
            self._lock.release()
            raise

    def _clear(self) -> None:
        with self._told():
            found = list(self.path.iterdir())
            left = [each for each in found if each.name.endswith(UNFINISHED)]
            if len(left) < len(found):
                raise BackupError(
                    f"{self.path} is not empty, and a backup replaces nothing. Name a folder that "
                    "does not exist, or an empty one."
                )
            for each in left:
                each.unlink()

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """Write a file in a block; it is on the disk after it.

        Raises:
            BackupError: it cannot be written.
        """
        self._names.append(name)
        with self._told():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
            handle = open_private(self._unfinished(name), flags)
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(handle)

    def finish(self, manifest: Manifest) -> None:
        """Give all files their names, the manifest last.

        Raises:
            BackupError: it cannot be written.
        """
        with self.file(MANIFEST) as file:
            file.write(encode_manifest(manifest))
        with self._told():
            for name in self._names[:-1]:
                self._unfinished(name).rename(self.path / name)
            sync_folder(self.path)
            self._unfinished(MANIFEST).rename(self.path / MANIFEST)
            sync_folder(self.path)
        self._release()

    def abandon(self) -> None:
        """Remove what was written, unless the backup is finished."""
        if self._lock is None:  # what is there by now may be another's
            return
        for name in self._names:
            for path in (self.path / MANIFEST, self._unfinished(name), self.path / name):
                with contextlib.suppress(OSError):
                    path.unlink()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _unfinished(self, name: str) -> Path:
        return self.path / f"{name}{UNFINISHED}"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupError(
                f"The backup cannot be written to {self.path}: {error.strerror or error}. Make "
                "room there or see to its permissions, or name another folder."
            ) from error


class OpenBytes(Bytes, Protocol):
    """A file that is read, and closed at the end."""

    def close(self) -> object:
        """Close it."""


class BackupFiles(Protocol):
    """The files of a backup, by name."""

    def open(self, name: str) -> OpenBytes:
        """Open one; raises BackupError where there is none."""


class Backup:
    """A backup that is read."""

    def __init__(self, files: BackupFiles, manifest: Manifest) -> None:
        self._files = files
        self.manifest = manifest

    @contextlib.contextmanager
    def graph(self, entry: GraphEntry) -> Iterator[Bytes]:
        """Open a graph's file for a block, in whatever parts it is."""
        file = _Joined(self._files, entry.files)
        try:
            yield file
        finally:
            file.close()

    def read(self, name: str, most: int) -> bytes:
        """Return a small file.

        Raises:
            BackupError: it is larger than `most` bytes, or missing.
        """
        return _small(self._files, name, most)


@contextlib.contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """Open a backup, a folder or a tar, and read its manifest.

    Raises:
        BackupError: it is none, or a file is missing.
    """
    if path.is_dir():
        yield _with_manifest(_InFolder(path))
        return
    try:
        handle = path.open("rb")
    except OSError as error:
        raise BackupError(f"There is no backup at {path}: {error.strerror}.") from error
    with handle:
        yield _with_manifest(_InTar(handle))


def _with_manifest(files: _InFolder | _InTar) -> Backup:
    manifest = decode_manifest(_small(files, MANIFEST, LONGEST_MANIFEST))
    for name in manifest.files:
        files.open(name).close()
    return Backup(files, manifest)


def _small(files: BackupFiles, name: str, most: int) -> bytes:
    file = files.open(name)
    try:
        found = file.read(most + 1)
    finally:
        file.close()
    if len(found) > most:
        raise BackupError(f"The backup is damaged: {name} has more than {most} bytes.")
    return found


class _InFolder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str) -> OpenBytes:
        path = self._path / name
        try:
            handle = os.open(path, os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError as error:
            raise _missing(name, str(self._path)) from error
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
        file = os.fdopen(handle, "rb")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            file.close()
            raise BackupError(f"{path} is no plain file, as those of a backup are.")
        return file


class _InTar:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        for member in tar.members(file, lambda size: file.seek(size, os.SEEK_CUR)):
            if member.name in self._places or len(self._places) == _MOST_MEMBERS:
                raise BackupError(f"The backup is damaged: {member.name} is in it twice.")
            self._places[member.name] = file.tell(), member.size

    def open(self, name: str) -> OpenBytes:
        if name not in self._places:
            raise _missing(name, "the tar")
        return _Section(self._file, *self._places[name])


class _Section:
    """A part of a file, read on its own."""

    def __init__(self, file: IO[bytes], begin: int, size: int) -> None:
        self._file = file
        self._at, self._end = begin, begin + size

    def read(self, size: int, /) -> bytes:
        self._file.seek(self._at)
        chunk = self._file.read(min(size, self._end - self._at))
        self._at += len(chunk)
        return chunk

    def close(self) -> None:
        """Leave the file open for the others."""


class _Joined:
    """Files that are read as one."""

    def __init__(self, files: BackupFiles, names: Sequence[str]) -> None:
        self._files = files
        self._names = list(reversed(names))
        self._file: OpenBytes | None = None

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end of the last file."""
        while True:
            if self._file is None:
                if not self._names:
                    return b""
                self._file = self._files.open(self._names.pop())
            try:
                chunk = self._file.read(size)
            except OSError as error:
                raise BackupError(f"The backup cannot be read: {error.strerror}.") from error
            if chunk:
                return chunk
            self.close()

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _missing(name: str, where: str) -> BackupError:
    return BackupError(f"There is no {name} in {where}, so it is no whole backup. Use another one.")
