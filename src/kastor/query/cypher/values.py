"""Expressions as values of a plan.

Whatever kind a value needs to be of has to be known from literals and models: nothing is guessed,
since another kind would give another value in this language.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NoReturn

from kastor.lang.cypher import tree
from kastor.lang.words import suggestion
from kastor.query.cypher.distances import distance
from kastor.query.cypher.functions import (
    AGGREGATES,
    DISTANCES,
    NAMES,
    NUMBERS,
    NUMERIC,
    PREFIX,
    TYPE_TESTS,
    types_of,
)
from kastor.query.plan import Aggregate, Call, Const, Doc, Field, Flag, Undefined, Walked

if TYPE_CHECKING:
    from kastor.query.cypher.names import CypherScope
    from kastor.query.plan import Condition, Value

SCALARS = ("string", "number", "boolean", "null")
_CONDITIONS = (
    tree.Comparison,
    tree.TextTest,
    tree.Membership,
    tree.NullTest,
    tree.Labelled,
    tree.Exists,
    tree.Not,
    tree.And,
    tree.Or,
    tree.Xor,
)
_CONDITION_CALLS = frozenset({"is_of_model", *TYPE_TESTS})
_INT64 = 2**63


def function_of(node: tree.Call) -> str:
    """The name of a function in small letters, without the prefix of another server."""
    return node.name.lower().removeprefix(PREFIX)


def is_condition(node: tree.Expression) -> bool:
    """Whether the expression is true, false or null whatever the data is."""
    if isinstance(node, tree.Call):
        return function_of(node) in _CONDITION_CALLS
    return isinstance(node, _CONDITIONS)


class CypherValues:
    """Binds values within one scope.

    Attributes:
        aggregates: whether aggregates may stand here.
    """

    def __init__(self, names: CypherScope) -> None:
        self.names = names
        self.aggregates = False

    @abstractmethod
    def when(self, node: tree.Expression, *, wanted: bool) -> Condition:
        """The condition that `node` is true, or is false."""

    def value(self, node: tree.Expression) -> Value:
        """One value."""
        self.names.count_made(node.span[0])
        if is_condition(node):
            with self.names.notes.apart():
                return Flag(self.when(node, wanted=True), self.when(node, wanted=False))
        match node:
            case tree.Literal():
                text = isinstance(node.value, str)
                name = self.names.notes.literals.get(node.span[0]) if text else None
                return Const(node.value, name)
            case tree.Parameter():
                return self.parameter(node)
            case tree.Variable():
                return self.names.named(node)
            case tree.MemberOf() | tree.ItemOf():
                return self._path(node)
            case tree.Arithmetic():
                return self._arithmetic(node)
            case tree.Negative():
                operand = self.value(node.operand)
                self.require(operand, NUMERIC, "a sign", node)
                return Call("-", (Const(0), operand), "number")
            case tree.Call():
                return self._call(node)
            case tree.ListOf():
                return self.fail("a list stands behind IN only", node)
            case _:
                return self.fail("a map stands in a pattern only", node)

    def parameter(self, node: tree.Parameter) -> Const:
        """The scalar that a parameter gives."""
        found = self.names.given(node.name, node.span[0], *SCALARS)
        return Const(None if isinstance(found, tuple) else found, node.name)

    def fail(self, message: str, node: tree.Expression) -> NoReturn:
        """Raises a `QueryError` at the expression."""
        self.names.fail(message, node.span[0])

    def _path(self, node: tree.MemberOf | tree.ItemOf) -> Value:
        steps: list[str | int] = []
        base: tree.Expression = node
        while isinstance(base, tree.MemberOf | tree.ItemOf):
            steps.append(base.key if isinstance(base, tree.MemberOf) else base.index)
            base = base.base
        found = self.value(base)
        steps.reverse()
        match found:
            case Doc():
                return self.names.inside(found.source, (*found.steps, *steps))
            case Undefined() | Const(value=None):
                return Undefined()
            case _:
                return self.fail("only twins, relationships and what is in them has members", node)

    def require(
        self, value: Value, wanted: frozenset[str], what: str, node: tree.Expression
    ) -> None:
        """Refuses a value that may be something else than `what` takes.

        Raises:
            QueryError: naming what models call it.
        """
        if isinstance(value, Undefined) or value == Const(None):
            return
        found = types_of(value, self.names.models)
        if found <= wanted:
            return
        kinds = " or ".join(sorted(wanted))
        others = found - wanted
        told = "no model says of which kind this is"
        if others != {"?"}:
            told = f"models say that this can be {' or '.join(sorted(others - {'?'}))}"
        self.names.fail(f"{what} takes {kinds} here, and {told}", node.span[0])

    def _arithmetic(self, node: tree.Arithmetic) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if node.op == "^":
            return self.fail("^ is not in the subset", node)
        for operand, at in ((left, node.left), (right, node.right)):
            self.require(operand, NUMERIC, node.op, at)
        if node.op in {"/", "%"}:
            self._check_division(node, left, right)
        return Call(node.op, (left, right), "number")

    def _check_division(self, node: tree.Arithmetic, left: Value, right: Value) -> None:
        """Refuses what the engines divide otherwise: two integers, a divisor that may be 0."""
        if not isinstance(right, Const) or not right.value or right.given is not None:
            self.fail(f"{node.op} takes a number other than 0 as its right side here", node.right)
        integer = frozenset({"integer"})
        both = types_of(left, self.names.models) | types_of(right, self.names.models)
        if node.op == "%":
            if both - integer:
                self.fail("% takes integers here", node)
        elif "real" not in types_of(right, self.names.models) and (
            types_of(left, self.names.models) != {"real"}
        ):
            self.fail("two integers are not divided here; write the divisor as 2.0", node)

    # Functions

    def _call(self, node: tree.Call) -> Value:
        name = function_of(node)
        if name in AGGREGATES:
            return self._aggregate(name, node)
        if node.distinct:
            return self.fail("DISTINCT stands in an aggregate", node)
        if name in NUMBERS:
            [value] = self.arguments(node, 1, 1)
            self.require(value, NUMERIC, node.name, node.args[0])
            return Call(NUMBERS[name], (value,), "number")
        if name == "substring":
            return self._substring(node)
        if name == "size":
            return self._size(node)
        if name in {"id", "elementid", "type"}:
            return self._identity(name, node)
        if name in DISTANCES:
            return distance(node, self.names, self.value)
        hint = suggestion(node.name, NAMES)
        return self.fail(f"the function {node.name[:100]} is not in the subset.{hint}", node)

    def arguments(self, node: tree.Call, least: int, most: int) -> list[Value]:
        """The arguments, as many as may be."""
        count = len(node.args)
        if not least <= count <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            self.fail(f"{node.name} takes {wanted} arguments, not {count}", node)
        return [self.value(arg) for arg in node.args]

    def _substring(self, node: tree.Call) -> Value:
        values = self.arguments(node, 2, 3)
        self.require(values[0], frozenset({"string"}), node.name, node.args[0])
        for arg in node.args[1:]:
            if not isinstance(arg, tree.Literal) or type(arg.value) is not int or arg.value < 0:
                self.fail("substring takes whole numbers as literals here", arg)
        return Call("SUBSTRING", tuple(values), "string")

    def _size(self, node: tree.Call) -> Value:
        [value] = self.arguments(node, 1, 1)
        if isinstance(value, Doc) and types_of(value, self.names.models) == {"array"}:
            return Call("ARRAY_LENGTH", (value,), "number")
        self.require(value, frozenset({"string"}), node.name, node.args[0])
        return Call("LENGTH", (value,), "number")

    def _identity(self, name: str, node: tree.Call) -> Value:
        [value] = self.arguments(node, 1, 1)
        source = self.names.source_of(value)
        wanted = "relationship" if name == "type" else "twin"
        if source is None or not isinstance(value, Doc) or source.kind != wanted:
            return self.fail(f"{node.name} takes a {wanted} here", node)
        return Field(value.source, "name" if name == "type" else "id")

    def _aggregate(self, name: str, node: tree.Call) -> Value:
        if not self.aggregates:
            self.fail(f"{name} can stand in RETURN and ORDER BY only, and not in itself", node)
        if node.whole:
            return Aggregate("COUNT")
        self.aggregates = False
        [value] = self.arguments(node, 1, 1)
        self.aggregates = True
        if isinstance(value, Walked):
            self.fail("the variable of a range can only be a column", node.args[0])
        whole = self.names.source_of(value) is not None
        if name == "count":
            counts_rows = whole and not node.distinct
            return Aggregate("COUNT") if counts_rows else Aggregate("COUNT", value, node.distinct)
        self._check_aggregate(name, value, node)
        return Aggregate(name.upper(), value, node.distinct)

    def _check_aggregate(self, name: str, value: Value, node: tree.Call) -> None:
        """Refuses what may hold other kinds: the engines overlook those, this language does not."""
        if name in {"sum", "avg"}:
            self.require(value, NUMERIC, name, node.args[0])
            return
        text = types_of(value, self.names.models) == {"string"}
        if not text:
            self.require(value, NUMERIC, f"{name} of values that are not all string", node.args[0])
