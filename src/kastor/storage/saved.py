"""What the explorer keeps in a graph: documents and scene files, each under a kind and a name.

They are no part of the graph's past: what is replaced is gone. Their writes compare the ETag in the
statement that writes, so that of two who read the same version one is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kastor.types import Etag, Ticks


@dataclass(frozen=True, slots=True)
class SavedEntry:
    """What is known of something that is saved, without its contents.

    Attributes:
        content_type: of the contents.
        size: of the contents, in bytes.
        etag: the guid inside W/"...".
        actor: who wrote it last.
    """

    kind: str
    name: str
    content_type: str
    size: int
    etag: Etag
    created: Ticks
    updated: Ticks
    actor: str


@dataclass(frozen=True, slots=True)
class SavedUsage:
    """How many of a kind there are, and their bytes together."""

    count: int
    size: int


JudgeRoom: TypeAlias = Callable[[SavedUsage], None]
"""Takes how much there is beside what is to be written, and raises where that leaves no room."""


class SavedStore(Protocol):
    """One graph's saved documents and scene files."""

    async def entries(self, kind: str, after: str, limit: int) -> list[SavedEntry]:
        """Return what is saved of a kind, by name (code points), strictly after `after`."""

    async def entry(self, kind: str, name: str) -> SavedEntry | None:
        """Return one entry."""

    async def contents(self, kind: str, name: str, most: int) -> tuple[SavedEntry, bytes] | None:
        """Return one entry with its contents, both of the same version.

        No more than `most` bytes of them, and one more where there are more.
        """

    async def part(self, kind: str, name: str, etag: Etag, start: int, size: int) -> bytes | None:
        """Return so many bytes of the contents of a version from a place on; None: it is gone."""

    async def usage(self, kind: str, beside: str) -> SavedUsage:
        """Return how much there is of a kind, beside what has a name."""

    async def put(
        self, entry: SavedEntry, contents: bytes, over: Etag | None, judge: JudgeRoom
    ) -> bool:
        """Write an entry over the version that was seen, or where there was none (None).

        Args:
            entry: what is written.
            contents: of it.
            over: the version that was seen.
            judge: asked in the transaction that writes, while nobody else writes of the graph's
                saved things, so that what it allows holds however many processes there are.

        Returns:
            Whether it was written: False where there is another version by now.
        """

    async def delete(self, kind: str, name: str, over: Etag) -> bool:
        """Delete the version that was seen; return False where there is another one, or none."""
