"""The client of a graph, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from kastor.client import many, operations, own, streams
from kastor.client.asynchronous.download import AsyncDownload
from kastor.client.asynchronous.following import AsyncEvents, AsyncFollowedQuery
from kastor.client.asynchronous.history import AsyncHistory
from kastor.client.asynchronous.jobs import AsyncDeletions, AsyncJobs
from kastor.client.asynchronous.models import AsyncModels
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.asynchronous.proposals import AsyncProposals
from kastor.client.asynchronous.relationships import AsyncRelationships
from kastor.client.asynchronous.routes import AsyncRoutes
from kastor.client.asynchronous.settings import (
    AsyncEndpoints,
    AsyncIndexes,
    AsyncInputs,
    AsyncServerGraphs,
)
from kastor.client.asynchronous.transport import AsyncTransport
from kastor.client.asynchronous.twins import AsyncTwins
from kastor.client.asynchronous.vectors import AsyncVectors
from kastor.client.errors import UnsendableError

if TYPE_CHECKING:
    from kastor.client.calls import Document, HttpCall
    from kastor.client.credentials import Credential
    from kastor.client.instants import Instant
    from kastor.client.job_state import JobState
    from kastor.client.many import BatchAnswer, TriedChange
    from kastor.client.pages import ListingPage
    from kastor.client.retries import Retries

T = TypeVar("T")


class AsyncKastorClient:
    """A graph of Kastor or of Azure Digital Twins.

    Threads of a program may share one, as may tasks of one event loop. Against Azure Digital Twins,
    what Kastor alone has is refused before anything is sent (NotAnnouncedError).

    Attributes:
        models, twins, relationships, routes: what the contract has, by its things.
        jobs, deletions: long work.
        endpoints, inputs, indexes, vectors: what a graph of Kastor is set up with.
        proposals: writes that wait for somebody's word.
        graphs: those of the server.
        history: the past of a graph of Kastor.
    """

    def __init__(
        self,
        url: str,
        credential: Credential | None = None,
        *,
        ca_file: Path | str | None = None,
        retries: Retries | None = None,
        seconds: float = 300.0,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: address of the server, or of a graph of it (`http://HOST/graphs/NAME`); a host name
                alone is https.
            credential: a token, a function that returns one, or a credential of `azure-identity`.
            ca_file: certificates to trust besides, for a server with `--tls-dev`.
            retries: how often and how patiently a call is tried again.
            seconds: between two parts of an answer, before it counts as lost.

        Raises:
            ValueError: the URL is none.
            OSError: the file of certificates cannot be read, or holds none.
        """
        transport = AsyncTransport(
            url, credential, ca_file=ca_file, retries=retries, seconds=seconds
        )
        self._use(transport)

    def _use(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self.models = AsyncModels(transport)
        self.twins = AsyncTwins(transport)
        self.relationships = AsyncRelationships(transport)
        self.routes = AsyncRoutes(transport)
        self.jobs = AsyncJobs(transport)
        self.deletions = AsyncDeletions(transport)
        self.endpoints = AsyncEndpoints(transport)
        self.inputs = AsyncInputs(transport)
        self.indexes = AsyncIndexes(transport)
        self.vectors = AsyncVectors(transport)
        self.proposals = AsyncProposals(transport)
        self.graphs = AsyncServerGraphs(transport)
        self.history = AsyncHistory(transport)

    @property
    def url(self) -> str:
        """The address of the graph, without a slash at its end."""
        return self._transport.address.graph

    def dry_run(self) -> AsyncKastorClient:
        """Return a client over the same connections whose writes are only tried.

        The other side has to announce that it has dry runs; one that does not would write.
        """
        return self._over(self._transport.trying())

    def graph(self, name: str) -> AsyncKastorClient:
        """Return a client over the same connections for another graph of the same server."""
        return self._over(self._transport.in_graph(name))

    def _over(self, transport: AsyncTransport) -> AsyncKastorClient:
        made = object.__new__(AsyncKastorClient)
        made._use(transport)
        return made

    async def features(self) -> frozenset[str]:
        """Return what the other side announces beyond the contract; nothing of Azure's."""
        return (await self._transport.features()).names

    async def status(self) -> Document:
        """Return what a graph of Kastor holds: version, engine, counts, sizes."""
        return await self._transport.send(own.status())

    async def search(
        self,
        text: str | None = None,
        *,
        kinds: Sequence[str] = (),
        limit: int | None = None,
        up_to: int | Literal["now"] | None = None,
        like: str | None = None,
        index: str | None = None,
        mode: Literal["auto", "words", "vector", "hybrid"] | None = None,
    ) -> Document:
        """Return what has a text in its id, name or values: `value` (best first), `more`, `lag`.

        With `like` twins that are near in meaning are found too, and each hit tells its `textRank`,
        `vectorRank` and `distance`; without a text they are found alone.

        Args:
            text: what to look for; parts of words will do.
            kinds: `twin`, `model`, `relationship`; all of them without.
            limit: the most hits, 20 without.
            up_to: what the answer has to include: a change of the log, or all until now; without it
                the last second may be missing.
            like: the id of a twin that hits are to be near to.
            index: the vector index by which they are; the only one without.
            mode: what they are ordered by; what is given without.
        """
        return await self._transport.send(
            own.search(text, kinds, limit, up_to, like=like, index=index, mode=mode)
        )

    async def access(self) -> Document:
        """Return who is let in, and which roles, rules and permissions there are."""
        return await self._transport.send(own.access())

    async def check_access(self, who: str, permission: str, graph: str = "default") -> Document:
        """Return whether somebody may do something, and why.

        Args:
            who: `token:NAME`, or what a token says, such as `role=NAME,group=ID`.
            permission: one of those that `access` lists.
            graph: where.
        """
        return await self._transport.send(own.check_access(who, permission, graph))

    async def me(self) -> Document:
        """Return who Kastor takes the caller for, and what that one may do on the graph."""
        return await self._transport.send(own.me())

    async def send(self, call: HttpCall[T]) -> T:
        """Return the result of a call that was made by hand (`kastor.client.calls`)."""
        return await self._transport.send(call)

    def query(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        page_size: int | None = None,
        as_of: Instant | None = None,
    ) -> AsyncListing[Document]:
        """Return the rows of a query, page by page as they are wanted.

        Args:
            text: of the query.
            parameters: values for each `$name` in it; Kastor alone takes them.
            page_size: how many rows are asked for at once.
            as_of: an instant, to ask the graph of then; Kastor alone has the past.
        """

        def page(token: str | None) -> HttpCall[ListingPage[Document]]:
            # Values that are too large for a token have to come again with it.
            return operations.query_page(text, parameters, token, page_size).at(as_of)

        return AsyncListing(self._transport, page(None), page)

    async def explain(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        as_of: Instant | None = None,
    ) -> Document:
        """Return how Kastor would run a query, which it does not do.

        Args:
            text: of the query.
            parameters: values for each `$name` in it.
            as_of: as of `query`.
        """
        return await self._transport.send(operations.explain(text, parameters).at(as_of))

    async def batch(
        self,
        operations: Sequence[Document],
        *,
        atomic: bool = False,
        operation_id: str | None = None,
    ) -> BatchAnswer:
        """Do many writes in one request, in their order, and return what became of each.

        Args:
            operations: as `kastor.client.writes` makes them (`docs/how-to/change-many.md`).
            atomic: whether all are done or none.
            operation_id: an id of the batch that is used once. With it a batch whose answer is lost
                is sent again, and nothing is applied twice; the answer is kept for a day.

        Raises:
            BatchRefusedError: it is atomic, and an operation was refused; none was applied.
        """
        call = many.batch(operations, atomic=atomic, operation_id=operation_id)
        return await self._transport.send(call)

    async def update_many(
        self,
        query: str,
        patch: Sequence[Document],
        *,
        expect: int | None = None,
        at_most: int | None = None,
        parameters: Mapping[str, object] | None = None,
        operation_id: str | None = None,
    ) -> JobState:
        """Begin to patch all twins or relationships that a query selects; `jobs.wait` waits for it.

        Args:
            query: which selects whole twins or relationships, or their ids.
            patch: a JSON Patch for each of them.
            expect: how many there are; another number changes nothing.
            at_most: how many there may be; one of the two is needed.
            parameters: values for each `$name` in the query.
            operation_id: the id of the job; with it a connection that is lost is no matter.

        Raises:
            ConflictError: there is another number of them (`CountMismatch`).
        """
        self._require_job("try_update_many")
        bound = many.bound_of(expect, at_most)
        return await self._transport.send(
            many.update(query, patch, parameters, bound, operation_id)
        )

    async def delete_many(
        self,
        query: str,
        *,
        expect: int | None = None,
        at_most: int | None = None,
        parameters: Mapping[str, object] | None = None,
        operation_id: str | None = None,
    ) -> JobState:
        """Begin to delete all twins or relationships that a query selects, as `update_many`."""
        self._require_job("try_delete_many")
        bound = many.bound_of(expect, at_most)
        return await self._transport.send(many.delete(query, parameters, bound, operation_id))

    async def try_update_many(
        self,
        query: str,
        patch: Sequence[Document],
        *,
        expect: int | None = None,
        at_most: int | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> TriedChange:
        """Return what `update_many` would do; nothing is changed."""
        bound = many.bound_of(expect, at_most)
        return await self._transport.trying().send(many.try_update(query, patch, parameters, bound))

    async def try_delete_many(
        self,
        query: str,
        *,
        expect: int | None = None,
        at_most: int | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> TriedChange:
        """Return what `delete_many` would do; nothing is changed."""
        bound = many.bound_of(expect, at_most)
        return await self._transport.trying().send(many.try_delete(query, parameters, bound))

    @asynccontextmanager
    async def export(
        self,
        *,
        query: str | None = None,
        since: int | None = None,
        with_settings: bool = False,
        with_system: bool = False,
        as_of: Instant | None = None,
    ) -> AsyncIterator[AsyncDownload]:
        """Return a block in which one state of the graph is read as the contract's import file.

        Args:
            query: whose rows alone are exported: whole twins or relationships of one collection.
            since: the number of a change, to export only what changed after it.
            with_settings: whether routes, endpoints, inputs, indexes and vectors come too.
            with_system: whether ETags and times come too.
            as_of: an instant, to export the graph of then.
        """
        flags = {"kastor": with_settings, "system": with_system}
        call = streams.export(query, since, flags).at(as_of)
        async with self._transport.stream(call) as answer:
            yield AsyncDownload(answer)

    @asynccontextmanager
    async def backup(self) -> AsyncIterator[AsyncDownload]:
        """Return a block in which a backup of all graphs of the server is read, as a tar."""
        async with self._transport.stream(streams.backup()) as answer:
            yield AsyncDownload(answer)

    def events(
        self,
        *,
        after: int | str | None = None,
        condition: str = "true",
        patience: float = 60.0,
    ) -> AsyncEvents:
        """Return the events of the graph: iterate to follow them, or over its `pages()`.

        Args:
            after: a position of the feed, or a time; 0 is before the oldest event that is kept.
                Without one only what comes from now on is followed.
            condition: a filter as of an event route.
            patience: seconds for which a server that went away is waited for.
        """
        return AsyncEvents(self._transport, after, condition, patience)

    def live(self, text: str, parameters: Mapping[str, object] | None = None) -> AsyncFollowedQuery:
        """Return the rows of a query and what becomes of them: iterate to follow them."""
        return AsyncFollowedQuery(self._transport, text, parameters)

    async def reset(self) -> None:
        """Empty the graph, on a server that was started with `--allow-reset`."""
        await self._transport.send(own.reset())

    def _require_job(self, instead: str) -> None:
        if self._transport.is_dry_run:
            raise UnsendableError(f"A dry run of this is no job: use {instead}.")

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
