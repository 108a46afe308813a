"""Functions that give values; those that give conditions are bound in `conditions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.lang.cypher import tree
from kastor.lang.words import suggestion
from kastor.query.cypher.distances import distance
from kastor.query.cypher.elements import CypherElements
from kastor.query.cypher.functions import (
    DISTANCES,
    INTEGER,
    LEFT_OUT,
    NAMES,
    NUMERIC,
    SIMPLE,
    STRING,
)
from kastor.query.cypher.types import UNKNOWN
from kastor.query.cypher.values import (
    ARRAY,
    BOOLEAN,
    OBJECT,
    TO_THE_END,
    function_of,
    is_null,
    kind_of_all,
)
from kastor.query.plan import (
    ByModel,
    Call,
    Case,
    Compare,
    Const,
    Doc,
    Field,
    IsKind,
    ListOf,
    MapOf,
    PartOf,
    Trail,
    Undefined,
    Walked,
)
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.plan import Value

_TEXTS = STRING | NUMERIC | BOOLEAN | UNKNOWN
_FIRST, _LAST = Const(0), Const(-1)


class CypherCalls(CypherElements):
    """Binds calls within one scope."""

    @override
    def call(self, node: tree.Call) -> Value:
        name = function_of(node)
        if name in SIMPLE:
            return self._simple(node)
        if name in DISTANCES:
            return distance(node, self.names, self.value)
        special = self._special(name)
        if special is not None:
            return special(node)
        if name in LEFT_OUT:
            self.fail(f"{node.name[:100]} is not in the subset: {LEFT_OUT[name]}", node)
        hint = suggestion(node.name, NAMES)
        return self.fail(f"the function {node.name[:100]} is not in the subset.{hint}", node)

    def _special(self, name: str) -> Callable[[tree.Call], Value] | None:
        return {
            "substring": self._substring,
            "size": self._size,
            "id": self._id,
            "elementid": self._id,
            "type": self._type,
            "labels": self._labels,
            "startnode": self._end,
            "endnode": self._end,
            "keys": self._keys,
            "properties": self._properties,
            "coalesce": self._coalesce,
            "tostring": self._to_string,
            "tointeger": self._to_integer,
            "tofloat": self._to_float,
            "toboolean": self._to_boolean,
            "head": self._element,
            "last": self._element,
            "tail": self._tail,
            "reverse": self._reverse,
            "range": self._range,
            "nodes": self._nodes,
            "relationships": self._relationships,
            "length": self._length,
        }.get(name)

    def _values(self, node: tree.Call, least: int, most: int) -> list[Value]:
        """The arguments."""
        return self.arguments(node, least, most)

    def _simple(self, node: tree.Call) -> Value:
        function = SIMPLE[function_of(node)]
        count = len(function.takes)
        with self.names.notes.apart():
            values = self._values(node, count, count)
        needed = zip(values, function.takes, node.args, strict=True)
        args = tuple([self.require(one, takes, node.name, arg) for one, takes, arg in needed])
        if any(is_null(arg) for arg in args):
            return Undefined()
        return Call(function.call, args, function.kind)

    def _substring(self, node: tree.Call) -> Value:
        values = self._values(node, 2, 3)
        text = self.require(values[0], STRING, node.name, node.args[0])
        numbers = [
            self.require(one, INTEGER, node.name, arg)
            for one, arg in zip(values[1:], node.args[1:], strict=True)
        ]
        if any(is_null(one) for one in (text, *numbers)):
            return Undefined()
        if all(isinstance(one, Const) and one.given is None for one in numbers):
            literals = [one.value for one in numbers if isinstance(one, Const)]
            if any(isinstance(one, int) and one < 0 for one in literals):
                self.fail("substring takes no negative numbers", node)
            return Call("SUBSTRING", (text, *numbers), "string")
        return Call("MID", (text, *numbers, TO_THE_END)[:3], "string")

    def _size(self, node: tree.Call) -> Value:
        [value] = self._values(node, 1, 1)
        types = self.types(value)
        if isinstance(value, Doc) and types == ARRAY:
            return Call("ARRAY_LENGTH", (value,), "number")
        if types == STRING:
            return Call("LENGTH", (value,), "number")
        if isinstance(value, ListOf):
            return Const(len(value.items))
        if isinstance(value, Walked):
            return Call("STEPS", (value,), "number")
        if types and not types & (ARRAY | STRING | UNKNOWN):
            self.fail("size takes a list or a string", node)
        return Call("SIZE", (value,), "number")

    # Of twins and relationships

    def _whole(self, node: tree.Call, *kinds: str) -> Doc | None:
        """The twin or the relationship that the argument is; None for null."""
        [value] = self._values(node, 1, 1)
        source = self.names.source_of(value)
        if is_null(value):
            return None
        if source is None or not isinstance(value, Doc) or source.kind not in kinds:
            self.fail(f"{node.name} takes a {' or a '.join(kinds)} here", node)
        return value

    def _id(self, node: tree.Call) -> Value:
        found = self._of_element(node, "$dtId", "twin")
        if found is not None:
            return found
        value = self._whole(node, "twin", "relationship")
        if value is None:
            return Undefined()
        if self.names.sources[value.source].kind == "twin":
            return Field(value.source, "id")
        parts = (Field(value.source, "source"), Const("/"), Field(value.source, "id"))
        return Call("CONCAT", parts, "string")

    def _of_element(self, node: tree.Call, key: str, *kinds: str) -> Value | None:
        """What the document of an element of a list tells, if it is known to be one."""
        if len(node.args) != 1 or not isinstance(node.args[0], tree.Variable):
            return None
        value = self.names.local.get(node.args[0].name)
        if value is None or self.names.entities[value] not in kinds:
            return None
        return Call("AS_STRING", (PartOf(value, (key,)),), "string")

    def _type(self, node: tree.Call) -> Value:
        found = self._of_element(node, "$relationshipName", "relationship")
        if found is not None:
            return found
        value = self._whole(node, "relationship")
        return Undefined() if value is None else Field(value.source, "name")

    def _labels(self, node: tree.Call) -> Value:
        value = self._whole(node, "twin")
        if value is None:
            return Undefined()
        words = self.names.models.labels()
        return ByModel(value.source, tuple(sorted(words.items())))

    def _end(self, node: tree.Call) -> Value:
        """The twin where a relationship starts or ends; where it was walked either way by row."""
        value = self._whole(node, "relationship")
        if value is None:
            return Undefined()
        ends = self.names.ends.get(value.source)
        if ends is None:
            self.fail(f"{node.name} takes a relationship of this query's patterns", node)
        hop_left, hop_right, direction = ends
        starts = function_of(node) == "startnode"
        left, right = Doc(hop_left), Doc(hop_right)
        if direction == "-":
            field = Field(value.source, "source" if starts else "target")
            return Case(((Compare("=", field, Field(hop_left, "id")), left),), right)
        return left if starts is (direction == "->") else right

    def _keys(self, node: tree.Call) -> Value:
        [value] = self._values(node, 1, 1)
        if is_null(value):
            return Undefined()
        if isinstance(value, MapOf):
            return ListOf(tuple([Const(key) for key, _ in value.entries]))
        if not self.types(value) & (OBJECT | UNKNOWN):
            self.fail("keys takes a twin, a relationship or a map", node)
        return Call("KEYS", (value,), "array")

    def _properties(self, node: tree.Call) -> Value:
        """The document, of which the other server's clients expect the system's members too."""
        [value] = self._values(node, 1, 1)
        if self.types(value) - OBJECT:
            self.fail("properties takes a twin, a relationship or a map", node)
        return value

    # Of paths

    def _path(self, node: tree.Call) -> Value | None:
        [value] = self._values(node, 1, 1)
        if is_null(value):
            return None
        if not isinstance(value, Trail) and value not in self.names.trails:
            self.fail(f"{node.name} takes a path", node)
        return value

    def _nodes(self, node: tree.Call) -> Value:
        """Every second part of a path; of one with a range by its array."""
        path = self._path(node)
        if path is None:
            return Undefined()
        return Call("NODES", (path,), "array")

    def _relationships(self, node: tree.Call) -> Value:
        path = self._path(node)
        if path is None:
            return Undefined()
        return Call("RELATIONSHIPS", (path,), "array")

    def _length(self, node: tree.Call) -> Value:
        path = self._path(node)
        if path is None:
            return Undefined()
        return Call("STEPS", (path,), "number")

    # Of any kind

    def _coalesce(self, node: tree.Call) -> Value:
        if not node.args:
            self.fail("coalesce takes at least one argument", node)
        with self.names.notes.apart():
            values = [one for one in self._values(node, 1, len(node.args)) if not is_null(one)]
        if not values:
            return Undefined()
        return values[0] if len(values) == 1 else Call(
            "COALESCE", tuple(values), kind_of_all(values)
        )  # fmt: skip

    def _converted(self, node: tree.Call, takes: frozenset[str]) -> Value:
        [value] = self._values(node, 1, 1)
        types = self.types(value)
        if types and not types & takes:
            self.fail(f"{node.name} does not take {' or '.join(sorted(types))}", node)
        return value

    def _to_string(self, node: tree.Call) -> Value:
        value = self._converted(node, _TEXTS)
        types = self.types(value)
        if is_null(value) or types == STRING:
            return value
        if types == INTEGER:
            return Call("INTEGER_TEXT", (value,), "string")
        if types == {"real"}:
            return Call("REAL_TEXT", (value,), "string")
        text = Call("TOSTRING", (value,), "string")
        if "integer" not in types or types & (UNKNOWN | {"real"}):
            return text
        number = Call("INTEGER_TEXT", (Call("AS_NUMBER", (value,), "number"),), "string")
        return Case(((IsKind(value, frozenset({"number"})), number),), text)

    def _to_integer(self, node: tree.Call) -> Value:
        value = self._converted(node, _TEXTS)
        known = is_null(value) or self.types(value) == INTEGER
        return value if known else Call("TOINTEGER", (value,), "number")

    def _to_float(self, node: tree.Call) -> Value:
        value = self._converted(node, _TEXTS - BOOLEAN)
        known = is_null(value) or self.types(value) == {"real"}
        return value if known else Call("TOFLOAT", (value,), "number")

    def _to_boolean(self, node: tree.Call) -> Value:
        value = self._converted(node, BOOLEAN | STRING | INTEGER | UNKNOWN)
        known = is_null(value) or self.types(value) == BOOLEAN
        return value if known else Call("TOBOOLEAN", (value,), "boolean")

    # Lists

    def _list(self, node: tree.Call) -> Value:
        [value] = self._values(node, 1, 1)
        return self.require(value, ARRAY, node.name, node)

    def _element(self, node: tree.Call) -> Value:
        value = self._list(node)
        first = function_of(node) == "head"
        if is_null(value) or value == ListOf(()):
            return Undefined()
        if isinstance(value, ListOf):
            return value.items[0 if first else -1]
        return Call("AT", (value, _FIRST if first else _LAST), "any")

    def _tail(self, node: tree.Call) -> Value:
        value = self._list(node)
        if is_null(value):
            return Undefined()
        return Call("SLICE", (value, Const(1), TO_THE_END), "array")

    def _reverse(self, node: tree.Call) -> Value:
        [value] = self._values(node, 1, 1)
        types = self.types(value)
        if types and not types & (ARRAY | STRING | UNKNOWN):
            self.fail("reverse takes a list or a string", node)
        return Call("REVERSE", (value,), "array" if types == ARRAY else "any")

    def _range(self, node: tree.Call) -> Value:
        with self.names.notes.apart():
            values = self._values(node, 2, 3)
        made = [
            self.require(one, INTEGER, "range", arg)
            for one, arg in zip(values, node.args, strict=True)
        ]
        if any(is_null(one) for one in made):
            return Undefined()
        return Call("RANGE", tuple([*made, Const(1)][:3]), "array")
