"""Graphs as files of a folder; the file is the placement."""

from __future__ import annotations

from pathlib import Path

from kastor.errors import Conflict, InvalidArgument, NotAllowed
from kastor.storage.placement import Place, Wish

_SUFFIX = ".sqlite3"
_SIDE_FILES = ("", "-wal", "-shm")


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
        """Make an empty file; opening it makes the schema."""
        if wish != Wish():
            raise InvalidArgument(
                "A server on SQLite keeps its graphs in its data folder; a database or a schema "
                "can only be named where the server runs on PostgreSQL."
            )
        try:
            self._path(name).touch(exist_ok=False)
        except FileExistsError:
            raise Conflict(f"There is a graph named {name} already.", code="GraphExists") from None

    async def remove(self, name: str) -> None:
        """Delete the file of a graph that is closed."""
        for path in [Path(f"{self._path(name)}{suffix}") for suffix in _SIDE_FILES]:
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
