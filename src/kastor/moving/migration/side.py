"""One side of a migration: how it is read and written, and what it announces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.client import (
    NotFoundError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    features,
    operations,
)
from kastor.client.calls import Document, HttpCall
from kastor.client.pages import PageGuard, by_link
from kastor.moving.loading.patience import Patience
from kastor.moving.writing.operations import ThingKind
from kastor.moving.writing.writer import PARALLEL, ConditionalWriter

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.client.pages import ListingPage

PAGE = 1_000
"""Rows asked for at once; Azure Digital Twins gives 100 whatever is asked."""
_PATIENCE = 900.0
"""Seconds without an answer but refusals. AgeDigitalTwins allows, unless told otherwise, a hundred
queries in ten minutes."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server's graph, called at its pace.

    Attributes:
        client: one that tries no refused call again itself.
        address: of the graph, as people know it.
        announced: what it announces beyond the contract; nothing of any other server.
    """

    client: AsyncKastorClient
    address: str
    announced: frozenset[str]
    writer: ConditionalWriter

    @property
    def is_kastor(self) -> bool:
        """Whether it is a Kastor, whose queries see every write at once."""
        return bool(self.announced)

    @property
    def is_narrow(self) -> bool:
        """Whether it keeps to the limits of Azure Digital Twins."""
        return features.BATCH not in self.announced

    async def get(self, kind: ThingKind, source: str, identifier: str) -> Document | None:
        """Return a twin or a relationship; None where there is none."""
        if kind is ThingKind.TWIN:
            call = operations.get_twin(identifier)
        else:
            call = operations.get_relationship(source, identifier)
        try:
            return await self.writer.read(call)
        except NotFoundError:
            return None

    async def pages(self, kind: ThingKind) -> AsyncIterator[list[Document]]:
        """Yield all twins or all relationships, page by page."""
        text, token = f"SELECT * FROM {kind.collection}", None
        guard = PageGuard()
        while True:
            found = await self.writer.send(operations.query_page(text, None, token, PAGE))
            guard.require_progress(found)
            yield found.items
            if (token := found.following) is None:
                return

    async def listed(self, first: HttpCall[ListingPage[Document]]) -> AsyncIterator[Document]:
        """Yield the items of a listing that follows links."""
        call, following, guard = first, by_link(first), PageGuard()
        while True:
            page = await self.writer.send(call)
            guard.require_progress(page)
            for each in page.items:
                yield each
            if page.following is None:
                return
            call = following(page.following)

    async def count(self, kind: ThingKind) -> int:
        """Return how many twins or relationships there are."""
        text = f"SELECT COUNT() FROM {kind.collection}"
        found = await self.writer.send(operations.query_page(text, None, None, None))
        values = list(found.items[0].values()) if found.items else [0]
        if len(values) != 1 or not isinstance(values[0], int):
            raise UnexpectedAnswerError(f"The answer to {text} is no number.")
        return values[0]


async def side_of(client: AsyncKastorClient, address: str, parallel: int = PARALLEL) -> Side:
    """Return the side of a client; what it announces is asked once."""
    patience = Patience(_PATIENCE)
    try:
        announced = await client.features()
    except TooManyRequestsError:  # who does not answer at all is told at once
        announced = await patience.call(client.features)
    batches = features.BATCH in announced
    writer = ConditionalWriter(client, patience, batches=batches, parallel=parallel)
    return Side(client, address, announced, writer)
