"""Conditions and values of the tree to those of the plan (query-language 11 and 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never, cast

from kastor.lang import ast
from kastor.query.bind_from import bind_patterns
from kastor.query.distances import KINDS, AskedDistance, bind_distance
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
    Scalar,
    Source,
    TextTest,
    Truth,
    Value,
    Within,
)
from kastor.query.scope import Scope
from kastor.query.shapes import is_literal

if TYPE_CHECKING:
    from collections.abc import Callable

_Test: TypeAlias = (
    ast.Comparison
    | ast.Membership
    | ast.TypeTest
    | ast.TextTest
    | ast.Like
    | ast.ArrayContains
    | ast.OfModel
    | ast.Within
)
_NAMING = frozenset({"name", "model"})
_SCALARS = ("string", "number", "boolean", "null")
_MOST_ROWS = 10**18
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

    def having(self, node: ast.Condition | None) -> Condition:
        """The same above groups."""
        with self.scope.notes.apart():
            return self.where(node, aggregates=True)

    def condition(self, node: ast.Condition) -> Condition:
        """One condition, as written."""
        match node:
            case ast.And() | ast.Or():
                kind = And if isinstance(node, ast.And) else Or
                return kind(tuple([self.condition(term) for term in node.terms]))
            case ast.Not():
                return Not(self.condition(node.operand))
            case ast.Exists():
                return self._exists(node)
            case ast.InQuery():
                plan = self.subplan(node.query, self.scope)
                return InQuery(self.value(node.operand), plan, node.negated)
            case _:
                return self._test(node)

    def _test(self, node: _Test) -> Condition:
        """A condition about values, with nothing inside."""
        match node:
            case ast.Comparison():
                return self._comparison(node)
            case ast.Membership():
                return self._membership(node)
            case ast.TypeTest():
                return IsKind(self.scope.resolve(node.operand), _KINDS[node.name])
            case ast.TextTest():
                subject, part = self.value(node.subject), self.value(node.part)
                return TextTest(node.name, subject, part, node.ignore_case)
            case ast.Like():
                subject = self.value(node.operand)
                self._decided_by(subject)
                return like(subject, self._text(node.pattern), negated=node.negated)
            case ast.ArrayContains():
                return ArrayHas(self.scope.resolve(node.array), self.value(node.value))
            case ast.OfModel():
                return self._of_model(node)
            case ast.Within():
                return Within(self.value(node.point), self.value(node.area))
            case _:
                assert_never(node)

    def _comparison(self, node: ast.Comparison) -> Condition:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(right, Const):
            self._compared(left, right)
        return Compare(node.op, left, right)

    def _membership(self, node: ast.Membership) -> Condition:
        value = self.value(node.operand)
        found = self._among(value, node)
        if isinstance(value, Const):  # decided beforehand, like a comparison of two literals
            names = (found.given,) if isinstance(found.given, str) else found.given or ()
            self.scope.notes.decides.update(name for name in (value.given, *names) if name)
        if isinstance(value, Field) and value.name in _NAMING:
            for one in found.values:
                self._note(value, one)
        return found

    def _among(self, value: Value, node: ast.Membership) -> In:
        """The list of IN: one parameter, literals, or literals with parameters between them."""
        if isinstance(node.values, ast.Parameter):
            name = node.values.name
            listed = self.scope.given(name, node.values.span[0], "list")
            values = cast("tuple[Scalar, ...]", listed)
            return In(value, values, node.negated, name)
        if not any(isinstance(one, ast.Parameter) for one in node.values):
            values = tuple([one.value for one in node.values if isinstance(one, ast.Literal)])
            return In(value, values, node.negated)
        consts = [self._item(one) for one in node.values]
        given = tuple([one.given for one in consts])
        values = tuple([one.value for one in consts])
        return In(value, values, node.negated, given if any(given) else None)

    def _item(self, node: ast.Literal | ast.Parameter) -> Const:
        """A literal, or a parameter in its place."""
        if isinstance(node, ast.Literal):
            return Const(node.value)
        value = self.scope.given(node.name, node.span[0], *_SCALARS)
        return Const(cast("Scalar", value), node.name)

    def _compared(self, left: Value, right: Const) -> None:
        """Two constants are compared beforehand; names in constants are looked at."""
        if isinstance(left, Const):
            self._decided_by(left, right)
        elif isinstance(left, Field) and left.name in _NAMING:
            name = right.given
            if name is not None and is_literal(name):
                self.scope.notes.decides.add(name)
            if name is None or is_literal(name):
                self._note(left, right.value)

    def _decided_by(self, *values: Value) -> None:
        names = [value.given for value in values if isinstance(value, Const)]
        self.scope.notes.decides.update(name for name in names if name)

    def _note(self, field: Field, text: Scalar) -> None:
        """A relationship's name, or a model's, that is written as a text."""
        if not isinstance(text, str):
            return
        if field.name == "name":
            self.scope.notes.relationships.add(text)
        elif text not in self.scope.models.model_ids():
            self.scope.notes.models.add(text)

    def _text(self, text: str | ast.Parameter) -> str:
        """A text that decides the plan."""
        if isinstance(text, str):
            return text
        self.scope.notes.decides.add(text.name)
        return str(self.scope.given(text.name, text.span[0], "string"))

    def count(self, number: int | ast.Parameter | None) -> int | None:
        """A number of rows, which decides the plan."""
        if not isinstance(number, ast.Parameter):
            return number
        self.scope.notes.decides.add(number.name)
        value = self.scope.given(number.name, number.span[0], "number")
        if not isinstance(value, int) or not 0 <= value < _MOST_ROWS:
            self.scope.fail(f"${number.name} cannot be the number of rows", number.span[0])
        return value

    def value(self, node: ast.Scalar) -> Value:
        """One value."""
        match node:
            case ast.Path():
                return self.scope.resolve(node)
            case ast.Parameter():
                path = self.scope.alias_of(node)
                return self._item(node) if path is None else self.scope.resolve(path)
            case ast.Literal():
                text = isinstance(node.value, str)
                return Const(node.value, self._name(node) if text else None)
            case ast.Arithmetic():
                return Call(node.op, (self.value(node.left), self.value(node.right)), "number")
            case ast.Negative():
                return Call("-", (Const(0), self.value(node.operand)), "number")
            case ast.Call() if node.name in KINDS:
                return self._distance(node)
            case ast.Call():
                args = tuple([self.value(arg) for arg in node.args])
                return Call(node.name, args, result_kind(node.name))
            case ast.Aggregate():
                return self._aggregate(node)
            case _:
                assert_never(node)

    def _distance(self, node: ast.Call) -> Value:
        """``VECTOR_DISTANCE(T.property, $v [, 'index'])``, ``VECTOR_DISTANCE(T, 'index', $v)``."""
        subject, *others = node.args
        at = node.span[0]
        vectors = [one for one in others if isinstance(one, ast.Parameter)]
        names = [one for one in others if isinstance(one, ast.Literal)]
        if not isinstance(subject, ast.Path | ast.Parameter) or not vectors:
            self.scope.fail(f"write {node.name}(T.property, $v) or (T, 'index', $v)", at)
        vector = vectors[-1]
        index: str | None = None
        if len(others) > 1:
            [name] = [one for one in others if one is not vector]
            index = self._index_name(name, at)
        elif names:
            self.scope.fail(f"the vector of {node.name} is a parameter: $v", at)
        given = self.scope.given(vector.name, vector.span[0], "list")
        asked = AskedDistance(KINDS[node.name], self.value(subject), index, vector.name, given, at)
        return bind_distance(asked, self.scope)

    def _index_name(self, node: ast.Scalar, at: int) -> str:
        """The name of an index, which decides the plan."""
        if isinstance(node, ast.Parameter):
            return self._text(node)
        if not isinstance(node, ast.Literal) or not isinstance(node.value, str):
            self.scope.fail("the name of an index stands in quotes", at)
        known = self._name(node)
        if known is not None:
            self.scope.notes.decides.add(known)
        return node.value

    def expression(self, node: ast.Expression, *, aggregates: bool) -> Value:
        """A value, or a condition as one; it may hold aggregates if its place allows them."""
        self.aggregates = aggregates
        with self.scope.notes.apart():
            if isinstance(node, ast.SCALAR_NODES):
                return self.value(node)
            condition = self.condition(node)
        return Flag(rewrite(condition), rewrite(negate(condition)))

    def _name(self, node: ast.Literal) -> str | None:
        """What the plan calls the literal, if it keeps that."""
        return self.scope.notes.literals.get(node.span[0])

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
        model = self._text(node.model)
        keys = scope.models.matching(model, exact=node.exact)
        if not keys and model not in scope.models.model_ids():
            scope.notes.models.add(model)
        return OfModel(source, tuple(sorted(keys)))

    def _exists(self, node: ast.Exists) -> Condition:
        scope = self.scope
        inner = Scope(scope.text, scope.models, scope.settings, scope, scope.notes)
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
