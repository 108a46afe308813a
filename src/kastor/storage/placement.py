"""Where graphs live: with SQLite a file of a folder, with PostgreSQL a schema of some database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

DEFAULT = "default"
"""The graph of requests that name none; it is where the settings say, and nowhere else."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one graph lives, and what is happening to it.

    Attributes:
        address: for people; without user and password.
        database: the database's name in the settings; empty for the server's own.
        schema: the schema in it; empty for a file.
        moving: what a move is doing just now; None while there is none.
        error: why the last move did not happen.
        claim: by which what is there is known to be this graph; empty for a file.
    """

    address: str
    database: str = ""
    schema: str = ""
    moving: str | None = None
    error: str | None = None
    claim: str = ""

    @property
    def home(self) -> tuple[str, str, str, str]:
        """What differs once the graph has moved, or another one has its name."""
        return self.address, self.database, self.schema, self.claim


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a graph shall live; what is None is for Kastor to choose."""

    database: str | None = None
    schema: str | None = None


class Placement(Protocol):
    """Where the graphs of a server live."""

    shared: bool
    """Whether other processes make, move and delete graphs too."""

    async def places(self) -> dict[str, Place]:
        """Return every graph's place."""

    async def place(self, name: str) -> Place | None:
        """Return a graph's place; None if there is no such graph."""

    async def add(self, name: str, wish: Wish) -> None:
        """Make an empty graph, or take over the one in the schema that is wished for.

        Raises:
            Conflict: there is a graph of that name, or one in that place.
            InvalidArgument: there can be no such place.
            NotAllowed: the database refuses it.
        """

    async def would_add(self, name: str, wish: Wish) -> Place:
        """Return where `add` would make a graph; raises what it would, as far as can be seen."""

    async def require_removable(self, name: str) -> None:
        """Raise Conflict for a graph that `remove` would refuse, while it is open yet."""

    async def remove(self, name: str) -> None:
        """Forget a graph and delete what it holds; it is not open in this process.

        Raises:
            Conflict: what is there is not the graph, something depends on it, or it is moving.
        """

    async def require_movable(self, name: str, wish: Wish) -> None:
        """Raise what `begin_move` would, and note nothing."""

    async def begin_move(self, name: str, wish: Wish) -> None:
        """Note that a graph is to move; `move` does it.

        Raises:
            Conflict: it is moving already, or the place is taken.
            InvalidArgument: there can be no such place.
            NotAllowed: graphs of this kind do not move.
        """

    async def move(self, name: str) -> None:
        """Carry a move out that was begun here; how it ends stands in the graph's place."""

    async def tend(self) -> None:
        """Finish or undo what processes that have ended left half done."""
