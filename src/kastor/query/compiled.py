"""A query ready to run, and the bounded store of those.

Parsing, planning and writing the statement cost more than most queries; so what they gave is kept
under (shape, model epoch, strict, property indexes, kind of view, kinds of the parameters). A shape
is a text without its string literals (`kastor.query.shapes`): texts that differ in these alone
share a plan, as requests with other values of parameters do. Values on which a plan depends are
part of the key; all others are put in for each request: into variables of the statement where it
need not know more than their form, else by writing it anew. The second statement, for pages behind
the first, is made when it is first needed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from kastor.lang import parse
from kastor.lang.cursor import ParseLimits
from kastor.lang.cypher import is_cypher, parse_cypher
from kastor.lang.errors import query_error
from kastor.query.bind import bind
from kastor.query.cypher import bind_cypher
from kastor.query.distances import only_with_distances, require_in_documents
from kastor.query.forms import form_of
from kastor.query.look_ups import is_look_up
from kastor.query.notes import Notes
from kastor.query.passes.giving import SMALLEST, give, places_of
from kastor.query.settings import as_strict
from kastor.query.shapes import literals_of, shape_of
from kastor.query.sql.parameters import MAX_SQL
from kastor.query.sql.statement import Sql, compile_plan
from kastor.query.sql.tables import NOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kastor.query.given import Given, Item
    from kastor.query.models import ModelIndex
    from kastor.query.plan import Plan, Scalar
    from kastor.query.settings import QuerySettings
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.tables import GraphView
    from kastor.storage.vectors import VectorIndexRow

_STATEMENTS = 8
"""Of one plan: for the first page and the others, and for values of several forms."""


@dataclass(slots=True)
class KeptPlan:
    """A plan as it is kept, and the statements that serve more than one request.

    Attributes:
        plan: with names in the places of the values that it is given for each request.
        view: what its statements read.
        hops: how many relationships a row needs at least.
        own: bytes that it takes without statements, as estimated.
        size: the same with them.
        length: of its text in characters.
        warnings: names that no model knows, for people.
        variables: names of values that its statements have variables for.
        fixed: whether there are others, for which statements are written anew.
        decided: names of values on which the plan depends, with these values as texts.
        looks_up: whether it is one look-up, see `is_look_up`.
    """

    plan: Plan
    dialect: Dialect
    view: GraphView
    aggregate: bool
    indexed: frozenset[tuple[str | int, ...]]
    length: int
    room: int = MAX_SQL
    hops: int = 0
    own: int = 0
    size: int = 0
    warnings: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    fixed: bool = False
    decided: tuple[tuple[str, str], ...] = ()
    looks_up: bool = False
    statements: dict[tuple[bool, tuple[Scalar, ...]], Sql] = field(default_factory=dict)
    _whole: Compiled | None = None

    def filled(self, asked: Asked) -> Compiled:
        """The query with the values of one request."""
        if self.variables or self.fixed:
            return Compiled(self, asked.values, asked.size - len(asked.text))
        if self._whole is None:
            self._whole = Compiled(self, {})
        return self._whole

    def sql(self, plan: Plan, *, resumes: bool = False, aggregate: bool = True) -> Sql:
        """The statement of a plan made from this one.

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

    def has(self, forms: tuple[Scalar, ...], *, resumes: bool) -> bool:
        """Whether the statement for values of these forms is made."""
        return (resumes, forms) in self.statements

    def statement(self, forms: tuple[Scalar, ...], *, resumes: bool) -> Sql:
        """The statement for values of these forms, with variables."""
        known = self.statements.get((resumes, forms))
        if known is not None:
            return known
        plan = self.plan
        if self.variables:
            plan = give(plan, dict(zip(self.variables, forms, strict=True)), self.variables)
        made = self.sql(plan, resumes=resumes, aggregate=self.aggregate)
        if len(self.statements) >= _STATEMENTS:
            self.statements = {}
        self.statements[resumes, forms] = made
        # Anew, since another thread may be making the same statement.
        self.size = self.own + sum(map(_size_of_sql, list(self.statements.values())))
        return made


class Compiled:
    """A plan and its statements with the values of one request, or for all where it has none."""

    __slots__ = ("_forms", "_length", "_made", "_plan", "kept", "values")

    def __init__(self, kept: KeptPlan, values: Mapping[str, Item], length: int = 0) -> None:
        self.kept = kept
        self.values = values
        self._length = length
        self._plan: Plan | None = None
        self._made: dict[bool, Sql] = {}
        self._forms = tuple([form_of(cast("Scalar", values[name])) for name in kept.variables])

    @property
    def plan(self) -> Plan:
        """The plan, as if all values stood in its text."""
        if self._plan is None:
            varies = self.kept.variables or self.kept.fixed
            self._plan = give(self.kept.plan, self.values) if varies else self.kept.plan
        return self._plan

    @property
    def dialect(self) -> Dialect:
        """What its statements are written in."""
        return self.kept.dialect

    @property
    def view(self) -> GraphView:
        """What its statements read."""
        return self.kept.view

    @property
    def aggregate(self) -> bool:
        """Whether a page is one row of the statement."""
        return self.kept.aggregate

    @property
    def looks_up(self) -> bool:
        """Whether it is one look-up, see `is_look_up`."""
        return self.kept.looks_up

    @property
    def hops(self) -> int:
        """How many relationships a row needs at least."""
        return self.kept.hops

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names that no model knows, for people."""
        return self.kept.warnings

    @property
    def length(self) -> int:
        """Of its text and its values, as characters."""
        return self.kept.length + self._length

    def first(self) -> Sql:
        """The statement of the first page; its variables are filled when it runs."""
        return self._statement(resumes=False)

    def next(self) -> Sql:
        """The statement of every later page."""
        return self._statement(resumes=True)

    def has(self, *, resumes: bool) -> bool:
        """Whether the statement is made already."""
        if self.kept.fixed:
            return resumes in self._made
        return self.kept.has(self._forms, resumes=resumes)

    def steps(self, *, resumes: bool) -> Sql:
        """The statement that gives the rows one by one; for pages whose rows are large."""
        return self.kept.sql(self.plan, resumes=resumes, aggregate=False)

    def sql(self, plan: Plan, *, resumes: bool = False, aggregate: bool = True) -> Sql:
        """The statement of a plan made from this one's.

        Raises:
            QueryError: it would be too long.
        """
        return self.kept.sql(plan, resumes=resumes, aggregate=aggregate)

    def _statement(self, *, resumes: bool) -> Sql:
        kept = self.kept
        if not kept.fixed:
            return kept.statement(self._forms, resumes=resumes)
        made = self._made.get(resumes)
        if made is None:
            made = kept.sql(self.plan, resumes=resumes, aggregate=kept.aggregate)
            self._made[resumes] = made
        return made


def _size_of_sql(made: Sql) -> int:
    return len(made.text) + sum(_size_of(value) for value in made.constants)


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
    limits = parse_limits(settings)
    if settings.cypher and not settings.strict and is_cypher(text):
        plan = bind_cypher(parse_cypher(text, limits), text, models, settings, notes)
    else:
        plan = bind(parse(text, limits), text, models, settings, notes)
    return only_with_distances(plan)


def parse_limits(settings: QuerySettings) -> ParseLimits:
    """What bounds the parser under these settings."""
    return ParseLimits(
        max_terms=settings.max_terms,
        max_list=settings.max_list,
        max_subqueries=settings.max_subqueries,
        max_query_depth=settings.max_query_depth,
    )


def _decided(names: Iterable[str], values: Mapping[str, Item]) -> tuple[tuple[str, str], ...]:
    """Values on which a plan depends."""
    return tuple([(name, repr(values[name])) for name in names])


_OBJECT = 100
_PLAN_BYTES = 40
"""That a plan takes for each character of its text."""
_LARGEST_PART = 16
_DECIDED = 3
"""How often a value that decides a plan is kept with it."""

_CacheKey: TypeAlias = tuple[str, int, bool, frozenset[tuple[str | int, ...]], object, object]


@dataclass(slots=True)
class Asked:
    """A query as a request asks it.

    Attributes:
        key: what it is kept under unless there are values that decide its plan.
        values: of parameters, and of literals that its shape leaves out.
        size: of all that it is compiled from, in characters.
        vectors: the vector indexes that it may mean.
    """

    text: str
    models: ModelIndex
    strict: bool
    indexed: frozenset[tuple[str | int, ...]]
    view: GraphView
    given: Given | None
    key: _CacheKey
    values: Mapping[str, Item]
    size: int
    vectors: tuple[VectorIndexRow, ...] = ()


def ask(
    text: str,
    models: ModelIndex,
    *,
    strict: bool,
    indexed: frozenset[tuple[str | int, ...]] = frozenset(),
    view: GraphView = NOW,
    given: Given | None = None,
    vectors: tuple[VectorIndexRow, ...] = (),
) -> Asked:
    """A query as `Compiler` takes it, which must not change while it is compiled."""
    shape = shape_of(text)
    values: Mapping[str, Item] = shape.values
    kinds: object = None
    size = len(text)
    if given is not None:
        values = {**given.values, **values}
        kinds = given.kinds
        size += given.size
    if vectors:
        kinds = (kinds, vectors)
    key = (shape.text, models.epoch, strict, indexed, view.kind, kinds)
    return Asked(text, models, strict, indexed, view, given, key, values, size, vectors)


@dataclass(slots=True)
class PlanTally:
    """Compiled queries of a graph since it was opened.

    Attributes:
        used: how often one was used, kept or made for it; once for a page.
        made: how many were made, because none was kept.
        size: bytes that those which are kept take, as estimated.
    """

    used: int = 0
    made: int = 0
    size: int = 0


class Compiler:
    """Compiles texts, and keeps what it compiled, up to a number and to a size.

    Attributes:
        tally: counted on the event loop alone; who runs a query notes its use.
    """

    def __init__(self, settings: QuerySettings, dialect: Dialect) -> None:
        self._settings = settings
        self._strict = as_strict(settings)
        self._most_text = (settings.max_text, self._strict.max_text)
        self._dialect = dialect
        self._kept: OrderedDict[_CacheKey, KeptPlan] = OrderedDict()
        self._sizes: dict[_CacheKey, int] = {}
        self.tally = PlanTally()

    def find(self, asked: Asked) -> Compiled | None:
        """The compiled query from the store, if it is there."""
        key = asked.key
        kept = self._kept.get(key)
        if kept is None or len(asked.text) > self._most_text[asked.strict]:
            return None
        self._kept.move_to_end(key)
        if kept.decided:
            decided = _decided([name for name, _ in kept.decided], asked.values)
            if kept.decided != decided:
                key = (*key[:5], (key[5], decided))
                kept = self._kept.get(key)
                if kept is None:
                    return None
                self._kept.move_to_end(key)
        return kept.filled(asked)

    def make(self, asked: Asked) -> Compiled:
        """The compiled query, made anew; may run in any thread.

        Raises:
            QueryError: the text is wrong.
        """
        settings = self._strict if asked.strict else self._settings
        literals = literals_of(asked.text)
        notes = Notes(asked.given, literals, asked.vectors)
        plan = plan_query(asked.text, asked.models, settings, notes)
        if asked.view is not NOW:
            require_in_documents(plan)
        variables, fixed = places_of(plan, asked.values)
        named = {} if asked.given is None else dict(asked.given.kinds)
        # Of a literal nothing but its form may be known; else it is as if it were in the key.
        free = variables - fixed - notes.decides
        decides = notes.decides | (set(literals.values()) - free)
        smallest = {name: SMALLEST[kind] for name, kind in named.items()}
        smallest |= dict.fromkeys(free - set(named), "")
        kept = KeptPlan(
            give(plan, {**asked.values, **smallest}, smallest),
            self._dialect,
            asked.view,
            settings.aggregate,
            asked.indexed,
            len(asked.text),
            settings.max_sql,
        )
        kept.hops = sum(hop.low for hop in plan.graph.hops)
        kept.warnings = notes.told(asked.models)
        kept.looks_up = settings.aggregate and is_look_up(plan)
        kept.variables = tuple(sorted(variables & set(smallest)))
        kept.fixed = not fixed.isdisjoint(named)
        kept.decided = _decided(sorted(decides), asked.values)
        kept.own = _OBJECT + _PLAN_BYTES * kept.length
        kept.own += sum(len(name) + _OBJECT for name in asked.values)
        kept.own += _DECIDED * sum(len(value) for _, value in kept.decided)
        kept.size = kept.own
        return kept.filled(asked)

    def keep(self, asked: Asked, made: Compiled) -> None:
        """Keep a compiled query, or note what it takes by now; makes room for it.

        One that takes a large part of the room by itself is not kept: it is rarely asked again, and
        what it would push out is.
        """
        key, kept = asked.key, made.kept
        known = self._kept.get(key)
        if known is not None and known is not kept and known.decided != kept.decided:
            key = (*key[:5], (key[5], kept.decided))
        self.tally.made += key not in self._kept
        self._forget(key)
        most = self._settings.max_cache_bytes
        if kept.size > most // _LARGEST_PART:
            return
        self._kept[key] = kept
        self._sizes[key] = kept.size
        self.tally.size += kept.size
        while len(self._kept) > self._settings.cache_size or self.tally.size > most:
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
        asked = ask(text, models, strict=strict, indexed=indexed)
        found = self.find(asked)
        if found is None:
            found = self.make(asked)
            self.keep(asked, found)
        return found

    def _forget(self, key: _CacheKey) -> None:
        if self._kept.pop(key, None) is not None:
            self.tally.size -= self._sizes.pop(key)
