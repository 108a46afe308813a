"""Long or branching ranges, walked by recursion from the most selective node.

A chain of common table expressions binds one node or hop after the other; a ranged hop is a
recursive one. Every row carries the relationships it has walked as a text ``.3.17.|.4.``, which
keeps a relationship from occurring twice (query-language 10), tells all rows apart, and so is
their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import And, Truth
from kastor.query.references import sources_of
from kastor.query.sql.choices import itinerary
from kastor.query.sql.traverse import Branch, name_condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.plan import Condition, Graph, Hop
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.parameters import Parameters


def walk(
    graph: Graph,
    where: Condition,
    needed: set[int],
    dialect: Dialect,
    parameters: Parameters,
    write: Callable[[Condition], str],
) -> Branch:
    """The one branch of a graph that is walked: its first table is the walk itself, ``w``."""
    walker = _Walker(graph, where, dialect, parameters, write)
    walker.run()
    return walker.branch(needed)


class _Walker:
    def __init__(
        self,
        graph: Graph,
        where: Condition,
        dialect: Dialect,
        parameters: Parameters,
        write: Callable[[Condition], str],
    ) -> None:
        self.graph = graph
        self.where = where
        self.terms = where.terms if isinstance(where, And) else (where,)
        self.dialect = dialect
        self.parameters = parameters
        self.write = write
        self.groups = sorted({hop.group for hop in graph.hops})
        self.columns: list[str] = []
        self.bound: set[int] = set()
        self.stages: list[str] = []
        self.named = frozenset(number for number, hop in enumerate(graph.hops) if hop.named)
        self.last = ""

    def run(self) -> None:
        """Binds every node and hop of the graph."""
        for start, steps in itinerary(self.graph, self.where):
            self._start(start)
            for step in steps:
                self._hop(step.hop, self.graph.hops[step.hop], forward=step.forward)

    def branch(self, needed: set[int]) -> Branch:
        """The walk, and the documents that conditions need, joined in this order."""
        branch = Branch(self.graph, self.dialect, self.parameters)
        head = f"WITH RECURSIVE {', '.join(self.stages)}"
        listed = ", ".join(self.columns)
        branch.tables.append(f"({head} SELECT {listed} FROM {self.last}) w")
        branch.walks = {number: f"w.q{number}" for number in self.named}
        for index, source in enumerate(self.graph.sources):
            letter = "n" if source.kind == "twin" else "r"
            if f"{letter}{index}" not in self.columns:
                continue
            branch.keys[index] = f"w.{letter}{index}"
            if index in needed and not source.outer:
                alias = ("t" if source.kind == "twin" else "r") + str(index)
                table = self.dialect.table(source.kind + "s")
                branch.outer.append(f" CROSS JOIN {table} {alias}")
                branch.conditions.append(f"{alias}.key = w.{letter}{index}")
        return branch

    def _stage(self, body: str) -> str:
        name = f"s{len(self.stages)}"
        self.stages.append(f"{name} AS ({body})")
        self.last = name
        return name

    def _start(self, node: int) -> None:
        """Binds a node by itself; the first one also opens the walked texts."""
        kept = [f"{self.last}.{column}" for column in self.columns]
        if not self.columns:
            self.columns = [f"p{group}" for group in self.groups]
            kept = [f"'.' AS {column}" for column in self.columns]
        alias = f"t{node}"
        if self.graph.sources[node].outer:
            source, condition = self.last, ""
        else:
            terms = [t for t in self.terms if sources_of(t) == {node} or t == Truth(value=False)]
            condition = " AND ".join(self.write(term) for term in terms)
            table = f"{self.dialect.table('twins')} {alias}"
            source = f"{self.last} CROSS JOIN {table}" if self.last else table
        listed = ", ".join([*kept, f"{alias}.key AS n{node}"])
        body = f"SELECT {listed}"
        if source:
            body += f" FROM {source}"
        if condition:
            body += f" WHERE {condition}"
        self._stage(body)
        self.columns.append(f"n{node}")
        self.bound.add(node)

    def _hop(self, number: int, hop: Hop, *, forward: bool) -> None:
        """Binds a hop from the end that is known."""
        begin, end = (hop.left, hop.right) if forward else (hop.right, hop.left)
        direction = hop.direction
        if not forward and direction != "-":
            direction = "<-" if direction == "->" else "->"
        if hop.relationship >= 0:
            self._single(hop, begin, end, direction)
        else:
            self._range(number, hop, begin, end, direction)
        if end not in self.bound:
            self.columns.append(f"n{end}")
            self.bound.add(end)

    def _single(self, hop: Hop, begin: int, end: int, direction: str) -> None:
        last, path = self.last, f"p{hop.group}"
        step, far, conditions = self._step(hop, direction, f"{last}.n{begin}", f"{last}.{path}")
        listed = [step if c == path else f"{last}.{c}" for c in self.columns]
        listed.append(f"r.key AS r{hop.relationship}")
        if end in self.bound:
            conditions.append(f"{far} = {last}.n{end}")
        else:
            listed.append(f"{far} AS n{end}")
        relationships = self.dialect.table("relationships")
        self._stage(
            f"SELECT {', '.join(listed)} FROM {last} CROSS JOIN {relationships} r"
            f" WHERE {' AND '.join(conditions)}"
        )
        self.columns.append(f"r{hop.relationship}")

    def _range(self, number: int, hop: Hop, begin: int, end: int, direction: str) -> None:
        if hop.shortest:
            self._shortest(number, hop, begin, end, direction)
            return
        if number in self.named:
            self._open_walk(number)
        path = f"p{hop.group}"
        name = f"w{number}"
        columns = ", ".join(self.columns)
        step, far, conditions = self._step(hop, direction, f"{name}.node", f"{name}.{path}")
        longer = {path: step, f"q{number}": f"{name}.q{number} || r.key || '.'"}
        if hop.left in self.bound:
            pass
        else:
            longer[f"q{number}"] = f"'.' || r.key || {name}.q{number}"
        walked = ", ".join(longer.get(c, f"{name}.{c}") for c in self.columns)
        conditions.append(f"{name}.depth < {hop.high}")
        relationships = self.dialect.table("relationships")
        self.stages.append(
            f"{name} AS (SELECT {columns}, n{begin} AS node, 0 AS depth FROM {self.last}"
            f" UNION ALL SELECT {walked}, {far}, {name}.depth + 1"
            f" FROM {name} CROSS JOIN {relationships} r WHERE {' AND '.join(conditions)})"
        )
        kept = [f"{c} || '|.' AS {c}" if c == path else c for c in self.columns]
        condition = f"depth >= {hop.low}"
        if end in self.bound:
            condition += f" AND node = n{end}"
        else:
            kept.append(f"node AS n{end}")
        self._stage(f"SELECT {', '.join(kept)} FROM {name} WHERE {condition}")

    def _open_walk(self, number: int) -> None:
        """A column for what this hop alone walks, which SELECT may show."""
        listed = ", ".join([*self.columns, f"'.' AS q{number}"])
        self._stage(f"SELECT {listed} FROM {self.last}")
        self.columns.append(f"q{number}")

    def _shortest(self, number: int, hop: Hop, begin: int, end: int, direction: str) -> None:
        """Breadth first: a node is kept once per depth, and of all depths the least one counts."""
        name, path = f"w{number}", f"p{hop.group}"
        columns = ", ".join(self.columns)
        _, far, conditions = self._step(hop, direction, f"{name}.node", f"{name}.{path}")
        conditions[-1] = f"{name}.depth < {hop.high}"
        kept = ", ".join(f"{name}.{column}" for column in self.columns)
        relationships = self.dialect.table("relationships")
        self.stages.append(
            f"{name} AS (SELECT {columns}, n{begin} AS node, 0 AS depth FROM {self.last}"
            f" UNION SELECT {kept}, {far}, {name}.depth + 1"
            f" FROM {name} CROSS JOIN {relationships} r WHERE {' AND '.join(conditions)})"
        )
        items = [f"{c} || '|' || node || '|.' AS {c}" if c == path else c for c in self.columns]
        condition = f"depth >= {hop.low}"
        if end in self.bound:
            condition += f" AND node = n{end}"
        else:
            items.append(f"node AS n{end}")
        self._stage(
            f"SELECT {', '.join(items)} FROM {name} WHERE {condition} GROUP BY {columns}, node"
        )

    def _step(self, hop: Hop, direction: str, node: str, path: str) -> tuple[str, str, list[str]]:
        """One relationship further: the longer text, the far end, the conditions."""
        if direction == "-":
            near = f"(r.source_key = {node} OR r.target_key = {node})"
            far = f"CASE WHEN r.source_key = {node} THEN r.target_key ELSE r.source_key END"
        else:
            ends = ("source_key", "target_key")
            one, other = ends if direction == "->" else ends[::-1]
            near, far = f"r.{one} = {node}", f"r.{other}"
        conditions = [near]
        names = name_condition("r", hop.names, self.dialect, self.parameters)
        if names:
            conditions.append(names)
        conditions.append(self.dialect.not_walked(path, "r.key"))
        return f"{path} || r.key || '.' AS p{hop.group}", far, conditions
