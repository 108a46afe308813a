# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Listings and queries, read page by page as they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from kastor.client.calls import HttpCall
    from kastor.client.pages import ListingPage, Next
    from kastor.client.synchronous.transport import Transport

T = TypeVar("T")


class Listing(Generic[T]):
    """Items of a listing or a query; iterate over it, or over its `pages()`.

    Nothing is asked before the first item is wanted, and each iteration asks anew.
    """

    def __init__(
        self, transport: Transport, first: HttpCall[ListingPage[T]], following: Next[T]
    ) -> None:
        self._transport, self._first, self._following = transport, first, following

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            for item in page.items:
                yield item

    def pages(self) -> Iterator[ListingPage[T]]:
        """Yield the pages as they come.

        Raises:
            ClientError: as of any call.
        """
        call: HttpCall[ListingPage[T]] | None = self._first
        while call is not None:
            page = self._transport.send(call)
            yield page
            call = None if page.following is None else self._following(page.following)

    def collect(self, most: int | None = None) -> list[T]:
        """Return all items, or the first of them."""
        found: list[T] = []
        for page in self.pages():
            found += page.items
            if most is not None and len(found) >= most:
                return found[:most]
        return found
