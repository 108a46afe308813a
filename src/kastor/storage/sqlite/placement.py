"""Graphs as files of a folder; the file is the placement."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw

from kastor.errors import Conflict, InvalidArgument, NotAllowed, Unavailable
from kastor.storage.placement import DEFAULT, Place, Wish
from kastor.storage.sqlite import files
from kastor.storage.sqlite.folder import FolderNotWritableError

_SUFFIX = ".sqlite3"
_SIDE_FILES = ("-wal", "-shm", "-journal")
RETRY_AFTER_SECONDS = 2


class FilePlacement:
    """Implements `Placement` over a folder that belongs to this process."""

    shared = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def places(self) -> dict[str, Place]:
        """Return every graph's file."""
        found = self._folder.glob(f"*{_SUFFIX}")
        return {path.name.removesuffix(_SUFFIX): Place(str(path)) for path in found}

    async def place(self, name: str) -> Place | None:
        """Return the file of a graph, None if there is none."""
        path = self._path(name)
        return Place(str(path)) if path.exists() else None

    async def add(self, name: str, wish: Wish) -> None:
        """Make an empty graph's file; it has its name once it is a graph."""
        if wish != Wish():
            raise InvalidArgument(
                "A server on SQLite keeps its graphs in its data folder; a database or a schema "
                "can only be named where the server runs on PostgreSQL."
            )
        path = self._path(name)
        if path.exists():
            raise Conflict(f"There is a graph named {name} already.", code="GraphExists")
        if name != DEFAULT:  # nobody deletes that one: its log without its file is told instead
            _unlink_beside(path)
        try:
            await asyncio.to_thread(files.make, path)
        except (apsw.FullError, apsw.IOError, apsw.CantOpenError) as error:
            if name == DEFAULT:
                raise FolderNotWritableError(
                    f"The graph {path} cannot be made ({error}). Make room or see to its "
                    "permissions, or choose another folder with --data DIR."
                ) from error
            raise Unavailable(
                f"The graph {name} cannot be made now ({error}). Nothing was changed; try again "
                "later.",
                retry_after=RETRY_AFTER_SECONDS,
            ) from error

    async def remove(self, name: str) -> None:
        """Delete the file of a graph that is closed."""
        path = self._path(name)
        _unlink_beside(path)  # first: a log must not be taken for that of a new file
        path.unlink(missing_ok=True)

    async def begin_move(self, name: str, wish: Wish) -> None:  # noqa: ARG002 - the protocol's
        """Refuse: all graphs of the process are in its one folder."""
        raise NotAllowed(
            f"The graph {name} is a file in the data folder and cannot be moved while it is "
            "served. `kastor copy` brings it to another folder or to PostgreSQL."
        )

    async def move(self, name: str) -> None:
        """Do nothing: no move can have begun."""

    async def tend(self) -> None:
        """Do nothing: a file is there or not."""

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def _unlink_beside(path: Path) -> None:
    for suffix in _SIDE_FILES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
