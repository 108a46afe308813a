"""Reads a graph by the contract alone, so from any server of it.

A graph that is written to meanwhile is read in no one state; queries of Azure Digital Twins lag up
to ten seconds behind writes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from kastor.client.operations import list_models, query_page
from kastor.client.pages import by_link
from kastor.dtdl.order import in_order, needs_of
from kastor.moving.loading.patience import Patience

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient, ListingPage
    from kastor.client.calls import HttpCall
    from kastor.types import Document

PAGE = 1_000
"""Rows that are asked for at once; the other side may answer fewer."""
TWINS, RELATIONSHIPS = "SELECT * FROM DIGITALTWINS", "SELECT * FROM RELATIONSHIPS"


class ContractReading:
    """Reads models, twins and relationships of a client's graph.

    Each page is asked for until it comes, as patiently as told, so that a server that is busy or
    restarts ends nothing.
    """

    def __init__(self, client: AsyncKastorClient, patience: Patience | None = None) -> None:
        self._client, self._patience = client, patience or Patience()

    async def models(self) -> list[Document]:
        """Return all models' documents, each after those that it needs, else in order of id."""
        first = list_models((), definitions=True, size=None)
        found: dict[str, Document] = {}
        async for row in self._rows(first, by_link(first)):
            found[row["id"]] = row["model"]
        needs = {identity: needs_of(document) for identity, document in found.items()}
        return [found[identity] for identity in in_order(needs)]

    def twins(self) -> AsyncIterator[Document]:
        """Yield all twins as GET answers them, in no order; one may come twice."""
        return self.query(TWINS)

    def relationships(self) -> AsyncIterator[Document]:
        """Yield all relationships, as `twins`."""
        return self.query(RELATIONSHIPS)

    async def query(self, text: str) -> AsyncIterator[Document]:
        """Yield the rows of a query."""
        first = query_page(text, None, None, PAGE)
        following = lambda token: query_page(text, None, token, PAGE)  # noqa: E731
        async for row in self._rows(first, following):
            yield row

    async def _rows(
        self,
        first: HttpCall[ListingPage[Document]],
        following: Callable[[str], HttpCall[ListingPage[Document]]],
    ) -> AsyncIterator[Document]:
        call: HttpCall[ListingPage[Document]] | None = first
        while call is not None:
            asked = call
            page = await self._patience.call(lambda: self._client.send(asked))  # noqa: B023
            for row in page.items:
                yield row
            call = None if page.following is None else following(page.following)
