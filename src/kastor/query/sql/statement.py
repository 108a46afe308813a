"""The whole statement of a plan: inner query of keys in order, outer query of rows.

The inner query binds, filters, orders and limits, and yields only keys; the outer one reads the
documents of the rows that the page shows. Order is a total one over keys, and the next page begins
strictly after the position of the last row, so pages neither skip nor repeat (query-language 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from kastor.errors import QueryError
from kastor.query.plan import Column, Plan, Slot
from kastor.query.references import is_mixed, sources_of
from kastor.query.sql.clauses import Clauses, select
from kastor.query.sql.dialect import seeing
from kastor.query.sql.grouped import Grouped
from kastor.query.sql.itinerary import itinerary
from kastor.query.sql.keyed import Keyed, grouped_width
from kastor.query.sql.leading import model_order, searched_sources, value_order
from kastor.query.sql.mixed import Mixed
from kastor.query.sql.ordering import (
    Key,
    after,
    limit_of,
    offset_of,
    order_by,
    sorted_by,
)
from kastor.query.sql.parameters import MAX_SQL, Parameters
from kastor.query.sql.rows import row_sql

if TYPE_CHECKING:
    from kastor.query.plan import Value, Walked
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.tables import GraphView
    from kastor.query.sql.traverse import Branch


_MARK = re.compile(r"[?$][0-9]+")


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement.

    Attributes:
        text: numbered parameters; the first is the limit, then come `keys` of position if
            `resumes`, then the constants.
        constants: what is bound, or the `AtRun` that stands for it.
        keys: how many values a position has.
        layout: a checksum of the order, so that a position is not read as one of another order.
        lead: the indexed property that leads the order, if one does.
        plain: whether positions are whole numbers and walks only, not values of documents.
    """

    text: str
    constants: tuple[object, ...]
    keys: int
    resumes: bool
    plain: bool = True
    layout: int = 0
    lead: tuple[str | int, ...] | None = None


def compile_plan(
    plan: Plan,
    dialect: Dialect,
    *,
    view: GraphView,
    resumes: bool,
    aggregate: bool,
    indexed: frozenset[tuple[str | int, ...]] = frozenset(),
    room: int = MAX_SQL,
) -> Sql:
    """The statement for a page of `plan`; `resumes` for every page but the first.

    All tables are those of the `view`.

    With `aggregate` the answer is one row: count, rows joined with ``,`` and a line feed, and the
    positions; without, one row per row: its text, then its position. `indexed` are the paths of
    twins that have a property index: a test on one of them leads the order.

    Raises:
        QueryError: the statement would have more than `room` characters.
    """
    if (plan.grouped or plan.order) and not dialect.sorts_values:
        message = f"ORDER BY, DISTINCT and GROUP BY are not available on {dialect.name}"
        raise QueryError(message)
    parameters = Parameters(dialect.mark, 0, room)
    dialect = seeing(view, dialect, parameters)
    if plan.grouped:
        searched = searched_sources(plan, indexed)
        return _grouped(plan, dialect, parameters, searched, resumes=resumes, aggregate=aggregate)
    statement = _Statement(plan, dialect, parameters, indexed, resumes=resumes)
    return statement.page(aggregate=aggregate)


def _grouped(
    plan: Plan,
    dialect: Dialect,
    parameters: Parameters,
    searched: frozenset[int],
    *,
    resumes: bool,
    aggregate: bool,
) -> Sql:
    width = grouped_width(plan, dialect)
    parameters.reserve(1 + width if resumes else 1)
    clauses = Clauses(plan.graph, plan.where, dialect, parameters, Mixed, searched=searched)
    grouped = Grouped(plan, clauses)
    order = grouped.order()
    keys = [key.position(f"k.o{index}") for index, key in enumerate(order)]
    row = grouped.row()
    source = f"({grouped.inner(resumes=resumes)}) k"
    if aggregate:
        text = dialect.page(row, keys, source, sorted_by(order), plain=False)
    else:
        text = dialect.steps(row, keys, source, sorted_by(order))
    return Sql(text, parameters.used_in(text), width, resumes, plain=False)


class _Statement:
    def __init__(
        self,
        plan: Plan,
        dialect: Dialect,
        parameters: Parameters,
        indexed: frozenset[tuple[str | int, ...]],
        *,
        resumes: bool,
    ) -> None:
        self.plan = plan
        self.dialect = dialect
        self.resumes = resumes
        self.parameters = parameters
        searched = searched_sources(plan, indexed)
        self.clauses = Clauses(
            plan.graph, plan.where, dialect, self.parameters, Mixed, searched=searched
        )
        mixed = is_mixed(plan.graph)
        self.by_value = None if mixed else value_order(plan, indexed)
        leads = not mixed and self.clauses.ways is not None and _starts_at_first(plan)
        self.by_model = model_order(plan) if leads and self.by_value is None else None
        self.keyed = Keyed(
            self.clauses, plan.order, nulls=plan.nulls, by_model=self.by_model,
            by_value=self.by_value,
        )  # fmt: skip
        self.plain = not plan.order and self.by_value is None and not mixed
        self.width = self.keyed.width
        self.columns, self.made = _columns_made(plan)
        self.walks: list[Walked] = []
        self.layout = 0
        self.order: list[Key] = []
        if not plan.counts:
            self.parameters.reserve(1 + self.width if resumes else 1)

    def page(self, *, aggregate: bool) -> Sql:
        """The statement."""
        if self.plan.counts:
            return self._count()
        inner = self._inner()
        self.clauses.values.walks = {one: f"k.{name_of(one)}" for one in self.walks}
        row = row_sql(self.columns, self.clauses.values, nulls=self.plan.nulls)
        keys = [key.position(f"k.o{index}") for index, key in enumerate(self.order)]
        order = sorted_by(self.order)
        source, named = f"({inner}) k", ""
        if self.dialect.by_key:
            source, named = "k", f"WITH k AS MATERIALIZED ({inner}) "
        source += self._documents()
        if aggregate:
            text = named + self.dialect.page(row, keys, source, order, plain=self.plain)
        else:
            text = named + self.dialect.steps(row, keys, source, order)
        lead = self.by_value.steps if self.by_value is not None else None
        constants = self.parameters.used_in(text)
        return Sql(text, constants, self.width, self.resumes, self.plain, self.layout, lead)

    def _count(self) -> Sql:
        parts = [self._counted(branch, terms) for branch, terms in self.clauses.branches(set())]
        text = parts[0]
        if len(parts) > 1:
            text = f"SELECT sum(n) FROM ({' UNION ALL '.join(parts)}) c"
        return Sql(text, self.parameters.used_in(text), 0, resumes=False)

    def _counted(self, branch: Branch, terms: list[str]) -> str:
        """The count of one branch's rows."""
        barrier = self.dialect.barrier
        if not barrier:
            return select("count(*) AS n", branch, terms)
        return f"SELECT count(*) AS n FROM ({select('1', branch, terms)}{barrier})"

    # Keys

    def _inner(self) -> str:
        """All branches, ordered by their keys, up to the limit."""
        selects = self._selects()
        limit, offset = limit_of(self.parameters), self._offset()
        order = order_by(self.order)
        # Only where nothing is in front of the branch's number do branches follow each other.
        leads = self.plan.order or self.by_model or is_mixed(self.plan.graph)
        if self.keyed.has_branches and not leads:
            most = f"{limit} + {offset}" if offset else limit
            text = f"{' UNION ALL '.join(_one_by_one(selects, order, most))} LIMIT {limit}"
        else:
            text = f"{' UNION ALL '.join(selects)} ORDER BY {order} LIMIT {limit}"
        return f"{text} OFFSET {offset}" if offset else text

    def _selects(self) -> list[str]:
        """The keys of every branch, from the position on; notes the order and its layout."""
        needed = sources_of(*(order.value for order in self.plan.order), *self.made)
        if self.by_model:
            needed.add(0)
        # The position says of which models the rest of the rows is.
        skip = self.by_model if self.resumes else None
        selects, layout = [], ""
        for number, (branch, terms) in enumerate(self.clauses.branches(needed, skip=skip)):
            self.clauses.values.walks = branch.walks
            self.order = self.keyed.order(number, branch)
            layout += order_by(self.order) + ",".join(key.sql for key in self.order)
            items = self._items(branch)
            selects += [select(items, branch, terms + more) for more in self._positions()]
        self.layout = crc32(_MARK.sub("", layout).encode())
        return selects

    def _items(self, branch: Branch) -> str:
        """The columns of a branch: order, keys of what the rows show, walks that they show."""
        self.walks = sorted(branch.walks, key=name_of)
        named = [f"{key.sql} AS o{index}" for index, key in enumerate(self.order)]
        named += [f"{branch.keys[source]} AS n{source}" for source in self._shown()]
        named += [f"{branch.walks[one]} AS {name_of(one)}" for one in self.walks]
        values = self.clauses.values
        named += [f"{values.json(value)} AS g{n}j" for n, value in enumerate(self.made)]
        return ", ".join(named)

    def _offset(self) -> str:
        """OFFSET of the first page; a position stands behind it already."""
        if self.resumes or not self.plan.offset:
            return ""
        return offset_of(self.plan.offset, self.parameters)

    def _shown(self) -> list[int]:
        """The sources whose documents the rows need."""
        if self.columns is None:
            return [0]
        return sorted(sources_of(*(column.value for column in self.columns)))

    def _documents(self) -> str:
        """Joins what the rows show, by key."""
        parts = []
        for source in self._shown():
            one = self.plan.graph.sources[source]
            alias = self.clauses.values.alias(source)
            table = self.dialect.keyed(one.kind + "s", f"SELECT n{source} FROM k")
            word = "LEFT JOIN" if one.optional else self.dialect.join_in_order
            parts.append(f" {word} {table} {alias} ON {alias}.key = k.n{source}")
        return "".join(parts)

    def _positions(self) -> list[list[str]]:
        """The position as terms of WHERE; twice where the model leads the order.

        An IN list of models cannot be entered in its middle, so the rest of the current model and
        the models behind it are two branches that the engine merges.
        """
        if not self.resumes:
            return [[]]
        marks = [self.parameters.reserved(index + 1) for index in range(self.width)]
        if not self.by_model:
            return [[after(self.order, marks)]]
        listed = self.dialect.keys(self.by_model.keys, self.parameters)
        still = f"{marks[0]} IN (SELECT value FROM {listed})"  # models may have changed
        same = f"t0.model_key = {marks[0]} AND {still} AND {after(self.order[1:], marks[1:])}"
        behind = f"t0.model_key IN (SELECT value FROM {listed} WHERE value > {marks[0]})"
        return [[same], [behind]]


def _starts_at_first(plan: Plan) -> bool:
    """Whether a walk through the graph begins at its first source."""
    starts = itinerary(plan.graph, plan.where)
    return bool(starts) and starts[0][0] == 0


def _columns_made(plan: Plan) -> tuple[tuple[Column, ...] | None, list[Value]]:
    """The columns as they are above the keys, and the values that are made beside those.

    Rows below and items are not joined again: what reads them is made where they are.
    """
    mixed = {n for n, one in enumerate(plan.graph.sources) if one.kind in {"rows", "items"}}
    if not mixed or plan.columns is None:
        return plan.columns, []
    made: list[Value] = []
    columns = []
    for column in plan.columns:
        if sources_of(column.value) & mixed:
            columns.append(Column(column.key, Slot(len(made))))
            made.append(column.value)
        else:
            columns.append(column)
    return tuple(columns), made


def name_of(walked: Walked) -> str:
    """The column of what a range walked."""
    return f"w{walked.hop}" if walked.apart < 0 else f"w{walked.hop}_{walked.apart}"


def _one_by_one(selects: list[str], order: str, limit: str) -> list[str]:
    """Branches that follow each other, because the branch's number leads the order.

    A merge would need the first row of every branch, and to find that a long one has none can mean
    to walk all of it.
    """
    return [f"SELECT * FROM ({one} ORDER BY {order} LIMIT {limit}) b" for one in selects]
