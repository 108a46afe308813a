"""Pages of listings and queries: what is on one, and the call of the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from kastor.client.calls import Document, HttpAnswer, HttpCall
from kastor.client.errors import UnexpectedAnswerError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListingPage(Generic[T]):
    """Some items.

    Attributes:
        following: the `nextLink` or the continuation token of the next page, as it came; None on
            the last one.
        charge: query units that the other side counted; None where it counts none.
    """

    items: list[T]
    following: str | None
    charge: float | None = None


Next = Callable[[str], HttpCall[ListingPage[T]]]
"""Makes the call of the page that `following` of the one before leads to."""


def decode_page(answer: HttpAnswer) -> ListingPage[Document]:
    """Decode a page of the contract's form.

    Raises:
        UnexpectedAnswerError: it has none.
    """
    found = answer.json()
    if not isinstance(found, dict) or not isinstance(found.get("value"), list):
        raise UnexpectedAnswerError("The answer is no page of a listing.")
    following = found.get("nextLink") or found.get("continuationToken")
    charge = answer.headers.get("query-charge")
    return ListingPage(
        found["value"],
        following if isinstance(following, str) else None,
        None if charge is None else float(charge),
    )


def by_link(first: HttpCall[ListingPage[T]]) -> Next[T]:
    """Return what follows links: their query alone, so that no link leads a token elsewhere."""

    def following(link: str) -> HttpCall[ListingPage[T]]:
        return replace(first, query=parse_qs(urlsplit(link).query, keep_blank_values=True))

    return following
