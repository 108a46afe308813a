"""Random graphs and queries from one source of randomness, which hypothesis hands in and shrinks."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from query_graphs import Graph

from kastor.lang import ast

MODELS = {
    "dtmi:x:Thing;1": [],
    "dtmi:x:Thing;2": [],
    "dtmi:x:Room;1": ["dtmi:x:Thing;1"],
    "dtmi:x:Room;2": ["dtmi:x:Thing;2"],
    "dtmi:x:Office;1": ["dtmi:x:Room;1"],
    "dtmi:x:Minor;1.9": [],
    "dtmi:x:Minor;1.10": ["dtmi:x:Room;2"],
    "dtmi:x:Bare": [],
}
ASKED = [*MODELS, "dtmi:x:Thing;3", "dtmi:x:None;1", "dtmi:x:Minor;1", "dtmi:X:Thing;1"]
PROPERTIES = [
    "p",
    "q",
    "name",
    "flag",
    "tags",
    "address",
    "count",
    "odd key",
    'q"uote',
    "back\\slash",
    "$x",
]
RELATIONSHIPS = ["contains", "feeds", "serves", "JOIN"]
SCALARS: list[Any] = [
    0, 1, 2, -1, 21, 21.0, 2.5, -0.5, 2**53 + 1, 2**53, 2**63 - 1, -(2**63), 1e300, True, False, None,
    "", "a", "ab", "abc", "A", "21", "1", "true", "null", "%", "_", "[1]", "[1, 2]", "{}", "é", "\u4e2d", "it's",
    "back\\slash", 'quo"te', "\n", "\U0001f600", "\ud7ff", "\uffff", "[", "{", "x*y?",
]  # fmt: skip


def value(random: Random, depth: int = 0) -> Any:
    choice = random.randrange(10)
    if choice < 7 or depth > 1:
        return random.choice(SCALARS)
    if choice == 7:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    return {
        random.choice(["city", "zip", "odd key", "count"]): value(random, depth + 1)
        for _ in range(random.randrange(3))
    }


def properties(random: Random) -> dict[str, Any]:
    return {name: value(random) for name in PROPERTIES if random.randrange(2)}


def graph(random: Random, twins: int = 7, relationships: int = 11) -> Graph:
    made = Graph(MODELS)
    ids = [f"t{n}" for n in range(random.randrange(1, twins))]
    if random.randrange(3) == 0:
        ids[0] = "it's \\ odd"
    for one in ids:
        made.twin(one, random.choice(list(MODELS)), **properties(random))
    if len(ids) > 1:
        for number in range(random.randrange(relationships)):
            source, target = random.sample(ids, 2)
            made.relate(
                source, random.choice(RELATIONSHIPS), target, f"r{number}", **properties(random)
            )
    return made


def name(text: str) -> ast.Name:
    return ast.Name(text)


class Queries:
    """Makes queries about one graph; `superset` adds everything beyond the base language."""

    def __init__(self, random: Random, about: Graph, *, superset: bool = False) -> None:
        self.random = random
        self.graph = about
        self.superset = superset
        self.twins: list[str] = []
        self.relationships: list[str] = []
        self.optional: list[str] = []
        self.default: str | None = None
        self.walks: list[str] = []
        self.ranged = False  # one range in both directions is all that a slow oracle can walk

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def pick(self, items: list[Any]) -> Any:
        return self.random.choice(items)

    # Values

    def path(self) -> ast.Path:
        known = self.twins + self.relationships
        steps: list[str] = []
        twin = self.default == "twin"
        if known and (self.default is None or self.chance(2)):
            alias = self.pick(known)
            twin = alias in self.twins
            steps.append(alias)
        choice = self.random.randrange(12)
        if choice == 0 and steps:
            pass
        elif choice < 3:
            system = [
                ["$dtId"],
                ["$metadata", "$model"],
                ["$etag"],
                ["$metadata", "p", "lastUpdateTime"],
            ]
            others = [
                ["$sourceId"],
                ["$targetId"],
                ["$relationshipName"],
                ["$relationshipId"],
                ["$etag"],
            ]
            steps += self.pick(system if twin else others)
        else:
            steps.append(self.pick(PROPERTIES))
            if self.chance(3):
                steps.append(self.pick(["city", "zip", "odd key", "count"]))
        made: list[ast.Name | ast.Index] = [ast.Name(step) for step in steps]
        if self.superset and self.chance(8):
            made.append(ast.Index(self.random.randrange(3)))
        return ast.Path(tuple(made))

    def literal(self) -> ast.Literal:
        choice = self.random.randrange(10)
        if choice > 7:
            document = self.pick([*self.graph.twins.values(), *self.graph.relationships])
            found = document.get(self.pick(PROPERTIES))
            return ast.Literal(None if isinstance(found, list | dict) else found)
        if choice == 0:
            return ast.Literal(self.pick(list(self.graph.twins)))
        if choice == 1:
            return ast.Literal(self.pick([*MODELS, *RELATIONSHIPS, "r0", "r1"]))
        return ast.Literal(self.pick(SCALARS))

    def operand(self) -> ast.Scalar:
        if self.superset and self.chance(8):
            return self.scalar()
        return self.path() if self.chance(3) else self.literal()

    def scalar(self, depth: int = 0) -> ast.Scalar:
        choice = self.random.randrange(7)
        if depth > 1 or choice < 2:
            return self.path() if self.chance(2) else self.literal()
        if choice == 2:
            operand = self.scalar(depth + 1)
            return operand if isinstance(operand, ast.Literal) else ast.Negative(operand)
        if choice < 5:
            op = self.pick(["+", "-", "*", "/", "%"])
            return ast.Arithmetic(op, self.scalar(depth + 1), self.scalar(depth + 1))
        function = self.pick(["LOWER", "UPPER", "LENGTH", "ARRAY_LENGTH", "ABS"])
        return ast.Call(function, (self.scalar(depth + 1),))

    # Conditions

    def condition(self, depth: int = 0) -> ast.Condition:
        choice = self.random.randrange(10)
        if depth < 3 and choice < 3:
            count = self.random.randrange(2, 4)
            terms = [self.condition(depth + 1) for _ in range(count)]
            kind = ast.And if self.chance(2) else ast.Or
            flat: list[ast.Condition] = []
            for term in terms:
                flat += term.terms if isinstance(term, kind) else [term]
            return kind(tuple(flat))
        if depth < 4 and choice == 3:
            return ast.Not(self.condition(depth + 1))
        return self.leaf()

    def leaf(self) -> ast.Condition:
        choice = self.random.randrange(14 if self.superset else 10)
        left: ast.Scalar = self.path()
        if self.superset and self.chance(8):
            left = self.scalar()
        if choice < 3:
            right = self.operand()
            if self.chance(6):
                left, right = right, left
            return ast.Comparison(self.pick(["=", "!=", "<", ">", "<=", ">="]), left, right)
        if choice == 3:
            values = tuple(self.literal() for _ in range(self.pick([1, 2, 5, 25])))
            return ast.Membership(left, values, self.chance(3))
        if choice == 4:
            tests = ["DEFINED", "NULL", "BOOL", "NUMBER", "STRING", "PRIMITIVE", "OBJECT", "ARRAY"]
            return ast.TypeTest(f"IS_{self.pick(tests)}", self.path())
        if choice < 7:
            test = self.pick(["STARTSWITH", "ENDSWITH", "CONTAINS"])
            ignore = self.superset and self.chance(4)
            return ast.TextTest(test, left, self.operand(), ignore)
        if choice == 7:
            return ast.ArrayContains(self.path(), self.operand())
        if choice < 10 and self.twins:
            alias = self.pick(self.twins)
            if self.default is not None and self.chance(2):
                return ast.OfModel(None, self.pick(ASKED), self.chance(3))
            return ast.OfModel(name(alias), self.pick(ASKED), self.chance(3))
        if choice == 10:
            pattern = self.pick(["%", "a%", "_", "%b%", "\\%", "A", "x*y?", "[%", ""])
            return ast.Like(left, pattern, self.chance(3))
        if choice == 11 and self.twins:
            return self.exists()
        if choice == 12:
            inner = Queries(self.random, self.graph, superset=False)
            return ast.InQuery(left, inner.one_column(), self.chance(3))
        return ast.Comparison("=", left, self.literal())

    def exists(self) -> ast.Condition:
        inner = Queries(self.random, self.graph, superset=False)
        inner.twins = list(self.twins)
        inner.relationships = list(self.relationships)
        pattern = inner.pattern(short=True, prefix="e")
        known = inner.twins or inner.relationships
        where = inner.condition(3) if known and self.chance(2) else None
        return ast.Exists(pattern, where)

    # Clauses

    def pattern(self, *, short: bool = False, prefix: str = "") -> ast.Pattern:
        count = self.random.randrange(2 if short else 4)
        nodes = [self.node(prefix)]
        edges = []
        for _ in range(count):
            edges.append(self.edge(prefix))
            nodes.append(self.node(prefix))
        return ast.Pattern(tuple(nodes), tuple(edges))

    def node(self, prefix: str) -> ast.Node:
        if self.chance(4):
            return ast.Node(None)
        if self.twins and self.chance(4):
            alias = self.pick([one for one in self.twins if one not in self.optional] or [None])
            return ast.Node(None if alias is None else name(alias))
        alias = f"{prefix}n{len(self.twins)}"
        self.twins.append(alias)
        return ast.Node(name(alias))

    def edge(self, prefix: str) -> ast.Edge:
        names = tuple(
            name(one) for one in self.random.sample(RELATIONSHIPS, self.random.randrange(3))
        )
        variable = hops = None
        direction = self.pick(["->", "<-", "-"])
        if self.chance(3) and not self.ranged:
            self.ranged = direction == "-"
            hops = self.hops()
            if self.superset and self.chance(2):
                variable = name(f"{prefix}w{len(self.walks)}")
                if hops == ast.Hops(1, 1, exact=True) or (hops.low, hops.high) == (1, 1):
                    variable = None
                else:
                    self.walks.append(variable.text)
        elif self.chance(2):
            variable = name(f"{prefix}e{len(self.relationships)}")
            self.relationships.append(variable.text)
        return ast.Edge(direction, variable, names, hops)

    def hops(self) -> ast.Hops:
        if self.chance(4):
            low = self.random.randrange(1, 4)
            return ast.Hops(low, low, exact=True)
        low = self.pick([None, 0, 1, 2])
        high = self.pick([1, 2, 2, 3, 3, 6])
        if self.superset and self.chance(3):
            if self.chance(3):
                return ast.Hops(low, None)
            return ast.Hops(low or 1, high, inclusive=True)
        return ast.Hops(low, high)

    def source(self) -> ast.From:
        choice = self.random.randrange(6)
        if choice == 0:
            self.default = "relationship"
            self.relationships = ["R"] if self.chance(2) else []
            alias = name("R") if self.relationships else None
            return ast.From("RELATIONSHIPS", alias)
        if choice < 3:
            self.default = "twin"
            self.twins = ["T"] if self.chance(2) else []
            return ast.From("DIGITALTWINS", name("T") if self.twins else None)
        if choice == 3:
            return self.joins()
        patterns = [self.pattern()]
        if self.superset and self.chance(4):
            patterns.append(self.pattern(short=True))
        return ast.From("DIGITALTWINS", None, (), tuple(patterns))

    def joins(self) -> ast.From:
        self.twins = ["T"]
        joins = []
        for number in range(1, self.random.randrange(2, 4)):
            alias = None
            source = self.pick(self.twins)
            if self.chance(2):
                alias = name(f"r{number}")
            left = self.superset and self.chance(3)
            target = f"j{number}"
            joins.append(
                ast.Join(name(target), name(source), name(self.pick(RELATIONSHIPS)), alias, left)
            )
            self.twins.append(target)
            if left or source in self.optional:
                self.optional.append(target)
            if alias is not None:
                self.relationships.append(alias.text)
        return ast.From("DIGITALTWINS", name("T"), tuple(joins))

    def one_column(self) -> ast.Query:
        source = self.source()
        while not (self.twins or self.relationships or self.default):
            source = self.source()
        columns = (ast.Column(self.path()),)
        where = self.condition(2) if self.chance(2) else None
        return ast.Query(columns, source, where)

    def query(self) -> ast.Query:
        source = self.source()
        bindable = bool(self.twins or self.relationships or self.default)
        where = self.condition() if bindable and not self.chance(4) else None
        choice = self.random.randrange(6)
        columns: tuple[ast.Column, ...] | None
        if choice == 0:
            columns = (ast.Column(ast.Aggregate("COUNT")),)
        elif (choice == 1 and not source.joins) or not bindable:
            columns = None
        else:
            columns = self.columns()
        return ast.Query(columns, source, where)

    def columns(self) -> tuple[ast.Column, ...]:
        made = []
        for number in range(self.random.randrange(1, 4)):
            node: ast.Expression = self.path()
            if self.walks and self.chance(2):
                made.append(
                    ast.Column(ast.Path((name(self.pick(self.walks)),)), name(f"w{number}"))
                )
            if self.superset and self.chance(4):
                node = self.scalar() if self.chance(2) else self.condition(3)
            plain = isinstance(node, ast.Path) and not self.chance(4)
            made.append(ast.Column(node, None if plain else name(f"c{number}")))
        return tuple(made)

    def superset_query(self) -> ast.Query:
        """A query with something that the base language lacks."""
        query = self.query()
        if not (self.twins or self.relationships or self.default):
            return query
        choice = self.random.randrange(4)
        if choice == 0:
            return query
        if choice == 1:
            return self.ordered(query)
        if choice == 2:
            columns = tuple(
                ast.Column(self.path(), name(f"d{n}")) for n in range(self.pick([1, 2]))
            )
            return replace(query, columns=columns, distinct=True)
        return self.grouped(query)

    def ordered(self, query: ast.Query) -> ast.Query:
        terms = []
        columns = []
        for number in range(self.pick([1, 2])):
            value = self.scalar() if self.chance(4) else self.path()
            if isinstance(value, ast.Path) and len(value.steps) == 1:
                value = ast.Path((*value.steps, ast.Name("$dtId")))
            terms.append(ast.OrderTerm(value, self.chance(2)))
            columns.append(ast.Column(value, name(f"o{number}")))
        limit = self.pick([None, None, 0, 1, 3])
        offset = self.pick([None, None, 0, 1, 4])
        return replace(
            query, columns=tuple(columns), order=tuple(terms), limit=limit, offset=offset
        )

    def grouped(self, query: ast.Query) -> ast.Query:
        group = tuple(self.path() for _ in range(self.pick([0, 1, 1, 2])))
        columns = [ast.Column(path, name(f"g{n}")) for n, path in enumerate(group)]
        made = [self.aggregate() for _ in range(self.pick([1, 2]))]
        columns += [ast.Column(one, name(f"a{n}")) for n, one in enumerate(made)]
        if not group:
            columns.append(ast.Column(ast.Aggregate("SUM", self.path()), name("sum")))
        having = None
        if group and self.chance(3):
            op = self.pick(["=", ">", "<", "!="])
            having = ast.Comparison(op, self.aggregate(), ast.Literal(self.pick([0, 1, 2, 5])))
        return replace(query, columns=tuple(columns), group=group, having=having)

    def aggregate(self) -> ast.Aggregate:
        if self.chance(3):
            return ast.Aggregate("COUNT")
        function = self.pick(["COUNT", "SUM", "AVG", "MIN", "MAX"])
        return ast.Aggregate(function, self.path(), self.chance(4))
