# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Listings and queries, read page by page as they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from kastor.client.frames import pandas_of, polars_of
from kastor.client.pages import PageGuard

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

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
        guard = PageGuard()
        while call is not None:
            page = self._transport.send(call)
            guard.require_progress(page)
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

    def to_pandas(self, most: int | None = None) -> pd.DataFrame:
        """Return all items, or the first of them, as a table of pandas: a column for each member.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return pandas_of(self.collect(most))

    def to_polars(self, most: int | None = None) -> pl.DataFrame:
        """Return all items, or the first of them, as a table of polars: a column for each member.

        A column whose values are of several kinds holds their JSON texts.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return polars_of(self.collect(most))
