"""Random graphs of typed twins, and random texts of the openCypher subset about them."""

from __future__ import annotations

from random import Random
from typing import Any

from query_graphs import Graph

MODELS = {"dtmi:x:Space;1": [], "dtmi:x:Room;1": ["dtmi:x:Space;1"], "dtmi:x:Sensor;1": []}
SCHEMAS = {"n": {"integer"}, "x": {"double"}, "s": {"string"}, "b": {"boolean"}, "tags": {"array"}}
TYPES = ["contains", "feeds"]
_MIXED: list[Any] = [0, 1, 2.5, "a", "1", "", True, False, None, [1], {"k": 1}]
_VALUES: dict[str, list[Any]] = {
    "n": [0, 1, 2, 3, -7, None],
    "x": [0.5, 1.0, 2.5, -1.5],
    "s": ["", "a", "ab", "b'c", "\u00e9"],
    "b": [True, False],
    "m": _MIXED,
    "tags": [[], ["a"], ["a", "ab", 1], [True]],
}
_LITERALS = ["0", "1", "2.5", "-7", "'a'", "'1'", "''", "'b\\'c'", "true", "false", "null"]


def graph(random: Random) -> Graph:
    made = Graph(MODELS)
    made.models.schemas = SCHEMAS
    made.models.known = True
    ids = [f"t{number}" for number in range(random.randrange(1, 6))]
    for one in ids:
        made.twin(one, random.choice(list(MODELS)), **_properties(random))
    for number in range(random.randrange(8) if len(ids) > 1 else 0):
        source, target = random.sample(ids, 2)
        made.relate(source, random.choice(TYPES), target, f"r{number}", **_properties(random))
    return made


def _properties(random: Random) -> dict[str, Any]:
    return {name: random.choice(values) for name, values in _VALUES.items() if random.randrange(3)}


class Texts:
    """Makes one text."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: list[str] = []
        self.edges: list[str] = []
        self.values: list[str] = []
        self.paths: list[str] = []
        self.fresh: list[str] = []
        self.named = 0
        self.ranged = False
        self.tested = False

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def pick(self, *items: str) -> str:
        return self.random.choice(items)

    def query(self) -> str:
        if self.chance(15):
            return self.union()
        more = self.random.choice([0, 0, 0, 1, 1, 2])
        parts = [self.match(), *[self.clause() for _ in range(more)]]
        return " ".join([*parts, self.returned()])

    def union(self) -> str:
        """Queries of equal columns: one of values, or one of nodes."""
        whole = self.chance(3)
        parts = []
        for _ in range(self.random.choice([2, 2, 3])):
            self.nodes, self.edges, self.paths, self.ranged = [], [], [], False
            match = self.match(self.pick("MATCH", "MATCH", "OPTIONAL MATCH"))
            value = self.pick(*self.nodes) if whole else self.path()
            window = "" if whole or self.chance(2) else " ORDER BY c DESC LIMIT 2"
            parts.append(f"{match} RETURN {value} AS c{window}")
        return self.pick(" UNION ", " UNION ALL ").join(parts)

    def match(self, word: str = "MATCH") -> str:
        self.fresh = []
        if self.chance(10):
            return f"{word} {self.shortest()}{'' if self.chance(2) else self.where()}"
        patterns = ", ".join(self.pattern() for _ in range(2 if self.chance(3) else 1))
        return f"{word} {patterns}{'' if self.chance(3) else self.where()}"

    def where(self) -> str:
        self.tested = True
        text = f" WHERE {self.condition()}"
        self.tested = False
        return text

    def clause(self) -> str:
        choice = self.random.randrange(7)
        if choice == 0:
            return self.match()
        if choice < 3:
            return self.match("OPTIONAL MATCH")
        if choice == 3:
            name = self.new("u")
            listed = self.pick("[1, 2, 'a']", "[2.5, null]", "range(0, 2)", "[true, []]")
            self.values.append(name)
            return f"UNWIND {listed} AS {name}"
        return self.with_()

    def new(self, letter: str) -> str:
        self.named += 1
        return f"{letter}{self.named}"

    def with_(self) -> str:
        """Fewer names, some values, groups, or a window over whole nodes."""
        kept = self.random.sample(self.nodes, self.random.randrange(1, len(self.nodes) + 1))
        edges = [one for one in self.edges if self.chance(2)]
        choice = self.random.randrange(4)
        columns, values, tail = [*kept, *edges], list[str](), ""
        if choice == 0:
            values.append(self.new("v"))
            columns.append(f"{self.pick(self.value(), self.condition(1))} AS {values[0]}")
        elif choice == 1:
            values.append(self.new("v"))
            columns.append(f"{self.aggregate()} AS {values[0]}")
        elif choice == 2:
            columns[0] = f"DISTINCT {columns[0]}"
            ids = ", ".join(f"id({one})" for one in [*kept, *edges])
            tail = f" ORDER BY {self.pick(*kept)}.n{self.pick('', ' DESC')}, {ids}"
            tail += f" SKIP {self.random.randrange(2)} LIMIT {self.random.randrange(1, 4)}"
        else:
            columns += [one for one in self.values if self.chance(2)]
            values += [one for one in columns if one in self.values]
        self.nodes, self.edges, self.values = kept, edges, values
        text = f"WITH {', '.join(columns)}{tail}"
        self.paths = []
        return text + (self.where() if self.chance(2) else "")

    # Patterns

    def node(self, *, new: bool = True) -> str:
        name = ""
        if self.nodes and self.chance(4):
            name = self.pick(*self.nodes)
        elif (new and not self.chance(4)) or not self.nodes:
            name = self.new("a")
            self.nodes.append(name)
        label = (
            self.pick(":Room", ":Space", ":Twin", ":`dtmi:x:Sensor;1`", ":No")
            if self.chance(5)
            else ""
        )
        members = (
            f" {{{self.pick('n', 's', 'm')}: {self.pick(*_LITERALS)}}}" if self.chance(7) else ""
        )
        return f"({name}{label}{members})"

    def edge(self, *, new: bool = True) -> str:
        name = ""
        again = [one for one in self.edges if one not in self.fresh]
        if new and again and self.chance(8):
            name = self.pick(*again)
        elif new and self.chance(2):
            name = self.new("r")
        types = self.pick("", ":contains", ":feeds", ":contains|feeds", ":contains|:none")
        hops = ""
        if not self.ranged and self.chance(5):
            self.ranged, name = True, ""
            hops = self.pick("*1..2", "*2", "*..3", "*2..3", "*3..2", "*0..2", "*0..1", "*", "*2..")
        elif name:
            self.fresh.append(name)
            if name not in self.edges:
                self.edges.append(name)
        members = " {m: 1}" if self.chance(8) else ""
        left, right = self.random.choice([("-", "->"), ("<-", "-"), ("-", "-"), ("<-", "->")])
        return f"{left}[{name}{types}{hops}{members}]{right}"

    def pattern(self) -> str:
        text = self.node()
        for _ in range(self.random.choice([0, 1, 1, 1, 2])):
            text += self.edge() + self.node()
        if not self.chance(6):
            return text
        self.paths.append(self.new("p"))
        return f"{self.paths[-1]} = {text}"

    def shortest(self) -> str:
        """All of the shortest walks with their path; or one, of which nothing is said."""
        types = self.pick("", ":contains", ":feeds")
        left, right = self.random.choice([("-", "->"), ("<-", "-"), ("-", "-")])
        text = (
            f"({self.node()}{left}[{types}{self.pick('*', '*..2', '*0..3')}]{right}{self.node()})"
        )
        if self.chance(2):
            return f"shortestPath{text}"
        self.paths.append(self.new("p"))
        return f"{self.paths[-1]} = allShortestPaths{text}"

    # Conditions

    def path(self) -> str:
        return f"{self.pick(*self.nodes, *self.nodes, *self.edges)}.{self.pick(*_VALUES, 'gone', 'm.k')}"

    def value(self, depth: int = 0) -> str:
        if self.values and self.chance(3):
            return self.pick(*self.values)
        if self.paths and self.chance(5):
            return f"length({self.pick(*self.paths)})"
        choice = self.random.randrange(16 if depth < 2 else 12)
        if choice == 12:
            return self.made_list(depth + 1)
        if choice == 13:
            return f"{{a: {self.value(depth + 1)}, b: {self.value(depth + 1)}}}"
        if choice == 14:
            return self.chosen(depth + 1)
        if choice == 15:
            return self.called(depth + 1)
        if choice < 6:
            return self.path()
        if choice < 9:
            return self.pick(*_LITERALS)
        if choice == 9 and self.edges:
            return f"type({self.pick(*self.edges)})"
        if choice == 10:
            return f"({self.comparison()})"
        return self.typed()

    def made_list(self, depth: int) -> str:
        node = self.pick(*self.nodes)
        items = ", ".join(self.value(depth) for _ in range(self.random.randrange(4)))
        return self.pick(
            *(
                f"[{items}]",
                f"[{items}]",
                f"({node}.tags + [{items}])",
                f"({node}.tags + {node}.n)",
            ),
            *(f"[{items}][{self.pick('1..', '..-1', '0..2', '-2..')}]", f"tail([{items}])"),
            *(f"range({self.pick('0', '3', node + '.n')}, 4, {self.pick('1', '2', '-1')})",),
            *(self.comprehension(depth), self.comprehension(depth)),
            *(
                self.matched(node),
                f"reverse([{items}])",
                f"keys({node})",
                f"labels({node})",
                f"split({node}.s, 'b')",
            ),
        )

    def list_of(self, depth: int) -> tuple[str, str]:
        """A list, and a name for its elements."""
        node, name = self.pick(*self.nodes), f"x{depth}"
        items = ", ".join(self.value(3) for _ in range(self.random.randrange(4)))
        return self.pick(
            f"[{items}]", f"{node}.tags", f"labels({node})", f"range(0, {node}.n)"
        ), name

    def tested_element(self, name: str) -> str:
        node = self.pick(*self.nodes)
        return self.pick(
            *(f"{name} = {self.pick(*_LITERALS)}", f"{name} <> {node}.{self.pick(*_VALUES)}"),
            *(
                f"{name} IS NULL",
                f"{name} STARTS WITH 'a'",
                f"{name} > 0",
                f"{name} IN [1, 'a', null]",
            ),
            *(f"NOT {name} = {node}.m", f"{name} < {node}.n OR {node}.b"),
        )

    def comprehension(self, depth: int) -> str:
        listed, name = self.list_of(depth)
        where = f" WHERE {self.tested_element(name)}" if self.chance(2) else ""
        item = self.pick("", f" | {name}", f" | [{name}, {self.value(3)}]", f" | {{a: {name}}}")
        return f"[{name} IN {listed}{where}{item}]"

    def matched(self, node: str) -> str:
        """A list of matches; of one value, since their order is that of the graph's keys."""
        ranged, self.ranged = self.ranged, True
        edge = self.edge(new=False)
        self.ranged = ranged
        where = f" WHERE z.n {self.pick('=', '<', '<>')} {node}.n" if self.chance(2) else ""
        item = self.pick("1", f"{node}.m", f"{{a: {node}.s}}", node)
        return f"[{self.pick('', 'q = ')}({node}){edge}(z){where} | {item}]"

    def quantifier(self) -> str:
        listed, name = self.list_of(2)
        word = self.pick("any", "all", "none", "single")
        return f"{word}({name} IN {listed} WHERE {self.tested_element(name)})"

    def chosen(self, depth: int) -> str:
        """CASE in both forms, and coalesce."""
        one, other = self.value(depth), self.value(depth)
        otherwise = self.pick("", f" ELSE {other}")
        if self.chance(3):
            return f"coalesce({self.path()}, {one}, {other})"
        if self.chance(2):
            return f"CASE {self.path()} WHEN {self.value(depth)} THEN {one}{otherwise} END"
        return f"CASE WHEN {self.condition(2)} THEN {one} WHEN {self.condition(2)} THEN {other}{otherwise} END"

    def called(self, depth: int) -> str:
        node = self.pick(*self.nodes)
        made = self.made_list(depth)
        return self.pick(
            *(f"head({made})", f"last({made})", f"({made})[{self.pick('0', '-1', '2')}]"),
            *(f"size({made})", f"{{a: {self.value(depth)}}}.a", f"{node}['{self.pick('n', 's')}']"),
            *(f"toString({node}.n)", f"toString({node}.b)", f"toInteger({node}.s)"),
            *(f"toInteger({node}.x)", f"toFloat({node}.n)", f"toBoolean({node}.b)"),
            *(f"trim({node}.s + ' ')", f"replace({node}.s, 'b', 'xy')", f"left({node}.s, 1)"),
            *(f"right({node}.s, 1)", f"toUpper({node}.s + 'a')", f"sign({node}.n)"),
            *(f"({node}.n / 2)", f"({node}.n % 3)", f"({node}.s + 'x' + {node}.n)"),
            *(
                f"round({node}.x)",
                f"ceil({node}.x)",
                f"(({node}.n + 1) / ({node}.n * {node}.n + 1))",
            ),
        )

    def typed(self) -> str:
        node = self.pick(*self.nodes)
        number = self.pick(f"{node}.n", f"{node}.x", "3", f"abs({node}.n)")
        choice = self.pick(
            *(f"{number} + {node}.n", f"{node}.x * 2 - {number}", f"{number} / 2.0"),
            *(f"-{node}.n", f"substring({node}.s, 1)", f"size({node}.s)"),
        )
        return f"({choice})"

    def comparison(self) -> str:
        op = self.pick("=", "<>", "=", "<>", "<", ">", "<=", ">=")
        return f"{self.value()} {op} {self.value()}"

    def listed(self) -> str:
        items = [self.pick(*_LITERALS) for _ in range(self.random.randrange(4))]
        if self.chance(4):
            items.append(self.path())
        return f"[{', '.join(items)}]"

    def condition(self, depth: int = 0) -> str:
        choice = self.random.randrange(11 if depth < 2 else 8)
        node = self.pick(*self.nodes)
        if choice < 3:
            return self.comparison()
        if choice == 3:
            return f"{self.path()} {self.pick('STARTS WITH', 'ENDS WITH', 'CONTAINS')} {self.pick(*_LITERALS, node + '.s')}"
        if choice == 4:
            lists = self.listed(), self.listed(), f"{node}.tags", self.made_list(1)
            return f"{self.value()} IN {self.pick(*lists)}"
        if choice == 5 and self.chance(2):
            return self.quantifier()
        if choice == 5:
            return f"{self.value()} IS {self.pick('', 'NOT ')}NULL"
        if choice == 6:
            return self.pick(f"{node}:Room", f"{node}:Space:Twin", f"{node}.b", f"{node}.m = true")
        if choice == 7:
            return self.exists(node)
        if choice == 8:
            return f"NOT ({self.condition(depth + 1)})"
        word = self.pick("AND", "OR", "AND", "OR", "XOR")
        return f"({self.condition(depth + 1)}) {word} ({self.condition(depth + 1)})"

    def exists(self, node: str) -> str:
        if len(self.nodes) > 1 and self.chance(2):
            other = self.pick(*self.nodes)
            return f"{node} {self.pick('=', '<>')} {other}"
        ranged, self.ranged = self.ranged, True
        edge = self.edge(new=False)
        self.ranged = ranged
        if self.chance(2):
            bare = f"({node}){edge}()"
            return bare if self.tested else f"EXISTS {{ {bare} }}"
        return f"EXISTS {{ ({node}){edge}(z) WHERE z.n {self.pick('=', '<', '<>')} {node}.n }}"

    # RETURN

    def returned(self) -> str:
        columns, order = [], []
        count = self.random.randrange(1, 4)
        for number in range(count):
            shown = self.pick(*self.nodes, *self.values, *self.paths, *self.edges)
            value = self.pick(self.value(), self.path(), shown, self.condition(1))
            columns.append(f"{value} AS c{number}")
        aggregated = self.chance(3)
        if aggregated:
            columns.append(f"{self.aggregate()} AS c{count}")
            columns = columns[self.random.randrange(len(columns)) :]
        names = [column.rpartition(" AS ")[2] for column in columns]
        if not self.chance(3):
            chosen = self.random.sample(names, self.random.randrange(1, len(names) + 1))
            order = [f"{name}{self.pick('', ' DESC', ' ASC')}" for name in chosen]
        text = f"RETURN {'DISTINCT ' if self.chance(4) else ''}{', '.join(columns)}"
        if order:
            text += f" ORDER BY {', '.join(order)}"
        if self.chance(4):
            text += f" SKIP {self.random.randrange(3)}"
        if self.chance(4):
            text += f" LIMIT {self.random.randrange(5)}"
        return text

    def aggregate(self) -> str:
        node = self.pick(*self.nodes)
        return self.pick(
            *("count(*)", f"count({node})", f"count(DISTINCT {node})", f"count({self.path()})"),
            *(f"count(DISTINCT {node}.m)", f"sum({node}.n)", f"sum(DISTINCT {node}.x)"),
            *(f"collect({self.value()})", f"collect(DISTINCT {self.value()})", f"collect({node})"),
            *(f"min({self.value()})", f"max({self.value()})"),
            *(f"avg({node}.n)", f"min({node}.s)", f"max({node}.s)", f"max({node}.x)"),
            f"min({node}.n)",
        )
