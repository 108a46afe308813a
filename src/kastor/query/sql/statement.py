"""The whole statement of a plan: inner query of keys in order, outer query of rows.

The inner query binds, filters, orders and limits, and yields only keys; the outer one reads the
documents of the rows that the page shows. Order is a total one over keys, and the next page begins
strictly after the position of the last row, so pages neither skip nor repeat (spec 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.query.plan import And, Condition, Exists, InQuery, OfModel, Plan, Truth
from kastor.query.sql.parameters import Parameters
from kastor.query.sql.predicates import Predicates
from kastor.query.sql.recursion import walk
from kastor.query.sql.references import sources_of
from kastor.query.sql.rows import row_sql
from kastor.query.sql.traverse import Branch, branches, build
from kastor.query.sql.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.query.plan import Graph
    from kastor.query.sql.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement.

    Attributes:
        text: numbered parameters; the first is the limit, then come `keys` of position if
            `resumes`, then the constants.
        keys: how many values a position has.
        single: one row that is the answer itself (COUNT); no page.
    """

    text: str
    constants: tuple[object, ...]
    keys: int
    resumes: bool
    single: bool = False


def compile_plan(plan: Plan, dialect: Dialect, *, resumes: bool, aggregate: bool) -> Sql:
    """The statement for a page of `plan`; `resumes` for every page but the first.

    With `aggregate` the answer is one row: count, rows joined with ``,`` and a line feed, and the
    positions; without, one row per row: its text, then its position.
    """
    return _Statement(plan, dialect, resumes=resumes).page(aggregate=aggregate)


class _Statement:
    def __init__(self, plan: Plan, dialect: Dialect, *, resumes: bool) -> None:
        self.plan = plan
        self.dialect = dialect
        self.resumes = resumes
        self.ways = branches(plan.graph)
        self.groups = sorted({hop.group for hop in plan.graph.hops})
        self.by_model = None if self.ways is None else _model_order(plan)
        self.width = self._width()
        reserved = 1 + self.width if resumes else 1
        self.parameters = Parameters(dialect.mark, 0 if plan.counts else reserved)
        self.values = Values(dialect, self.parameters, plan.graph, self._condition, {})
        self.predicates = Predicates(self.values, self._exists, self._subquery)

    def page(self, *, aggregate: bool) -> Sql:
        """The statement."""
        if self.plan.counts:
            return self._count()
        inner = self._inner()
        row = row_sql(self.plan.columns, self.values)
        keys = [f"k.o{index}" for index in range(self.width)]
        select = self.dialect.gather(row, keys) if aggregate else ", ".join([row, *keys])
        text = f"SELECT {select} FROM ({inner}) k{self._documents()}"
        constants = tuple(self.parameters.values)
        return Sql(text, constants, self.width, self.resumes)

    def _count(self) -> Sql:
        parts = [
            f"SELECT count(*) AS n FROM {branch.sql()}{where}"
            for branch, where in self._branches(set())
        ]
        text = parts[0]
        if len(parts) > 1:
            text = f"SELECT sum(n) FROM ({' UNION ALL '.join(parts)}) c"
        return Sql(text, tuple(self.parameters.values), 0, resumes=False, single=True)

    # Keys

    def _inner(self) -> str:
        """All branches, ordered by their keys, up to the limit."""
        shown = self._shown()
        selects = []
        for branch, where in self._branches(set()):
            order = self._order_keys(branch)
            named = [f"{sql} AS o{index}" for index, sql in enumerate(order)]
            named += [f"{branch.keys[source]} AS n{source}" for source in shown]
            select = f"SELECT {', '.join(named)} FROM {branch.sql()}"
            selects += [f"{select}{one}" for one in self._resumed(where, order)]
        order_by = ", ".join(str(index + 1) for index in range(self.width))
        limit = self.parameters.reserved(0)
        return f"{' UNION ALL '.join(selects)} ORDER BY {order_by} LIMIT {limit}"

    def _shown(self) -> list[int]:
        """The sources whose documents the rows need."""
        if self.plan.columns is None:
            return [0]
        return sorted(sources_of(*(column.value for column in self.plan.columns)))

    def _documents(self) -> str:
        """Joins what the rows show, by key."""
        parts = []
        for source in self._shown():
            one = self.plan.graph.sources[source]
            table, alias = self.dialect.table(one.kind + "s"), self.values.alias(source)
            word = "LEFT JOIN" if one.optional else "CROSS JOIN"
            parts.append(f" {word} {table} {alias} ON {alias}.key = k.n{source}")
        return "".join(parts)

    def _width(self) -> int:
        firsts = _first_nodes(self.plan.graph)
        if self.ways is None:
            return len(firsts) + len(self.groups)
        width = 1 if self.by_model else 0
        longest = [
            max((len(way[hop]) for way in self.ways), default=1)
            for hop in range(len(self.plan.graph.hops))
        ]
        return width + len(firsts) + sum(longest)

    def _order_keys(self, branch: Branch) -> list[str]:
        """First nodes, then every relationship; shorter branches are padded with zeros."""
        keys = [branch.keys[first] for first in _first_nodes(self.plan.graph)]
        if self.ways is None:
            return keys + [f"w.p{group}" for group in self.groups]
        if self.by_model:
            keys.insert(0, "t0.model_key")
        for hop, aliases in enumerate(branch.walked):
            optional = self.plan.graph.hops[hop].optional
            keys += [f"ifnull({a}.key, 0)" if optional else f"{a}.key" for a in aliases]
            longest = max(len(way[hop]) for way in self.ways)
            keys += ["0"] * (longest - len(aliases))
        return keys

    def _resumed(self, where: str, order: list[str]) -> Iterable[str]:
        """The WHERE of a branch with the position; two where the model leads the order.

        An IN list of models cannot be entered in its middle, so the rest of the current model and
        the models behind it are two branches that the engine merges.
        """
        if not self.resumes:
            return [where]
        marks = [self.parameters.reserved(index + 1) for index in range(self.width)]
        word = " AND " if where else " WHERE "
        if not self.by_model:
            return [f"{where}{word}{_after(order, marks)}"]
        keys = self.by_model.keys
        listed = self.parameters.add(f"[{','.join(map(str, keys))}]")
        behind = f"t0.model_key IN (SELECT value FROM json_each({listed}) WHERE value > {marks[0]})"
        still = f"{marks[0]} IN (SELECT value FROM json_each({listed}))"  # models may have changed
        same = f"t0.model_key = {marks[0]} AND {still} AND {_after(order[1:], marks[1:])}"
        return [f"{where}{word}{same}", f"{where}{word}{behind}"]

    # Branches

    def _branches(self, shown: set[int]) -> list[tuple[Branch, str]]:
        """FROM and WHERE of every branch; the condition's text is the same in all of them."""
        needed = sources_of(self.plan.where) | shown
        if self.by_model:
            needed.add(0)
        condition = self._where(self.plan.where)
        if self.ways is None:
            walked = walk(
                self.plan.graph, self.plan.where, needed, self.dialect, self.parameters,
                self._condition,
            )  # fmt: skip
            return [(walked, _where(walked.conditions + condition))]
        found = []
        for ways in self.ways:
            branch = build(self.plan.graph, ways, needed, self.dialect, self.parameters)
            terms = branch.conditions + condition
            found.append((branch, _where(terms)))
        return found

    def _where(self, condition: Condition) -> list[str]:
        terms = condition.terms if isinstance(condition, And) else (condition,)
        if self.resumes and self.by_model:
            terms = tuple(term for term in terms if term != self.by_model)
        return [self._condition(term) for term in terms if term != Truth(value=True)]

    def _condition(self, condition: Condition) -> str:
        return self.predicates.sql(condition)

    def _exists(self, leaf: Exists) -> str:
        raise NotImplementedError

    def _subquery(self, leaf: InQuery) -> str:
        raise NotImplementedError


def _where(terms: list[str]) -> str:
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _first_nodes(graph: Graph) -> list[int]:
    """The first node of every pattern: with the relationships they tell all rows apart."""
    if not graph.hops:
        return list(range(len(graph.sources)))
    seen: set[int] = set()
    firsts = []
    for hop in graph.hops:
        if hop.left not in seen:
            firsts.append(hop.left)
        seen |= {hop.left, hop.right}
    for index, source in enumerate(graph.sources):
        if source.kind == "twin" and index not in seen and not source.outer:
            firsts.append(index)
    return firsts


def _model_order(plan: Plan) -> OfModel | None:
    """The model test that may lead the order: one that every row of source 0 passes."""
    if plan.counts:
        return None
    terms = plan.where.terms if isinstance(plan.where, And) else (plan.where,)
    for term in terms:
        if isinstance(term, OfModel) and term.source == 0 and not term.negated:
            return term
    return None


def _after(order: list[str], marks: list[str]) -> str:
    """Strictly behind the position, in lexicographic order."""
    if len(order) == 1:
        return f"{order[0]} > {marks[0]}"
    lead = f"{order[0]} >= {marks[0]}"
    return f"{lead} AND ({', '.join(order)}) > ({', '.join(marks)})"
