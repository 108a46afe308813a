"""The result of a query as of one instant after another, as it is read."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from kastor.errors import InvalidArgument, LimitExceeded, QueryTimeout
from kastor.graph.instants import Named
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.graph.service import GraphService
    from kastor.query.service import QueryService
    from kastor.records import AsOf, Context
    from kastor.types import Ticks

PAGE_ROWS = 1_000
KEPT_BYTES = 1_048_576
"""Of a result that is told again at the next instant without being asked for, as nothing changed
in between."""


class OverTimeLimits(Struct, frozen=True):
    """Bounds of one series: instants, seconds in all, rows, and bytes of them."""

    instants: int = 10_000
    seconds: float = 3_600.0
    rows: int = 10_000_000
    size: int = 4_294_967_296


class OverTime(Struct, frozen=True):
    """A query, and as of which instants it is asked.

    Attributes:
        text: of the query.
        parameters: values for `$name` in it, as a body holds them.
        first: the first instant.
        last: no instant is after it; None: now.
        step: from one instant to the next, in ticks.
    """

    text: str
    parameters: Any  # any: what a body holds, read by the query's service
    first: Named
    last: Named | None
    step: Ticks


class RowsAt(Struct, frozen=True):
    """Some rows of the result as of an instant, each as JSON text; there may be more of them."""

    at: AsOf
    rows: Sequence[bytes]


class ResultOverTime:
    """What a query finds as of each instant, in their order; closed at its end or by `aclose`.

    Attributes:
        columns: the members of a row, in order; None where rows are whole documents.
        warnings: what is said of the query besides.
    """

    def __init__(
        self,
        columns: tuple[str, ...] | None,
        warnings: tuple[str, ...],
        found: AsyncGenerator[RowsAt, None],
    ) -> None:
        self.columns, self.warnings = columns, warnings
        self._found = found
        self._first: RowsAt | None = None

    async def begin(self) -> None:
        """Read the first rows, so that what is wrong is known before anything is told."""
        self._first = await anext(self._found, None)

    def __aiter__(self) -> ResultOverTime:
        """Return itself."""
        return self

    async def __anext__(self) -> RowsAt:
        """Return the next rows.

        Raises:
            QueryError, QueryTimeout, LimitExceeded, Gone, Unavailable: what came so far is not
                whole.
        """
        first, self._first = self._first, None
        return await anext(self._found) if first is None else first

    async def aclose(self) -> None:
        """Ask for nothing more; doing so twice does no harm."""
        await self._found.aclose()


class QueryOverTime:
    """Asks the queries of one graph over time."""

    def __init__(
        self, graph: GraphService, query: QueryService, limits: OverTimeLimits | None = None
    ) -> None:
        self._graph, self._query = graph, query
        self._limits = limits or OverTimeLimits()

    async def open(self, wanted: OverTime, now: Ticks, context: Context) -> ResultOverTime:
        """Return the result over time; its first rows are read already.

        Args:
            wanted: the query and its instants.
            now: the time at which it is asked.
            context: who asks.

        Raises:
            QueryError: the query is wrong.
            InvalidArgument: the span begins in the future, or after its end.
            Gone: its beginning is not kept any more.
            LimitExceeded: there are too many instants.
        """
        context.require_plain()
        last, begin = await self._last(wanted.last, now), wanted.first.time
        if begin is not None and begin <= last:
            self._instants(begin, last, wanted.step)  # too many are too many, kept or not
        first = await self._graph.at(wanted.first)
        instants = self._instants(first.time, last, wanted.step)
        then = structs.replace(context, at=first)
        given = self._query.given(wanted.parameters, strict=False)
        compiled = await self._query.runner.compiled(wanted.text, then, given=given)
        plan = compiled.plan
        columns = None if plan.columns is None else tuple(each.key for each in plan.columns)
        every = self._all(wanted, first, instants, context)
        found = ResultOverTime(columns, compiled.warnings, every)
        await found.begin()
        return found

    async def _last(self, last: Named | None, now: Ticks) -> Ticks:
        if last is None:
            return now
        if last.time is None:
            return (await self._graph.at(last)).time
        return min(last.time, now)

    def _instants(self, first: Ticks, last: Ticks, step: Ticks) -> range:
        if first > last:
            raise InvalidArgument("from lies after to; exchange the two.")
        found = range(first, last + 1, step)
        if len(found) > self._limits.instants:
            raise LimitExceeded(
                f"This asks the query as of {counted(len(found), 'instant')}; at most "
                f"{self._limits.instants} are possible. Ask for longer buckets or a shorter time."
            )
        return found

    async def _all(
        self, wanted: OverTime, first: AsOf, instants: Sequence[Ticks], context: Context
    ) -> AsyncGenerator[RowsAt, None]:
        until = time.monotonic() + self._limits.seconds
        rows = size = 0
        kept: list[bytes] | None = None
        before = -1
        for instant in instants:
            at = first if instant == first.time else await self._graph.at(Named(time=instant))
            if at.change == before and kept is not None:
                again = RowsAt(at, kept)
                rows, size = self._count(again, rows, size, until)
                yield again
                continue
            kept, before, told = [], at.change, 0
            async with aclosing(self._at(wanted, structs.replace(context, at=at))) as pages:
                async for page in pages:
                    found = RowsAt(at, page)
                    rows, size = self._count(found, rows, size, until)
                    told += sum(map(len, page))
                    kept = None if kept is None or told > KEPT_BYTES else [*kept, *page]
                    yield found

    async def _at(self, wanted: OverTime, context: Context) -> AsyncGenerator[list[bytes], None]:
        token = None
        while True:
            page = await self._query.run(
                wanted.text,
                context,
                token=token,
                max_items=PAGE_ROWS,
                parameters=wanted.parameters,
            )
            # Whoever made the page joined the rows so (`kastor.query.pages`).
            inside = page.value[1:-1]
            yield [row.translate(None, b"\r\n") for row in inside.split(b",\n") if row]
            token = page.continuation
            if token is None:
                return

    def _count(self, found: RowsAt, rows: int, size: int, until: float) -> tuple[int, int]:
        limits = self._limits
        if time.monotonic() > until:
            raise QueryTimeout(
                f"The series took more than {counted(limits.seconds, 'second')} and was ended. "
                "Ask for longer buckets or a shorter time."
            )
        rows += len(found.rows)
        size += sum(map(len, found.rows))
        if rows > limits.rows or size > limits.size:
            raise LimitExceeded(
                f"The series has more than {counted(limits.rows, 'row')} or "
                f"{counted(limits.size, 'byte')} and was ended. "
                "Ask for less at each instant, for longer buckets or a shorter time."
            )
        return rows, size
