"""A query ready to run, and the bounded store of those.

Parsing and planning cost more than most queries; so what they gave is kept under (text, model
epoch, strict, property indexes, kind of view). The second statement, for pages behind the first, is
made when it is first needed.

A query with parameters is kept under their kinds too, and under the values of those that decide its
plan; what is kept has no statements, for these are written for the values of each request.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from kastor.lang import parse
from kastor.lang.cursor import ParseLimits
from kastor.lang.errors import query_error
from kastor.query.bind import bind
from kastor.query.notes import Notes
from kastor.query.passes.giving import emptied, give
from kastor.query.settings import as_strict
from kastor.query.sql.parameters import MAX_SQL
from kastor.query.sql.statement import Sql, compile_plan
from kastor.query.sql.tables import NOW

if TYPE_CHECKING:
    from kastor.query.given import Given
    from kastor.query.models import ModelIndex
    from kastor.query.plan import Plan
    from kastor.query.settings import QuerySettings
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.tables import GraphView


@dataclass(slots=True)
class Compiled:
    """A plan and its statements; `hops` is how many relationships a row needs at least.

    Attributes:
        size: bytes that all of it takes, as estimated.
        length: of its text in characters.
        view: what its statements read.
        warnings: names that no model knows, for people.
        decided: parameters on whose values the plan depends, with these values as texts.
    """

    plan: Plan
    dialect: Dialect
    view: GraphView
    aggregate: bool
    indexed: frozenset[tuple[str | int, ...]] = frozenset()
    hops: int = 0
    size: int = 0
    length: int = 0
    room: int = MAX_SQL
    warnings: tuple[str, ...] = ()
    decided: tuple[tuple[str, str], ...] = ()
    _first: Sql | None = None
    _next: Sql | None = None

    def given(self, given: Given) -> Compiled:
        """The same query with the values of one request, and none of its statements made."""
        plan = give(self.plan, given)
        length = self.length + given.size
        return replace(self, plan=plan, length=length, decided=(), _first=None, _next=None)

    def first(self) -> Sql:
        """The statement of the first page."""
        if self._first is None:
            self._first = self._kept(resumes=False)
        return self._first

    def next(self) -> Sql:
        """The statement of every later page."""
        if self._next is None:
            self._next = self._kept(resumes=True)
        return self._next

    def has(self, *, resumes: bool) -> bool:
        """Whether the statement is made already."""
        return (self._next if resumes else self._first) is not None

    def steps(self, *, resumes: bool) -> Sql:
        """The statement that gives the rows one by one; for pages whose rows are large."""
        return self.sql(self.plan, resumes=resumes, aggregate=False)

    def sql(self, plan: Plan, *, resumes: bool = False, aggregate: bool = True) -> Sql:
        """The statement of a plan made from this one's.

        Raises:
            QueryError: it would be too long.
        """
        return compile_plan(
            plan,
            self.dialect,
            view=self.view,
            resumes=resumes,
            aggregate=aggregate,
            indexed=self.indexed,
            room=self.room,
        )

    def _kept(self, *, resumes: bool) -> Sql:
        made = self.sql(self.plan, resumes=resumes, aggregate=self.aggregate)
        self.size += len(made.text) + sum(_size_of(value) for value in made.constants)
        return made


def _size_of(value: object) -> int:
    """Bytes of a constant, roughly."""
    if isinstance(value, tuple):
        return sum(map(_size_of, value)) + _OBJECT
    return _OBJECT + (len(value) if isinstance(value, str) else 0)


def plan_query(
    text: str, models: ModelIndex, settings: QuerySettings, notes: Notes | None = None
) -> Plan:
    """The plan of a text; `notes` holds the parameters and gets what is noted on the way.

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
    limits = ParseLimits(
        max_terms=settings.max_terms,
        max_list=settings.max_list,
        max_subqueries=settings.max_subqueries,
        max_query_depth=settings.max_query_depth,
    )
    return bind(parse(text, limits), text, models, settings, notes)


def _decided(found: Compiled, given: Given) -> tuple[tuple[str, str], ...]:
    """What decides the plan of a kept query, with the values of another request."""
    return tuple([(name, repr(given.values[name])) for name, _ in found.decided])


_OBJECT = 100
_PLAN_BYTES = 40
"""That a plan takes for each character of its text."""
_LARGEST_PART = 16
_DECIDED = 3
"""How often a value that decides a plan is kept with it."""

_CacheKey: TypeAlias = tuple[str, int, bool, frozenset[tuple[str | int, ...]], object, object]


class Compiler:
    """Compiles texts, and keeps what it compiled, up to a number and to a size."""

    def __init__(self, settings: QuerySettings, dialect: Dialect) -> None:
        self._settings = settings
        self._strict = as_strict(settings)
        self._dialect = dialect
        self._kept: OrderedDict[_CacheKey, Compiled] = OrderedDict()
        self._sizes: dict[_CacheKey, int] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that everything kept takes, as estimated."""
        return self._size

    def find(
        self,
        text: str,
        models: ModelIndex,
        *,
        strict: bool,
        indexed: frozenset[tuple[str | int, ...]],
        view: GraphView,
        given: Given | None = None,
    ) -> Compiled | None:
        """The compiled query from the store, if it is there."""
        key: _CacheKey = (text, models.epoch, strict, indexed, view.kind, given and given.kinds)
        found = self._kept.get(key)
        if found is not None and given is not None and found.decided != _decided(found, given):
            key = (*key[:5], (given.kinds, _decided(found, given)))
            found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def make(
        self,
        text: str,
        models: ModelIndex,
        *,
        strict: bool,
        indexed: frozenset[tuple[str | int, ...]],
        view: GraphView,
        given: Given | None = None,
    ) -> Compiled:
        """The compiled query, made anew; may run in any thread.

        Raises:
            QueryError: the text is wrong.
        """
        settings = self._strict if strict else self._settings
        notes = Notes(given)
        plan = plan_query(text, models, settings, notes)
        made = Compiled(
            plan, self._dialect, view, settings.aggregate, indexed, room=settings.max_sql
        )
        made.hops = sum(hop.low for hop in plan.graph.hops)
        made.warnings = notes.told(models)
        made.length = len(text)
        made.size = _OBJECT + _PLAN_BYTES * made.length
        if given is not None:
            made.plan = emptied(plan, given)
            names = sorted(notes.decides)
            made.decided = tuple([(name, repr(given.values[name])) for name in names])
            made.size += sum(len(name) + _OBJECT for name in given.values)
            made.size += _DECIDED * sum(len(value) for _, value in made.decided)
        return made

    def keep(
        self,
        text: str,
        models: ModelIndex,
        made: Compiled,
        *,
        strict: bool,
        indexed: frozenset[tuple[str | int, ...]],
        view: GraphView,
        given: Given | None = None,
    ) -> None:
        """Keep a compiled query, or note what it takes by now; makes room for it.

        One that takes a large part of the room by itself is not kept: it is rarely asked again, and
        what it would push out is.
        """
        key: _CacheKey = (text, models.epoch, strict, indexed, view.kind, given and given.kinds)
        known = self._kept.get(key)
        if known is not None and known is not made and known.decided != made.decided:
            key = (*key[:5], (given and given.kinds, made.decided))
        self._forget(key)
        most = self._settings.max_cache_bytes
        if made.size > most // _LARGEST_PART:
            return
        self._kept[key] = made
        self._sizes[key] = made.size
        self._size += made.size
        while len(self._kept) > self._settings.cache_size or self._size > most:
            self._forget(next(iter(self._kept)))

    def compile(
        self,
        text: str,
        models: ModelIndex,
        *,
        strict: bool,
        indexed: frozenset[tuple[str | int, ...]] = frozenset(),
    ) -> Compiled:
        """The compiled query of the graph as it is now, from the store if it was there.

        Raises:
            QueryError: the text is wrong; nothing is kept then.
        """
        found = self.find(text, models, strict=strict, indexed=indexed, view=NOW)
        if found is None:
            found = self.make(text, models, strict=strict, indexed=indexed, view=NOW)
            self.keep(text, models, found, strict=strict, indexed=indexed, view=NOW)
        return found

    def _forget(self, key: _CacheKey) -> None:
        if self._kept.pop(key, None) is not None:
            self._size -= self._sizes.pop(key)
