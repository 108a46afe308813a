"""Schemas compiled to closures that check values (dtdl 11).

Nothing of the model is interpreted while a value is checked: a schema is one function, made once
per element id. Only a value that does not conform is looked at again, to explain it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl.geojson import shape_fault
from kastor.dtdl.rules import Path, ValueRules, Violation
from kastor.dtdl.values import describe_type, primitive_detail, primitive_test
from kastor.nesting import MAX_DEPTH, is_too_deep

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.dtdl.nodes import Node

_SHOWN_VALUES = 12


class PropertyCheck:
    """A compiled schema.

    Attributes:
        schema: its name: ``double``, ``string``, ..., ``enum``, ``array``, ``map``, ``object``.
        test: tells whether a value conforms.
        deep: the schema contains one that contains itself, so values may be of any depth.
    """

    __slots__ = ("_detail", "deep", "schema", "test")

    def __init__(
        self,
        schema: str,
        test: Callable[[object], bool],
        detail: Callable[[object, Path], list[Violation]],
        *,
        deep: bool = False,
    ) -> None:
        self.schema = schema
        self.test = test
        self.deep = deep
        self._detail = detail

    def __call__(self, value: object, /) -> bool:
        """Return whether the value conforms."""
        return self.test(value)

    def explain(self, value: object, path: Path = ()) -> list[Violation]:
        """Return every way in which the value does not conform; empty if it does."""
        return [] if self.test(value) else self._detail(value, path)


def _wrong(path: Path, expected: str, detail: str) -> list[Violation]:
    return [Violation("wrong_type", path, expected, detail)]


def _kind_detail(wanted: str, value: object) -> str:
    if value is None:
        return "null conforms to no schema; leave the member out instead"
    return f"must be {wanted}, not {describe_type(value)}"


def bounded_check(made: PropertyCheck) -> PropertyCheck:
    """Refuse values that are nested too deep before the test recurses into them."""
    test = made.test

    def bounded(value: object) -> bool:
        return not is_too_deep(value) and test(value)

    def detail(value: object, path: Path) -> list[Violation]:
        if is_too_deep(value):
            return _wrong(path, made.schema, f"nested deeper than {MAX_DEPTH}")
        return made.explain(value, path)

    return PropertyCheck(made.schema, bounded, detail, deep=True)


def primitive_check(name: str, rules: ValueRules) -> PropertyCheck:
    """Return the check of a primitive schema such as ``double``."""
    return PropertyCheck(
        name,
        primitive_test(name, rules),
        lambda value, path: _wrong(path, name, primitive_detail(name, value, rules)),
    )


def enum_check(node: Node) -> PropertyCheck:
    """Return the check of an enumeration."""
    kind: type = str if node.linked("valueSchema")[0].kind == "String" else int
    allowed = frozenset(kind(v.literals["enumValue"]) for v in node.linked("enumValues"))
    shown = ", ".join(map(str, sorted(allowed)[:_SHOWN_VALUES]))
    more = ", ..." if len(allowed) > _SHOWN_VALUES else ""

    def test(value: object) -> bool:
        # By the very type: to isinstance true is an integer, and equal to 1.
        return type(value) is kind and value in allowed

    def detail(value: object, path: Path) -> list[Violation]:
        if value is None:
            return _wrong(path, "enum", _kind_detail("", value))
        return _wrong(path, "enum", f"must be one of {shown}{more}" if allowed else "has no values")

    return PropertyCheck("enum", test, detail)


def array_check(member: PropertyCheck) -> PropertyCheck:
    """Return the check of an array with members of a schema."""
    inner = member.test

    def test(value: object) -> bool:
        return type(value) is list and all(map(inner, value))

    def detail(value: object, path: Path) -> list[Violation]:
        if type(value) is not list:
            return _wrong(path, "array", _kind_detail("an array", value))
        return [v for i, entry in enumerate(value) for v in member.explain(entry, (*path, i))]

    return PropertyCheck("array", test, detail, deep=member.deep)


def _key_fault(key: str, rules: ValueRules) -> str | None:
    if not rules.dollar_keys and key[:1] == "$":
        return "a key of a map must not start with $"
    if not rules.empty_keys and not key:
        return "a key of a map must not be empty"
    return None


def map_check(member: PropertyCheck, rules: ValueRules) -> PropertyCheck:
    """Return the check of a map with values of a schema."""
    inner = member.test
    free = rules.dollar_keys and rules.empty_keys

    def test(value: object) -> bool:
        if type(value) is not dict or not all(map(inner, value.values())):
            return False
        return free or not any(_key_fault(key, rules) for key in value)

    def detail(value: object, path: Path) -> list[Violation]:
        if type(value) is not dict:
            return _wrong(path, "map", _kind_detail("an object", value))
        found: list[Violation] = []
        for key, entry in value.items():
            fault = _key_fault(key, rules)
            if fault is not None:
                found += _wrong((*path, key), "map", fault)
            found += member.explain(entry, (*path, key))
        return found

    return PropertyCheck("map", test, detail, deep=member.deep)


def object_check(fields: dict[str, PropertyCheck]) -> PropertyCheck:
    """Return the check of an object with fields by name; none of them has to be there."""

    def test(value: object) -> bool:
        if type(value) is not dict:
            return False
        for key, entry in value.items():
            field = fields.get(key)
            if field is None or not field.test(entry):
                return False
        return True

    def detail(value: object, path: Path) -> list[Violation]:
        if type(value) is not dict:
            return _wrong(path, "object", _kind_detail("an object", value))
        found: list[Violation] = []
        for key, entry in value.items():
            field = fields.get(key)
            if field is None:
                found += _wrong((*path, key), "object", "the object has no such field")
            else:
                found += field.explain(entry, (*path, key))
        return found

    deep = any(field.deep for field in fields.values())
    return PropertyCheck("object", test, detail, deep=deep)


def shape_check(plain: PropertyCheck, shape: str) -> PropertyCheck:
    """Return the check of a GeoJSON object that also looks at its positions and rings."""
    inner = plain.test

    def test(value: object) -> bool:
        return inner(value) and shape_fault(shape, value) is None  # type: ignore[arg-type]

    def detail(value: Any, path: Path) -> list[Violation]:
        found = plain.explain(value, path)
        return found or _wrong(path, "object", shape_fault(shape, value) or "")

    return PropertyCheck("object", test, detail)
