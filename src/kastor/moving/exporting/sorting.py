"""Sorts more lines than memory holds: runs in a temporary file, merged as they are read."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self, TypeAlias

import orjson

SortKey: TypeAlias = tuple[str, ...]
RUN_BYTES = 33_554_432
"""Of lines that are sorted in memory."""
_READ_BYTES = 262_144
"""Of each run that are read at once while runs are merged."""
_OVERHEAD = 200
"""Bytes of memory that a line takes beside its own."""
MOST_RUNS = 2_000
"""Of one file: 60 GB of lines."""


class LineSorter:
    """Takes lines with their keys and yields them in order of keys, by code point.

    Of several lines of one key the one that came last is yielded: a listing that is read while
    others write may bring a thing twice.
    """

    def __init__(self, run_bytes: int = RUN_BYTES) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        self._runs: list[tuple[int, int]] = []
        self._lines: dict[SortKey, bytes] = {}
        self._size, self._run_bytes = 0, run_bytes

    def add(self, key: SortKey, line: bytes) -> None:
        """Take a line.

        Raises:
            OSError: there is no room for the temporary file, or it is larger than can be merged.
        """
        self._lines[key] = line
        self._size += len(line) + _OVERHEAD
        if self._size > self._run_bytes:
            self._write_run()

    def lines(self) -> Iterator[bytes]:
        """Yield the lines in order; none is added any more."""
        if not self._runs:
            yield from (self._lines[key] for key in sorted(self._lines))
            return
        self._write_run()
        runs = [self._run(number, *place) for number, place in enumerate(self._runs)]
        before: SortKey | None = None
        # The later run first among equal keys, since it has what was read last.
        for key, _, line in heapq.merge(*runs, key=lambda entry: entry[:2]):
            if key != before:
                yield line
                before = key

    def _write_run(self) -> None:
        if len(self._runs) >= MOST_RUNS:
            raise OSError("there is more to be sorted than one temporary file can hold")
        start = self._file.seek(0, 2)
        for key in sorted(self._lines):
            self._file.write(orjson.dumps(key) + b"\n" + self._lines[key])
        self._runs.append((start, self._file.tell()))
        self._lines, self._size = {}, 0

    def _run(self, number: int, start: int, end: int) -> Iterator[tuple[SortKey, int, bytes]]:
        left = b""
        key: SortKey | None = None
        while start < end:
            self._file.seek(start)
            part = self._file.read(min(_READ_BYTES, end - start))
            start += len(part)
            *lines, left = (left + part).split(b"\n")
            for line in lines:
                if key is None:
                    key = tuple(orjson.loads(line))
                else:
                    yield key, -number, line + b"\n"
                    key = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
