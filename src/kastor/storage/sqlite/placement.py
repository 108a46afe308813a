"""Graphs as files of a folder; the file is the placement."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw

from kastor.errors import Conflict, InvalidArgument, NotAllowed, Unavailable
from kastor.storage.placement import DEFAULT, Place, Wish
from kastor.storage.refusals import NotAGraphError, SchemaTooNewError
from kastor.storage.sqlite import files, schema
from kastor.storage.sqlite.connection import open_reader
from kastor.storage.sqlite.folder import FolderNotWritableError
from kastor.storage.sqlite.search_index import remove_index

_SUFFIX = ".sqlite3"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_GOING = ".deleted"
"""Ends the name of a file that only waits for its removal."""
_HEADER_BYTES, _ID_AT, _ID_BYTES = 100, 68, 4
_MAGIC = b"SQLite format 3\0"
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
        await self.would_add(name, wish)
        path = self._path(name)
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

    async def would_add(self, name: str, wish: Wish) -> Place:
        """Return the file that `add` would make."""
        if wish != Wish():
            raise InvalidArgument(
                "A server on SQLite keeps its graphs in its data folder; a database or a schema "
                "can only be named where the server runs on PostgreSQL."
            )
        path = self._path(name)
        if path.exists():
            raise Conflict(f"There is a graph named {name} already.", code="GraphExists")
        return Place(str(path))

    async def require_removable(self, name: str) -> None:
        """Raise Conflict for a file that is not Kastor's."""
        if not is_ours(self._path(name)):
            raise Conflict(
                f"{self._path(name)} is no graph of Kastor's and was left as it is. Move it out of "
                "the folder; then it is no longer listed as a graph.",
                code="PlaceNotOurs",
            )

    async def remove(self, name: str) -> None:
        """Delete the file of a graph that is closed."""
        await self.require_removable(name)
        path = self._path(name)
        going = path.with_name(path.name + _GOING)
        path.replace(going)  # the decision: without its name it is no graph
        _unlink_beside(path)
        going.unlink(missing_ok=True)

    async def require_movable(self, name: str, wish: Wish) -> None:
        """Refuse: all graphs of the process are in its one folder."""
        await self.begin_move(name, wish)

    async def begin_move(self, name: str, wish: Wish) -> None:  # noqa: ARG002 - the protocol's
        """Refuse: all graphs of the process are in its one folder."""
        raise NotAllowed(
            f"The graph {name} is a file in the data folder and cannot be moved while it is "
            "served. `kastor copy` brings it to another folder or to PostgreSQL."
        )

    async def move(self, name: str) -> None:
        """Do nothing: no move can have begun."""

    async def tend(self) -> None:
        """Remove what is left of graphs whose deletion broke off."""
        for going in self._folder.glob(f"*{_SUFFIX}{_GOING}"):
            path = going.with_name(going.name.removesuffix(_GOING))
            if not path.exists():
                _unlink_beside(path)
            if is_ours(going):
                going.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def is_ours(path: Path) -> bool:
    """Return whether a file is a graph of Kastor's, which an empty file never is.

    The file's header says it, unless it stands in a write-ahead log yet.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return False
    has_log = Path(f"{path}-wal").exists()
    if not header and not has_log:
        return False
    if header and not header.startswith(_MAGIC):
        return False
    found = int.from_bytes(header[_ID_AT : _ID_AT + _ID_BYTES], "big")
    if found or not has_log:
        return found in (schema.APPLICATION_ID, schema.UNFINISHED_ID)
    try:
        connection = open_reader(path)
    except apsw.Error:
        return False
    try:
        schema.require_ours(connection, unfinished=True)
    except SchemaTooNewError:
        return True
    except (NotAGraphError, apsw.Error):
        return False
    finally:
        connection.close()
    return True


def _unlink_beside(path: Path) -> None:
    for suffix in _SIDE_FILES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    remove_index(path)
