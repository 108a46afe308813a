"""The query road from text to page: parse, plan, compile, run, shape, sign the next position.

The only module of this package that waits for anything; all it awaits is its `Reader`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from kastor.errors import (
    BadRequest,
    CatalogChanged,
    InvalidArgument,
    QueryTimeout,
    QueryTooLarge,
    Unavailable,
)
from kastor.query.compiled import Compiled, Compiler
from kastor.query.cost import charge
from kastor.query.explain import advice, as_json
from kastor.query.given import Given, carried_given, read_given
from kastor.query.pages import Found, cut_page, join_page
from kastor.query.plan import Plan, Truth
from kastor.query.settings import ADT_SETTINGS, QuerySettings
from kastor.query.token import Position, decode, encode
from kastor.storage.limits import MAX_BYTES, too_long

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.query.models import ModelIndex
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.statement import Sql

_NEVER = Truth(value=False)
_ATTEMPTS = 5
_QUICK_TEXT = 2_000
"""Characters of a query that are compiled at once; longer ones in a thread."""
_THREADS = 2
_LEAST_SECONDS = 0.01

Made = TypeVar("Made")

__all__ = ["ADT_SETTINGS", "Page", "QueryService", "QuerySettings", "Reader"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result.

    Attributes:
        value: the JSON array of rows, as UTF-8 text.
        continuation: the token of the next page; None on the last one.
        charge: the estimate for the ``query-charge`` header (spec query-language 3).
        rows: how many rows `value` holds.
        warnings: names that no stored model knows, for people.
    """

    value: bytes
    continuation: str | None
    charge: float
    rows: int
    warnings: tuple[str, ...] = ()


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

    async def fetch_some(
        self, sql: str, params: Sequence[object], *, timeout: float, most: int
    ) -> tuple[list[tuple[object, ...]], bool]:
        """Rows until their texts have `most` bytes, and whether there are more.

        Raises:
            QueryTooLarge: the first row alone is too large.
        """
        ...


class QueryService:
    """Runs query texts against one graph.

    `indexes` tells the paths of twins that have a property index at the moment; `dialect` is
    the engine's. `refresh` brings `models` up to date where others change them too.
    """

    def __init__(
        self,
        reader: Reader,
        models: Callable[[], ModelIndex],
        signing_key: bytes,
        settings: QuerySettings,
        *,
        dialect: Dialect,
        indexes: Callable[[], frozenset[tuple[str | int, ...]]] = frozenset,
        refresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._reader = reader
        self._refresh = refresh
        self._models = models
        self._key = signing_key
        self._settings = settings
        self._indexes = indexes
        self._compiler = Compiler(settings, dialect)
        self._threads = asyncio.Semaphore(_THREADS)

    async def run(
        self,
        text: str | None,
        *,
        token: str | None = None,
        max_items: int | None = None,
        strict: bool = False,
        explain: bool = False,
        parameters: object = None,
    ) -> Page:
        """The first page of `text`; with a `token` the page that it names, whatever `text` is.

        With `explain`, or when the text begins with EXPLAIN, the page is one row about the query:
        its plan, statement, steps, rows, time, advice and warnings. `parameters` are the values
        for ``$name``, as a body holds them; strict requests have none.

        Raises:
            QueryError: the text is wrong, or a limit is exceeded.
            BadRequest: no text and no token, or a token that cannot be read.
            QueryTimeout: it took too long.
            Unavailable: models change all the time.
        """
        for _ in range(_ATTEMPTS):
            try:
                position, compiled = await self._begin(
                    text, token, max_items, parameters, strict=strict
                )
                page = await self._run(position, compiled, explain=explain)
                return replace(page, warnings=compiled.warnings) if compiled.warnings else page
            except CatalogChanged:
                continue
        raise Unavailable("Models change too often to be queried now; try again.")

    async def _run(self, position: Position, compiled: Compiled, *, explain: bool) -> Page:
        plan = compiled.plan
        if plan.explain or explain:
            return await self._explain(compiled, self._size(position.page))
        if plan.counts:
            return await self._count(compiled)
        size, left = self._size(position.page), position.left
        wanted = size if left is None or left > size else left
        if wanted == 0 or (plan.where == _NEVER and not plan.grouped):
            await self._require_current()
            return Page(b"[]", None, charge(0, 0), 0)
        sql = compiled.next() if position.keys else compiled.first()
        if position.keys and (len(position.keys), position.layout) != (sql.keys, sql.layout):
            raise _bad_token()
        fetched = wanted if left == wanted else wanted + 1
        params = (fetched, *position.keys, *sql.constants)
        found = await self._fetch(compiled, sql, params, wanted)
        continuation = None
        if found.more:
            position = replace(
                position,
                left=None if left is None else left - found.rows,
                keys=found.last,
                layout=sql.layout,
                lead=sql.lead,
            )
            continuation = encode(position, self._key)
        return Page(found.value, continuation, charge(found.rows, compiled.hops), found.rows)

    async def _require_current(self) -> None:
        """Raise CatalogChanged if the models are others by now; for answers without a read."""
        if self._refresh is not None:
            epoch = self._models().epoch
            await self._refresh()
            if self._models().epoch != epoch:
                raise CatalogChanged("The models changed meanwhile.")

    def compile(self, text: str, *, strict: bool = False) -> Compiled:
        """The plan and statements of `text` under the current models; no I/O.

        Raises:
            QueryError: the text is wrong, or a limit is exceeded.
        """
        strict = strict or self._settings.strict
        return self._compiler.compile(text, self._models(), strict=strict, indexed=self._indexes())

    async def compiled(
        self, text: str, *, strict: bool = False, given: Given | None = None
    ) -> Compiled:
        """The same, off the event loop where it may take long."""
        return await self._compile(
            text, strict=strict, indexed=self._indexes(), resumes=False, given=given
        )

    def given(self, parameters: object, *, strict: bool = False) -> Given | None:
        """The values that a body's member `parameters` holds; strict requests have none.

        Raises:
            BadRequest: they cannot be.
        """
        strict = strict or self._settings.strict
        return None if strict else read_given(parameters, self._settings)

    async def texts(self, compiled: Compiled, plan: Plan, limit: int) -> list[str]:
        """The texts of the first rows of a plan that was made from a compiled one's.

        Raises:
            QueryTooLarge: together they have more than `max_result_bytes`.
            QueryTimeout: it took too long.
            CatalogChanged: the models changed meanwhile.
        """
        begun = time.monotonic()
        sql = await self._off_loop(compiled.length, lambda: compiled.sql(plan))
        row = await self._joined(sql.text, (limit, *sql.constants))
        if row is not None:
            return str(row[1]).split(",\n") if row[0] else []
        sql = await self._off_loop(compiled.length, lambda: compiled.sql(plan, aggregate=False))
        most = self._settings.max_result_bytes
        rows, more = await self._singly(sql.text, (limit, *sql.constants), begun, most)
        if more:
            raise QueryTooLarge(
                f"The rows of the query have more than {most} bytes (limit max_result_bytes)."
                " Select fewer properties, or narrow it down with WHERE."
            )
        return [str(one[0]) for one in rows]

    async def _compile(
        self,
        text: str,
        *,
        strict: bool,
        indexed: frozenset[tuple[str | int, ...]],
        resumes: bool,
        given: Given | None = None,
    ) -> Compiled:
        """The compiled query with the statement that is wanted of it."""
        strict = strict or self._settings.strict
        models, compiler = self._models(), self._compiler
        known = compiler.find(text, models, strict=strict, indexed=indexed, given=given)
        if known is not None and known.has(resumes=resumes):
            return known

        def make() -> tuple[Compiled, Compiled]:
            made = known or compiler.make(text, models, strict=strict, indexed=indexed, given=given)
            filled = made if given is None else made.given(given)
            _ = filled.next() if resumes else filled.first()
            return made, filled

        made, filled = await self._off_loop(len(text) + (given.size if given else 0), make)
        if made is not known or given is None:
            compiler.keep(text, models, made, strict=strict, indexed=indexed, given=given)
        return filled

    async def _off_loop(self, size: int, make: Callable[[], Made]) -> Made:
        """What `make` returns, made in a thread if there is much to make it from."""
        if size <= _QUICK_TEXT:
            return make()
        async with self._threads:
            return await asyncio.to_thread(make)

    async def _explain(self, compiled: Compiled, size: int) -> Page:
        """One row: plan, statement, the engine's steps, rows and time of the first page, advice."""
        sql = compiled.first()
        limit = () if compiled.plan.counts else (size,)
        params = (*limit, *sql.constants)
        timeout = self._settings.timeout_seconds
        explained = compiled.dialect.explain + sql.text
        steps = await self._reader.fetch_all(explained, params, timeout=timeout)
        begun = time.perf_counter()
        counted = 1
        if compiled.plan.counts:
            await self._count(compiled)
        else:
            counted = (await self._fetch(compiled, sql, params, size)).rows
        elapsed = time.perf_counter() - begun
        models, indexes = self._models(), self._indexes()
        advised = await asyncio.to_thread(lambda: advice(compiled.plan, indexes, models))
        row = {
            "plan": as_json(compiled.plan),
            "sql": sql.text,
            "parameters": list(params),
            "steps": [str(step[-1]) for step in steps],
            "rows": counted,
            "milliseconds": round(elapsed * 1000, 3),
            "advice": advised,
            "warnings": list(compiled.warnings),
        }
        return Page(msgspec.json.encode([row]), None, charge(1, compiled.hops), 1)

    async def _begin(
        self,
        text: str | None,
        token: str | None,
        max_items: int | None,
        parameters: object,
        *,
        strict: bool,
    ) -> tuple[Position, Compiled]:
        """Where to begin: at the token if there is one, else at the start of the text."""
        if max_items is not None and max_items < 1:
            raise InvalidArgument("max-items-per-page must be a positive integer.")
        if token:
            position = decode(token, self._key)
            given = None
            if position.given is not None:
                given = carried_given(position.given, parameters, self._settings)
            if max_items is not None:
                position = replace(position, page=max_items)
            # The order of the first page goes on, whatever indexes came or went since.
            lead = frozenset() if position.lead is None else frozenset({position.lead})
            compiled = await self._compile(
                position.text,
                strict=position.strict,
                indexed=lead,
                resumes=bool(position.keys),
                given=given,
            )
            return position, compiled
        if not text:
            raise BadRequest("The request needs a query or a continuationToken.")
        given = self.given(parameters, strict=strict)
        compiled = await self.compiled(text, strict=strict, given=given)
        carried = None if given is None else given.carried()
        return Position(text, max_items, compiled.plan.top, (), strict, given=carried), compiled

    def _size(self, page: int | None) -> int:
        return min(page or self._settings.default_page, self._settings.max_page)

    async def _count(self, compiled: Compiled) -> Page:
        sql = compiled.first()
        row = await self._reader.fetch_one(
            sql.text, sql.constants, timeout=self._settings.timeout_seconds
        )
        number = int(str(row[0] or 0)) if row is not None else 0  # PostgreSQL sums to a decimal
        columns = compiled.plan.columns or ()
        value = msgspec.json.encode([{columns[0].key: number}])
        return Page(value, None, charge(1, compiled.hops), 1)

    async def _fetch(
        self, compiled: Compiled, sql: Sql, params: tuple[object, ...], wanted: int
    ) -> Found:
        """Up to `wanted` rows; fewer of them where they are large."""
        begun = time.monotonic()
        if not compiled.aggregate:
            timeout = self._settings.timeout_seconds
            return join_page(
                await self._reader.fetch_all(sql.text, params, timeout=timeout), wanted
            )
        row = await self._joined(sql.text, params)
        if row is not None:
            return cut_page(row, wanted, plain=sql.plain)
        resumes = sql.resumes
        single = await self._off_loop(compiled.length, lambda: compiled.steps(resumes=resumes))
        given = params[: len(params) - len(sql.constants)]
        params = (*given, *single.constants)
        rows, more = await self._singly(single.text, params, begun, MAX_BYTES)
        return join_page(rows, len(rows) if more else wanted, more=more)

    async def _joined(self, sql: str, params: Sequence[object]) -> tuple[object, ...] | None:
        """The row of an aggregated statement; None if its rows are too large to be joined."""
        timeout = self._settings.timeout_seconds
        try:
            row = await self._reader.fetch_one(sql, params, timeout=timeout)
        except QueryTooLarge:
            return None
        if row is None:
            return 0, "", ""
        return None if row[0] and row[1] is None else row

    async def _singly(
        self, sql: str, params: Sequence[object], begun: float, most: int
    ) -> tuple[list[tuple[object, ...]], bool]:
        """The rows of a statement that follows one which `begun` the query's time."""
        timeout = self._settings.timeout_seconds
        left = max(begun + timeout - time.monotonic(), _LEAST_SECONDS)
        try:
            return await self._reader.fetch_some(sql, params, timeout=left, most=most)
        except QueryTimeout:
            raise too_long(timeout) from None


def _bad_token() -> BadRequest:
    return BadRequest("An invalid continuationToken was provided.")
