"""The past of a graph of Kastor: versions, series, differences, and the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kastor.client import history_calls
from kastor.client.asynchronous.download import AsyncDownload
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.errors import UnsendableError
from kastor.client.history_calls import Between, Buckets, GoingBack
from kastor.client.lines import decoded
from kastor.client.pages import by_link

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document, HttpCall
    from kastor.client.instants import Instant
    from kastor.client.job_state import JobState
    from kastor.client.pages import ListingPage


class AsyncHistory:
    """The past of a graph; each method raises ClientError as of any call.

    An instant is a time with a zone, as text or datetime, or the number of a change. Whole states
    of the past are read by `as_of` of the methods that read the present.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def twin(
        self,
        twin: str,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        as_patches: bool = False,
        newest_first: bool = False,
        page_size: int | None = None,
    ) -> AsyncListing[Document]:
        """Return the versions of a twin, also of one that is deleted, its deletions included.

        Args:
            twin: its id.
            start: from this instant on.
            end: until this one; both are included.
            as_patches: whether each is a patch of the one before, and not the whole document.
            newest_first: whether the newest comes first.
            page_size: how many are asked for at once.
        """
        place = history_calls.twin_place(twin)
        return self._entries(place, Between(start, end), as_patches, newest_first, page_size)

    def relationship(
        self,
        source: str,
        relationship: str,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        as_patches: bool = False,
        newest_first: bool = False,
        page_size: int | None = None,
    ) -> AsyncListing[Document]:
        """Return the versions of a relationship of its source twin, as `twin`."""
        place = history_calls.relationship_place(source, relationship)
        return self._entries(place, Between(start, end), as_patches, newest_first, page_size)

    def series(
        self,
        twin: str,
        path: str,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        bucket: str | None = None,
        aggregates: Sequence[str] = (),
        by_source_time: bool = False,
        page_size: int | None = None,
    ) -> AsyncListing[Document]:
        """Return the values of a property over time, or what stretches of time hold of them.

        Args:
            twin: its id.
            path: JSON Pointer of the property, such as `/temperature` or `/thermostat/setPoint`.
            start: from this instant on.
            end: until this one; both are included.
            bucket: length of the stretches, such as `15m`; None for the values themselves.
            aggregates: what of `avg`, `min`, `max`, `last` and `count` is told of each; all of
                them without.
            by_source_time: whether times are those that the sources gave.
            page_size: how many are asked for at once.
        """
        call = history_calls.series(
            history_calls.twin_place(twin),
            path,
            Between(start, end),
            Buckets(bucket, aggregates, by_source_time),
            page_size,
        )
        return self._listing(call)

    def relationship_series(
        self,
        source: str,
        relationship: str,
        path: str,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        bucket: str | None = None,
        aggregates: Sequence[str] = (),
        page_size: int | None = None,
    ) -> AsyncListing[Document]:
        """Return the values of a relationship's property over time, as `series`."""
        call = history_calls.series(
            history_calls.relationship_place(source, relationship),
            path,
            Between(start, end),
            Buckets(bucket, aggregates),
            page_size,
        )
        return self._listing(call)

    def telemetry(
        self,
        twin: str,
        path: str = "",
        *,
        component: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        bucket: str | None = None,
        aggregates: Sequence[str] = (),
        by_source_time: bool = False,
        page_size: int | None = None,
    ) -> AsyncListing[Document]:
        """Return values of a twin's telemetry over time, where it is kept; see `series`.

        Args:
            twin: its id.
            path: JSON Pointer into each message; the whole message without one.
            component: that sent it; None for the twin itself.
            start: from this instant on.
            end: until this one; both are included.
            bucket: as of `series`.
            aggregates: as of `series`.
            by_source_time: as of `series`.
            page_size: how many are asked for at once.
        """
        between, buckets = Between(start, end), Buckets(bucket, aggregates, by_source_time)
        call = history_calls.telemetry_series(twin, path, component, between, buckets, page_size)
        return self._listing(call)

    async def query_series(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        start: Instant,
        bucket: str,
        end: Instant | None = None,
    ) -> AsyncIterator[Document]:
        """Yield the rows of a query as of one instant after another: `time`, `change`, `row`.

        Args:
            text: of the query.
            parameters: values for each `$name` in it.
            start: the first instant.
            bucket: from one instant to the next, such as `1h`.
            end: no instant is after it; now without one.

        Raises:
            UnreachableError: the answer ended before it was whole.
        """
        between = Between(start, end)
        call = history_calls.query_series(text, parameters, between, bucket, as_csv=False)
        async for line in self._lines(call):
            yield line

    @asynccontextmanager
    async def query_series_csv(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        start: Instant,
        bucket: str,
        end: Instant | None = None,
    ) -> AsyncIterator[AsyncDownload]:
        """Return a block in which the same is read as CSV; the query has to name its columns."""
        between = Between(start, end)
        call = history_calls.query_series(text, parameters, between, bucket, as_csv=True)
        async with self._transport.stream(call) as answer:
            yield AsyncDownload(answer)

    async def differences(
        self,
        start: Instant,
        end: Instant | None = None,
        *,
        query: str | None = None,
        as_documents: bool = False,
    ) -> AsyncIterator[Document]:
        """Yield what differs between two instants, in order of id (docs/reference/differences.md).

        Args:
            start: the older one.
            end: the newer one; now without it.
            query: whose result alone is compared.
            as_documents: whether what changed comes as both documents, and not as a patch.
        """
        between = Between(start, end)
        call = history_calls.differences(between, query, as_documents=as_documents)
        async for line in self._lines(call):
            yield line

    async def revert(
        self,
        as_of: Instant,
        *,
        twin: str | None = None,
        query: str | None = None,
        parameters: Mapping[str, object] | None = None,
        atomic: bool = False,
        operation_id: str | None = None,
    ) -> JobState:
        """Begin to go back to an instant by ordinary writes; `jobs.wait` waits for its end.

        Args:
            as_of: the instant.
            twin: the one that goes back, with its relationships; or
            query: whose result does; neither: the whole graph.
            parameters: values for each `$name` in the query.
            atomic: whether all is done or nothing.
            operation_id: the id of the job; with it a connection that is lost is no matter.
        """
        if self._transport.is_dry_run:
            raise UnsendableError("A dry run of this is no job: use try_revert.")
        wanted = GoingBack(as_of, twin, query, parameters, atomic)
        return await self._transport.send(history_calls.revert(wanted, operation_id))

    async def try_revert(
        self,
        as_of: Instant,
        *,
        twin: str | None = None,
        query: str | None = None,
        parameters: Mapping[str, object] | None = None,
        atomic: bool = False,
    ) -> AsyncIterator[Document]:
        """Yield what `revert` would change, as `differences` does; nothing is changed."""
        call = history_calls.try_revert(GoingBack(as_of, twin, query, parameters, atomic))
        async with self._transport.trying().stream(call) as answer:
            async for line in AsyncDownload(answer).lines():
                yield decoded(line)

    async def status(self) -> Document:
        """Return what is kept of the past, and how much of it is to be kept."""
        return await self._transport.send(history_calls.history_status())

    async def configure(self, settings: Document) -> Document:
        """Set how much of the past is kept (`docs/reference/history.md`), and return it."""
        return await self._transport.send(history_calls.put_history_settings(settings))

    def _entries(
        self,
        place: str,
        between: Between,
        as_patches: bool,
        newest_first: bool,
        page_size: int | None,
    ) -> AsyncListing[Document]:
        call = history_calls.entries(
            place, between, as_patches=as_patches, newest_first=newest_first, size=page_size
        )
        return self._listing(call)

    def _listing(self, first: HttpCall[ListingPage[Document]]) -> AsyncListing[Document]:
        return AsyncListing(self._transport, first, by_link(first))

    async def _lines(self, call: HttpCall[None]) -> AsyncIterator[Document]:
        async with self._transport.stream(call) as answer:
            async for line in AsyncDownload(answer).lines():
                yield decoded(line)
