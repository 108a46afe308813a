"""The past of one graph as clients ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from kastor.graph.instants import Named
from kastor.history.activity import Activity, read_activity
from kastor.history.entries import EntryPage, read_entries
from kastor.history.over_time import OverTime, QueryOverTime, ResultOverTime
from kastor.history.series import AHEAD, SeriesOf, SeriesPage, read_series
from kastor.history.spans import LAST_CHANGE, Span, read_span

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.service import GraphService
    from kastor.history.entries import Tracked
    from kastor.query.service import QueryService
    from kastor.records import Context
    from kastor.storage.protocol import Store


class HistoryService:
    """Reads versions and series; whole states are read by who reads the present, `at` an instant.

    What is kept of one thing is read however old it is, also where whole states of that age are
    gone: other things may be kept for a shorter time.
    """

    def __init__(
        self, store: Store[ModelCatalog], graph: GraphService, query: QueryService
    ) -> None:
        self._store, self._history = store, store.history
        self._over_time = QueryOverTime(graph, query)

    async def span(self, first: Named | None, last: Named | None, context: Context) -> Span:
        """Return what lies between two instants; see `read_span` for what is raised."""
        context.require_plain()
        return await read_span(self._history, first, last)

    async def source_span(self, first: Named | None, last: Named | None, context: Context) -> Span:
        """Return the same where times are those of sources, whose values may come much later.

        Raises:
            InvalidArgument: it begins in the future, or after its end.
        """
        asked = await self.span(first, last, context)
        if first is None:
            return structs.replace(asked, end=LAST_CHANGE)
        earlier = Named(time=max(0, asked.since - AHEAD))
        start = (await self.span(earlier, None, context)).start
        return Span(start, LAST_CHANGE, asked.since, asked.until)

    async def entries(
        self,
        thing: Tracked,
        span: Span,
        limit: int,
        context: Context,
        *,
        descending: bool,
        as_patch: bool,
    ) -> EntryPage:
        """Return versions of a twin or a relationship, and its deletions; see `read_entries`.

        Raises:
            NotFound: nothing of such an identity is known.
        """
        context.require_plain()
        return await read_entries(
            self._history, thing, span, limit, descending=descending, as_patch=as_patch
        )

    async def series(
        self, thing: Tracked, wanted: SeriesOf, limit: int, context: Context
    ) -> SeriesPage:
        """Return values of a property or of telemetry over time; see `read_series`.

        Raises:
            NotFound: nothing of such an identity is known.
            LimitExceeded: there is too much in a bucket, or to be sorted.
        """
        context.require_plain()
        return await read_series(self._history, thing, wanted, limit)

    async def activity(
        self, first: Named, last: Named | None, buckets: int, context: Context
    ) -> Activity:
        """Return how many changes there were over time; see `read_activity`."""
        context.require_plain()
        return await read_activity(self._history, first, last, buckets, self._store.ticker.now())

    async def query_series(self, wanted: OverTime, context: Context) -> ResultOverTime:
        """Return what a query finds as of one instant after another; see `QueryOverTime.open`."""
        return await self._over_time.open(wanted, self._store.ticker.now(), context)
