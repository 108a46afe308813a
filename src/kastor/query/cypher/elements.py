"""What is done with each element of a list: comprehensions and quantifiers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kastor.query.cypher.types import UNKNOWN, elements_of
from kastor.query.cypher.values import ARRAY, CypherValues, is_null
from kastor.query.passes.folding import fold
from kastor.query.plan import (
    And,
    AnyOf,
    Call,
    Compare,
    Const,
    Each,
    ElementOf,
    Or,
    Truth,
    Undefined,
)
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.lang.cypher import tree
    from kastor.query.plan import Condition, Value

_NEVER, _ALWAYS = Truth(value=False), Truth(value=True)


class CypherElements(CypherValues):
    """Binds what names an element of a list."""

    def _array(self, node: tree.Comprehension | tree.Quantifier) -> Value:
        with self.names.notes.apart():
            values = self.value(node.values)
        return self.require(values, ARRAY, "IN", node.values)

    @contextmanager
    def _named(
        self, node: tree.Comprehension | tree.Quantifier, array: Value
    ) -> Iterator[ElementOf]:
        """The element, while its name stands for it; no aggregate can be inside."""
        names, name = self.names, node.variable.text
        types = elements_of(array, names.models) or UNKNOWN  # an empty list has none
        element = ElementOf(len(names.nested), types)
        kind = names.kind_of_items(array)
        before, aggregates = names.local.get(name), self.aggregates
        names.nested.append(element)
        names.local[name] = element
        names.entities[element] = kind or ""
        self.aggregates = False
        try:
            with names.notes.apart():
                yield element
        finally:
            self.aggregates = aggregates
            names.nested.pop()
            del names.local[name]
            if before is not None:
                names.local[name] = before

    @override
    def comprehension(self, node: tree.Comprehension) -> Value:
        array = self._array(node)
        if is_null(array):
            return Undefined()
        with self._named(node, array) as element:
            where = _ALWAYS if node.where is None else fold(self.when(node.where, wanted=True))
            item = element if node.item is None else self.value(node.item)
        return Each(array, element, where, item)

    def quantified(self, node: tree.Quantifier, *, wanted: bool) -> Condition:
        """``all`` is no element for which it is not true, ``none`` the opposite of ``any``."""
        array = self._array(node)
        if is_null(array):
            return _NEVER
        with self._named(node, array) as element:
            true = fold(self.when(node.where, wanted=True))
            false = fold(self.when(node.where, wanted=False))
        if node.name == "all":
            return AnyOf(array, element, false, true, negated=wanted)
        if node.name != "single":
            return AnyOf(array, element, true, false, negated=(node.name == "any") is not wanted)
        many = Call("SIZE", (Each(array, element, true, Const(1)),), "number")
        if wanted:
            known = AnyOf(array, element, _NEVER, fold(Or((true, false))), negated=True)
            return And((Compare("=", many, Const(1)), known))
        none = AnyOf(array, element, true, false, negated=True)
        return Or((Compare(">", many, Const(1)), none))
