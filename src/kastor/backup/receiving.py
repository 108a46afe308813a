"""Takes a backup in that a server sends, and checks it while it comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, TypeAlias

import msgspec

from kastor.backup import tar
from kastor.backup.folder import NewBackup
from kastor.backup.manifest import (
    LONGEST_MANIFEST,
    MANIFEST,
    Manifest,
    decode_manifest,
    file_of,
    part_of,
)
from kastor.backup.reading import Bytes, GraphContents, GraphFileReader, damaged, require_as_said
from kastor.storage.tables import Table

_PART = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.jsonl\.zst\.000001")
Received: TypeAlias = Callable[[str, Table, int], None]
"""Graph, table, and how many more of its rows have come."""


def receive(file: Bytes, new: NewBackup, told: Received | None = None) -> Manifest:
    """Write the tar of a server into a folder; each graph becomes one file.

    Raises:
        BackupError: it is damaged or cut off, or cannot be written. The folder is not finished.
        OSError, HTTPException: the connection is lost.
    """
    parts = _Parts(tar.members(file))
    graphs: dict[str, tuple[int, GraphContents]] = {}
    while (member := parts.next()) is not None:
        if member.name == MANIFEST:
            manifest = _manifest(member, graphs)
            new.finish(manifest)
            return manifest
        match = _PART.fullmatch(member.name)
        if match is None or match[1] in graphs:
            raise damaged(f"the file {member.name} is not one that comes next")
        graphs[match[1]] = _graph(match[1], parts, new, told)
    raise tar.cut_off()


def _graph(
    name: str, parts: _Parts, new: NewBackup, told: Received | None
) -> tuple[int, GraphContents]:
    """Write a graph's file; return of how many parts it came, and what was in it."""
    with new.file(file_of(name)) as target:
        parts.begin(file_of(name), target)
        reader = GraphFileReader(name, parts)
        for table, rows in reader.portions():
            if told is not None:
                told(name, table, len(rows))
    return parts.number, reader.found()


def _manifest(member: tar.Member, graphs: dict[str, tuple[int, GraphContents]]) -> Manifest:
    """Return the manifest for the folder, once it is what came before."""
    text = b""
    while chunk := member.read(LONGEST_MANIFEST + 1 - len(text)):
        text += chunk
    if len(text) > LONGEST_MANIFEST:
        raise damaged(f"{MANIFEST} has more than {LONGEST_MANIFEST} bytes")
    manifest = decode_manifest(text)
    if [entry.name for entry in manifest.graphs] != list(graphs) or manifest.private:
        raise damaged(f"{MANIFEST} names other files than those that came")
    for entry in manifest.graphs:
        count, found = graphs[entry.name]
        require_as_said(entry, found)
        if entry.parts != count:
            raise damaged(f"the graph {entry.name} came in {count} parts of {entry.parts}")
    whole = [msgspec.structs.replace(entry, parts=0) for entry in manifest.graphs]
    return msgspec.structs.replace(manifest, graphs=tuple(whole))


class _Parts:
    """The parts of one graph's file in a tar, read as one file and written down meanwhile."""

    def __init__(self, members: Iterator[tar.Member]) -> None:
        self._members = members
        self._current: tar.Member | None = None
        self._is_next = False
        self._file = ""
        self._target: IO[bytes] | None = None
        self.number = 0

    def next(self) -> tar.Member | None:
        """Return the member that comes next, which `begin` may take as the first part."""
        if not self._is_next:
            self._current = next(self._members, None)
        self._is_next = False
        return self._current

    def begin(self, file: str, target: IO[bytes]) -> None:
        """Begin with a graph's file, whose first part was returned just now."""
        self._file, self._target, self.number = file, target, 1

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes of the file; none at its end."""
        while self._current is not None and self._target is not None:
            chunk = self._current.read(size)
            if chunk:
                self._target.write(chunk)
                return chunk
            self._current = next(self._members, None)
            if self._current is None or self._current.name != part_of(self._file, self.number + 1):
                self._is_next, self._target = True, None
                return b""
            self.number += 1
        return b""
