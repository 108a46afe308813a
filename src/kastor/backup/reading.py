"""Reads a graph's file of a backup: bounded in memory, checked by size, hash and digests.

Nothing that is read is believed before the end: whoever writes rows somewhere does it where nobody
sees them until `GraphContents` is as the manifest says.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
import zstandard

from kastor.backup.lines import LONGEST_LINE, LineError, TableLines
from kastor.backup.manifest import ADDED, BackupError, GraphEntry
from kastor.storage.tables import COPIED, Table
from kastor.storage.transfer import (
    CHUNK_ROWS,
    NO_ROWS,
    PORTION_BYTES,
    Row,
    TableDigest,
    canonical,
)
from kastor.words import counted

_WINDOW = 2**27
_BUFFER = 2**18


class Bytes(Protocol):
    """What a file is read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class GraphContents:
    """What a graph's file holds.

    Attributes:
        size, sha256: of the file; the size in bytes.
        decompressed_bytes, longest_line: of what is in it.
    """

    size: int
    sha256: str
    decompressed_bytes: int
    longest_line: int
    digests: dict[str, TableDigest]


class GraphFileReader:
    """Yields one graph's rows, and tells at the end what there was.

    Args:
        name: of the graph, for messages.
        file: its compressed file, from the beginning.
        entry: what there must be; None where the manifest comes later.
    """

    def __init__(self, name: str, file: Bytes, entry: GraphEntry | None = None) -> None:
        self._name = name
        self._counted = _Counted(file, entry.size if entry else None, self._damaged)
        decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        stream = decompressor.stream_reader(self._counted, read_size=_BUFFER)  # type: ignore[arg-type]  # it reads, no more
        self._lines = io.BufferedReader(stream, _BUFFER)
        self._longest_allowed = min(LONGEST_LINE, entry.longest_line if entry else LONGEST_LINE)
        self._most = entry.decompressed_bytes if entry else None
        self._plain_bytes = self._longest = 0
        self._digests: dict[str, TableDigest] = {}
        self._pending = b""

    def portions(self) -> Iterator[tuple[Table, list[Row]]]:
        """Yield rows with their tables, in the order of `COPIED`, as many as fit into memory.

        Raises:
            BackupError: the file is damaged.
        """
        self._pending = self._line()
        for table in COPIED:
            lines = TableLines(table)
            if self._pending != lines.head:
                if table.name in ADDED:
                    self._digests[table.name] = NO_ROWS
                    continue
                raise self._damaged(f"the table {table.name} does not begin where it should")
            hashed, rows = hashlib.sha256(), 0
            for portion in self._portions(lines):
                for row in portion:
                    hashed.update(self._canonical(table, row))
                rows += len(portion)
                yield table, portion
                del portion, row  # else they would be there while the next ones are read
            self._digests[table.name] = TableDigest(rows, hashed.hexdigest())
        if self._pending:
            raise self._damaged("there is something after its last table")
        self._counted.skip_to_end()

    def found(self) -> GraphContents:
        """Return what there was, once `portions` has ended."""
        return GraphContents(
            self._counted.bytes,
            self._counted.sha256,
            self._plain_bytes,
            self._longest,
            self._digests,
        )

    def _portions(self, lines: TableLines) -> Iterator[list[Row]]:
        rows: list[Row] = []
        size = 0
        while (line := self._line()).startswith(b"["):
            try:
                rows.append(lines.decode(line))
            except LineError as error:
                raise self._damaged(
                    f"a line of the table {lines.table.name} is no row of it: {error}"
                ) from error
            size += len(line)
            if size >= PORTION_BYTES or len(rows) == CHUNK_ROWS:
                yield rows
                rows, size = [], 0
        self._pending = line
        if rows:
            yield rows

    def _line(self) -> bytes:
        """Return the next line; nothing at the end."""
        try:
            line = self._lines.readline(self._longest_allowed + 1)
        except zstandard.ZstdError as error:
            raise self._damaged(f"it cannot be decompressed ({error})") from error
        self._plain_bytes += len(line)
        self._longest = max(self._longest, len(line))
        if len(line) > self._longest_allowed:
            raise self._damaged(f"a line has more than {self._longest_allowed} bytes")
        if self._most is not None and self._plain_bytes > self._most:
            raise self._damaged(f"it holds more than the {self._most} bytes that it should")
        if line and not line.endswith(b"\n"):
            raise self._damaged("it is cut off")
        return line

    def _canonical(self, table: Table, row: Row) -> bytes:
        try:
            return canonical(table, row)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError) as error:
            raise self._damaged(f"a document of {table.name} is none: {error}") from error

    def _damaged(self, reason: str) -> BackupError:
        return damaged(f"the file of the graph {self._name}: {reason}")


class _Counted:
    """Counts and hashes what is read of a file."""

    def __init__(self, file: Bytes, most: int | None, damaged_by: DamagedBy) -> None:
        self._file = file
        self._most = most
        self._damaged_by = damaged_by
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int = _BUFFER, /) -> bytes:
        chunk = self._file.read(size if size > 0 else _BUFFER)
        self.bytes += len(chunk)
        if self._most is not None and self.bytes > self._most:
            raise self._damaged_by(f"it has more than the {self._most} bytes that it should")
        self._sha256.update(chunk)
        return chunk

    def skip_to_end(self) -> None:
        """Read what the decompressor had no need of."""
        while self.read():
            pass

    @property
    def sha256(self) -> str:
        """The hash of what was read."""
        return self._sha256.hexdigest()


class DamagedBy(Protocol):
    """Makes the error that tells of a damage."""

    def __call__(self, reason: str, /) -> BackupError:
        """Return it."""


def damaged(reason: str) -> BackupError:
    """Return what a person is told of a backup that is not what its manifest says."""
    return BackupError(f"The backup is damaged: {reason}. Use another backup; nothing was changed.")


def require_as_said(entry: GraphEntry, found: GraphContents) -> None:
    """Compare what a graph's file holds with the manifest.

    Raises:
        BackupError: it is something else.
    """
    odd: Sequence[str] = [
        f"{name}: {counted(found.digests[name].rows, 'row')} where {digest.rows} should be"
        if found.digests[name].rows != digest.rows
        else f"{name}: the same number of rows, but others"
        for name, digest in entry.digests.items()
        if found.digests.get(name) != digest
    ]
    if odd:
        raise damaged(f"the graph {entry.name} is not what the manifest says ({'; '.join(odd)})")
    seen = (found.size, found.sha256, found.decompressed_bytes, found.longest_line)
    said = (entry.size, entry.sha256, entry.decompressed_bytes, entry.longest_line)
    if seen != said:
        raise damaged(f"the file of the graph {entry.name} is not the one that the manifest names")
