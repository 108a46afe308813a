"""The query road from text to page: parse, plan, compile, run, shape, sign the next position.

The only module of this package that waits for anything; all it awaits is its `Reader`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kastor.query.settings import ADT_SETTINGS, QuerySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.query.models import ModelIndex

__all__ = ["ADT_SETTINGS", "Page", "QueryService", "QuerySettings", "Reader"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result.

    Attributes:
        value: the JSON array of rows, as UTF-8 text.
        continuation: the token of the next page; None on the last one.
        charge: the estimate for the ``query-charge`` header (spec query-language 3).
        rows: how many rows `value` holds.
    """

    value: bytes
    continuation: str | None
    charge: float
    rows: int


class Reader(Protocol):
    """Runs a statement on a connection that sees committed state; the store implements it.

    Both raise `kastor.errors.QueryTimeout` when `timeout` seconds have passed.
    """

    async def fetch_one(
        self, sql: str, params: Sequence[object], *, timeout: float
    ) -> tuple[object, ...] | None:
        """The first row, or None."""
        ...

    async def fetch_all(
        self, sql: str, params: Sequence[object], *, timeout: float
    ) -> list[tuple[object, ...]]:
        """All rows."""
        ...


class QueryService:
    """Runs query texts against one graph."""

    def __init__(
        self,
        reader: Reader,
        models: Callable[[], ModelIndex],
        signing_key: bytes,
        settings: QuerySettings,
    ) -> None:
        self._reader = reader
        self._models = models
        self._key = signing_key
        self._settings = settings

    async def run(
        self,
        text: str | None,
        *,
        token: str | None = None,
        max_items: int | None = None,
        strict: bool = False,
    ) -> Page:
        """The first page of `text`, or with a `token` the page that it names (text is ignored then).

        Raises:
            QueryError: the text is wrong, or a limit is exceeded.
            BadRequest: no text and no token, or a token that cannot be read.
            QueryTimeout: it took too long.
        """
        raise NotImplementedError
