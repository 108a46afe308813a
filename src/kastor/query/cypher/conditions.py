"""Expressions as conditions of a plan.

Each is made twice, as when it is true and as when it is false, so that null, which is neither,
needs no logic of three values below.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kastor.lang.cypher import tree
from kastor.query.cypher.functions import TYPE_TESTS
from kastor.query.cypher.patterns import present
from kastor.query.cypher.queries import CypherQueries
from kastor.query.cypher.types import UNKNOWN, types_of
from kastor.query.cypher.values import ARRAY, BOOLEAN, function_of, is_condition, is_null
from kastor.query.kinds import kinds_of
from kastor.query.passes.folding import fold
from kastor.query.plan import (
    ALL_KINDS,
    Aggregate,
    Among,
    And,
    ArrayHas,
    ByModel,
    Call,
    Case,
    Compare,
    Const,
    Doc,
    Each,
    ElementOf,
    Field,
    Gathered,
    In,
    IsKind,
    ListOf,
    MapOf,
    OfModel,
    Or,
    PartOf,
    Same,
    Slot,
    Source,
    TextTest,
    Trail,
    Truth,
    Walked,
)
from kastor.query.shapes import is_literal
from kastor.types import override

if TYPE_CHECKING:
    from kastor.query.plan import Condition, Value

_NEVER, _ALWAYS = Truth(value=False), Truth(value=True)
_NONE = Const(0)
NON_NULL = ALL_KINDS - {"null"}
_MIRROR = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TEXTS = {"STARTS WITH": "STARTSWITH", "ENDS WITH": "ENDSWITH", "CONTAINS": "CONTAINS"}
_NAMING = frozenset({"name", "model"})
_MADE = (ListOf, MapOf, PartOf, Case, ByModel, Each, Gathered, ElementOf, Aggregate, Slot)
_DEEP = frozenset({"array", "object"})
_STEPS = {"relationship": ("source", "id"), "twin": ("id",), "model": ("id",)}


class CypherConditions(CypherQueries):
    """Binds conditions within one scope."""

    @override
    def where(self, node: tree.Expression | None) -> Condition:
        """A whole condition, folded; true when there is none."""
        if node is None:
            return _ALWAYS
        self.tests = True
        found = fold(self.when(node, wanted=True))
        self.tests = False
        return found

    @override
    def equal(self, left: Value, node: tree.Expression) -> Condition:
        """A member of a pattern's map: it has the value."""
        return self.equals(node, left, self._operand(node), wanted=True)

    @override
    def when(self, node: tree.Expression, *, wanted: bool) -> Condition:
        self.names.count_made(node.span[0])
        # Branches because each kind of condition is bound in its own way.
        match node:
            case tree.And() | tree.Or():
                both = isinstance(node, tree.And) is wanted
                terms = tuple([self.when(term, wanted=wanted) for term in node.terms])
                return And(terms) if both else Or(terms)
            case tree.Not():
                return self.when(node.operand, wanted=not wanted)
            case tree.Xor():
                return self._xor(node, wanted=wanted)
            case tree.Comparison():
                return self._comparison(node, wanted=wanted)
            case tree.Membership():
                return self._membership(node, wanted=wanted)
            case tree.TextTest():
                subject, part = self._operand(node.subject), self._operand(node.part)
                return TextTest(_TEXTS[node.name], subject, part, negated=not wanted)
            case tree.Quantifier():
                return self.quantified(node, wanted=wanted)
            case tree.NullTest():
                return self._null_test(node, wanted=wanted)
            case tree.Labelled():
                return self._labelled(node, wanted=wanted)
            case tree.Exists():
                return self.exists(node, wanted=wanted)
            case _:
                return self._truth(node, wanted=wanted)

    def _operand(self, node: tree.Expression) -> Value:
        """A value that something is tested of."""
        return self.value(node)

    def _xor(self, node: tree.Xor, *, wanted: bool) -> Condition:
        """Both ways as conditions; in a row of them each is a value, or they would double."""
        if isinstance(node.left, tree.Xor) or isinstance(node.right, tree.Xor):
            with self.names.notes.apart():
                both = tuple([self._boolean(one) for one in (node.left, node.right)])
            return Compare("=", Call("XOR", both, "boolean"), Const(wanted))
        sides = []
        for left in (True, False):
            right = left is not wanted
            sides.append(
                And((self.when(node.left, wanted=left), self.when(node.right, wanted=right)))
            )
        return Or(tuple(sides))

    def _boolean(self, node: tree.Expression) -> Value:
        """A condition as a value, or a value that is one."""
        if isinstance(node, tree.Xor):
            made = self._xor(node, wanted=True)
            if isinstance(made, Compare) and isinstance(made.left, Call):
                return made.left
        return self.flag(node)

    def _truth(self, node: tree.Expression, *, wanted: bool) -> Condition:
        """A value where a condition stands: a boolean, or null."""
        if isinstance(node, tree.Call) and is_condition(node):
            return self._test(node, wanted=wanted)
        value = self._operand(node)
        if isinstance(value, Const):
            if value.value is not None and not isinstance(value.value, bool):
                self.fail("a condition is true, false or null; compare this value", node)
            if value.given is not None:
                self.names.notes.decides.add(value.given)
            return Truth(value.value is wanted)
        types = self.types(value)
        if "boolean" not in kinds_of(value) or not types & (BOOLEAN | UNKNOWN | {"string"}):
            self.fail("a condition is true, false or null; compare this value", node)
        if isinstance(value, Case | Call) and types != BOOLEAN:
            value = Call("AS_BOOLEAN", (value,), "boolean")
        return Compare("=", value, Const(wanted))

    # Comparisons

    def _comparison(self, node: tree.Comparison, *, wanted: bool) -> Condition:
        left, right, op = self._operand(node.left), self._operand(node.right), node.op
        if isinstance(left, Const) and not isinstance(right, Const):
            left, right, op = right, left, _MIRROR[op]
        if op in {"=", "<>"}:
            return self.equals(node, left, right, wanted=(op == "=") is wanted)
        self._compared(left, right)
        return self._ordered(node, op if wanted else _OPPOSITE[op], left, right)

    def _ordered(self, node: tree.Comparison, op: str, left: Value, right: Value) -> Condition:
        """Two values of which one can be smaller: lists have an order that the engines have not."""
        both = types_of(left, self.names.models), types_of(right, self.names.models)
        if any(self.names.source_of(one) is not None for one in (left, right)):
            self.fail("a twin or a relationship is compared with another one, by = or <>", node)
        lists = all(types & (ARRAY | UNKNOWN) for types in both)
        if lists and (is_deep(left) or is_deep(right) or ARRAY in both):
            return Compare(op, Call("COMPARE", (left, right), "number"), _NONE)
        return Compare(op, left, right)

    @override
    def equals(
        self, node: tree.Expression, left: Value, right: Value, *, wanted: bool
    ) -> Condition:
        if isinstance(left, Const) and not isinstance(right, Const):
            left, right = right, left
        if is_null(left) or is_null(right):
            return _NEVER
        whole = [self.names.source_of(one) is not None for one in (left, right)]
        if all(whole):
            return self._same(node, left, right, wanted=wanted)
        other = right if whole[0] else left
        if any(whole) and not is_deep(other):
            self.fail("a twin or a relationship is compared with another one, by = or <>", node)
        self._compared(left, right)
        if _DEEP & kinds_of(left) & kinds_of(right) and (is_deep(left) or is_deep(right)):
            return Same(left, right, negated=not wanted)
        return self._equal(left, right, wanted=wanted)

    def _same(self, node: tree.Expression, left: Value, right: Value, *, wanted: bool) -> Condition:
        """Two whole twins or relationships: the same, or two."""
        one, other = self.names.source_of(left), self.names.source_of(right)
        if one is None or other is None or not isinstance(left, Doc) or not isinstance(right, Doc):
            self.fail("a twin or a relationship is compared with another one, by = or <>", node)
        if one.kind != other.kind:
            missing = [present(at.source) for at in (left, right) if self.names.is_optional(at)]
            return And((Truth(value=not wanted), *missing))
        pairs = [(Field(left.source, name), Field(right.source, name)) for name in _STEPS[one.kind]]
        terms = tuple([Compare("=" if wanted else "!=", *pair) for pair in pairs])
        return And(terms) if wanted else Or(terms)

    def _equal(self, left: Value, right: Value, *, wanted: bool) -> Condition:
        """``=`` where `wanted`, else ``<>``: values of two kinds are different, null is neither."""
        if isinstance(left, Const) and not isinstance(right, Const):
            left, right = right, left
        if Const(None) in (left, right) or (isinstance(right, Const) and right.value is None):
            return _NEVER
        mine, other = kinds_of(left) & NON_NULL, kinds_of(right) & NON_NULL
        if wanted:
            same = Compare("=", left, right)
            nulls = "null" in kinds_of(left) & kinds_of(right)
            return And((same, IsKind(left, NON_NULL))) if nulls else same
        terms: list[Condition] = [Compare("!=", left, right)]
        if len(other) == 1 and isinstance(right, Const):
            if mine - other:
                terms.append(IsKind(left, mine - other))
        else:
            for kind in sorted(mine):
                if other - {kind}:
                    test = IsKind(left, frozenset({kind})), IsKind(right, other - {kind})
                    terms.append(And(test))
        return Or(tuple(terms))

    def _compared(self, left: Value, right: Value) -> None:
        """Two constants are compared beforehand; names in constants are looked at."""
        for one in (left, right):
            if isinstance(one, Const) and one.value is None and one.given is not None:
                self.names.notes.decides.add(one.given)
        if not isinstance(right, Const):
            return
        if isinstance(left, Const):
            names = [one.given for one in (left, right) if one.given is not None]
            self.names.notes.decides.update(names)
        elif isinstance(left, Field) and left.name in _NAMING:
            if right.given is not None and is_literal(right.given):
                self.names.notes.decides.add(right.given)
            if right.given is None or is_literal(right.given):
                self._note(left, right.value)

    def _note(self, field: Field, text: object) -> None:
        """A relationship's type, or a model's id, that is written as a text."""
        if isinstance(text, str) and field.name == "name":
            self.names.notes.relationships.add(text)
        elif isinstance(text, str) and text not in self.names.models.model_ids():
            self.names.notes.models.add(text)

    # Lists

    def _membership(self, node: tree.Membership, *, wanted: bool) -> Condition:
        values = node.values
        item = self._operand(node.item)
        if isinstance(values, tree.Parameter):
            self.names.given(values.name, values.span[0], "list", "nested", "null")
            listed = self.parameter(values)
            items = listed.items if isinstance(listed, ListOf) else None
            return _NEVER if items is None else self._listed(node, item, list(items), wanted=wanted)
        if isinstance(values, tree.ListOf):
            with self.names.notes.apart():
                made = [self._operand(one) for one in values.items]
            return self._listed(node, item, made, wanted=wanted)
        array = self._operand(values)
        if is_null(array):
            return _NEVER
        if isinstance(array, ListOf):
            return self._listed(node, item, list(array.items), wanted=wanted)
        if self.names.source_of(array) is not None:
            self.fail("IN takes a list", values)
        array = self.require(array, ARRAY, "IN", values) if is_deep(array) else array
        if not self.types(array) & (ARRAY | UNKNOWN):
            self.fail("IN takes a list, a parameter for one, or a property that holds one", values)
        plain = self.names.source_of(item) is None and not is_deep(item)
        if isinstance(array, Doc) and plain:
            return self._in_array(array, item, wanted=wanted)
        return Among(array, item, negated=not wanted)

    def _listed(
        self, node: tree.Membership, item: Value, made: list[Value], *, wanted: bool
    ) -> Condition:
        """`item` among values that are written, or given."""
        if not made:
            return Truth(value=not wanted)
        plain = self.names.source_of(item) is None and not kinds_of(item) <= _DEEP
        if plain and all(isinstance(one, Const) for one in made):
            consts = [one for one in made if isinstance(one, Const)]
            names = [one.given for one in consts if one.given is not None]
            self.names.notes.decides.update(names)
            return self._among(item, consts, wanted=wanted)
        if not made:
            return Truth(value=not wanted)
        terms = tuple([self.equals(node, item, one, wanted=wanted) for one in made])
        return Or(terms) if wanted else And(terms)

    def _in_array(self, array: Value, item: Value, *, wanted: bool) -> Condition:
        """`item` in a stored list: null is in none, and surely not in an empty one."""
        found: Condition = ArrayHas(array, item, not wanted)
        empty = _NEVER if wanted else Compare("=", Call("ARRAY_LENGTH", (array,), "number"), _NONE)
        if isinstance(item, Const):
            self.names.notes.decides.update(filter(None, [item.given]))
            return empty if item.value is None else found
        found = And((found, IsKind(item, NON_NULL)))
        return found if wanted else Or((found, empty))

    def _among(self, item: Value, consts: list[Const], *, wanted: bool) -> Condition:
        """`item` among constants; with null in the list it is never surely absent."""
        known = tuple([one.value for one in consts if one.value is not None])
        null = len(known) < len(consts)
        if not consts:
            return Truth(value=not wanted)
        if isinstance(item, Const):
            if item.given is not None:
                self.names.notes.decides.add(item.given)
            if item.value is None:
                return _NEVER
        if isinstance(item, Field) and item.name in _NAMING:
            for one in known:
                self._note(item, one)
        if wanted:
            return In(item, known) if known else _NEVER
        return _NEVER if null else And((In(item, known, negated=True), IsKind(item, NON_NULL)))

    # Tests

    def _null_test(self, node: tree.NullTest, *, wanted: bool) -> Condition:
        present = node.negated is wanted
        return self._present(self.value(node.operand), present=present)

    def _present(self, value: Value, *, present: bool) -> Condition:
        if is_null(value) and not isinstance(value, Const):
            return Truth(value=not present)
        of = self._source_of(value)
        if of is not None and self.names.sources[of].optional:
            return IsKind(Field(of, "id"), frozenset({"string"}), negated=not present)
        plain = isinstance(value, Walked | Trail) and not may_be_missing(value, self.names.sources)
        if plain or isinstance(value, ListOf | MapOf) or of is not None:
            return Truth(value=present)
        if isinstance(value, Const):
            if value.given is not None:
                self.names.notes.decides.add(value.given)
            return Truth(value=(value.value is not None) is present)
        if isinstance(value, Aggregate) and value.name == "COLLECT":
            return Truth(value=present)
        return IsKind(value, NON_NULL, negated=not present)

    def _source_of(self, value: Value) -> int | None:
        """The twin or relationship that is there exactly where the value is."""
        whole = isinstance(value, Doc) and not value.steps
        if whole or isinstance(value, Field | ByModel):
            return value.source  # type: ignore[union-attr]
        return None

    def _test(self, node: tree.Call, *, wanted: bool) -> Condition:
        """The tests that clients of another server call."""
        name = function_of(node)
        if name in TYPE_TESTS:
            [value] = self.arguments(node, 1, 1)
            if isinstance(value, Walked) or self.names.source_of(value) is not None:
                self.fail(f"{node.name} takes a property", node)
            return IsKind(value, TYPE_TESTS[name], negated=not wanted)
        if name == "exists":
            [value] = self.arguments(node, 1, 1)
            return self._present(value, present=wanted)
        if name == "isempty":
            size = self.call(replace(node, name="size"))
            return Compare("=" if wanted else "!=", size, _NONE)
        return self._of_model(node, wanted=wanted)

    def _of_model(self, node: tree.Call, *, wanted: bool) -> Condition:
        """``is_of_model(t, 'dtmi' [, true])``, with a list of ids too."""
        if len(node.args) not in {2, 3}:
            self.fail(f"{node.name} takes 2 to 3 arguments, not {len(node.args)}", node)
        twin = self.value(node.args[0])
        source = self.names.source_of(twin)
        if source is None or source.kind != "twin":
            self.fail(f"{node.name} takes a twin", node)
        exact = len(node.args) > 2 and self._text(node.args[2]) is True  # noqa: PLR2004
        listed = node.args[1]
        items = listed.items if isinstance(listed, tree.ListOf) else (listed,)
        keys: set[int] = set()
        for item in items:
            model = self._text(item)
            if not isinstance(model, str):
                self.fail("a model's id is a string", item)
            found = self.names.models.matching(str(model), exact=exact)
            if not found and model not in self.names.models.model_ids():
                self.names.notes.models.add(str(model))
            keys |= found
        number = twin.source if isinstance(twin, Doc) else 0
        term = OfModel(number, tuple(sorted(keys)), negated=not wanted)
        return And((present(number), term)) if source.optional and not wanted else term

    def _text(self, node: tree.Expression) -> object:
        """A constant that decides the plan."""
        with self.names.notes.apart():
            value = self.value(node)
        if not isinstance(value, Const):
            self.fail("a literal or a parameter stands here", node)
        if value.given is not None:
            self.names.notes.decides.add(value.given)
        return value.value

    def _labelled(self, node: tree.Labelled, *, wanted: bool) -> Condition:
        value = self.names.named(tree.Variable(node.variable.text, node.variable.span))
        if self.names.source_of(value) is None or not isinstance(value, Doc):
            self.fail("labels are of nodes and relationships", node)
        terms = [self.names.labelled(value.source, label) for label in node.labels]
        if wanted:
            return And(tuple(terms))
        without = Or(tuple([_without(term) for term in terms]))
        if not self.names.is_optional(value):
            return without
        return And((present(value.source), without))


def _without(term: Condition) -> Condition:
    """The negation of a label."""
    match term:
        case Truth():
            return Truth(value=not term.value)
        case Compare():
            return replace(term, op="!=")
        case OfModel():
            return replace(term, negated=True)
        case _:
            raise AssertionError(term)


def may_be_missing(value: Value, sources: list[Source]) -> bool:
    """Whether what a range walked, or a path, is of an optional block."""
    if isinstance(value, Walked):
        return value.apart >= 0
    if isinstance(value, Doc):
        return sources[value.source].optional
    return isinstance(value, Trail) and any(may_be_missing(one, sources) for one in value.parts)


def is_deep(value: Value) -> bool:
    """Whether a value may be a list or a map that nobody stored as it is."""
    made = isinstance(value, _MADE)
    made = made or isinstance(value, Walked | Trail)
    if isinstance(value, Call):
        made = value.kind not in {"number", "string"}
    return made and bool(_DEEP & kinds_of(value))
