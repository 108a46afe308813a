"""A backup as one stream: a plain tar (POSIX ustar) of the files of its folder, the manifest last.

A tar has each file's size before the file, and how large a graph's file becomes is known when all
of it is there. So a graph comes in parts, which are its file one after the other.
"""

from __future__ import annotations

import re
import tarfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kastor.backup.manifest import BackupError

if TYPE_CHECKING:
    from kastor.backup.reading import Bytes

BLOCK = 512
END = bytes(2 * BLOCK)
_LARGEST = 8 * 2**30
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
_SKIP_BYTES = 2**18


def header(name: str, size: int) -> bytes:
    """Return what stands before a file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time.time())
    return info.tobuf(tarfile.USTAR_FORMAT)


def padding(size: int) -> bytes:
    """Return what stands behind a file of a size."""
    return bytes(-size % BLOCK)


class Member:
    """A file in a tar; to be read before the next one is asked for.

    Attributes:
        left: bytes that were not read yet.
    """

    def __init__(self, name: str, size: int, file: Bytes) -> None:
        self.name = name
        self.size = size
        self._file = file
        self.left = size

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        chunk = self._file.read(min(size, self.left))
        if not chunk and size and self.left:
            raise cut_off()
        self.left -= len(chunk)
        return chunk


def members(file: Bytes, skip: Callable[[int], object] | None = None) -> Iterator[Member]:
    """Yield the files of a tar one after the other; what is not read of one is skipped.

    Args:
        file: from the beginning of the tar.
        skip: passes over so many bytes; by default they are read.

    Raises:
        BackupError: it is no tar, is cut off, or holds anything but plain files in one folder.
    """
    while True:
        found = _header(_exactly(file, BLOCK))
        if found is None:
            return
        member = Member(*found, file)
        yield member
        if skip is not None:
            skip(member.left)
        while skip is None and member.read(_SKIP_BYTES):
            pass
        _exactly(file, len(padding(member.size)))


def cut_off() -> BackupError:
    """Return what a person is told of a tar that ends too early."""
    return BackupError("The backup is cut off: it ends before its manifest. Use another backup.")


def _header(block: bytes) -> tuple[str, int] | None:
    """Return name and size of the next file; None at the end."""
    if not any(block):
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise BackupError(f"This is no backup, which is a tar of plain files: {error}.") from error
    plain = info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and 0 <= info.size < _LARGEST
    if not plain or _NAME.fullmatch(info.name) is None:
        raise BackupError(
            f"The backup holds {info.name[:100]!r}, which is no file of a backup: a tar of one has "
            "plain files and no folders. Nothing was changed."
        )
    return info.name, info.size


def _exactly(file: Bytes, size: int) -> bytes:
    found = b""
    while len(found) < size:
        chunk = file.read(size - len(found))
        if not chunk:
            raise cut_off()
        found += chunk
    return found
