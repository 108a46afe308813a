"""Exports of one graph: the state is fixed when one is opened, and read while it is written out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Generic

from kastor.errors import Gone, InvalidArgument, Unavailable
from kastor.jobs.exporting import lines, sections
from kastor.query.token import Position
from kastor.records import C
from kastor.storage.snapshots import SnapshotReads

if TYPE_CHECKING:
    from kastor.jobs.exporting.wanted import Wanted
    from kastor.query.compiled import Compiled
    from kastor.query.run import Runner
    from kastor.query.whole import Whole
    from kastor.records import Context
    from kastor.storage.protocol import Store
    from kastor.storage.transfer import Instant, Snapshot

ATTEMPTS = 3


class ExportService(Generic[C]):
    """Opens the exports of one graph."""

    def __init__(self, store: Store[C], runner: Runner) -> None:
        self._store = store
        self._runner = runner

    async def check(self, wanted: Wanted, context: Context) -> None:
        """See whether it can be exported, before a job is made of it.

        Raises:
            QueryError: the query is wrong, or none of one collection.
            InvalidArgument: settings of the past are wanted, which nobody knows.
        """
        _require_known(wanted, context)
        if wanted.query is not None:
            compiled = await self._runner.compiled(wanted.query, context)
            self._runner.whole(compiled, wanted.query)

    async def open(self, wanted: Wanted, context: Context) -> Export:
        """Fix the state that is exported; the caller reads the export to its end or closes it.

        Raises:
            QueryError: the query is wrong, or none of one collection.
            InvalidArgument: the change that is named is not there yet, or settings of the past are
                wanted, which nobody knows.
            Gone: the change log does not reach back to it any more, or the state is not kept.
            Unavailable: so many exports are open, there is no room, or models change too often.
        """
        _require_known(wanted, context)
        for _ in range(ATTEMPTS):
            async with AsyncExitStack() as stack:
                snapshot = await stack.enter_async_context(self._store.snapshot(context))
                if wanted.since is not None:
                    await _require_since(snapshot, wanted.since)
                rows = None
                if wanted.query is not None:
                    if context.at is None and await self._is_ahead(snapshot):
                        continue  # what is compiled now may read other models than are there
                    reads = SnapshotReads(snapshot)
                    rows = await _Rows.of(wanted.query, self._runner.over(reads), context)
                return Export(snapshot, wanted, rows, stack.pop_all())
        raise Unavailable("Models change too often to be exported now; try again.")

    async def _is_ahead(self, snapshot: Snapshot) -> bool:
        """Whether the models are others by now than those of a snapshot."""
        await self._store.refresh()
        return self._store.catalog.epoch != (await snapshot.identification()).model_epoch


class Export:
    """The bytes of one export, a portion at a time; closed at its end, or by `aclose`.

    Attributes:
        instant: the state that is exported.
    """

    def __init__(
        self, snapshot: Snapshot, wanted: Wanted, rows: _Rows | None, stack: AsyncExitStack
    ) -> None:
        self.instant: Instant = snapshot.instant
        self._parts = _parts(snapshot, wanted, rows)
        self._stack = stack

    def __aiter__(self) -> Export:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next whole lines.

        Raises:
            QueryTimeout, QueryError, Unavailable: what was returned so far is not whole.
        """
        try:
            return await anext(self._parts)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Let the snapshot go; doing so twice does no harm."""
        await self._parts.aclose()  # type: ignore[attr-defined]
        await self._stack.aclose()


class _Rows:
    """The rows of a query on a snapshot."""

    def __init__(
        self, text: str, kind: Whole, compiled: Compiled, runner: Runner, context: Context
    ) -> None:
        self.kind = kind
        self._text = text
        self._compiled = compiled
        self._runner = runner
        self._context = context

    @classmethod
    async def of(cls, text: str, runner: Runner, context: Context) -> _Rows:
        """Compile a query; raises QueryError."""
        kind, ordered = runner.whole(await runner.compiled(text, context), text)
        compiled = await runner.compiled(ordered, context)
        return cls(ordered, kind, compiled, runner, context)

    async def pages(self) -> AsyncIterator[bytes]:
        """Yield the JSON arrays of the rows."""
        top = self._compiled.plan.top
        position: Position | None = Position(self._text, sections.PORTION_ROWS, top, ())
        while position is not None:
            answer = await self._runner.page(self._compiled, position, self._context)
            yield answer.value
            position = answer.following


async def _parts(snapshot: Snapshot, wanted: Wanted, rows: _Rows | None) -> AsyncIterator[bytes]:
    yield lines.header()
    if rows is not None:
        yield lines.section("Twins" if rows.kind == "twin" else "Relationships")
        async for page in rows.pages():
            yield await asyncio.to_thread(sections.of_page, page, rows.kind, system=wanted.system)
        return
    for section in (sections.models, sections.twins, sections.relationships):
        async for part in section(snapshot, wanted):
            yield part
    if wanted.since is not None:
        async for part in sections.deleted(snapshot, wanted.since):
            yield part
    if wanted.kastor:
        for own in (sections.settings, sections.vectors):
            async for part in own(snapshot):
                yield part


def _require_known(wanted: Wanted, context: Context) -> None:
    if wanted.kastor and context.at is not None:
        raise InvalidArgument(
            "What routes, endpoints, inputs, indexes and vectors beside twins there were is not "
            "kept. Leave out kastor, or the instant."
        )


async def _require_since(snapshot: Snapshot, since: int) -> None:
    newest = snapshot.instant.position
    if since > newest:
        raise InvalidArgument(f"since is {since}, and the newest change has the number {newest}.")
    oldest = await snapshot.oldest_change()
    if since < newest and (oldest == 0 or oldest > since + 1):
        raise Gone(
            f"The change log reaches back to the number {oldest or newest + 1}, so what changed "
            f"after {since} is not known any more. Export the whole graph, and keep the log longer "
            "with log_days and log_bytes."
        )
