"""The second opinion: the query's tree evaluated over dictionaries, slowly and literally.

Written from the specification, without a look at the compiler: three-valued logic with None as
undefined, joins by nested loops, MATCH by depth-first search over relationships.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from query_graphs import Graph

from kastor.lang import ast

MISSING = object()
Row = dict[str, Any]
Given = TypeVar("Given", str, int)


def literal(value: Given | ast.Parameter) -> Given:
    """What stands in the text: the oracle is asked of queries without parameters."""
    assert not isinstance(value, ast.Parameter)
    return value


def kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def same(left: Any, right: Any) -> bool:
    """Deep equality of two values of one kind; 1 is 1.0 and never true."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(v, right[k]) for k, v in left.items())
    return bool(left == right)


def compare(op: str, left: Any, right: Any) -> bool | None:
    if left is MISSING or right is MISSING or kind(left) != kind(right):
        return None
    if op == "=":
        return same(left, right)
    if op == "!=":
        return not same(left, right)
    if kind(left) in {"null", "array", "object"}:
        return None
    answers = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
    return bool(answers[op])


def negate(value: bool | None) -> bool | None:
    return None if value is None else not value


@dataclass
class Oracle:
    graph: Graph
    inclusive: bool = False
    max_hops: int = 6
    default: str | None = None
    patterned: bool = False
    first: str | None = None
    by_relationship: dict[str, str] = field(default_factory=dict)

    # Values

    def resolve(self, path: ast.Path, env: Row) -> Any:
        steps = [s.text if isinstance(s, ast.Name) else s.value for s in path.steps]
        if steps[0] in env and isinstance(path.steps[0], ast.Name):
            value, rest = env[steps[0]], steps[1:]
        elif self.default is not None:
            value, rest = env[self.default], steps
        elif steps[0] in self.by_relationship:
            value, rest = env[self.by_relationship[steps[0]]], steps[1:]
        else:
            raise LookupError(steps[0])
        for step in rest:
            if isinstance(step, int):
                if not isinstance(value, list) or step >= len(value):
                    return MISSING
                value = value[step]
            else:
                if not isinstance(value, dict) or step not in value:
                    return MISSING
                value = value[step]
        return value

    def value(self, node: ast.Scalar, env: Row) -> Any:
        match node:
            case ast.Path():
                return self.resolve(node, env)
            case ast.Literal():
                return node.value
            case ast.Negative():
                return self.arithmetic("-", 0, self.value(node.operand, env))
            case ast.Arithmetic():
                return self.arithmetic(
                    node.op, self.value(node.left, env), self.value(node.right, env)
                )
            case ast.Call():
                return self.call(node.name, [self.value(arg, env) for arg in node.args])
        raise AssertionError(node)

    def arithmetic(self, op: str, left: Any, right: Any) -> Any:
        if left is MISSING or right is MISSING or kind(left) != "number" or kind(right) != "number":
            return MISSING
        if op in "/%" and right == 0:
            return MISSING
        whole = isinstance(left, int) and isinstance(right, int)
        result: Any
        match op:
            case "+":
                result = left + right
            case "-":
                result = left - right
            case "*":
                result = left * right
            case "/":
                result = left / right
            case _:
                result = math.fmod(left, right)
                result = int(result) if whole else result
        if isinstance(result, int) and not -(2**63) <= result < 2**63:
            result = float(result)
        if isinstance(result, float) and not math.isfinite(result):
            return MISSING
        return result

    def call(self, name: str, args: list[Any]) -> Any:
        texts = all(kind(arg) == "string" and arg is not MISSING for arg in args)
        match name:
            case "LOWER" if texts:
                return re.sub("[A-Z]", lambda m: m[0].lower(), args[0])
            case "UPPER" if texts:
                return re.sub("[a-z]", lambda m: m[0].upper(), args[0])
            case "LENGTH" if texts:
                return len(args[0])
            case "ARRAY_LENGTH" if isinstance(args[0], list):
                return len(args[0])
            case "ABS" if args[0] is not MISSING and kind(args[0]) == "number":
                return abs(args[0]) if abs(args[0]) < 2**63 else float(abs(args[0]))
        return MISSING

    # Conditions

    def truth(self, node: ast.Condition, env: Row) -> bool | None:
        match node:
            case ast.And():
                terms = [self.truth(term, env) for term in node.terms]
                return False if False in terms else None if None in terms else True
            case ast.Or():
                terms = [self.truth(term, env) for term in node.terms]
                return True if True in terms else None if None in terms else False
            case ast.Not():
                return negate(self.truth(node.operand, env))
            case ast.Comparison():
                return compare(node.op, self.value(node.left, env), self.value(node.right, env))
            case ast.Membership():
                value = self.value(node.operand, env)
                if value is MISSING:
                    return None
                values = cast("tuple[ast.Literal, ...]", node.values)
                found = any(compare("=", value, one.value) is True for one in values)
                return found is not node.negated
            case ast.TypeTest():
                return self.type_test(node.name, self.resolve(node.operand, env))
            case ast.TextTest():
                return self.text_test(
                    node, self.value(node.subject, env), self.value(node.part, env)
                )
            case ast.Like():
                value = self.value(node.operand, env)
                if value is MISSING or kind(value) != "string":
                    return None
                found = re.fullmatch(like(literal(node.pattern)), value, re.DOTALL) is not None
                return found is not node.negated
            case ast.ArrayContains():
                array, value = self.resolve(node.array, env), self.value(node.value, env)
                if not isinstance(array, list):
                    return None
                if value is MISSING or kind(value) in {"array", "object"}:
                    return False
                return any(same(element, value) for element in array)
            case ast.OfModel():
                name = node.alias.text if node.alias else self.default or self.first
                assert name is not None
                twin = env[name]
                if twin is MISSING:
                    return False
                return self.graph.models.is_of(
                    twin["$metadata"]["$model"], literal(node.model), node.exact
                )
            case ast.Exists():
                return self.exists(node, env)
            case ast.InQuery():
                value = self.value(node.operand, env)
                if value is MISSING:
                    return None
                rows = run(node.query, self.graph, inclusive=self.inclusive)
                found = value is not None and not isinstance(value, list | dict)
                found = found and any(same(value, one) for row in rows for one in row.values())
                return found is not node.negated
        raise AssertionError(node)

    def type_test(self, name: str, value: Any) -> bool:
        if value is MISSING:
            return False
        wanted = {
            "IS_DEFINED": {"null", "boolean", "number", "string", "array", "object"},
            "IS_NULL": {"null"},
            "IS_BOOL": {"boolean"},
            "IS_NUMBER": {"number"},
            "IS_STRING": {"string"},
            "IS_PRIMITIVE": {"null", "boolean", "number", "string"},
            "IS_OBJECT": {"object"},
            "IS_ARRAY": {"array"},
        }
        return kind(value) in wanted[name]

    def text_test(self, node: ast.TextTest, subject: Any, part: Any) -> bool | None:
        if not isinstance(subject, str) or not isinstance(part, str):
            return None
        if node.ignore_case:
            subject, part = self.call("LOWER", [subject]), self.call("LOWER", [part])
        if node.name == "STARTSWITH":
            return bool(subject.startswith(part))
        return bool(subject.endswith(part) if node.name == "ENDSWITH" else part in subject)

    def exists(self, node: ast.Exists, env: Row) -> bool:
        inner = Oracle(self.graph, self.inclusive, self.max_hops, patterned=True)
        for found in inner.match([node.pattern], env):
            if node.where is None or inner.truth(node.where, found) is True:
                return True
        return False

    # FROM

    def bindings(self, source: ast.From) -> list[Row]:
        if source.patterns:
            self.patterned = True
            return list(self.match(list(source.patterns), {}))
        documents: list[Any] = list(self.graph.twins.values())
        if source.collection == "RELATIONSHIPS":
            documents = self.graph.relationships
        name = source.alias.text if source.alias else "\0"
        self.first = name
        if not source.joins:
            self.default = name
        found: list[Row] = [{name: document} for document in documents]
        for number, join in enumerate(source.joins):
            alias = join.alias.text if join.alias else f"\0{number}"
            if join.alias is None:
                self.by_relationship.setdefault(join.relationship.text, alias)
            found = [row for before in found for row in self.joined(join, alias, before)]
        return found

    def joined(self, join: ast.Join, alias: str, before: Row) -> list[Row]:
        source = before[join.source.text]
        rows = []
        if source is not MISSING:
            rows = [
                {**before, join.target.text: self.graph.twins[one["$targetId"]], alias: one}
                for one in self.graph.relationships
                if one["$sourceId"] == source["$dtId"]
                and one["$relationshipName"] == join.relationship.text
            ]
        if not rows and join.left:
            rows = [{**before, join.target.text: MISSING, alias: MISSING}]
        return rows

    def match(self, patterns: list[ast.Pattern], env: Row) -> Any:
        if not patterns:
            yield env
            return
        for found in self.pattern(patterns[0], env):
            yield from self.match(patterns[1:], found)

    def pattern(self, pattern: ast.Pattern, env: Row) -> Any:
        first = pattern.nodes[0]
        for twin in self.graph.twins.values():
            bound = self.bind(env, first.name, twin)
            if bound is not None:
                yield from self.follow(pattern, 0, twin, bound, frozenset())

    def bind(self, env: Row, name: ast.Name | None, twin: Any) -> Row | None:
        if name is None:
            return env
        if name.text in env:
            return env if env[name.text] is twin else None
        return {**env, name.text: twin}

    def follow(
        self, pattern: ast.Pattern, at: int, twin: Any, env: Row, used: frozenset[int]
    ) -> Any:
        if at == len(pattern.edges):
            yield env
            return
        edge = pattern.edges[at]
        low, high = self.bounds(edge)
        for end, walked in self.walks(edge, twin, high, used):
            if len(walked) < low:
                continue
            bound = self.bind(env, pattern.nodes[at + 1].name, end)
            if bound is None:
                continue
            if edge.variable is not None:
                documents = [self.graph.relationships[index] for index in walked]
                single = low == high == 1
                bound = {**bound, edge.variable.text: documents[0] if single else documents}
            yield from self.follow(pattern, at + 1, end, bound, used | set(walked))

    def bounds(self, edge: ast.Edge) -> tuple[int, int]:
        hops = edge.hops
        if hops is None:
            return 1, 1
        high = self.max_hops if hops.high is None else hops.high
        if hops.exact or hops.inclusive or self.inclusive:
            return max(1, hops.low or 0), high
        return (hops.low or 0) + 1, high

    def walks(self, edge: ast.Edge, twin: Any, high: int, used: frozenset[int]) -> Any:
        names = {name.text for name in edge.names}
        todo: list[tuple[Any, tuple[int, ...]]] = [(twin, ())]
        while todo:
            at, walked = todo.pop()
            if walked:
                yield at, walked
            if len(walked) == high:
                continue
            for index, one in enumerate(self.graph.relationships):
                if index in used or index in walked:
                    continue
                if names and one["$relationshipName"] not in names:
                    continue
                if edge.direction in {"->", "-"} and one["$sourceId"] == at["$dtId"]:
                    todo.append((self.graph.twins[one["$targetId"]], (*walked, index)))
                if edge.direction in {"<-", "-"} and one["$targetId"] == at["$dtId"]:
                    todo.append((self.graph.twins[one["$sourceId"]], (*walked, index)))

    # SELECT

    def row(self, query: ast.Query, env: Row) -> Any:
        if query.columns is None:
            if not query.source.patterns:
                return env[self.default or ""]
            return {k: v for k, v in env.items() if v is not MISSING}
        found: Row = {}
        taken: dict[str, ast.Expression] = {}
        for column in query.columns:
            value = self.column(column.value, env)
            keys = column_keys(column)
            longer = [f"{keys[-1]}#{again}" for again in range(2, 9)]
            for place, key in enumerate([*keys, *longer]):
                if place > 0 and taken.get(key) == self.plain(column.value):
                    break  # the same path once more
                if key not in taken:
                    taken[key] = self.plain(column.value)
                    if value is not MISSING:
                        found[key] = value
                    break
        return found

    def plain(self, node: ast.Expression) -> ast.Expression:
        """A path without the alias of the only collection: ``T.x`` and ``x`` are the same."""
        if isinstance(node, ast.Path) and node.steps[0] == ast.Name(self.default or ""):
            return ast.Path(node.steps[1:])
        return node

    def column(self, node: ast.Expression, env: Row) -> Any:
        if isinstance(node, ast.SCALAR_NODES):
            return self.value(node, env)
        truth = self.truth(node, env)
        return MISSING if truth is None else truth


def like(pattern: str) -> str:
    parts = []
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    for token in tokens:
        if token == "%":
            parts.append(".*")
        elif token == "_":
            parts.append(".")
        else:
            parts.append(re.escape(token[-1] if len(token) > 1 else token.replace("\\", "")))
    return "".join(parts)


def column_keys(column: ast.Column) -> list[str]:
    names: list[str] = []
    if isinstance(column.value, ast.Path):
        names = [s.text if isinstance(s, ast.Name) else f"[{s.value}]" for s in column.value.steps]
    full = ".".join(names).replace(".[", "[")
    if column.alias is not None:
        return [column.alias.text, full]
    if names:
        return [names[-1], full]
    if isinstance(column.value, ast.Aggregate | ast.Call):
        return [column.value.name]
    return ["?"]


RANKS = {"null": 1, "boolean": 2, "number": 3, "string": 4, "array": 5, "object": 6}


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ranked(value: Any) -> tuple[int, Any]:
    """Where a value stands in ORDER BY."""
    if value is MISSING:
        return 0, 0
    rank = RANKS[kind(value)]
    if rank > 4:
        return rank, text(value)
    return rank, 0 if value is None else value


def aggregate(node: ast.Aggregate, values: list[Any]) -> Any:
    if node.argument is None:
        return len(values)
    values = [value for value in values if value is not MISSING]
    if node.name == "COUNT":
        return len({ranked(value) for value in values}) if node.distinct else len(values)
    numbers = [value for value in values if kind(value) == "number"]
    if node.distinct:
        numbers = list(dict.fromkeys(numbers))
    if node.name in {"SUM", "AVG"}:
        if not numbers:
            return MISSING
        safe = [n if isinstance(n, float) or abs(n) <= 2**40 else float(n) for n in numbers]
        total = sum(safe) if all(isinstance(n, int) for n in safe) else math.fsum(safe)
        return total if node.name == "SUM" else math.fsum(numbers) / len(numbers)
    strings = [value for value in values if kind(value) == "string"]
    pool = numbers or strings
    return (min if node.name == "MIN" else max)(pool) if pool else MISSING


class Groups(Oracle):
    """Evaluates above a group: its values by their text, its aggregates over its rows."""

    envs: list[Row]
    known: dict[ast.Path, Any]

    def value(self, node: ast.Scalar, env: Row) -> Any:
        if isinstance(node, ast.Aggregate):
            plain = Oracle(self.graph, self.inclusive, default=self.default)
            argument = node.argument
            return aggregate(
                node, [0 if argument is None else plain.value(argument, e) for e in self.envs]
            )
        return super().value(node, env)

    def resolve(self, path: ast.Path, env: Row) -> Any:
        return self.known[path]


def grouped(query: ast.Query, oracle: Oracle, envs: list[Row]) -> list[tuple[Any, Row, Groups]]:
    groups: dict[Any, list[Row]] = {}
    for env in envs:
        groups.setdefault(tuple(ranked(oracle.resolve(p, env)) for p in query.group), []).append(
            env
        )
    if not query.group and not groups:
        groups[()] = []
    found: list[tuple[Any, Row, Groups]] = []
    for members in groups.values():
        one = Groups(oracle.graph, oracle.inclusive, default=oracle.default)
        one.envs = members
        one.known = {}
        for path in query.group:
            values = [oracle.resolve(path, env) for env in members]
            one.known[path] = (
                MISSING if values[0] is MISSING else json.loads(min(map(text, values)))
            )
        if query.having is None or one.truth(query.having, {}) is True:
            found.append((one.row(query, {}), {}, one))
    return found


def run(query: ast.Query, graph: Graph, *, inclusive: bool = False) -> list[Any]:
    """All rows of `query`; the order is not promised unless it asks for one."""
    oracle = Oracle(graph, inclusive)
    envs = [
        env
        for env in oracle.bindings(query.source)
        if query.where is None or oracle.truth(query.where, env) is True
    ]
    columns = query.columns or ()
    if [c.value for c in columns] == [ast.Aggregate("COUNT")] and not query.group:
        return [{column_keys(columns[0])[0]: len(envs)}]
    if query.group or any(isinstance(column.value, ast.Aggregate) for column in columns):
        rows: list[tuple[Any, Row, Oracle]] = list(grouped(query, oracle, envs))
    else:
        rows = [(oracle.row(query, env), env, oracle) for env in envs]
    if query.distinct:
        seen: dict[Any, Any] = {}
        for row in rows:
            seen.setdefault(tuple((k, ranked(v)) for k, v in row[0].items()), row)
        rows = list(seen.values())
    for term in reversed(query.order):
        rows.sort(key=lambda row: ranked(row[2].value(term.value, row[1])), reverse=term.descending)
    found = [row[0] for row in rows][literal(query.offset or 0) :]
    least = min([literal(n) for n in (query.top, query.limit) if n is not None], default=None)
    return list(itertools.islice(found, least))


def bag(rows: list[Any]) -> list[str]:
    """Rows as sorted texts: equality as multisets, with 1, 1.0 and true apart."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def rounded(value: Any) -> Any:
    """Doubles to twelve digits: engines add in other orders."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value
