"""What a query of the openCypher subset answers, by trying everything; null is None."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from math import ceil, floor, fmod
from operator import add, ge, gt, le, lt, mul, sub, truediv
from typing import Any, TypeAlias

from query_graphs import Graph

from kastor.lang.cypher import tree

Env: TypeAlias = dict[str, Any]
_DIRECTIONS = {"->": (True,), "<-": (False,), "-": (True, False)}


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else "map"


def equal(left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    if kind(left) != kind(right):
        return False
    if isinstance(left, dict) and is_entity(left) and is_entity(right):
        return identity(left) == identity(right)
    if isinstance(left, list):
        if len(left) != len(right):
            return False
        return every([equal(one, other) for one, other in zip(left, right, strict=True)])
    if isinstance(left, dict):
        if left.keys() != right.keys():
            return False
        return every([equal(one, right[key]) for key, one in left.items()])
    return bool(left == right)


class Unlike(Exception):
    """A value of another kind than something takes: the query is refused."""


def compare(op: str, left: Any, right: Any) -> bool | None:
    if op in {"=", "<>"}:
        same = equal(left, right)
        return same if op == "=" or same is None else not same
    if left is None or right is None or kind(left) != kind(right):
        return None
    if kind(left) == "map":
        return None
    if kind(left) == "list":
        return compare_lists(op, left, right)
    return bool({"<": lt, ">": gt, "<=": le, ">=": ge}[op](left, right))


def compare_lists(op: str, left: list[Any], right: list[Any]) -> bool | None:
    """By the first elements that are not the same, or by length; deeper ones are refused."""
    if any(isinstance(one, dict) for one in (*left[:1], *right[:1])):
        raise Unlike
    for one, other in zip(left, right, strict=False):
        if isinstance(one, list | dict) or isinstance(other, list | dict):
            raise Unlike
        if equal(one, other) is not True:
            return compare(op, one, other)
    return compare(op, len(left), len(right))


def negate(value: bool | None) -> bool | None:
    return None if value is None else not value


def every(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def is_entity(value: Any) -> bool:
    return isinstance(value, dict) and ("$dtId" in value or "$relationshipId" in value)


def identity(value: dict[str, Any]) -> tuple[str, ...]:
    if "$dtId" in value:
        return (value["$dtId"],)
    return value["$sourceId"], value["$relationshipId"]


def ranked(value: Any) -> tuple[int, Any]:
    """Where a value stands in ORDER BY, and what tells it apart in a group."""
    if value is None:
        return 9, 0
    if is_entity(value):
        return 1, identity(value)
    if isinstance(value, list):
        return 3, tuple(ranked(one) for one in value)
    shown = json.dumps(_plain(value), sort_keys=True) if isinstance(value, dict) else value
    return {"map": 0, "list": 3, "string": 4, "boolean": 5, "number": 6}[kind(value)], shown


def _plain(value: Any) -> Any:
    """The same with one writing for equal numbers."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Oracle:
    def __init__(self, graph: Graph, parameters: dict[str, Any] | None = None) -> None:
        self.graph = graph
        self.parameters = parameters or {}

    # Patterns

    def match(self, patterns: tuple[tree.Pattern, ...], env: Env) -> Iterator[Env]:
        yield from self._patterns(patterns, env, frozenset())

    def _patterns(
        self, patterns: tuple[tree.Pattern, ...], env: Env, used: frozenset[int]
    ) -> Iterator[Env]:
        if not patterns:
            yield env
            return
        first = patterns[0]
        found = list(self._pattern(first, env, used))
        if first.shortest is not None:
            low = first.edges[0].range.low if first.edges[0].range is not None else 1
            found = [one for one in found if low == 0 or one[2][0] is not one[2][-1]]
            found = shortest(found, single=first.shortest == "one")
        for new, walked, path in found:
            bound = new if first.path is None else {**new, first.path.text: path}
            yield from self._patterns(patterns[1:], bound, walked)

    def _pattern(
        self, pattern: tree.Pattern, env: Env, used: frozenset[int]
    ) -> Iterator[tuple[Env, frozenset[int], list[Any]]]:
        for twin in self.graph.twins.values():
            for bound in self._bind(pattern.nodes[0], twin, env):
                yield from self._walk(pattern, 0, twin, bound, used, [twin])

    def _bind(self, node: tree.Node, twin: dict[str, Any], env: Env) -> Iterator[Env]:
        if node.name is not None and env.get(node.name.text, twin) is not twin:
            return
        if not all(self._has_label(twin, label.text) for label in node.labels):
            return
        bound = env if node.name is None else {**env, node.name.text: twin}
        if self._has_members(node.members, twin, bound):
            yield bound

    def _walk(
        self, pattern: tree.Pattern, at: int, twin: dict[str, Any], env: Env,
        used: frozenset[int], path: list[Any],
    ) -> Iterator[tuple[Env, frozenset[int], list[Any]]]:  # fmt: skip
        if at == len(pattern.edges):
            yield env, used, path
            return
        edge, node = pattern.edges[at], pattern.nodes[at + 1]
        hops = edge.range
        low, high = (1, 1) if hops is None else (1 if hops.low is None else hops.low, hops.high)
        high = len(self.graph.relationships) if high is None else high
        for trail, end in self._trails(edge, twin, low, high, used):
            value: Any = [self.graph.relationships[one] for one in trail]
            walked = self._walked(twin, value)
            value = value[0] if hops is None else value
            if edge.name is not None and env.get(edge.name.text, value) is not value:
                continue
            bound = env if edge.name is None else {**env, edge.name.text: value}
            if hops is None and not self._has_members(edge.members, value, bound):
                continue
            for found in self._bind(node, end, bound):
                yield from self._walk(
                    pattern, at + 1, end, found, used | set(trail), [*path, *walked]
                )

    def _walked(self, twin: dict[str, Any], trail: list[dict[str, Any]]) -> list[Any]:
        """Relationships, each with the twin that it leads to."""
        found: list[Any] = []
        for one in trail:
            ends = {one["$sourceId"], one["$targetId"]} - {twin["$dtId"]}
            twin = self.graph.twins[ends.pop()]
            found += [one, twin]
        return found

    def _trails(
        self, edge: tree.Edge, twin: dict[str, Any], low: int, high: int, used: frozenset[int]
    ) -> Iterator[tuple[list[int], dict[str, Any]]]:
        types = {one.text for one in edge.types}
        if low <= 0:
            yield [], twin
        if high == 0:
            return
        for number, doc in enumerate(self.graph.relationships):
            if number in used or (types and doc["$relationshipName"] not in types):
                continue
            if edge.range is not None and not self._has_members(edge.members, doc, {}):
                continue
            for forward in _DIRECTIONS[edge.direction]:
                near, far = ("$sourceId", "$targetId") if forward else ("$targetId", "$sourceId")
                if doc[near] != twin["$dtId"]:
                    continue
                end = self.graph.twins[doc[far]]
                for rest, last in self._trails(edge, end, low - 1, high - 1, used | {number}):
                    yield [number, *rest], last

    def _has_label(self, twin: dict[str, Any], label: str) -> bool:
        model = twin["$metadata"]["$model"]
        if label.startswith("dtmi:"):
            return self.graph.models.is_of(model, label, exact=False)
        words = {one.partition(";")[0].split(":")[-1] for one in self.graph.models.ancestors(model)}
        return label == "Twin" or label in words

    def _has_members(self, members: tree.MapOf | None, doc: dict[str, Any], env: Env) -> bool:
        entries = () if members is None else members.entries
        return all(equal(doc.get(key), self.value(one, env)) is True for key, one in entries)

    # Expressions

    def value(self, node: tree.Expression, env: Env) -> Any:
        match node:
            case tree.Literal():
                return node.value
            case tree.Parameter():
                return self.parameters[node.name]
            case tree.Variable():
                return env[node.name]
            case tree.MemberOf():
                base = self.value(node.base, env)
                return base.get(node.key) if isinstance(base, dict) else None
            case tree.ListOf():
                return [self.value(item, env) for item in node.items]
            case tree.Comprehension():
                return self._comprehension(node, env)
            case tree.Matches():
                found = self.match((node.pattern,), env)
                where = node.where
                kept = [one for one in found if where is None or self.value(where, one) is True]
                return [self.value(node.item, one) for one in kept]
            case tree.Quantifier():
                return self._quantifier(node, env)
            case tree.MapOf():
                return {key: self.value(one, env) for key, one in node.entries}
            case tree.ItemOf():
                return item_of(self.value(node.base, env), self.value(node.index, env))
            case tree.SliceOf():
                low = 0 if node.low is None else self.value(node.low, env)
                high = 2**31 if node.high is None else self.value(node.high, env)
                base = self.value(node.base, env)
                return None if None in (base, low, high) else base[low:high]
            case tree.Case():
                return self._case(node, env)
            case tree.And():
                return every([self.value(term, env) for term in node.terms])
            case tree.Or():
                return negate(every([negate(self.value(term, env)) for term in node.terms]))
            case tree.Xor():
                left, right = self.value(node.left, env), self.value(node.right, env)
                return None if left is None or right is None else left is not right
            case tree.Not():
                return negate(self.value(node.operand, env))
            case tree.Comparison():
                return compare(node.op, self.value(node.left, env), self.value(node.right, env))
            case tree.TextTest():
                return self._text_test(node, env)
            case tree.Membership():
                return self._membership(self.value(node.item, env), self.value(node.values, env))
            case tree.NullTest():
                return (self.value(node.operand, env) is None) is not node.negated
            case tree.Labelled():
                twin = env[node.variable.text]
                if twin is None:
                    return None
                return all(self._has_label(twin, label.text) for label in node.labels)
            case tree.Exists():
                named = [one for one in names_in(node.patterns) if one in env]
                if not node.braces and any(env[one] is None for one in named):
                    return None
                found = self.match(node.patterns, env)
                where = node.where
                return any(where is None or self.value(where, one) is True for one in found)
            case tree.Negative():
                operand = self.value(node.operand, env)
                return None if operand is None else -operand
            case tree.Arithmetic():
                return self._arithmetic(node, env)
            case tree.Call():
                return self._call(node, env)
        raise TypeError(node)

    def _comprehension(self, node: tree.Comprehension, env: Env) -> list[Any] | None:
        values = self.value(node.values, env)
        if values is None:
            return None
        if not isinstance(values, list):
            raise Unlike
        inside = [{**env, node.variable.text: one} for one in values]
        if node.where is not None:
            inside = [one for one in inside if self.value(node.where, one) is True]
        item = tree.Variable(node.variable.text) if node.item is None else node.item
        return [self.value(item, one) for one in inside]

    def _quantifier(self, node: tree.Quantifier, env: Env) -> bool | None:
        values = self.value(node.values, env)
        if values is None:
            return None
        if not isinstance(values, list):
            raise Unlike
        found = [self.value(node.where, {**env, node.variable.text: one}) for one in values]
        some = negate(every([negate(one) for one in found]))
        if node.name == "single":
            sure, unknown = found.count(True), None in found
            return False if sure > 1 else None if unknown else sure == 1
        return {"any": some, "none": negate(some), "all": every(found)}[node.name]

    def _case(self, node: tree.Case, env: Env) -> Any:
        for test, chosen in node.branches:
            found = self.value(test, env)
            if node.subject is not None:
                found = equal(self.value(node.subject, env), found)
            if found is True:
                return self.value(chosen, env)
        return None if node.otherwise is None else self.value(node.otherwise, env)

    def _text_test(self, node: tree.TextTest, env: Env) -> bool | None:
        subject, part = self.value(node.subject, env), self.value(node.part, env)
        if not isinstance(subject, str) or not isinstance(part, str):
            return None
        if node.name == "CONTAINS":
            return part in subject
        return subject.startswith(part) if node.name[0] == "S" else subject.endswith(part)

    def _membership(self, item: Any, values: Any) -> bool | None:
        if not isinstance(values, list):
            return None
        return negate(every([negate(equal(item, one)) for one in values]))

    def _arithmetic(self, node: tree.Arithmetic, env: Env) -> Any:
        left, right = self.value(node.left, env), self.value(node.right, env)
        if left is None or right is None:
            return None
        if node.op == "+" and isinstance(left, list) | isinstance(right, list):
            both = [one if isinstance(one, list) else [one] for one in (left, right)]
            return both[0] + both[1]
        if node.op == "+" and str in {type(left), type(right)}:
            return to_string(left) + to_string(right)
        if node.op in {"/", "%"} and right == 0:
            raise Unlike
        if node.op == "/" and isinstance(left, int) and isinstance(right, int):
            return int(left / right)  # whole numbers here are small
        if node.op == "%":
            return int(fmod(left, right))
        return OPERATORS[node.op](left, right)

    def _call(self, node: tree.Call, env: Env) -> Any:
        args = [self.value(arg, env) for arg in node.args]
        if node.name == "type":
            return None if args[0] is None else args[0]["$relationshipName"]
        if node.name == "coalesce":
            return next((arg for arg in args if arg is not None), None)
        if node.name == "exists":
            return args[0] is not None
        if node.name == "labels" and args[0] is not None:
            return list(self.graph.models.labels_of(args[0]["$metadata"]["$model"]))
        if None in args:
            return None
        if node.name == "id":
            return "/".join(identity(args[0]))
        if node.name == "length":
            return len(args[0]) // 2
        if node.name in {"nodes", "relationships"}:
            return args[0][node.name == "relationships" :: 2]
        return FUNCTIONS[node.name](*args)

    # RETURN

    def rows(self, query: tree.Statement) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """All rows without SKIP and LIMIT, in order; and the values of ORDER BY of each."""
        if isinstance(query, tree.Union):
            found = [row for one in query.queries for row in self._whole(one)]
            if not query.whole:
                found = list({tuple(map(ranked, row.values())): row for row in found}.values())
            return found, [[] for _ in found]
        made = self._projected(query.result, self._envs(query.clauses))
        return [row for row, _ in made], [key for _, key in made]

    def _whole(self, query: tree.Query) -> list[Env]:
        made = self._projected(query.result, self._envs(query.clauses))
        return self._window(query.result, [row for row, _ in made])

    def _envs(self, clauses: tuple[tree.Clause, ...]) -> list[Env]:
        envs: list[Env] = [{}]
        for clause in clauses:
            if isinstance(clause, tree.Match):
                envs = [new for env in envs for new in self._matched(clause, env)]
            elif isinstance(clause, tree.Unwind):
                name, value = clause.name.text, clause.value
                envs = [{**env, name: one} for env in envs for one in self.value(value, env) or []]
            else:
                made = [row for row, _ in self._projected(clause.projection, envs)]
                envs = self._window(clause.projection, made)
                where = clause.where
                envs = [env for env in envs if where is None or self.value(where, env) is True]
        return envs

    def _window(self, made: tree.Projection, rows: list[Env]) -> list[Env]:
        skip = 0 if made.skip is None else self.value(made.skip, {})
        limit = None if made.limit is None else self.value(made.limit, {})
        return rows[skip : None if limit is None else skip + limit]

    def _matched(self, clause: tree.Match, env: Env) -> list[Env]:
        found = list(self.match(clause.patterns, env))
        where = clause.where
        found = [one for one in found if where is None or self.value(where, one) is True]
        if found or not clause.optional:
            return found
        return [{**dict.fromkeys(names_in(clause.patterns)), **env}]

    def _projected(
        self, query: tree.Projection, envs: list[Env]
    ) -> list[tuple[dict[str, Any], list[Any]]]:
        names = [
            one.alias.text if one.alias
            else one.value.name if isinstance(one.value, tree.Variable) else one.text
            for one in query.columns
        ]  # fmt: skip
        aggregated = any(_is_aggregate(column.value) for column in query.columns)
        found = []
        if not aggregated:
            for env in envs:
                row = dict(env) if query.star else {}
                row |= {
                    n: self.value(c.value, env) for n, c in zip(names, query.columns, strict=True)
                }
                found.append((row, {**env, **row}))
        else:
            found = [(row, row) for row in self._groups(query, names, envs)]
        if query.distinct:
            apart = {tuple(map(ranked, row.values())): (row, env) for row, env in found}
            found = list(apart.values())
        keyed = [(row, [self.value(term.value, env) for term in query.order]) for row, env in found]
        for number in reversed(range(len(query.order))):
            keyed.sort(
                key=lambda one: ranked(one[1][number]),
                reverse=query.order[number].descending,
            )
        return keyed

    def _groups(self, query: tree.Projection, names: list[str], envs: list[Env]) -> list[Env]:
        keys = [column.value for column in query.columns if not _is_aggregate(column.value)]
        groups: dict[Any, list[Env]] = {} if keys else {(): []}
        for env in envs:
            groups.setdefault(tuple(ranked(self.value(key, env)) for key in keys), []).append(env)
        rows = []
        for members in groups.values():
            row = {}
            for name, column in zip(names, query.columns, strict=True):
                value = column.value
                if isinstance(value, tree.Call) and _is_aggregate(value):
                    row[name] = self._aggregate(value, members)
                else:
                    row[name] = self.value(value, members[0])
            rows.append(row)
        return rows

    def _aggregate(self, node: tree.Call, members: list[Env]) -> Any:
        if node.whole:
            return len(members)
        values = [self.value(node.args[0], env) for env in members]
        values = [value for value in values if value is not None]
        if node.distinct:
            values = list({ranked(value): value for value in values}.values())
        if node.name == "count":
            return len(values)
        if node.name == "collect":
            return values
        if node.name == "sum":
            return sum(values)
        if not values:
            return None
        if node.name == "avg":
            return sum(values) / len(values)
        return (min if node.name == "min" else max)(values, key=ranked)


def names_in(patterns: tuple[tree.Pattern, ...]) -> list[str]:
    found: list[tree.Name | None] = [one.path for one in patterns]
    for pattern in patterns:
        found += [one.name for one in pattern.nodes] + [one.name for one in pattern.edges]
    return [one.text for one in found if one is not None]


def shortest(
    found: list[tuple[Env, frozenset[int], list[Any]]], *, single: bool
) -> list[tuple[Env, frozenset[int], list[Any]]]:
    """Of the walks between two twins those of the least length."""
    least: dict[tuple[str, str], int] = {}
    for _, _, path in found:
        ends = path[0]["$dtId"], path[-1]["$dtId"]
        least[ends] = min(len(path), least.get(ends, len(path)))
    kept = []
    for one in found:
        ends = one[2][0]["$dtId"], one[2][-1]["$dtId"]
        if least.get(ends) == len(one[2]):
            kept.append(one)
            if single:
                least.pop(ends)
    return kept


def item_of(base: Any, index: Any) -> Any:
    if base is None or index is None:
        return None
    if isinstance(base, list) and kind(index) == "number":
        return base[index] if -len(base) <= index < len(base) else None
    if isinstance(base, dict) and isinstance(index, str):
        return base.get(index)
    raise Unlike


def to_string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def to_integer(value: Any) -> int | None:
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None


def to_float(value: Any) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def to_boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(value.lower())


def of_keys(value: Any) -> list[str]:
    return sorted(key for key in value if key[0] != "$")


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "^": pow,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "substring": lambda one, low, size=None: one[low:][:size],
    "size": len,
    "abs": abs,
    "sign": lambda one: (one > 0) - (one < 0),
    "head": lambda one: one[0] if one else None,
    "last": lambda one: one[-1] if one else None,
    "tail": lambda one: one[1:],
    "reverse": lambda one: one[::-1],
    "range": lambda low, high, step=1: list(range(low, high + (1 if step > 0 else -1), step)),
    "keys": of_keys,
    "toString": to_string,
    "toInteger": to_integer,
    "toFloat": to_float,
    "toBoolean": to_boolean,
    "toUpper": str.upper,
    "toLower": str.lower,
    "trim": str.strip,
    "replace": str.replace,
    "split": str.split,
    "left": lambda one, size: one[:size],
    "right": lambda one, size: one[len(one) - size if size < len(one) else 0 :],
    "ceil": ceil,
    "floor": floor,
    "round": lambda one: floor(one + 0.5),
}


def _is_aggregate(node: tree.Expression) -> bool:
    return isinstance(node, tree.Call) and node.name in {
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "collect",
    }
