"""A query ready to run, and the bounded store of those.

Parsing and planning cost more than most queries; so what they gave is kept under (text, model
epoch, strict, property indexes). The second statement, for pages behind the first, is made when it
is first needed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from kastor.lang import parse
from kastor.lang.cursor import ParseLimits
from kastor.lang.errors import query_error
from kastor.query.bind import bind
from kastor.query.settings import as_strict
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import Sql, compile_plan

if TYPE_CHECKING:
    from kastor.query.models import ModelIndex
    from kastor.query.plan import Plan
    from kastor.query.settings import QuerySettings
    from kastor.query.sql.dialect import Dialect


@dataclass(slots=True)
class Compiled:
    """A plan and its statements; `hops` is how many relationships a row needs at least."""

    plan: Plan
    dialect: Dialect
    aggregate: bool
    indexed: frozenset[tuple[str | int, ...]] = frozenset()
    hops: int = 0
    _first: Sql | None = None
    _next: Sql | None = None

    def first(self) -> Sql:
        """The statement of the first page."""
        if self._first is None:
            self._first = self._compile(resumes=False)
        return self._first

    def next(self) -> Sql:
        """The statement of every later page."""
        if self._next is None:
            self._next = self._compile(resumes=True)
        return self._next

    def _compile(self, *, resumes: bool) -> Sql:
        return compile_plan(
            self.plan,
            self.dialect,
            resumes=resumes,
            aggregate=self.aggregate,
            indexed=self.indexed,
        )


def plan_query(text: str, models: ModelIndex, settings: QuerySettings) -> Plan:
    """The plan of a text.

    Raises:
        QueryError: whatever is wrong with it.
    """
    if len(text) > settings.max_text:
        message = f"the query is longer than {settings.max_text} characters (limit max_text)"
        raise query_error(text[: settings.max_text], settings.max_text - 1, message)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise query_error(text[: error.start], error.start, "lone surrogate") from None
    limits = ParseLimits(max_terms=settings.max_terms, max_list=settings.max_list)
    return bind(parse(text, limits), text, models, settings)


KEPT_CHARACTERS = 1_000_000
"""Of all texts together; a plan takes up to a hundred bytes for each character of its text."""

_CacheKey: TypeAlias = tuple[str, int, bool, frozenset[tuple[str | int, ...]]]


class Compiler:
    """Compiles texts, and keeps what it compiled."""

    def __init__(self, settings: QuerySettings, dialect: Dialect | None = None) -> None:
        self._settings = settings
        self._strict = as_strict(settings)
        self._dialect: Dialect = dialect or Sqlite()
        self._kept: OrderedDict[_CacheKey, Compiled] = OrderedDict()
        self._characters = 0

    def compile(
        self,
        text: str,
        models: ModelIndex,
        *,
        strict: bool,
        indexed: frozenset[tuple[str | int, ...]] = frozenset(),
    ) -> Compiled:
        """The compiled query, from the store if it was there.

        Raises:
            QueryError: the text is wrong; nothing is kept then.
        """
        key = (text, models.epoch, strict, indexed)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        settings = self._strict if strict else self._settings
        plan = plan_query(text, models, settings)
        made = Compiled(plan, self._dialect, settings.aggregate, indexed)
        made.hops = sum(hop.low for hop in plan.graph.hops)
        self._kept[key] = made
        self._characters += len(text)
        while len(self._kept) > self._settings.cache_size or self._characters > KEPT_CHARACTERS:
            (oldest, *_), _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)
        return made
