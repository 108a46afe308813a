"""A disk that fails when it is told to: a layer over the real file system of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import apsw

_NUMBERS = count()


class FailingDisk(apsw.VFS):
    """Lets everything through until `failing`.

    Attributes:
        attempts: writes and syncs that were refused so far.
    """

    def __init__(self) -> None:
        self.name = f"failing-{next(_NUMBERS)}"
        super().__init__(self.name, "")
        self.attempts = 0
        self._error: type[apsw.Error] | None = None
        self._action = self._suffix = ""
        self._left = 0

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    @contextmanager
    def failing(
        self, error: type[apsw.Error], action: str, suffix: str = "-wal", times: int = 1_000_000
    ) -> Iterator[None]:
        """Refuse the next `times` of an action ("write" or "sync") on files that end so."""
        self._action, self._suffix, self._left = action, suffix, times
        self._error = error
        try:
            yield
        finally:
            self._error = None

    def meet(self, action: str, path: str) -> None:
        """Raise if this is to fail."""
        if (
            self._error is not None
            and action == self._action
            and path.endswith(self._suffix)
            and self._left > 0
        ):
            self._left -= 1
            self.attempts += 1
            raise self._error(f"{action} refused by the test")


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.meet("write", self._path)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.meet("sync", self._path)
        super().xSync(flags)
