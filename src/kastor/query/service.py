"""The query road from text to page: parse, plan, compile, run, shape, sign the next position.

The only module of this package that waits for anything; all it awaits is its `Reader`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from kastor.errors import BadRequest, CatalogChanged, InvalidArgument, Unavailable
from kastor.query.compiled import Compiled, Compiler
from kastor.query.cost import charge
from kastor.query.explain import advice, as_json
from kastor.query.pages import cut_page, join_page
from kastor.query.plan import Truth
from kastor.query.settings import ADT_SETTINGS, QuerySettings
from kastor.query.token import Position, decode, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kastor.query.models import ModelIndex
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.statement import Sql

_NEVER = Truth(value=False)
_ATTEMPTS = 5

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
    """Runs query texts against one graph.

    `indexes` tells the paths of twins that have a property index at the moment; without a `dialect`
    statements are SQLite's. `refresh` brings `models` up to date where others change them too.
    """

    def __init__(
        self,
        reader: Reader,
        models: Callable[[], ModelIndex],
        signing_key: bytes,
        settings: QuerySettings,
        *,
        indexes: Callable[[], frozenset[tuple[str | int, ...]]] = frozenset,
        dialect: Dialect | None = None,
        refresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._reader = reader
        self._refresh = refresh
        self._models = models
        self._key = signing_key
        self._settings = settings
        self._indexes = indexes
        self._compiler = Compiler(settings, dialect)

    async def run(
        self,
        text: str | None,
        *,
        token: str | None = None,
        max_items: int | None = None,
        strict: bool = False,
        explain: bool = False,
    ) -> Page:
        """The first page of `text`; with a `token` the page that it names, whatever `text` is.

        With `explain`, or when the text begins with EXPLAIN, the page is one row about the query:
        its plan, statement, steps, rows, time and advice.

        Raises:
            QueryError: the text is wrong, or a limit is exceeded.
            BadRequest: no text and no token, or a token that cannot be read.
            QueryTimeout: it took too long.
            Unavailable: models change all the time.
        """
        for _ in range(_ATTEMPTS):
            try:
                return await self._run(text, token, max_items, strict=strict, explain=explain)
            except CatalogChanged:
                continue
        raise Unavailable("Models change too often to be queried now; try again.")

    async def _run(
        self,
        text: str | None,
        token: str | None,
        max_items: int | None,
        *,
        strict: bool,
        explain: bool,
    ) -> Page:
        position, compiled = self._begin(text, token, max_items, strict=strict)
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
        rows, value, last = await self._fetch(compiled, sql, params, wanted)
        continuation = None
        if rows > wanted:
            rows = wanted
            position = replace(
                position,
                left=None if left is None else left - wanted,
                keys=last,
                layout=sql.layout,
                lead=sql.lead,
            )
            continuation = encode(position, self._key)
        return Page(value, continuation, charge(rows, compiled.hops), rows)

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
        return self._compile(text, strict=strict, indexed=self._indexes())

    def _compile(
        self, text: str, *, strict: bool, indexed: frozenset[tuple[str | int, ...]]
    ) -> Compiled:
        strict = strict or self._settings.strict
        return self._compiler.compile(text, self._models(), strict=strict, indexed=indexed)

    async def _explain(self, compiled: Compiled, size: int) -> Page:
        """One row: plan, statement, the engine's steps, rows and time of the first page, advice."""
        sql = compiled.first()
        limit = () if compiled.plan.counts else (size,)
        params = (*limit, *sql.constants)
        timeout = self._settings.timeout_seconds
        explained = compiled.dialect.explain + sql.text
        steps = await self._reader.fetch_all(explained, params, timeout=timeout)
        begun = time.perf_counter()
        rows = await self._reader.fetch_all(sql.text, params, timeout=timeout)
        elapsed = time.perf_counter() - begun
        counted = rows[0][0] if rows and compiled.aggregate else len(rows)
        row = {
            "plan": as_json(compiled.plan),
            "sql": sql.text,
            "parameters": list(params),
            "steps": [str(step[-1]) for step in steps],
            "rows": 1 if compiled.plan.counts else counted,
            "milliseconds": round(elapsed * 1000, 3),
            "advice": advice(compiled.plan, self._indexes(), self._models().property_names()),
        }
        return Page(msgspec.json.encode([row]), None, charge(1, compiled.hops), 1)

    def _begin(
        self, text: str | None, token: str | None, max_items: int | None, *, strict: bool
    ) -> tuple[Position, Compiled]:
        """Where to begin: at the token if there is one, else at the start of the text."""
        if max_items is not None and max_items < 1:
            raise InvalidArgument("max-items-per-page must be a positive integer.")
        if token:
            position = decode(token, self._key)
            if max_items is not None:
                position = replace(position, page=max_items)
            # The order of the first page goes on, whatever indexes came or went since.
            lead = frozenset() if position.lead is None else frozenset({position.lead})
            return position, self._compile(position.text, strict=position.strict, indexed=lead)
        if not text:
            raise BadRequest("The request needs a query or a continuationToken.")
        compiled = self._compile(text, strict=strict, indexed=self._indexes())
        return Position(text, max_items, compiled.plan.top, (), strict), compiled

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
    ) -> tuple[int, bytes, tuple[int | float | str, ...]]:
        """Rows found, the text of those that belong to the page, the last one's position."""
        timeout = self._settings.timeout_seconds
        if compiled.aggregate:
            row = await self._reader.fetch_one(sql.text, params, timeout=timeout)
            return cut_page(row, wanted, plain=sql.plain)
        rows = await self._reader.fetch_all(sql.text, params, timeout=timeout)
        return join_page(rows, wanted)


def _bad_token() -> BadRequest:
    return BadRequest("An invalid continuationToken was provided.")
