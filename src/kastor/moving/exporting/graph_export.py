"""A whole graph as the contract's import file, out of any server."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.client import NotAnnouncedError, features
from kastor.errors import CannotStartError
from kastor.moving.exporting import forms
from kastor.moving.exporting.reading import ContractReading
from kastor.moving.exporting.sorting import LineSorter

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.types import Document

PORTION_BYTES = 262_144
_RELATIONSHIPS = re.compile(r"\bFROM\s+RELATIONSHIPS\b", re.IGNORECASE)


class NotWholeError(CannotStartError):
    """The rows of a query are no whole twins or relationships, so that no file can hold them."""


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What is to be exported; all models, twins and relationships if nothing is said.

    Attributes:
        query: only its rows, whole twins or relationships.
        since: only what changed after this change of Kastor.
        with_settings: also routes, endpoints, inputs and indexes of Kastor.
        with_system: also ETags and times of updates.
        as_of: the graph as it was at an instant, of Kastor alone.
    """

    query: str | None = None
    since: int | None = None
    with_settings: bool = False
    with_system: bool = False
    as_of: str | None = None


@dataclass(slots=True)
class ExportState:
    """How far an export is.

    Attributes:
        what: which part of it is read.
        lines: read so far.
        change: the number of the last change that is in it; None where the server tells none.
    """

    what: str = ""
    lines: int = 0
    change: int | None = None


class GraphExport:
    """An export that is read once.

    Kastor sends one state of the graph. From other servers it is read page by page: of a graph
    that is written to meanwhile there is no one state.

    Attributes:
        state: how far it is.
    """

    def __init__(
        self,
        client: AsyncKastorClient,
        wish: ExportWish | None = None,
        on_progress: Callable[[ExportState], None] | None = None,
    ) -> None:
        self._client, self._wish = client, wish or ExportWish()
        self._on_progress = on_progress or (lambda _state: None)
        self.state = ExportState()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the file.

        Raises:
            ClientError: what was yielded so far is not whole.
            NotWholeError: the rows of the query cannot be exported.
            OSError: there is no room for the temporary file in which a graph is sorted.
        """
        if features.EXPORT in await self._client.features():
            parts = self._from_kastor()
        else:
            self._require_contract()
            parts = self._by_contract()
        async with aclosing(parts):
            async for part in parts:
                self._on_progress(self.state)
                yield part

    def _require_contract(self) -> None:
        if self._wish.as_of is not None:
            raise NotAnnouncedError(
                "This server keeps no past that can be read. Export the graph without --as-of."
            )
        if self._wish.since is not None or self._wish.with_settings:
            raise NotAnnouncedError(
                "This server has no export of its own, so it cannot tell what changed since a "
                "change or how the graph is set up. Export the graph without --since and --kastor."
            )

    async def _from_kastor(self) -> AsyncGenerator[bytes]:
        wish = self._wish
        self.state.what = "graph"
        async with AsyncExitStack() as stack:
            download = await stack.enter_async_context(
                self._client.export(
                    query=wish.query,
                    since=wish.since,
                    with_settings=wish.with_settings,
                    with_system=wish.with_system,
                    as_of=wish.as_of,
                )
            )
            self.state.change = download.change
            async for piece in download.pieces():
                self.state.lines += piece.count(b"\n")
                yield piece

    async def _by_contract(self) -> AsyncGenerator[bytes]:
        reading = ContractReading(self._client)
        yield forms.header()
        if self._wish.query is not None:
            async for part in self._of_query(reading, self._wish.query):
                yield part
            return
        yield forms.section("Models")
        self.state.what = "models"
        for document in await reading.models():
            self.state.lines += 1
            yield forms.model(document)
        yield forms.section("Twins")
        async for part in self._sorted("twins", reading.twins()):
            yield part
        yield forms.section("Relationships")
        async for part in self._sorted("relationships", reading.relationships()):
            yield part

    async def _of_query(self, reading: ContractReading, query: str) -> AsyncIterator[bytes]:
        what = "relationships" if _RELATIONSHIPS.search(query) else "twins"
        yield forms.section(what.capitalize())
        async for part in self._sorted(what, reading.query(query)):
            yield part

    async def _sorted(self, what: str, rows: AsyncIterator[Document]) -> AsyncIterator[bytes]:
        """Yield the lines of rows in order of their ids, some at a time."""
        self.state.what = what
        key_of = _twin_key if what == "twins" else _relationship_key
        line_of = forms.twin if what == "twins" else forms.relationship
        with LineSorter() as sorter:
            async for row in rows:
                sorter.add(key_of(row), line_of(row, system=self._wish.with_system))
                self.state.lines += 1
                self._on_progress(self.state)
            portion = bytearray()
            for line in sorter.lines():
                portion += line
                if len(portion) > PORTION_BYTES:
                    yield bytes(portion)
                    portion.clear()
            yield bytes(portion)


def _twin_key(row: Document) -> tuple[str, ...]:
    if not isinstance(row.get("$dtId"), str) or "$metadata" not in row:
        raise _not_whole()
    return (row["$dtId"],)


def _relationship_key(row: Document) -> tuple[str, ...]:
    key = row.get("$sourceId"), row.get("$relationshipId")
    source, identity = key
    if not isinstance(source, str) or not isinstance(identity, str) or "$targetId" not in row:
        raise _not_whole()
    return source, identity


def _not_whole() -> NotWholeError:
    return NotWholeError(
        "An export is of whole twins or whole relationships: SELECT * FROM DIGITALTWINS or SELECT "
        "* FROM RELATIONSHIPS, with WHERE as you like. `kastor query` shows any rows."
    )
