# Made from `asynchronous` by `python3 dev client`; do not edit.
"""What goes on for as long as somebody wants it: the events of a graph, the rows of a query."""

from __future__ import annotations

import time
from collections.abc import Iterator
from time import sleep
from typing import TYPE_CHECKING

from kastor.client import streams
from kastor.client.errors import (
    ClientError,
    ServerFailedError,
    TooManyRequestsError,
    UnreachableError,
)
from kastor.client.synchronous.download import Download

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.client.streams import FeedEvent, FeedPage, LiveUpdate
    from kastor.client.synchronous.transport import Transport

_FIRST, _LONGEST = 0.2, 5.0
"""Seconds before a stream that broke is opened again; each further wait is twice as long."""
_PASSING = (UnreachableError, ServerFailedError, TooManyRequestsError)


class Events:
    """The events of a graph; iterate to follow them, and each begins where it was made to.

    A connection that is lost is made again, and goes on after the last event that came: none is
    left out, none comes twice.
    """

    def __init__(
        self, transport: Transport, after: int | str | None, condition: str, patience: float
    ) -> None:
        self._transport = transport
        self._after, self._condition, self._patience = after, condition, patience

    def __iter__(self) -> Iterator[FeedEvent]:
        after = self._after if self._after not in (0, "0") else self._before_oldest()
        opened, pause, lived = False, _FIRST, time.monotonic()
        while True:
            call = streams.follow_events(after, self._condition)
            try:
                with self._transport.stream(call) as answer:
                    for told in Download(answer).events():
                        found = streams.feed_event(told)
                        if told.id:
                            after = streams.position_of(told)
                        opened, lived = True, time.monotonic()
                        if found is not None:
                            pause = _FIRST
                            yield found
            except _PASSING as error:
                self._require_patience(error, opened=opened, lived=lived)
            sleep(pause)
            pause = min(_LONGEST, 2 * pause)

    def _before_oldest(self) -> int:
        """Return the position before the oldest event that is kept; earlier ones are refused."""
        page = self._transport.send(streams.events_page(0, "true", 1))
        return page.following - len(page.events)

    def _require_patience(self, error: ClientError, *, opened: bool, lived: float) -> None:
        """Raise an error of a stream that never was there, or is away for too long."""
        if not opened or time.monotonic() - lived > self._patience:
            raise error

    def pages(self, *, page_size: int | None = None) -> Iterator[FeedPage]:
        """Yield what there is by now, from the oldest where no position was given, and end."""
        after: int | str = 0 if self._after is None else self._after
        while True:
            call = streams.events_page(after, self._condition, page_size)
            page = self._transport.send(call)
            if page.following == after and not page.events:
                return
            yield page
            after = page.following


class FollowedQuery:
    """The rows of a query, and what becomes of them; iterate to follow them."""

    def __init__(
        self, transport: Transport, text: str, parameters: Mapping[str, object] | None
    ) -> None:
        self._transport = transport
        self._text, self._parameters = text, parameters

    def __iter__(self) -> Iterator[LiveUpdate]:
        """Yield updates: the rows that there are, `ready`, and then each change.

        Raises:
            StreamRefusedError: the query cannot be followed any longer.
            UnreachableError: the connection is lost; begin again, with no rows.
        """
        call = streams.follow_query(self._text, self._parameters)
        with self._transport.stream(call) as answer:
            for told in Download(answer).events():
                if (update := streams.live_update(told)) is not None:
                    yield update
        raise UnreachableError("The server ended the live query. Begin again, with no rows.")
