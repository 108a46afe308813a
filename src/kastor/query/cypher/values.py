"""Expressions as values of a plan.

Of which type a value is, is known from literals and models, or looked at row by row where another
one would be an error; it is never guessed, since another type would give another value here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from kastor.lang.cypher import tree
from kastor.query.cypher.functions import AGGREGATES, CONDITIONS, INTEGER, NUMERIC, PREFIX, STRING
from kastor.query.cypher.types import UNKNOWN, types_of
from kastor.query.kinds import kinds_of
from kastor.query.passes.folding import fold
from kastor.query.plan import (
    Aggregate,
    Call,
    Case,
    Const,
    Doc,
    Flag,
    ListOf,
    MapOf,
    PartOf,
    Trail,
    Truth,
    Undefined,
    Walked,
)
from kastor.query.references import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.query.cypher.names import CypherScope
    from kastor.query.given import Item
    from kastor.query.plan import Condition, Value

SCALARS = ("string", "number", "boolean", "null")
ARRAY, OBJECT, BOOLEAN = frozenset({"array"}), frozenset({"object"}), frozenset({"boolean"})
TO_THE_END = Const(2**31 - 1)
_CONDITIONS = (
    tree.Comparison,
    tree.TextTest,
    tree.Membership,
    tree.NullTest,
    tree.Quantifier,
    tree.Labelled,
    tree.Exists,
    tree.Not,
    tree.And,
    tree.Or,
    tree.Xor,
)
_LOOKED_AT = {
    STRING: ("AS_STRING", "string"),
    NUMERIC: ("AS_NUMBER", "number"),
    INTEGER: ("AS_INTEGER", "number"),
    ARRAY: ("AS_LIST", "array"),
    BOOLEAN: ("AS_BOOLEAN", "boolean"),
}


def function_of(node: tree.Call) -> str:
    """The name of a function in small letters, without the prefix of another server."""
    return node.name.lower().removeprefix(PREFIX)


def is_condition(node: tree.Expression) -> bool:
    """Whether the expression is true, false or null whatever the data is."""
    if isinstance(node, tree.Call):
        return function_of(node) in CONDITIONS
    return isinstance(node, _CONDITIONS)


def is_null(value: Value) -> bool:
    """Whether a value is null whatever the data is, and whatever is given."""
    return isinstance(value, Undefined) or value == Const(None)


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

    @abstractmethod
    def equals(
        self, node: tree.Expression, left: Value, right: Value, *, wanted: bool
    ) -> Condition:
        """The condition that two values are equal, or are different."""

    @abstractmethod
    def call(self, node: tree.Call) -> Value:
        """What a function gives."""

    @abstractmethod
    def comprehension(self, node: tree.Comprehension) -> Value:
        """What is made of each element of a list."""

    @abstractmethod
    def matches(self, node: tree.Matches) -> Value:
        """The list of what each match of a pattern gives."""

    def flag(self, node: tree.Expression) -> Flag:
        """A condition as a value; what no data decides is decided here."""
        return Flag(fold(self.when(node, wanted=True)), fold(self.when(node, wanted=False)))

    def value(self, node: tree.Expression) -> Value:
        """One value."""
        # Branches because each kind of node is bound in its own way.
        self.names.count_made(node.span[0])
        if is_condition(node):
            with self.names.notes.apart():
                return self.flag(node)
        match node:
            case tree.Literal():
                return self._literal(node)
            case tree.Parameter():
                return self.parameter(node)
            case tree.Variable():
                return self.names.named(node)
            case tree.MemberOf():
                return self.member(self.value(node.base), node.key, node)
            case tree.ItemOf():
                return self._item(node)
            case tree.SliceOf():
                return self._slice(node)
            case tree.Arithmetic():
                return self._arithmetic(node)
            case tree.Negative():
                operand = self.require(self.value(node.operand), NUMERIC, "a sign", node)
                return Call("-", (Const(0), operand), "number")
            case tree.Call():
                return self._called(node)
            case tree.Case():
                return self._case(node)
            case tree.Comprehension():
                return self.comprehension(node)
            case tree.Matches():
                return self.matches(node)
            case tree.ListOf() | tree.MapOf():
                with self.names.notes.apart():
                    return self._made(node)
            case _:
                raise AssertionError(node)

    def _made(self, node: tree.ListOf | tree.MapOf) -> Value:
        if isinstance(node, tree.ListOf):
            return ListOf(tuple([self.value(item) for item in node.items]))
        entries = {key: self.value(value) for key, value in node.entries}
        return MapOf(tuple(entries.items()))

    def _literal(self, node: tree.Literal) -> Const:
        text = isinstance(node.value, str)
        return Const(node.value, self.names.notes.literals.get(node.span[0]) if text else None)

    def parameter(self, node: tree.Parameter) -> Value:
        """What a parameter gives; of a list or a map the plan depends on all of it."""
        found = self.names.given(node.name, node.span[0], *SCALARS, "list", "nested", "map")
        if isinstance(found, tuple | Mapping):
            self.names.notes.decides.add(node.name)
            return _made_of(found)
        return Const(found, node.name)

    def fail(self, message: str, node: tree.Expression) -> NoReturn:
        """Raises a `QueryError` at the expression."""
        self.names.fail(message, node.span[0])

    def types(self, value: Value) -> frozenset[str]:
        """What the value can be when it is not null; ``?`` is among it where nobody knows.

        Of a number that is given this is more than its kind, so that the plan depends on it.
        """
        self.names.notes.decides.update(_given_numbers(value))
        return types_of(value, self.names.models)

    def require(
        self, value: Value, wanted: frozenset[str], what: str, node: tree.Expression
    ) -> Value:
        """The value, looked at row by row unless it is surely one that `what` takes.

        Raises:
            QueryError: it is surely another, naming what models call it.
        """
        found = self.types(value)
        if found <= wanted:
            return value
        if not found & (wanted | UNKNOWN):
            kinds = " or ".join(sorted(wanted))
            told = " or ".join(sorted(found))
            self.fail(f"{what} takes {kinds} here, and models say that this can be {told}", node)
        name, kind = _LOOKED_AT[wanted]
        return Call(name, (value,), kind)

    # Parts

    def member(self, base: Value, key: str, node: tree.Expression) -> Value:
        """What a name leads to."""
        match base:
            case Doc():
                return self.names.inside(base.source, (*base.steps, key))
            case MapOf():
                return dict(base.entries).get(key, Undefined())
            case _ if is_null(base):
                return Undefined()
        types = self.types(base)
        if not types & (OBJECT | UNKNOWN) or isinstance(base, Walked):
            self.fail("only twins, relationships and maps have members", node)
        if types == OBJECT:
            inner = base if isinstance(base, PartOf) else PartOf(base, ())
            return PartOf(inner.base, (*inner.steps, key))
        return Call("AT", (base, Const(key)), "any")

    def _item(self, node: tree.ItemOf) -> Value:
        base = self.value(node.base)
        with self.names.notes.apart():
            index = self.value(node.index)
        if is_null(base) or is_null(index):
            return Undefined()
        types, by = self.types(base), self.types(index)
        whole = isinstance(base, Doc) and not base.steps
        if not types & (ARRAY | OBJECT | UNKNOWN):
            self.fail("only lists have elements, and only maps members", node)
        wanted = (INTEGER if "array" in types or "?" in types else frozenset[str]()) | (
            STRING if "object" in types or "?" in types else frozenset[str]()
        )
        if not by & (wanted | UNKNOWN):
            self.fail("a list is asked by an integer, a map by a string", node.index)
        number = index.value if isinstance(index, Const) and index.given is None else None
        if type(number) is int and isinstance(base, ListOf):
            inside = -len(base.items) <= number < len(base.items)
            return base.items[number] if inside else Undefined()
        if type(number) is int and number >= 0 and isinstance(base, Doc) and not whole:
            return self.names.inside(base.source, (*base.steps, number))
        return Call("AT", (base, index), "any")

    def _slice(self, node: tree.SliceOf) -> Value:
        base = self.require(self.value(node.base), ARRAY, "a slice", node.base)
        ends: list[Value] = []
        for end, otherwise in ((node.low, Const(0)), (node.high, TO_THE_END)):
            if end is None:
                ends.append(otherwise)
                continue
            with self.names.notes.apart():
                ends.append(self.require(self.value(end), INTEGER, "a slice", end))
        if any(is_null(one) for one in (base, *ends)):
            return Undefined()
        return Call("SLICE", (base, *ends), "array")

    # Operators

    def _arithmetic(self, node: tree.Arithmetic) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if node.op == "+":
            return self._added(node, left, right)
        left = self.require(left, NUMERIC, node.op, node.left)
        right = self.require(right, NUMERIC, node.op, node.right)
        if node.op == "^":
            return Call("TO_POWER", (left, right), "number")
        if node.op in {"/", "%"}:
            return self._divided(node, left, right)
        return Call(node.op, (left, right), "number")

    def _added(self, node: tree.Arithmetic, left: Value, right: Value) -> Value:
        """Numbers add up, texts and lists are joined; what nobody knows is told apart by row."""
        if is_null(left) or is_null(right):
            return Undefined()
        types, other = self.types(left), self.types(right)
        both = types | other
        if ARRAY in (types, other):
            return _joined("APPEND", left, right, "array")
        if both <= NUMERIC:
            return Call("+", (left, right), "number")
        if "object" in both or "boolean" in both:
            told = f"{'a twin, a relationship or a map' if 'object' in both else 'a boolean'}"
            self.fail(f"+ takes numbers, strings and lists, not {told}", node)
        texts = [self._as_text(one) for one in (left, right)]
        if STRING in (types, other) and None not in texts:
            first, second = (one for one in texts if one is not None)
            return _joined("CONCAT", first, second, "string")
        return Call("ADD", (left, right), "any")

    def _as_text(self, value: Value) -> Value | None:
        """A text, or a number whose text is known to be as this language writes it."""
        types = self.types(value)
        if types == STRING:
            return value
        if types == INTEGER:
            return Call("INTEGER_TEXT", (value,), "string")
        return Call("REAL_TEXT", (value,), "string") if types == {"real"} else None

    def _divided(self, node: tree.Arithmetic, left: Value, right: Value) -> Value:
        """``/`` and ``%``: two integers are divided as integers, others as doubles."""
        types, other = self.types(left), self.types(right)
        if is_null(left) or is_null(right):
            return Undefined()
        both = types | other
        if node.op == "%":
            return Call("REMAINDER", (left, right), "number")
        if both <= INTEGER:
            return Call("DIV", (left, right), "number")
        if frozenset({"real"}) not in (types, other):
            told = "models do not say" if both == NUMERIC or "?" in both else "nobody knows"
            self.fail(
                f"{told} whether both sides of / are integers, which would truncate: convert one"
                " with toInteger or toFloat",
                node,
            )
        divisor = right.value if isinstance(right, Const) and right.given is None else None
        return Call("/" if divisor else "QUOTIENT", (left, right), "number")

    def _case(self, node: tree.Case) -> Value:
        """The branches that can be; one that is surely taken is the last."""
        branches: list[tuple[Condition, Value]] = []
        with self.names.notes.apart():
            subject = None if node.subject is None else self.value(node.subject)
            for test, chosen in node.branches:
                if subject is None:
                    condition = self.when(test, wanted=True)
                else:
                    condition = self.equals(test, subject, self.value(test), wanted=True)
                condition, value = fold(condition), self.value(chosen)
                if condition == Truth(value=True):
                    return Case(tuple(branches), value) if branches else value
                if condition != Truth(value=False):
                    branches.append((condition, value))
            last = Undefined() if node.otherwise is None else self.value(node.otherwise)
        return Case(tuple(branches), last) if branches else last

    # Calls

    def _called(self, node: tree.Call) -> Value:
        name = function_of(node)
        if name in AGGREGATES:
            return self._aggregate(name, node)
        if node.distinct:
            return self.fail("DISTINCT stands in an aggregate", node)
        return self.call(node)

    def arguments(self, node: tree.Call, least: int, most: int) -> list[Value]:
        """The arguments, as many as may be."""
        count = len(node.args)
        if not least <= count <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            self.fail(f"{node.name} takes {wanted} arguments, not {count}", node)
        return [self.value(arg) for arg in node.args]

    def _aggregate(self, name: str, node: tree.Call) -> Value:
        if not self.aggregates:
            self.fail(f"{name} can stand in RETURN and ORDER BY only, and not in itself", node)
        if node.whole:
            return Aggregate("COUNT")
        self.aggregates = False
        [value] = self.arguments(node, 1, 1)
        self.aggregates = True
        whole = self.names.source_of(value) is not None
        if name == "count":
            counts_rows = whole and not node.distinct and not self.names.is_optional(value)
            return Aggregate("COUNT") if counts_rows else Aggregate("COUNT", value, node.distinct)
        if name == "collect":
            return Aggregate("COLLECT", value, node.distinct)
        if name in {"sum", "avg"}:
            value = self.require(value, NUMERIC, name, node.args[0])
        elif not (self.types(value) <= STRING or self.types(value) <= NUMERIC):
            return self._extreme(name, value, node)
        return Aggregate(name.upper(), value, node.distinct)

    def _extreme(self, name: str, value: Value, node: tree.Call) -> Value:
        """The first or last of values of several kinds, by texts that sort as they do."""
        if self.types(value) == OBJECT or isinstance(value, Trail) or value in self.names.trails:
            self.fail(f"{name} takes numbers, strings, booleans and lists", node.args[0])
        found = Aggregate(name.upper(), Call("KEYED", (value,), "string"))
        return Call("AFTER_KEY", (found,), "any")


def _made_of(given: Item) -> Value:
    """A list or a map that is given, as if it were written."""
    if isinstance(given, tuple):
        return ListOf(tuple([_made_of(one) for one in given]))
    if isinstance(given, Mapping):
        return MapOf(tuple([(key, _made_of(one)) for key, one in given.items()]))
    return Const(given)


def _given_numbers(value: Value | Condition) -> Iterator[str]:
    """The parameters in a value that are numbers."""
    if isinstance(value, Const):
        if value.given is not None and isinstance(value.value, int | float):
            yield value.given
        return
    for part in parts_of(value):
        yield from _given_numbers(part)


def _joined(name: str, left: Value, right: Value, kind: str) -> Call:
    """A row of these as one call, which holds no more than its parts and the whole at once."""
    first = left.args if isinstance(left, Call) and left.name == name else (left,)
    return Call(name, (*first, right), kind)


def kind_of_all(values: list[Value]) -> str:
    """The one kind that all these values have, or ``any``."""
    kinds = frozenset[str]().union(*map(kinds_of, values)) - {"null"}
    return next(iter(kinds)) if len(kinds) == 1 else "any"
