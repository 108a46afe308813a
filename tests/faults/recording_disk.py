"""A layer over SQLite's file system that notes every write and sync, in order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import apsw

_NUMBERS = count()
FRAME_HEADER_BYTES = 24


@dataclass(frozen=True)
class Event:
    """A write or sync of a file, or something that a test noted between them."""

    what: str
    path: str
    data: bytes = b""

    @property
    def ends_transaction(self) -> bool:
        """Whether this is the header of a log frame that commits."""
        return (
            self.what == "write"
            and self.path.endswith("-wal")
            and len(self.data) == FRAME_HEADER_BYTES
            and self.data[4:8] != b"\0\0\0\0"
        )


class RecordingDisk(apsw.VFS):
    """Notes what goes to disk; `events` is the whole story."""

    def __init__(self) -> None:
        self.name = f"recording-{next(_NUMBERS)}"
        super().__init__(self.name, "")
        self.events: list[Event] = []

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _File(self.events, name, flags)

    def unsynced(self) -> list[Event]:
        """Return the writes to the log that no sync has followed yet."""
        found: list[Event] = []
        for event in reversed(self.events):
            if event.path.endswith("-wal"):
                if event.what == "sync":
                    break
                found.append(event)
        return found[::-1]


class _File(apsw.VFSFile):
    def __init__(self, events: list[Event], name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._events = events
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._events.append(Event("write", self._path, bytes(data)))

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._events.append(Event("sync", self._path))
