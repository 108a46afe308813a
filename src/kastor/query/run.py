"""From a query to what it finds: compile, state, run, cut. The one way from a plan to its rows.

Pages, EXPLAIN and live queries all go through a `Runner`, and nothing else calls a `Reader`: what
is to hold for every query, whoever asks, has one place.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

import msgspec

from kastor.errors import BadRequest, CatalogChanged, Forbidden, QueryTimeout, QueryTooLarge
from kastor.query.compiled import Asked, Compiled, Compiler, ask, parse_limits
from kastor.query.distances import mentions_distance
from kastor.query.explain import advice, as_json
from kastor.query.pages import Found, Keys, cut_page, join_page
from kastor.query.plan import Plan, Truth
from kastor.query.sql.parameters import filled
from kastor.query.sql.tables import NOW, unknown
from kastor.query.sql.views import view_of
from kastor.query.whole import Whole, by_identity, kind_of
from kastor.storage.limits import MAX_BYTES, too_long

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.query.compiled import PlanTally
    from kastor.query.given import Given
    from kastor.query.models import ModelIndex
    from kastor.query.settings import QuerySettings
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.statement import Sql
    from kastor.query.token import Position
    from kastor.records import AsOf, Context, Since
    from kastor.storage.vectors import VectorIndexRow

_NEVER = Truth(value=False)
_QUICK_TEXT = 2_000
"""Characters of a query that are compiled at once; longer ones in a thread."""
_THREADS = 2
_LEAST_SECONDS = 0.01

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of what a query finds.

    Attributes:
        value: the JSON array of rows, as UTF-8 text.
        rows: how many `value` holds.
        following: where the next page begins; None on the last one.
    """

    value: bytes
    rows: int
    following: Position | None = None


LookUp: TypeAlias = "Callable[[str, Sequence[object], Context], tuple[object, ...] | None]"


class Reader(Protocol):
    """Runs a statement on a connection that sees committed state; the store implements it.

    All that take a `timeout` raise `kastor.errors.QueryTimeout` when so many seconds have passed.
    """

    @property
    def look_up(self) -> LookUp | None:
        """Gives the first row of a statement at once, on the event loop; None if that cannot be.

        Only for statements whose plan `is_look_up`: nothing else waits meanwhile, and nothing ends
        them.
        """
        ...

    async def fetch_one(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> tuple[object, ...] | None:
        """The first row, or None."""
        ...

    async def fetch_all(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float
    ) -> list[tuple[object, ...]]:
        """All rows."""
        ...

    async def fetch_some(
        self, sql: str, params: Sequence[object], context: Context, *, timeout: float, most: int
    ) -> tuple[list[tuple[object, ...]], bool]:
        """Rows until their texts have `most` bytes, and whether there are more.

        Raises:
            QueryTooLarge: the first row alone is too large.
        """
        ...


class KnownVectors(Protocol):
    """Which vector indexes there are."""

    def known(self) -> tuple[VectorIndexRow, ...]:
        """Those that this process knows."""
        ...

    async def refresh(self) -> object:
        """Look which there are."""
        ...


class Runner:
    """Compiles queries over one graph and runs them.

    `indexes` tells the paths of twins that have a property index at the moment; `dialect` is the
    engine's. `refresh` brings `models` up to date where others change them too. `since` tells what
    became of a past state, which may be more at any time.

    Whatever runs a statement raises QueryTimeout when it takes too long, and CatalogChanged when
    the models, or what became of a past state, are others than those that it was compiled for:
    compile again then.
    """

    def __init__(
        self,
        reader: Reader,
        models: Callable[[], ModelIndex],
        settings: QuerySettings,
        *,
        dialect: Dialect,
        indexes: Callable[[], frozenset[tuple[str | int, ...]]] = frozenset,
        refresh: Callable[[], Awaitable[None]] | None = None,
        since: Callable[[AsOf], Since] = unknown,
        vectors: KnownVectors | None = None,
        compiler: Compiler | None = None,
    ) -> None:
        self._reader = reader
        self._models = models
        self._settings = settings
        self._indexes = indexes
        self._refresh = refresh
        self._since = since
        self._vectors = vectors
        self._dialect = dialect
        self._compiler = compiler or Compiler(settings, dialect)
        self._threads = asyncio.Semaphore(_THREADS)

    def use(self, settings: QuerySettings) -> None:
        """Keep to other limits of pages and time from now on; those of texts stay."""
        self._settings = settings

    @property
    def plans(self) -> PlanTally:
        """How compiled queries were used."""
        return self._compiler.tally

    @property
    def waits(self) -> bool:
        """Whether every query has to be waited for."""
        return self._reader.look_up is None

    def over(self, reader: Reader) -> Runner:
        """One that asks another reader of the same graph, whose models are those of now.

        What is compiled is shared. The reader's state stays, so what is known of a past state when
        it is first asked for holds to the end.
        """
        known: dict[int, Since] = {}
        return Runner(
            reader,
            self._models,
            self._settings,
            dialect=self._dialect,
            indexes=self._indexes,
            since=lambda at: known.setdefault(at.change, self._since(at)),
            vectors=self._vectors,
            compiler=self._compiler,
        )

    # To a compiled query

    def whole(self, compiled: Compiled, text: str) -> tuple[Whole, str]:
        """What the rows of a query are, and its text in order of their identities.

        Raises:
            QueryError: they are not whole twins or relationships, or a window has no order.
        """
        plan = compiled.plan
        return kind_of(plan), by_identity(text, plan, parse_limits(self._settings))

    async def compiled(
        self,
        text: str,
        context: Context,
        *,
        strict: bool = False,
        given: Given | None = None,
        resumes: bool = False,
        indexed: frozenset[tuple[str | int, ...]] | None = None,
    ) -> Compiled:
        """The compiled query with the statement that is wanted of it; made in a thread if long.

        Its statements read what the `context` sees. `indexed` are the property indexes that may
        lead its order, None for those there are; `resumes` wants the statement of the pages behind
        the first.

        Raises:
            QueryError: the text is wrong, or a limit is exceeded.
        """
        if self._vectors is not None and mentions_distance(text):
            await self._vectors.refresh()  # another process may have made one
        asked = self._asked(text, context, strict=strict, given=given, indexed=indexed)
        self._compiler.tally.used += 1
        known = self._compiler.find(asked)
        if known is not None and known.has(resumes=resumes):
            return known
        made = await self._off_loop(asked.size, lambda: self._make(asked, known, resumes=resumes))
        self._compiler.keep(asked, made)
        return made

    def ready(
        self, text: str, context: Context, *, strict: bool = False, given: Given | None = None
    ) -> Compiled | None:
        """The compiled query for a first page, unless making it would take long."""
        asked = self._asked(text, context, strict=strict, given=given)
        known = self._compiler.find(asked)
        if known is not None and known.has(resumes=False):
            return known
        if asked.size > _QUICK_TEXT:
            return None
        made = self._make(asked, known, resumes=False)
        self._compiler.keep(asked, made)
        return made

    def _make(self, asked: Asked, known: Compiled | None, *, resumes: bool) -> Compiled:
        """The compiled query with the statement that is wanted; in whichever thread."""
        made = known or self._compiler.make(asked)
        _ = made.next() if resumes else made.first()
        return made

    def _asked(
        self,
        text: str,
        context: Context,
        *,
        strict: bool,
        given: Given | None,
        indexed: frozenset[tuple[str | int, ...]] | None = None,
    ) -> Asked:
        return ask(
            text,
            self._models_of(context),
            strict=strict or self._settings.strict,
            indexed=self._indexes() if indexed is None else indexed,
            view=view_of(context, self._since),
            given=given,
            vectors=()
            if self._vectors is None or not mentions_distance(text)
            else (self._vectors.known()),
        )

    def _models_of(self, context: Context) -> ModelIndex:
        """The models of what the request reads."""
        at = context.at
        return self._models() if at is None else cast("ModelIndex", at.catalog)

    def compile(self, text: str, *, strict: bool = False) -> Compiled:
        """The same of the graph now, without values, at once however long it takes; no I/O."""
        strict = strict or self._settings.strict
        return self._compiler.compile(text, self._models(), strict=strict, indexed=self._indexes())

    async def _off_loop(self, size: int, make: Callable[[], Made]) -> Made:
        """What `make` returns, made in a thread if there is much to make it from."""
        if size <= _QUICK_TEXT:
            return make()
        async with self._threads:
            return await asyncio.to_thread(make)

    # To a page

    def at_once(self, compiled: Compiled, context: Context) -> Answer | None:
        """The only page of a look-up; None for other queries, and where the engine is remote."""
        if context.sees is not None:  # how much a part holds is in no plan
            return None
        look_up = self._reader.look_up if compiled.looks_up else None
        if look_up is None:
            return None
        sql = compiled.first()
        try:
            row = look_up(sql.text, self._bound(compiled, sql, (1,), context), context)
            self._require_view(compiled, context)
        except CatalogChanged:
            return None
        if row is None or (row[0] and row[1] is None):
            return None
        found = cut_page(row, 1, plain=sql.plain)
        self._compiler.tally.used += 1
        return Answer(found.value, found.rows)

    async def page(self, compiled: Compiled, position: Position, context: Context) -> Answer:
        """The page that begins at the position.

        Raises:
            BadRequest: the position is one of another order.
        """
        plan = compiled.plan
        if plan.counts:
            text = await self._count(compiled, plan, context)
            return Answer(b"[%b]" % text, 1)
        size, left = self._size(position.page), position.left
        wanted = size if left is None or left > size else left
        if wanted == 0 or (plan.where == _NEVER and not plan.grouped):
            await self._require_current(context)
            return Answer(b"[]", 0)
        sql = compiled.next() if position.keys else compiled.first()
        if position.keys and (len(position.keys), position.layout) != (sql.keys, sql.layout):
            raise BadRequest("An invalid continuationToken was provided.")
        fetched = wanted if left == wanted else wanted + 1
        found = await self._fetch(compiled, sql, (fetched, *position.keys), wanted, context)
        if not found.more:
            return Answer(found.value, found.rows)
        left = None if left is None else left - found.rows
        following = replace(position, left=left, keys=found.last, layout=sql.layout, lead=sql.lead)
        return Answer(found.value, found.rows, following)

    async def explain(self, compiled: Compiled, position: Position, context: Context) -> Answer:
        """One row: what `described` says, and rows and time of the first page, which is run."""
        row = await self.described(compiled, position, context)
        plan, sql, size = compiled.plan, compiled.first(), self._size(position.page)
        begun = time.perf_counter()
        rows = 1
        if plan.counts:
            await self._count(compiled, plan, context)
        else:
            limit = (size,)
            rows = (await self._fetch(compiled, sql, limit, size, context)).rows
        elapsed = time.perf_counter() - begun
        last = {name: row.pop(name) for name in ("advice", "warnings")}
        row |= {"rows": rows, "milliseconds": round(elapsed * 1000, 3), **last}
        return Answer(msgspec.json.encode([row]), 1)

    async def described(
        self, compiled: Compiled, position: Position, context: Context
    ) -> dict[str, Any]:
        """Plan, statement, the engine's steps, advice and warnings; nothing of it is run.

        Raises:
            Forbidden: the caller may see parts alone, and the engine tells of whole tables.
        """
        if context.sees is not None:
            raise Forbidden(
                "EXPLAIN tells of the whole graph, of which you may see some twins alone."
            )
        plan, sql, size = compiled.plan, compiled.first(), self._size(position.page)
        params = self._bound(compiled, sql, () if plan.counts else (size,), context)
        text, timeout = compiled.dialect.explain + sql.text, self._settings.timeout_seconds
        steps = await self._reader.fetch_all(text, params, context, timeout=timeout)
        models, indexes = self._models_of(context), self._indexes()
        advised = await asyncio.to_thread(lambda: advice(plan, indexes, models))
        return {
            "plan": as_json(plan),
            "sql": sql.text,
            "parameters": list(params),
            "steps": [str(step[-1]) for step in steps],
            "advice": advised,
            "warnings": list(compiled.warnings),
        }

    def _size(self, page: int | None) -> int:
        return min(page or self._settings.default_page, self._settings.max_page)

    async def _require_current(self, context: Context) -> None:
        """Raise CatalogChanged if the models are others by now; for answers without a read."""
        if self._refresh is not None and context.at is None:
            epoch = self._models().epoch
            await self._refresh()
            if self._models().epoch != epoch:
                raise CatalogChanged("The models changed meanwhile.")

    async def steady_page(
        self, compiled: Compiled, plan: Plan, after: Keys, wanted: int, context: Context
    ) -> Found:
        """The rows behind a position of a plan that was made from a compiled one's.

        For plans whose rows come in the order of their keys.

        Raises:
            BadRequest: the position is one of another order.
        """
        if plan.where == _NEVER:
            return Found(0, b"[]")
        made = await self._off_loop(
            compiled.length,
            lambda: compiled.sql(plan, resumes=bool(after), aggregate=compiled.aggregate),
        )
        if after and len(after) != made.keys:
            raise BadRequest("The position is none of this query.")
        wanted = self._size(wanted)
        return await self._fetch(compiled, made, (wanted + 1, *after), wanted, context)

    # To all rows

    async def texts(
        self, compiled: Compiled, plan: Plan, limit: int, context: Context
    ) -> list[str]:
        """The texts of the first rows of a plan that was made from a compiled one's.

        Raises:
            QueryTooLarge: together they have more than `max_result_bytes`.
        """
        if plan.counts:
            return [(await self._count(compiled, plan, context)).decode()]
        if plan.where == _NEVER and not plan.grouped:
            return []
        begun = time.monotonic()
        sql = await self._off_loop(compiled.length, lambda: compiled.sql(plan))
        params = self._bound(compiled, sql, (limit,), context)
        row = await self._joined(sql.text, params, context)
        self._require_view(compiled, context)
        if row is not None:
            return str(row[1]).split(",\n") if row[0] else []
        sql = await self._off_loop(compiled.length, lambda: compiled.sql(plan, aggregate=False))
        most = self._settings.max_result_bytes
        params = self._bound(compiled, sql, (limit,), context)
        rows, more = await self._singly(sql.text, params, begun, most, context)
        self._require_view(compiled, context)
        if more:
            raise QueryTooLarge(
                f"The rows of the query have more than {most} bytes (limit max_result_bytes)."
                " Select fewer properties, or narrow it down with WHERE."
            )
        return [str(one[0]) for one in rows]

    # To the reader

    async def _count(self, compiled: Compiled, plan: Plan, context: Context) -> bytes:
        """The text of the one row of a plan that counts."""
        sql = compiled.first() if plan is compiled.plan else compiled.sql(plan)
        timeout = self._settings.timeout_seconds
        params = self._bound(compiled, sql, (), context)
        row = await self._reader.fetch_one(sql.text, params, context, timeout=timeout)
        self._require_view(compiled, context)
        number = int(str(row[0] or 0)) if row is not None else 0  # PostgreSQL sums to a decimal
        return msgspec.json.encode({(plan.columns or ())[0].key: number})

    async def _fetch(
        self,
        compiled: Compiled,
        sql: Sql,
        reserved: tuple[object, ...],
        wanted: int,
        context: Context,
    ) -> Found:
        """Up to `wanted` rows; fewer of them where they are large."""
        found = await self._found(compiled, sql, reserved, wanted, context)
        self._require_view(compiled, context)
        return found

    async def _found(
        self,
        compiled: Compiled,
        sql: Sql,
        reserved: tuple[object, ...],
        wanted: int,
        context: Context,
    ) -> Found:
        begun = time.monotonic()
        params = self._bound(compiled, sql, reserved, context)
        if not compiled.aggregate:
            timeout = self._settings.timeout_seconds
            return join_page(
                await self._reader.fetch_all(sql.text, params, context, timeout=timeout), wanted
            )
        row = await self._joined(sql.text, params, context)
        if row is not None:
            return cut_page(row, wanted, plain=sql.plain)
        resumes = sql.resumes
        single = await self._off_loop(compiled.length, lambda: compiled.steps(resumes=resumes))
        params = self._bound(compiled, single, reserved, context)
        rows, more = await self._singly(single.text, params, begun, MAX_BYTES, context)
        return join_page(rows, len(rows) if more else wanted, more=more)

    async def _joined(
        self, sql: str, params: Sequence[object], context: Context
    ) -> tuple[object, ...] | None:
        """The row of an aggregated statement; None if its rows are too large to be joined."""
        timeout = self._settings.timeout_seconds
        try:
            row = await self._reader.fetch_one(sql, params, context, timeout=timeout)
        except QueryTooLarge:
            return None
        if row is None:
            return 0, "", ""
        return None if row[0] and row[1] is None else row

    async def _singly(
        self, sql: str, params: Sequence[object], begun: float, most: int, context: Context
    ) -> tuple[list[tuple[object, ...]], bool]:
        """The rows of a statement that follows one which `begun` the query's time."""
        timeout = self._settings.timeout_seconds
        left = max(begun + timeout - time.monotonic(), _LEAST_SECONDS)
        try:
            return await self._reader.fetch_some(sql, params, context, timeout=left, most=most)
        except QueryTimeout:
            raise too_long(timeout) from None

    def _bound(
        self, compiled: Compiled, sql: Sql, reserved: tuple[object, ...], context: Context
    ) -> tuple[object, ...]:
        """What is bound to a statement's parameters when it runs for a request.

        Raises:
            ValueError: the statement was made for another view than the request's.
            CatalogChanged: as `_require_view`.
        """
        self._require_view(compiled, context)
        return (*reserved, *filled(sql.constants, compiled.values, context.at))

    def _require_view(self, compiled: Compiled, context: Context) -> None:
        """Raise CatalogChanged if more became of the past state than a statement relies on.

        Asked again behind the statement: what is not so then was not so while it ran.
        """
        if compiled.view.kind == view_of(context, self._since).kind:
            return
        if context.at is None or compiled.view is NOW:
            raise ValueError(f"a statement over {compiled.view.kind} ran for another view")
        raise CatalogChanged("More became of the past state meanwhile.")
