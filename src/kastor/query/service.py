"""Queries as clients ask them: a text or a token, parameters, pages with the token of the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from kastor.errors import BadRequest, CatalogChanged, InvalidArgument, Unavailable
from kastor.query.cost import charge
from kastor.query.given import Given, carried_given, read_given
from kastor.query.languages import require_language
from kastor.query.run import Reader, Runner
from kastor.query.settings import ADT_SETTINGS, QuerySettings
from kastor.query.sql.tables import unknown
from kastor.query.token import Position, decode, encode, place_of, position_at
from kastor.storage.history import require_same_state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kastor.query.compiled import Compiled
    from kastor.query.models import ModelIndex
    from kastor.query.plan import Plan
    from kastor.query.run import KnownVectors
    from kastor.query.sql.dialect import Dialect
    from kastor.records import AsOf, Context, Since

_ATTEMPTS = 5

__all__ = ["ADT_SETTINGS", "QueryService", "QuerySettings", "Reader", "ResultPage"]


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of a result.

    Attributes:
        value: the JSON array of rows, as UTF-8 text.
        continuation: the token of the next page; None on the last one.
        charge: the estimate for the ``query-charge`` header (query-language 3).
        rows: how many rows `value` holds.
        warnings: names that no stored model knows, for people.
        at: the state of the past that it is of; None: of the present.
        text: of the query, also where a token named it.
    """

    value: bytes
    continuation: str | None
    charge: float
    rows: int
    warnings: tuple[str, ...] = ()
    at: AsOf | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """How a query would be answered.

    Attributes:
        told: what `Runner.described` says.
        plan: of the query.
    """

    told: dict[str, Any]
    plan: Plan


class QueryService:
    """Answers the queries of one graph's clients.

    Attributes:
        runner: runs them; `Runner` says what `indexes`, `dialect` and `refresh` are.
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
        resolve: Callable[[int], Awaitable[AsOf]] | None = None,
        since: Callable[[AsOf], Since] = unknown,
        vectors: KnownVectors | None = None,
    ) -> None:
        self._resolve = resolve
        self._key = signing_key
        self._settings = settings
        self.runner = Runner(
            reader,
            models,
            settings,
            indexes=indexes,
            dialect=dialect,
            refresh=refresh,
            since=since,
            vectors=vectors,
        )

    def at_once(
        self,
        text: str | None,
        context: Context,
        *,
        max_items: int | None = None,
        strict: bool = False,
        parameters: object = None,
    ) -> ResultPage | None:
        """The one page of a query that is a look-up, without waiting; None if it has to `run`.

        Raises:
            QueryError, BadRequest: as `run`.
        """
        if not text or self.runner.waits:
            return None
        _require_size(max_items)
        given = self.given(parameters, strict=strict)
        compiled = self.runner.ready(text, context, strict=strict, given=given)
        found = None if compiled is None else self.runner.at_once(compiled, context)
        if compiled is None or found is None:
            return None
        cost = charge(found.rows, compiled.hops)
        warnings = compiled.warnings
        return ResultPage(found.value, None, cost, found.rows, warnings, context.at, text)

    async def run(
        self,
        text: str | None,
        context: Context,
        *,
        token: str | None = None,
        max_items: int | None = None,
        strict: bool = False,
        explain: bool = False,
        parameters: object = None,
    ) -> ResultPage:
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
                position, compiled, context = await self._begin(
                    text, context, token, max_items, parameters, strict=strict
                )
                explains = compiled.plan.explain or explain
                answer = self.runner.explain if explains else self.runner.page
                found = await answer(compiled, position, context)
            except CatalogChanged:
                continue
            following = found.following
            continuation = None if following is None else encode(following, self._key)
            cost = charge(found.rows, compiled.hops)
            warnings = compiled.warnings
            return ResultPage(
                *(found.value, continuation, cost, found.rows, warnings),
                at=context.at,
                text=position.text,
            )
        raise Unavailable("Models change too often to be queried now; try again.")

    async def explain(self, text: str, context: Context, *, parameters: object = None) -> Explained:
        """What `Runner.described` says of a query, which is not run.

        Raises:
            QueryError, BadRequest, QueryTimeout, Unavailable: as `run`.
        """
        for _ in range(_ATTEMPTS):
            try:
                position, compiled, context = await self._begin(
                    text, context, None, None, parameters, strict=False
                )
                told = await self.runner.described(compiled, position, context)
            except CatalogChanged:
                continue
            return Explained(told, compiled.plan)
        raise Unavailable("Models change too often to be queried now; try again.")

    def place_of(self, token: str) -> list[Any]:
        """What a token says, of JSON, beside text, parameters and instant: for whoever keeps those.

        Raises:
            BadRequest: it cannot be read.
        """
        return place_of(decode(token, self._key))

    def token_at(
        self, place: list[Any], text: str, change: int | None, parameters: object = None
    ) -> str:
        """The token of `place_of`, for the same text, parameters and instant.

        Raises:
            BadRequest: the parameters cannot be.
        """
        given = self.given(parameters)
        carried = None if given is None else given.carried()
        return encode(position_at(place, text, change, carried), self._key)

    def compile(self, text: str, *, strict: bool = False) -> Compiled:
        """The plan and statements of `text` under the current models; no I/O.

        Raises:
            QueryError: the text is wrong, or a limit is exceeded.
        """
        return self.runner.compile(text, strict=strict)

    def given(self, parameters: object, *, strict: bool = False) -> Given | None:
        """The values that a body's member `parameters` holds; strict requests have none.

        Raises:
            BadRequest: they cannot be.
        """
        strict = strict or self._settings.strict
        return None if strict else read_given(parameters, self._settings)

    def require_language(self, text: str, language: object, *, strict: bool = False) -> None:
        """Refuse a text of another language than `language`; strict requests know one only.

        Raises:
            BadRequest, QueryError: as `kastor.query.languages.require_language`.
        """
        if not (strict or self._settings.strict):
            require_language(text, language, self._settings)

    async def _begin(
        self,
        text: str | None,
        context: Context,
        token: str | None,
        max_items: int | None,
        parameters: object,
        *,
        strict: bool,
    ) -> tuple[Position, Compiled, Context]:
        """Where to begin: at the token if there is one, else at the start of the text."""
        _require_size(max_items)
        if token:
            return await self._resume(token, context, max_items, parameters)
        if not text:
            raise BadRequest("The request needs a query or a continuationToken.")
        given = self.given(parameters, strict=strict)
        compiled = await self.runner.compiled(text, context, strict=strict, given=given)
        carried = None if given is None else given.carried()
        top = compiled.plan.top
        change = None if context.at is None else context.at.change
        position = Position(text, max_items, top, (), strict, change, given=carried)
        return position, compiled, context

    async def _past(self, change: int | None) -> AsOf | None:
        if change is None:
            return None
        if self._resolve is None:
            raise BadRequest("An invalid continuationToken was provided.")
        return await self._resolve(change)

    async def _resume(
        self, token: str, context: Context, max_items: int | None, parameters: object
    ) -> tuple[Position, Compiled, Context]:
        position = decode(token, self._key)
        require_same_state(position.as_of, context.at)  # the pages of one query are of one instant
        if context.at is None:
            context = structs.replace(context, at=await self._past(position.as_of))
        given = None
        if position.given is not None:
            given = carried_given(position.given, parameters, self._settings)
        if max_items is not None:
            position = replace(position, page=max_items)
        # The order of the first page goes on, whatever indexes came or went since.
        lead = frozenset() if position.lead is None else frozenset({position.lead})
        compiled = await self.runner.compiled(
            position.text,
            context,
            strict=position.strict,
            given=given,
            resumes=bool(position.keys),
            indexed=lead,
        )
        return position, compiled, context


def _require_size(max_items: int | None) -> None:
    if max_items is not None and max_items < 1:
        raise InvalidArgument("max-items-per-page must be a positive integer.")
