"""Long or branching ranges, walked by recursion from the most selective node.

A chain of common table expressions binds one node or hop after the other; a ranged hop is a
recursive one. Every row carries the relationships it has walked as a text ``.3.17.|.4.``, which
keeps a relationship from occurring twice (query-language 10), tells all rows apart, and so is
their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.query.plan import And, Truth, Walked
from kastor.query.references import is_about
from kastor.query.sql.itinerary import itinerary
from kastor.query.sql.traverse import Branch, name_condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.query.plan import Condition, Graph, Hop
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.itinerary import Step
    from kastor.query.sql.parameters import Parameters


_TURNED = {"->": "<-", "<-": "->", "-": "-"}


def walk(
    graph: Graph,
    where: Condition,
    needed: set[int],
    dialect: Dialect,
    parameters: Parameters,
    write: Callable[[Condition], str],
    outer: Mapping[int, str] | None = None,
) -> Branch:
    """The one branch of a graph that is walked: its first table is the walk itself, ``w``.

    `outer` has the keys of sources of the query around where they are no table there.
    """
    walker = _Walker(graph, where, dialect, parameters, write, outer or {})
    walker.run()
    return walker.branch(needed)


@dataclass(frozen=True, slots=True)
class _Leg:
    """A hop as it is walked: from the node that is bound to its other end.

    Attributes:
        number: of the hop.
        direction: as seen from `begin`.
    """

    number: int
    hop: Hop
    begin: int
    end: int
    direction: str


def _leg(step: Step, graph: Graph) -> _Leg:
    hop = graph.hops[step.hop]
    if step.forward:
        return _Leg(step.hop, hop, hop.left, hop.right, hop.direction)
    return _Leg(step.hop, hop, hop.right, hop.left, _TURNED[hop.direction])


def _most(hop: Hop) -> int:
    """How deep a range is walked; one step further where nothing may lie behind its end."""
    return hop.high + 1 if hop.open else hop.high


class _Walker:
    """Writes the walk, stage by stage; each stage binds more and hands on all columns before it.

    The columns of a stage: ``p0`` what the hops of group 0 have walked, ``n1`` the key of node 1,
    ``r2`` that of relationship 2, ``q3`` what hop 3 alone has walked.

    Attributes:
        columns: those of the last stage.
        bound: nodes that have a column.
        stages: the common table expressions: ``s0``, ``s1`` .., and ``w3`` for the ranged hop 3.
        last: the name of the last stage.
    """

    def __init__(
        self,
        graph: Graph,
        where: Condition,
        dialect: Dialect,
        parameters: Parameters,
        write: Callable[[Condition], str],
        outer: Mapping[int, str],
    ) -> None:
        self.graph = graph
        self.where = where
        self.terms = where.terms if isinstance(where, And) else (where,)
        self.dialect = dialect
        self.parameters = parameters
        self.write = write
        self.outer = outer
        self.groups = sorted({hop.group for hop in graph.hops})
        self.columns: list[str] = []
        self.bound: set[int] = set()
        self.stages: list[str] = []
        self.named = frozenset(number for number, hop in enumerate(graph.hops) if hop.named)
        self.last = ""

    def run(self) -> None:
        """Binds every node and hop of the graph."""
        ends = {end for hop in self.graph.hops for end in (hop.left, hop.right)}
        for node in sorted(ends):
            if self.graph.sources[node].outer:
                self._start(node)
        for start, steps in itinerary(self.graph, self.where):
            if start not in self.bound:
                self._start(start)
            for step in steps:
                self._walk(_leg(step, self.graph))

    def branch(self, needed: set[int]) -> Branch:
        """The walk, and the documents that conditions need, joined in this order."""
        branch = Branch(self.graph, self.dialect, self.parameters)
        head = f"WITH RECURSIVE {', '.join(self.stages)}"
        listed = ", ".join(self.columns)
        branch.tables.append(f"({head} SELECT {listed} FROM {self.last}) w")
        branch.walks = {Walked(number): f"w.q{number}" for number in self.named}
        for index, source in enumerate(self.graph.sources):
            letter = "n" if source.kind == "twin" else "r"
            if f"{letter}{index}" not in self.columns:
                continue
            branch.keys[index] = f"w.{letter}{index}"
            if index in needed and not source.outer:
                alias = ("t" if source.kind == "twin" else "r") + str(index)
                table = self.dialect.table(source.kind + "s")
                # Behind the walk, whose rows are few and have the keys.
                branch.tables.append(f" CROSS JOIN {table} {alias}")
                branch.conditions.append(f"{alias}.key = w.{letter}{index}")
        return branch

    def _stage(self, body: str, *, kept: bool = False) -> None:
        """A stage; `kept` ones are not written into those that read them."""
        self.last = f"s{len(self.stages)}"
        self.stages.append(f"{self.last} AS {'MATERIALIZED ' if kept else ''}({body})")

    def _bind(self, node: int) -> None:
        self.columns.append(f"n{node}")
        self.bound.add(node)

    # Starts

    def _start(self, node: int) -> None:
        """Binds a node by itself; the first one also opens the walked texts."""
        kept = [f"{self.last}.{column}" for column in self.columns]
        if not self.columns:
            self.columns = [f"p{group}" for group in self.groups]
            kept = [f"'.' AS {column}" for column in self.columns]
        source, condition = self._found(node)
        key = self.outer.get(node, f"t{node}.key")
        body = f"SELECT {', '.join(kept)}, {key} AS n{node}"
        if source:
            body += f" FROM {source}"
        if condition:
            body += f" WHERE {condition}"
        self._stage(body)
        self._bind(node)

    def _found(self, node: int) -> tuple[str, str]:
        """FROM and WHERE of a start: its table, behind what is bound, and the terms about it.

        A node of the query around has both there.
        """
        if self.graph.sources[node].outer:
            return self.last, ""
        terms = [t for t in self.terms if is_about(t, {node}) or t == Truth(value=False)]
        table = f"{self.dialect.table('twins')} t{node}"
        source = f"{self.last} CROSS JOIN {table}" if self.last else table
        return source, " AND ".join(self.write(term) for term in terms)

    # Hops

    def _walk(self, leg: _Leg) -> None:
        """Binds a hop from the end that is known."""
        if leg.hop.relationship >= 0:
            self._single(leg)
        elif leg.hop.paths:
            self._paths(leg)
        elif leg.hop.shortest:
            self._shortest(leg)
        else:
            self._range(leg)
        if leg.end not in self.bound:
            self._bind(leg.end)

    def _single(self, leg: _Leg) -> None:
        """A hop of one relationship, which gets a column of its own."""
        last, path = self.last, f"p{leg.hop.group}"
        far, conditions = self._related(leg, f"{last}.n{leg.begin}")
        conditions.append(self._unwalked(f"{last}.{path}"))
        longer = f"{last}.{path} || r.key || '.' AS {path}"
        listed = [longer if c == path else f"{last}.{c}" for c in self.columns]
        listed.append(f"r.key AS r{leg.hop.relationship}")
        conditions += [f"r.key = {one}" for one in self._same(leg.hop.relationship, last)]
        if leg.end in self.bound:
            conditions.append(f"{far} = {last}.n{leg.end}")
        else:
            listed.append(f"{far} AS n{leg.end}")
        self._stage(f"SELECT {', '.join(listed)} {self._onward(last, conditions)}")
        self.columns.append(f"r{leg.hop.relationship}")

    def _same(self, relationship: int, last: str) -> list[str]:
        """The keys of what is bound already and is the same relationship."""
        sources = self.graph.sources
        wanted = [n for n, one in enumerate(sources) if one.same == relationship]
        wanted += [sources[relationship].same]
        bound = [f"{last}.r{one}" for one in wanted if f"r{one}" in self.columns]
        return bound + [self.outer[one] for one in wanted if one >= 0 and sources[one].outer]

    def _range(self, leg: _Leg) -> None:
        """All walks up to the greatest length, and of these what is long enough."""
        if leg.number in self.named:
            self._open_walk(leg.number)
        name, path = f"w{leg.number}", f"p{leg.hop.group}"
        far, conditions = self._related(leg, f"{name}.node")
        conditions += [self._unwalked(f"{name}.{path}"), f"{name}.depth < {_most(leg.hop)}"]
        own = f"{name}.q{leg.number}"
        # Shown in the order of the pattern, whichever end the walk began at.
        forward = leg.hop.left in self.bound
        longer = {
            path: f"{name}.{path} || r.key || '.' AS {path}",
            f"q{leg.number}": f"{own} || r.key || '.'" if forward else f"'.' || r.key || {own}",
        }
        walked = [longer.get(column, f"{name}.{column}") for column in self.columns]
        self._recurse(leg, "UNION ALL", [*walked, far], conditions)
        # The bar ends this hop's part of the text, so that no two rows have the same.
        kept = [f"{c} || '|.' AS {c}" if c == path else c for c in self.columns]
        self._arrive(leg, kept)

    def _open_walk(self, number: int) -> None:
        """A column for what this hop alone walks, which SELECT may show."""
        listed = ", ".join([*self.columns, f"'.' AS q{number}"])
        self._stage(f"SELECT {listed} FROM {self.last}")
        self.columns.append(f"q{number}")

    def _shortest(self, leg: _Leg) -> None:
        """Breadth first: a node is kept once per depth, and of all depths the least one counts."""
        name, path = f"w{leg.number}", f"p{leg.hop.group}"
        far, conditions = self._related(leg, f"{name}.node")
        conditions.append(f"{name}.depth < {leg.hop.high}")
        # Without the walked text equal nodes of one depth are equal rows, which UNION keeps once.
        kept = [f"{name}.{column}" for column in self.columns]
        self._recurse(leg, "UNION", [*kept, far], conditions)
        items = [f"{c} || '|' || node || '|.' AS {c}" if c == path else c for c in self.columns]
        self._arrive(leg, items, f" GROUP BY {', '.join(self.columns)}, node")

    def _paths(self, leg: _Leg) -> None:
        """The shortest walks themselves: along nodes that are one step further at each step.

        Stages of hop 3: ``w3`` every node at every depth, ``d3`` its least depth, ``m3`` those of a
        way to the end, if that is bound; ``z3`` the walks.
        """
        if leg.end not in self.bound and any(is_about(term, {leg.end}) for term in self.terms):
            self._start(leg.end)
        number, path = leg.number, f"p{leg.hop.group}"
        kept = list(self.columns)
        inlined = self.dialect.repeats_inner_rows and any(o.outer for o in self.graph.sources)
        (self._measured if inlined else self._reached)(leg)
        last, name = self.last, f"z{number}"
        far, conditions = self._related(leg, f"{name}.node")
        if inlined:
            onto = ""
            conditions.append(self.dialect.distance(f"{name}.x{number}", far, f"{name}.depth + 1"))
        else:
            onto = f" CROSS JOIN {'m' if leg.end in self.bound else 'd'}{number} x"
            conditions += [f"x.node = {far}", f"x.depth = {name}.depth + 1"]
            conditions += [f"x.{column} = {name}.{column}" for column in self.columns]
        forward = leg.hop.left == leg.begin
        own = f"{name}.q{number}"
        longer = f"{own} || r.key || '.'" if forward else f"'.' || r.key || {own}"
        columns = ", ".join(f"z{number}.{column}" for column in self.columns)
        relationships = self._edges(leg)
        self.stages.append(
            f"z{number} AS (SELECT {', '.join(self.columns)}, n{leg.begin} AS node, 0 AS depth,"
            f" '.' AS q{number} FROM {last} UNION ALL SELECT {columns}, {far}, z{number}.depth + 1,"
            f" {longer} FROM z{number} CROSS JOIN {relationships} r {onto}"
            f" WHERE {' AND '.join(conditions)})"
        )
        self._arrived(leg, path)
        self.columns = [*kept, f"q{number}"]

    def _reached(self, leg: _Leg) -> None:
        """The nodes within reach, each with its least distance."""
        name = f"w{leg.number}"
        far, conditions = self._related(leg, f"{name}.node")
        conditions.append(f"{name}.depth < {_most(leg.hop)}")
        kept = [f"{name}.{column}" for column in self.columns]
        self._recurse(leg, "UNION", [*kept, far], conditions)
        columns = ", ".join([*self.columns, "node"])
        self.stages.append(
            f"d{leg.number} AS (SELECT {columns}, min(depth) AS depth FROM {name}"
            f" GROUP BY {columns})"
        )
        if leg.end in self.bound:
            self._between(leg)

    def _measured(self, leg: _Leg) -> None:
        """The same distances as one value of each row, of only those on a way to a bound end.

        For engines that make rows which belong to the query around anew at every mention.
        """
        number, last = leg.number, self.last
        far, conditions = self._related(leg, "w.node")
        relationships = self._edges(leg)
        conditions.append(f"w.depth < {_most(leg.hop)}")
        reached = (
            f"WITH RECURSIVE w AS (SELECT {last}.n{leg.begin} AS node, 0 AS depth UNION"
            f" SELECT {far}, w.depth + 1 FROM w CROSS JOIN {relationships} r"
            f" WHERE {' AND '.join(conditions)})"
        )
        listed = ", ".join(self.columns)
        made = self.dialect.distances(reached, "w")
        self._stage(f"SELECT {listed}, {made} AS x{number} FROM {last}", kept=True)
        if leg.hop.open:
            self._refuse_beyond(leg)
        if leg.end not in self.bound:
            self.columns.append(f"x{number}")
            return
        last = self.last
        turned = _Leg(number, leg.hop, leg.end, leg.begin, _TURNED[leg.direction])
        far, conditions = self._related(turned, "m.node")
        at = self.dialect.distance_of(f"{last}.x{number}", f"{last}.n{leg.end}")
        conditions.append(self.dialect.distance(f"{last}.x{number}", far, "m.depth - 1"))
        back = (
            f"WITH RECURSIVE m AS (SELECT {last}.n{leg.end} AS node, {at} AS depth WHERE {at} >= 0"
            f" UNION SELECT {far}, m.depth - 1 FROM m CROSS JOIN {relationships} r"
            f" WHERE {' AND '.join(conditions)})"
        )
        made = self.dialect.distances(back, "m")
        self._stage(f"SELECT {listed}, {made} AS x{number} FROM {last}", kept=True)
        self.columns.append(f"x{number}")

    def _refuse_beyond(self, leg: _Leg) -> None:
        """Fails where a shorter way than one behind the last relationship is not known."""
        number, high = leg.number, leg.hop.high
        unknown = self.dialect.reaches(f"x{number}", high)
        if leg.end in self.bound:
            at = self.dialect.distance_of(f"x{number}", f"n{leg.end}")
            unknown += f" AND coalesce({at} > {high}, 1 = 1)"
        number_of = f"CASE WHEN {unknown} THEN {high + 1} ELSE 0 END"
        refused = self.dialect.within(number_of, high, "max_open_hops", "1 = 1")
        listed = ", ".join([*self.columns, f"x{number}"])
        self._stage(f"SELECT {listed} FROM {self.last} WHERE {refused}", kept=True)

    def _between(self, leg: _Leg) -> None:
        """Of these the nodes on a shortest way to the end: walked back from there."""
        number = leg.number
        turned = _Leg(number, leg.hop, leg.end, leg.begin, _TURNED[leg.direction])
        far, conditions = self._related(turned, f"m{number}.node")
        same = [f"x.{column} = m{number}.{column}" for column in self.columns]
        step = [f"x.node = {far}", f"x.depth = m{number}.depth - 1", *same, *conditions]
        relationships = self._edges(leg)
        listed = ", ".join(f"x.{column}" for column in [*self.columns, "node", "depth"])
        self.stages.append(
            f"m{number} AS (SELECT {listed} FROM d{number} x WHERE x.node = x.n{leg.end}"
            f" UNION SELECT {listed} FROM m{number} CROSS JOIN {relationships} r"
            f" CROSS JOIN d{number} x WHERE {' AND '.join(step)})"
        )

    def _arrived(self, leg: _Leg, path: str) -> None:
        """The walks that ended, one or all of each pair; fails where a longer one may be."""
        number, hop = leg.number, leg.hop
        ends = leg.end in self.bound
        terms = [f"node = n{leg.end}"] if ends else []
        if hop.low > 0:
            terms.append("depth > 0")
        if hop.open:
            terms.append(f"depth <= {hop.high}")
        kept = [column for column in self.columns if column != f"x{number}"]
        items = [f"{c} || substr(q{number}, 2) || '|.' AS {c}" if c == path else c for c in kept]
        items += [f"q{number}"] if ends else [f"q{number}", f"node AS n{leg.end}"]
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        source = f"z{number}"
        if hop.paths == "one":
            columns = ", ".join([*kept, "node", "depth"])
            source = (
                f"(SELECT {columns}, min(q{number}) AS q{number} FROM z{number}"
                f" GROUP BY {columns}) y"
            )
        body = f"SELECT {', '.join(items)} FROM {source}{where}"
        if hop.open and f"x{number}" not in self.columns:
            body += f" UNION ALL {self._beyond(leg, items)}"
        self._stage(body)

    def _beyond(self, leg: _Leg, items: list[str]) -> str:
        """No row, or the failure that something lies behind the last relationship."""
        number = leg.number
        found = f"x.depth > {leg.hop.high}"
        if leg.end in self.bound:
            same = [f"y.{column} = x.{column}" for column in self.columns]
            known = [*same, f"y.node = y.n{leg.end}", f"y.depth <= {leg.hop.high}"]
            found += f" AND NOT EXISTS (SELECT 1 FROM d{number} y WHERE {' AND '.join(known)})"
        depth = f"CASE WHEN {found} THEN x.depth ELSE 0 END"
        refused = self.dialect.within(depth, leg.hop.high, "max_open_hops", "1 = 0")
        return (
            f"SELECT {', '.join(items)} FROM (SELECT x.*, '.' AS q{number} FROM d{number} x"
            f" WHERE {refused}) x"
        )

    # What hops are made of

    def _recurse(self, leg: _Leg, union: str, onward: list[str], conditions: list[str]) -> None:
        """The recursion of a range: from its begin at depth 0, one relationship at a time."""
        name = f"w{leg.number}"
        plain = leg.hop.each is None
        parts = self.dialect.parts("relationships") if plain else [self._edges(leg)]
        steps = [
            f" {union} SELECT {', '.join(onward)}, {name}.depth + 1"
            f" FROM {name} CROSS JOIN {part} r WHERE {' AND '.join(conditions)}"
            for part in parts
        ]
        self.stages.append(
            f"{name} AS (SELECT {', '.join(self.columns)}, n{leg.begin} AS node, 0 AS depth"
            f" FROM {self.last}{''.join(steps)})"
        )

    def _arrive(self, leg: _Leg, items: list[str], group: str = "") -> None:
        """The stage behind a range: nodes that are far enough, or the one that is bound."""
        condition = f"depth >= {leg.hop.low}"
        if leg.end in self.bound:
            condition += f" AND node = n{leg.end}"
        else:
            items = [*items, f"node AS n{leg.end}"]
        if leg.hop.open:  # tested first: whatever else is so, more lies behind
            condition = self.dialect.within("depth", leg.hop.high, "max_open_hops", condition)
        self._stage(f"SELECT {', '.join(items)} FROM w{leg.number} WHERE {condition}{group}")

    def _onward(self, before: str, conditions: list[str]) -> str:
        """FROM and WHERE of one relationship more."""
        relationships = self.dialect.places("relationships")
        return f"FROM {before} CROSS JOIN {relationships} r WHERE {' AND '.join(conditions)}"

    def _related(self, leg: _Leg, node: str) -> tuple[str, list[str]]:
        """The far end of a relationship of `node`, and what makes it one of the hop's."""
        if leg.direction == "-":
            near = f"(r.source_key = {node} OR r.target_key = {node})"
            far = f"CASE WHEN r.source_key = {node} THEN r.target_key ELSE r.source_key END"
        else:
            ends = ("source_key", "target_key")
            one, other = ends if leg.direction == "->" else ends[::-1]
            near, far = f"r.{one} = {node}", f"r.{other}"
        names = name_condition("r", leg.hop.names, self.dialect, self.parameters)
        conditions = [near, names] if names else [near]
        if leg.hop.each is not None:
            conditions.append(self.write(leg.hop.each))
        return far, conditions

    def _edges(self, leg: _Leg) -> str:
        """The relationships that a hop walks; with their documents where it looks at them."""
        table = self.dialect.places if leg.hop.each is None else self.dialect.table
        return table("relationships")

    def _unwalked(self, path: str) -> str:
        return self.dialect.not_walked(path, "r.key")
