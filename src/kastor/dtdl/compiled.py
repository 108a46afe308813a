"""Interfaces compiled to closures that check twins (spec dtdl 11, 13).

Nothing of the model is interpreted while a value is checked: a schema is one function, made once
per element id. Only a value that does not conform is looked at again, to explain it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kastor.dtdl.geojson import shape_fault, shape_of
from kastor.dtdl.rules import STRICT, Path, ValueRules, Violation
from kastor.dtdl.standard import standard_element
from kastor.dtdl.values import describe_type, primitive_detail, primitive_test
from kastor.nesting import MAX_DEPTH, is_too_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.dtdl.model import ModelSet
    from kastor.dtdl.nodes import Node

_SHOWN_VALUES = 12
_COMPLEX = ("Array", "Enum", "Map", "Object")


class Check(Protocol):
    """Tells whether a value conforms."""

    def __call__(self, value: object, /) -> bool:
        """Return whether the value conforms."""
        ...


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


class CompiledRelationship:
    """A relationship with the checks of its properties.

    Attributes:
        name: its name.
        target: id of the interface it leads to; None is any.
        properties: check by name.
    """

    __slots__ = ("name", "properties", "target")

    def __init__(self, name: str, target: str | None, properties: dict[str, PropertyCheck]) -> None:
        self.name = name
        self.target = target
        self.properties = properties

    def violations(self, document: Mapping[str, object]) -> list[Violation]:
        """Return every way in which a relationship breaks the model; empty if none.

        Members that start with ``$`` are not looked at.
        """
        found: list[Violation] = []
        for name, value in document.items():
            check = self.properties.get(name)
            if check is not None:
                if not check.test(value):
                    found += check.explain(value, (name,))
            elif name[:1] != "$":
                found.append(
                    Violation(
                        "unknown", (name,), "", f"the relationship {self.name} has no such property"
                    )
                )
        return found


class CompiledInterface:
    """An interface with the checks of its effective contents.

    Attributes:
        id: its id.
        properties: check by name.
        components: compiled interface by name.
        relationships: by name.
        other: name to ``Telemetry`` or ``Command``.
    """

    __slots__ = ("_tests", "components", "id", "other", "properties", "relationships")

    def __init__(
        self,
        identifier: str,
        properties: dict[str, PropertyCheck],
        components: dict[str, CompiledInterface],
        relationships: dict[str, CompiledRelationship],
        other: dict[str, str],
    ) -> None:
        self.id = identifier
        self.properties = properties
        self.components = components
        self.relationships = relationships
        self.other = other
        # What a document that conforms needs, with one look-up for each member.
        self._tests = {name: check.test for name, check in properties.items()}

    def violations(self, document: Mapping[str, object]) -> list[Violation]:
        """Return every way in which a twin breaks its model; empty if none (spec dtdl 11, 13).

        Members that start with ``$`` are not looked at, in the twin and in its components.
        """
        found = self._own(document, ())
        for name in self.components:
            if name not in document:
                found.append(
                    Violation("missing_component", (name,), "Component", "the component is missing")
                )
        return found

    def _own(self, document: Mapping[str, object], path: Path) -> list[Violation]:
        found: list[Violation] = []
        tests = self._tests
        for name, value in document.items():
            test = tests.get(name)
            if test is not None:
                if not test(value):
                    found += self.properties[name].explain(value, (*path, name))
            elif name[:1] != "$":
                found += self._other_member(name, value, path)
        return found

    def _other_member(self, name: str, value: object, path: Path) -> list[Violation]:
        component = self.components.get(name)
        here = (*path, name)
        if component is not None:
            if isinstance(value, dict):
                return component._own(value, here)  # noqa: SLF001 - the same class
            detail = f"must be an object, not {describe_type(value)}"
            return [Violation("not_an_object", here, "Component", detail)]
        kind = "Relationship" if name in self.relationships else self.other.get(name)
        if kind is not None:
            return [Violation("not_a_property", here, kind, f"is a {kind} and holds no value")]
        return [Violation("unknown", here, "", f"{self.id} has no such property")]


def compile_interface(
    models: ModelSet, interface_id: str, rules: ValueRules = STRICT
) -> CompiledInterface:
    """Return the compiled interface, made once per model set and rules.

    Raises:
        KeyError: there is no interface of that id.
    """
    return compiler_of(models, rules).interface(interface_id)


def compiler_of(models: ModelSet, rules: ValueRules) -> Compiler:
    """Return the compiler that a model set keeps for some rules."""
    found = models.compilers.get(rules)
    if found is None:
        found = models.compilers[rules] = Compiler(models.nodes, rules)
    return found


class Compiler:
    """Compiles what is asked for and keeps it."""

    def __init__(self, nodes: Mapping[str, Node], rules: ValueRules) -> None:
        self._nodes = nodes
        self._rules = rules
        self._interfaces: dict[str, CompiledInterface] = {}
        self._schemas: dict[str, PropertyCheck] = {}
        self._entries: dict[str, PropertyCheck] = {}
        self._open: set[str] = set()

    def interface(self, identifier: str) -> CompiledInterface:
        """Return a compiled interface."""
        found = self._interfaces.get(identifier)
        if found is None:
            node = self._nodes[identifier]
            if node.kind != "Interface":
                raise KeyError(identifier)
            found = self._interfaces[identifier] = self._interface(node)
        return found

    def _interface(self, node: Node) -> CompiledInterface:
        properties: dict[str, PropertyCheck] = {}
        components: dict[str, CompiledInterface] = {}
        relationships: dict[str, CompiledRelationship] = {}
        other: dict[str, str] = {}
        for content in node.linked("contents"):
            name = content.literals["name"]
            if content.kind == "Property":
                properties[name] = self._entry(content.linked("schema")[0])
            elif content.kind == "Component":
                components[name] = self.interface(content.linked("schema")[0].id)
            elif content.kind == "Relationship":
                relationships[name] = CompiledRelationship(
                    name,
                    content.literals.get("target"),
                    {
                        p.literals["name"]: self._entry(p.linked("schema")[0])
                        for p in content.linked("properties")
                    },
                )
            else:
                other[name] = content.kind
        return CompiledInterface(node.id, properties, components, relationships, other)

    def element(self, identifier: str) -> PropertyCheck:
        """Return the compiled schema of an element id; of contents and fields that of theirs.

        Raises:
            KeyError: no such element, or one without a schema.
        """
        node = self._nodes.get(identifier) or standard_element(identifier)
        if node is None:
            raise KeyError(identifier)
        if node.kind in _COMPLEX or "PrimitiveSchema" in node.spec.ancestors:
            return self._entry(node)
        schema = node.linked("schema")
        if not schema or schema[0].kind == "Interface":
            raise KeyError(identifier)
        return self._entry(schema[0])

    def _entry(self, node: Node) -> PropertyCheck:
        """Return a compiled schema where a value enters it from outside."""
        found = self._entries.get(node.id)
        if found is None:
            made = self._schema(node)
            found = self._entries[node.id] = _bounded(made) if made.deep else made
        return found

    def _schema(self, node: Node) -> PropertyCheck:
        """Return a compiled schema; one that contains itself is closed when it is first used."""
        found = self._schemas.get(node.id)
        if found is not None:
            return found
        if node.id in self._open:
            return self._later(node.id)
        self._open.add(node.id)
        made = self._schemas[node.id] = self._make(node)
        self._open.discard(node.id)
        return made

    def _later(self, identifier: str) -> PropertyCheck:
        """Stand in for a schema that is still being made."""
        schemas = self._schemas
        return PropertyCheck(
            "object",
            lambda value: schemas[identifier].test(value),  # noqa: PLW0108 - not there yet
            lambda value, path: schemas[identifier].explain(value, path),  # noqa: PLW0108
            deep=True,
        )

    def _make(self, node: Node) -> PropertyCheck:
        if node.kind == "Array":
            return _array(self._schema(node.linked("elementSchema")[0]))
        if node.kind == "Map":
            value = node.linked("mapValue")[0]
            return _map(self._schema(value.linked("schema")[0]), self._rules)
        if node.kind == "Enum":
            return _enum(node)
        if node.kind == "Object":
            fields = {
                field.literals["name"]: self._schema(field.linked("schema")[0])
                for field in node.linked("fields")
            }
            shape = shape_of(node.id) if self._rules.closed_rings else None
            return _object(fields) if shape is None else _shape(_object(fields), shape)
        name = node.kind[0].lower() + node.kind[1:]
        return _primitive(name, self._rules)


def _wrong(path: Path, expected: str, detail: str) -> list[Violation]:
    return [Violation("wrong_type", path, expected, detail)]


def _kind_detail(wanted: str, value: object) -> str:
    if value is None:
        return "null conforms to no schema; leave the member out instead"
    return f"must be {wanted}, not {describe_type(value)}"


def _bounded(made: PropertyCheck) -> PropertyCheck:
    """Refuse values that are nested too deep before the test recurses into them."""
    test = made.test

    def bounded(value: object) -> bool:
        return not is_too_deep(value) and test(value)

    def detail(value: object, path: Path) -> list[Violation]:
        if is_too_deep(value):
            return _wrong(path, made.schema, f"nested deeper than {MAX_DEPTH}")
        return made.explain(value, path)

    return PropertyCheck(made.schema, bounded, detail, deep=True)


def _primitive(name: str, rules: ValueRules) -> PropertyCheck:
    return PropertyCheck(
        name,
        primitive_test(name, rules),
        lambda value, path: _wrong(path, name, primitive_detail(name, value, rules)),
    )


def _enum(node: Node) -> PropertyCheck:
    kind: type = str if node.linked("valueSchema")[0].kind == "String" else int
    allowed = frozenset(kind(v.literals["enumValue"]) for v in node.linked("enumValues"))
    shown = ", ".join(map(str, sorted(allowed)[:_SHOWN_VALUES]))
    more = ", ..." if len(allowed) > _SHOWN_VALUES else ""

    def test(value: object) -> bool:
        return type(value) is kind and value in allowed

    def detail(value: object, path: Path) -> list[Violation]:
        if value is None:
            return _wrong(path, "enum", _kind_detail("", value))
        return _wrong(path, "enum", f"must be one of {shown}{more}" if allowed else "has no values")

    return PropertyCheck("enum", test, detail)


def _array(member: PropertyCheck) -> PropertyCheck:
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


def _map(member: PropertyCheck, rules: ValueRules) -> PropertyCheck:
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


def _object(fields: dict[str, PropertyCheck]) -> PropertyCheck:
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


def _shape(plain: PropertyCheck, shape: str) -> PropertyCheck:
    inner = plain.test

    def test(value: object) -> bool:
        return inner(value) and shape_fault(shape, value) is None  # type: ignore[arg-type]

    def detail(value: Any, path: Path) -> list[Violation]:
        found = plain.explain(value, path)
        return found or _wrong(path, "object", shape_fault(shape, value) or "")

    return PropertyCheck("object", test, detail)
