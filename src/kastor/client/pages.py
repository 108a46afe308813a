"""Pages of listings and queries: what is on one, and the call of the next."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from kastor.client.calls import Document, HttpAnswer, HttpCall
from kastor.client.errors import UnexpectedAnswerError

T = TypeVar("T")
_MOST_EMPTY = 1_000
"""Pages without an item, one after another; queries that find little have some of them."""


@dataclass(frozen=True, slots=True)
class ListingPage(Generic[T]):
    """Some items.

    Attributes:
        following: the `nextLink` or the continuation token of the next page, as it came; None on
            the last one.
        charge: query units that the other side counted; None where it counts none.
        warnings: what Kastor says of a query besides, such as names that no model has.
        as_of: which state of the past it is of: `<time>; change=<n>`; empty: the present.
    """

    items: list[T]
    following: str | None
    charge: float | None = None
    warnings: tuple[str, ...] = ()
    as_of: str = ""


Next = Callable[[str], HttpCall[ListingPage[T]]]
"""Makes the call of the page that `following` of the one before leads to."""


def decode_page(answer: HttpAnswer) -> ListingPage[Document]:
    """Decode a page of the contract's form.

    Raises:
        UnexpectedAnswerError: it has none.
    """
    found = answer.json()
    items = found.get("value") if isinstance(found, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnexpectedAnswerError("The answer is no page of a listing.")
    following = found.get("nextLink") or found.get("continuationToken")
    return ListingPage(
        items,
        following if isinstance(following, str) else None,
        _charge(answer.headers.get("query-charge", "")),
        warnings_of(answer.headers.get("kastor-warning", "")),
        answer.headers.get("kastor-as-of", ""),
    )


def by_link(first: HttpCall[ListingPage[T]]) -> Next[T]:
    """Return what follows links: their query alone, so that no link leads a token elsewhere."""

    def following(link: str) -> HttpCall[ListingPage[T]]:
        try:
            query = parse_qs(urlsplit(link).query, keep_blank_values=True)
        except ValueError:
            query = {}
        if not query:
            raise UnexpectedAnswerError("The link to the next page leads nowhere.")
        return replace(first, query=query)

    return following


class PageGuard:
    """Ends a listing that goes round in circles, or on and on without an item."""

    def __init__(self) -> None:
        self._empty, self._seen, self._kept, self._until = 0, 0, "", 1

    def require_progress(self, page: ListingPage[T]) -> None:
        """Take a page; of links that repeat, however many, one is met again (Brent).

        Raises:
            UnexpectedAnswerError: there is no end to it.
        """
        self._empty = 0 if page.items else self._empty + 1
        if page.following is None:
            return
        if page.following == self._kept or self._empty > _MOST_EMPTY:
            raise UnexpectedAnswerError("The pages of the answer have no end: they repeat.")
        self._seen += 1
        if self._seen == self._until:
            self._kept, self._until = page.following, 2 * self._until


def warnings_of(header: str) -> tuple[str, ...]:
    """Return the warnings in a header: JSON strings between commas (decisions 5)."""
    try:
        found = json.loads(f"[{header}]")
    except (ValueError, RecursionError):
        return ()
    return tuple(each for each in found if isinstance(each, str))


def _charge(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
