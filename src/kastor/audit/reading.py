"""Reads an audit log line by line, the files that were set aside before the one in use."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import orjson

from kastor.audit.file import aside
from kastor.types import Document

LONGEST_LINE = 2**20
"""Bytes; what is longer was not written by Kastor."""
_LOOK_SECONDS = 0.25


class AuditReader:
    """Yields lines from the oldest to the newest, each once.

    Attributes:
        unreadable: lines that are none of an audit log, such as one that a full disk cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable = 0

    def lines(self, since: float = 0.0) -> Iterator[Document]:
        """Yield what is there, from a time on.

        Args:
            since: seconds since 1970; files that were last written before are not read.

        Raises:
            OSError: a file cannot be read.
        """
        with ExitStack() as stack:
            for file in _opened(self.path, stack):
                if os.fstat(file.fileno()).st_mtime >= since:
                    yield from self._parsed(file)

    def follow(self, since: float = 0.0) -> Iterator[Document]:
        """Yield what is there, and what comes, without an end; raises OSError."""
        last: tuple[int, int] | None = None
        while True:
            with ExitStack() as stack:
                files = _opened(self.path, stack)
                known = [_identity(each) for each in files]
                # Those up to the last one were read to their ends.
                begin = known.index(last) + 1 if last in known else 0
                for number, file in enumerate(files[begin:], begin):
                    if os.fstat(file.fileno()).st_mtime >= since:
                        yield from self._parsed(file)
                    if number == len(files) - 1:
                        yield from self._coming(file)
                    last = known[number]
            time.sleep(_LOOK_SECONDS)

    def _coming(self, file: BinaryIO) -> Iterator[Document]:
        """Yield what is added to a file until another has its name."""
        while True:
            moved = not _has_name(file, self.path)
            yield from self._parsed(file)
            if moved:  # and what was written until then is read
                return
            time.sleep(_LOOK_SECONDS)

    def _parsed(self, file: BinaryIO) -> Iterator[Document]:
        while line := file.readline(LONGEST_LINE):
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                file.seek(-len(line), os.SEEK_CUR)  # the rest of it may come
                return
            try:
                found = orjson.loads(line)
            except ValueError:
                found = None
            if isinstance(found, dict) and isinstance(found.get("time"), str):
                yield found
            else:
                self.unreadable += 1


def _opened(path: Path, stack: ExitStack) -> list[BinaryIO]:
    """Open all files of a log, the oldest first.

    They are opened from the newest on: a file that is set aside meanwhile is found twice then, and
    never missed.
    """
    found: dict[tuple[int, int], BinaryIO] = {}
    number = 0
    while True:
        name = path if number == 0 else aside(path, number)
        try:
            file = stack.enter_context(name.open("rb"))
        except FileNotFoundError:
            if number:
                break
        else:
            found.setdefault(_identity(file), file)
        number += 1
    return list(reversed(found.values()))


def _identity(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def _has_name(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
