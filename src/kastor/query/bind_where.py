"""Conditions and values of the tree to those of the plan (spec query-language 11 and 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from kastor.lang import ast
from kastor.query.bind_from import bind_patterns
from kastor.query.functions import result_kind
from kastor.query.likes import like
from kastor.query.passes import rewrite
from kastor.query.passes.negation import negate
from kastor.query.plan import (
    ALL_KINDS,
    Aggregate,
    And,
    ArrayHas,
    Call,
    Compare,
    Condition,
    Const,
    Exists,
    Field,
    Flag,
    In,
    InQuery,
    IsKind,
    Not,
    OfModel,
    Or,
    Plan,
    Source,
    TextTest,
    Truth,
    Value,
    Within,
)
from kastor.query.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = {
    "IS_DEFINED": ALL_KINDS,
    "IS_NULL": frozenset({"null"}),
    "IS_BOOL": frozenset({"boolean"}),
    "IS_NUMBER": frozenset({"number"}),
    "IS_STRING": frozenset({"string"}),
    "IS_PRIMITIVE": frozenset({"string", "boolean", "number", "null"}),
    "IS_OBJECT": frozenset({"object"}),
    "IS_ARRAY": frozenset({"array"}),
}


class Conditions:
    """Binds within one scope; `subplan` binds a query inside this one."""

    def __init__(self, scope: Scope, subplan: Callable[[ast.Query, Scope], Plan]) -> None:
        self.scope = scope
        self.subplan = subplan
        self.aggregates = False

    def where(self, node: ast.Condition | None, *, aggregates: bool = False) -> Condition:
        """A whole condition, rewritten; true when there is none."""
        self.aggregates = aggregates
        return Truth(value=True) if node is None else rewrite(self.condition(node))

    def condition(self, node: ast.Condition) -> Condition:
        """One condition, as written."""
        match node:
            case ast.And() | ast.Or():
                kind = And if isinstance(node, ast.And) else Or
                return kind(tuple([self.condition(term) for term in node.terms]))
            case ast.Not():
                return Not(self.condition(node.operand))
            case ast.Comparison():
                return Compare(node.op, self.value(node.left), self.value(node.right))
            case ast.Membership():
                values = tuple(value.value for value in node.values)
                return In(self.value(node.operand), values, node.negated)
            case ast.TypeTest():
                return IsKind(self.scope.resolve(node.operand), _KINDS[node.name])
            case ast.TextTest():
                subject, part = self.value(node.subject), self.value(node.part)
                return TextTest(node.name, subject, part, node.ignore_case)
            case ast.Like():
                return like(self.value(node.operand), node.pattern, negated=node.negated)
            case ast.ArrayContains():
                return ArrayHas(self.scope.resolve(node.array), self.value(node.value))
            case ast.OfModel():
                return self._of_model(node)
            case ast.Within():
                return Within(self.value(node.point), self.value(node.area))
            case ast.Exists():
                return self._exists(node)
            case ast.InQuery():
                plan = self.subplan(node.query, self.scope)
                return InQuery(self.value(node.operand), plan, node.negated)
            case _:
                assert_never(node)

    def value(self, node: ast.Scalar) -> Value:
        """One value."""
        match node:
            case ast.Path():
                return self.scope.resolve(node)
            case ast.Literal():
                return Const(node.value)
            case ast.Arithmetic():
                return Call(node.op, (self.value(node.left), self.value(node.right)), "number")
            case ast.Negative():
                return Call("-", (Const(0), self.value(node.operand)), "number")
            case ast.Call():
                args = tuple([self.value(arg) for arg in node.args])
                return Call(node.name, args, result_kind(node.name))
            case ast.Aggregate():
                return self._aggregate(node)
            case _:
                assert_never(node)

    def expression(self, node: ast.Expression, *, aggregates: bool) -> Value:
        """A value, or a condition as one; it may hold aggregates if its place allows them."""
        self.aggregates = aggregates
        if isinstance(node, ast.SCALAR_NODES):
            return self.value(node)
        condition = self.condition(node)
        return Flag(rewrite(condition), rewrite(negate(condition)))

    def _aggregate(self, node: ast.Aggregate) -> Value:
        if not self.aggregates:
            self.scope.fail(f"{node.name}(..) can stand in SELECT, HAVING and ORDER BY only",
                            node.span[0])  # fmt: skip
        self.aggregates = False
        argument = None if node.argument is None else self.value(node.argument)
        self.aggregates = True
        return Aggregate(node.name, argument, node.distinct)

    def _of_model(self, node: ast.OfModel) -> Condition:
        scope = self.scope
        at = node.span[0] if node.alias is None else node.alias.span[0]
        if node.alias is not None:
            source = scope.require(node.alias)
        elif scope.patterned:
            scope.fail("IS_OF_MODEL needs the name of a node in a MATCH query", at)
        else:
            source = 0 if scope.default is None else scope.default
        if scope.sources[source].kind != "twin":
            scope.fail("IS_OF_MODEL takes a twin, and this is a relationship", at)
        keys = scope.models.matching(node.model, exact=node.exact)
        return OfModel(source, tuple(sorted(keys)))

    def _exists(self, node: ast.Exists) -> Condition:
        inner = Scope(self.scope.text, self.scope.models, self.scope.settings, self.scope)
        inner.patterned = True
        for source in self.scope.sources:
            inner.sources.append(Source(source.kind, source.alias, source.optional, outer=True))
        inner.names.update(self.scope.names)
        graph = bind_patterns((node.pattern,), inner)
        where = Conditions(inner, self.subplan).where(node.where)
        if any(hop.low > hop.high for hop in graph.hops):
            where = Truth(value=False)  # a range without any length matches nothing
        name = node.pattern.nodes[0].name
        if name is not None and not node.pattern.edges:
            index = inner.names[name.text]
            if graph.sources[index].optional:  # a LEFT JOIN may have found no such twin
                where = And((IsKind(Field(index, "id"), ALL_KINDS), where))
        return Exists(graph, where)
