"""What goes on for as long as somebody wants it: the events of a graph, the rows of a query."""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kastor.client import streams
from kastor.client.asynchronous.download import AsyncDownload
from kastor.client.errors import (
    ClientError,
    ServerFailedError,
    TooManyRequestsError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.streams import FeedEvent, FeedPage, LiveUpdate

_FIRST, _LONGEST = 0.2, 5.0
"""Seconds before a stream that broke is opened again; each further wait is twice as long."""
_PASSING = (UnreachableError, ServerFailedError, TooManyRequestsError)


class AsyncEvents:
    """The events of a graph; iterate to follow them, and each begins where it was made to.

    A connection that is lost is made again, and goes on after the last event that came: none is
    left out, none comes twice.
    """

    def __init__(
        self, transport: AsyncTransport, after: int | str | None, condition: str, patience: float
    ) -> None:
        self._transport = transport
        self._after, self._condition, self._patience = after, condition, patience

    async def __aiter__(self) -> AsyncIterator[FeedEvent]:
        after = self._after if self._after not in (0, "0") else await self._before_oldest()
        opened, pause, lived = False, _FIRST, time.monotonic()
        while True:
            call = streams.follow_events(after, self._condition)
            try:
                async with self._transport.stream(call) as answer:
                    async for told in AsyncDownload(answer).events():
                        found = streams.feed_event(told)
                        if told.id:
                            after = streams.position_of(told)
                        opened, lived = True, time.monotonic()
                        if found is not None:
                            pause = _FIRST
                            yield found
            except _PASSING as error:
                self._require_patience(error, opened=opened, lived=lived)
            await sleep(pause)
            pause = min(_LONGEST, 2 * pause)

    async def _before_oldest(self) -> int:
        """Return the position before the oldest event that is kept; earlier ones are refused."""
        page = await self._transport.send(streams.events_page(0, "true", 1))
        return page.following - len(page.events)

    def _require_patience(self, error: ClientError, *, opened: bool, lived: float) -> None:
        """Raise an error of a stream that never was there, or is away for too long."""
        if not opened or time.monotonic() - lived > self._patience:
            raise error

    async def pages(self, *, page_size: int | None = None) -> AsyncIterator[FeedPage]:
        """Yield what there is by now, from the oldest where no position was given, and end."""
        after: int | str = 0 if self._after is None else self._after
        while True:
            call = streams.events_page(after, self._condition, page_size)
            page = await self._transport.send(call)
            if page.following == after and not page.events:
                return
            yield page
            after = page.following


class AsyncFollowedQuery:
    """The rows of a query, and what becomes of them; iterate to follow them."""

    def __init__(
        self, transport: AsyncTransport, text: str, parameters: Mapping[str, object] | None
    ) -> None:
        self._transport = transport
        self._text, self._parameters = text, parameters

    async def __aiter__(self) -> AsyncIterator[LiveUpdate]:
        """Yield updates: the rows that there are, `ready`, and then each change.

        Raises:
            StreamRefusedError: the query cannot be followed any longer.
            UnreachableError: the connection is lost; begin again, with no rows.
        """
        call = streams.follow_query(self._text, self._parameters)
        async with self._transport.stream(call) as answer:
            async for told in AsyncDownload(answer).events():
                if (update := streams.live_update(told)) is not None:
                    yield update
        raise UnreachableError("The server ended the live query. Begin again, with no rows.")
