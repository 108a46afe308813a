"""The parsed models: frozen, typed elements and the set of them (dtdl 5, 13).

Elements are made from the nodes of the parse when they are first asked for. They refer to each
other by id; properties such as `Property.schema` look the other element up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kastor.dtdl.compiled import Compiler, compile_interface, compiler_of
from kastor.dtdl.rules import STRICT, ValueRules, Violation
from kastor.dtdl.standard import standard_element
from kastor.dtdl.values import MinusZero

if TYPE_CHECKING:
    from kastor.dtdl.nodes import Node

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """What every element has (dtdl 5).

    Attributes:
        id: its DTMI, given or automatic.
        kind: name of its class, such as ``Property``.
        dtdl_version: 2, 3 or 4.
        defined_in: id of the interface that defines it; None for standard elements.
        display_name, description: language -> text.
        comment: for readers of the model.
        cotypes: names of its co-types, such as ``Temperature``.
        cotype_properties: values of their properties by term; references as ids.
        undefined_types, undefined_properties: what unknown extensions brought.
    """

    id: str
    kind: str
    dtdl_version: int
    defined_in: str | None
    display_name: Text
    description: Text
    comment: str | None
    cotypes: tuple[str, ...]
    cotype_properties: Mapping[str, Any]
    undefined_types: tuple[str, ...]
    undefined_properties: Mapping[str, Any]
    models: ModelSet = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(Element):
    """A member of an interface.

    Attributes:
        name: its name.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaHolder(Element):
    """An element with a name and a schema.

    Attributes:
        name: its name.
        schema_id: id of its schema.
    """

    name: str
    schema_id: str

    @property
    def schema(self) -> Element:
        """The schema."""
        return self.models.elements[self.schema_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Content):
    """A property of an interface or relationship."""

    schema_id: str
    writable: bool | None

    @property
    def schema(self) -> Element:
        """The schema."""
        return self.models.elements[self.schema_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry(Content):
    """Values that are sent and not kept."""

    schema_id: str

    @property
    def schema(self) -> Element:
        """The schema."""
        return self.models.elements[self.schema_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship(Content):
    """A link to other twins; `target` None leads to any."""

    target: str | None
    min_multiplicity: int | None
    max_multiplicity: int | None
    writable: bool | None
    properties: Mapping[str, Property]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Content):
    """A part with an interface of its own."""

    schema_id: str

    @property
    def schema(self) -> Interface:
        """The interface of the component."""
        return self.models.interfaces[self.schema_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPayload(SchemaHolder):
    """Request or response of a command."""

    nullable: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Content):
    """Something a device can do."""

    command_type: str | None
    request: CommandPayload | None
    response: CommandPayload | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(SchemaHolder):
    """A field of an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapKey(SchemaHolder):
    """The keys of a map; always strings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapValue(SchemaHolder):
    """The values of a map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue(Element):
    """A member of an enumeration."""

    name: str
    value: str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimitiveSchema(Element):
    """A predefined schema; `name` is its term, such as ``double``."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Array(Element):
    """A list of values."""

    element_schema_id: str

    @property
    def element_schema(self) -> Element:
        """The schema of the members."""
        return self.models.elements[self.element_schema_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum(Element):
    """A set of strings or integers."""

    value_schema_id: str
    values: tuple[EnumValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Element):
    """Values under free keys."""

    key: MapKey
    value: MapValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Object(Element):
    """Values under named fields."""

    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface(Element):
    """An interface with everything it inherits (dtdl 7, 13).

    Attributes:
        extends: ids of the direct ancestors.
        supertypes: ids of all ancestors, its own included.
        contents: effective contents by name, inherited ones included.
        schemas: ids of the schemas that it defines for reuse.
    """

    extends: tuple[str, ...]
    supertypes: frozenset[str]
    contents: Mapping[str, Content]
    schemas: tuple[str, ...]

    def _of(self, kind: type[Any]) -> dict[str, Any]:
        return {name: c for name, c in self.contents.items() if isinstance(c, kind)}

    @property
    def properties(self) -> Mapping[str, Property]:
        """The properties among the contents."""
        return self._of(Property)

    @property
    def telemetries(self) -> Mapping[str, Telemetry]:
        """The telemetries among the contents."""
        return self._of(Telemetry)

    @property
    def relationships(self) -> Mapping[str, Relationship]:
        """The relationships among the contents."""
        return self._of(Relationship)

    @property
    def components(self) -> Mapping[str, Component]:
        """The components among the contents."""
        return self._of(Component)

    @property
    def commands(self) -> Mapping[str, Command]:
        """The commands among the contents."""
        return self._of(Command)


class _Elements(Mapping[str, Any]):
    """Elements by id, made when asked for."""

    def __init__(self, models: ModelSet, ids: tuple[str, ...], *, interfaces: bool) -> None:
        self._models = models
        self._ids = dict.fromkeys(ids)
        self._interfaces = interfaces

    def __getitem__(self, identifier: str) -> Any:
        if self._interfaces and identifier not in self._ids:
            raise KeyError(identifier)
        return self._models.element(identifier)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._ids or (
            not self._interfaces
            and isinstance(identifier, str)
            and standard_element(identifier) is not None
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class ModelSet:
    """The result of a parse: immutable for its users.

    Attributes:
        interfaces: by id.
        elements: every element of the documents by id; standard elements can be looked up too.
        nodes: the raw elements; for the package itself.
        compilers: compiled schemas per rules; for the package itself.
    """

    __slots__ = (
        "_made",
        "_subtypes",
        "_supertypes",
        "compilers",
        "elements",
        "interfaces",
        "nodes",
    )

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.compilers: dict[ValueRules, Compiler] = {}
        self._made: dict[str, Element] = {}
        self._supertypes: dict[str, frozenset[str]] = {}
        self._subtypes: dict[str, set[str]] | None = None
        self.elements: Mapping[str, Element] = _Elements(self, tuple(nodes), interfaces=False)
        interfaces = tuple(i for i, node in nodes.items() if node.kind == "Interface")
        self.interfaces: Mapping[str, Interface] = _Elements(self, interfaces, interfaces=True)

    def supertypes(self, identifier: str) -> frozenset[str]:
        """Return the ids of an interface and all its ancestors.

        Raises:
            KeyError: there is no interface of that id.
        """
        self._require_interface(identifier)
        found = self._supertypes
        stack = [identifier]
        while stack:
            current = stack[-1]
            above = [node.id for node in self.nodes[current].linked("extends")]
            waiting = [i for i in above if i not in found]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            found[current] = frozenset({current}).union(*(found[i] for i in above))
        return found[identifier]

    def subtypes(self, identifier: str) -> frozenset[str]:
        """Return the ids of an interface and all that derive from it.

        Raises:
            KeyError: there is no interface of that id.
        """
        self._require_interface(identifier)
        if self._subtypes is None:
            below: dict[str, set[str]] = {}
            for derived in self.interfaces:
                for above in self.supertypes(derived):
                    below.setdefault(above, set()).add(derived)
            self._subtypes = below
        return frozenset(self._subtypes[identifier])

    def _require_interface(self, identifier: str) -> None:
        if identifier not in self.interfaces:
            raise KeyError(identifier)

    def validate_twin(
        self, interface_id: str, document: Mapping[str, object], rules: ValueRules = STRICT
    ) -> list[Violation]:
        """Return every way in which a twin breaks its model (dtdl 11, 13).

        Raises:
            KeyError: there is no interface of that id.
        """
        return compile_interface(self, interface_id, rules).violations(document)

    def validate_component(
        self,
        interface_id: str,
        name: str,
        document: Mapping[str, object],
        rules: ValueRules = STRICT,
    ) -> list[Violation]:
        """Return every way in which a component of a twin breaks its model.

        Raises:
            KeyError: there is no such interface, or it has no such component.
        """
        compiled = compile_interface(self, interface_id, rules)
        return compiled.components[name].violations(document)

    def validate_relationship(
        self,
        interface_id: str,
        name: str,
        document: Mapping[str, object],
        rules: ValueRules = STRICT,
    ) -> list[Violation]:
        """Return every way in which a relationship breaks its model.

        Raises:
            KeyError: there is no such interface, or it has no such relationship.
        """
        compiled = compile_interface(self, interface_id, rules)
        return compiled.relationships[name].violations(document)

    def validate_value(
        self, element_id: str, value: object, rules: ValueRules = STRICT
    ) -> list[Violation]:
        """Return every way in which a value breaks a schema (dtdl 11).

        `element_id` is that of a schema, standard ones included, or of an element that has one.

        Raises:
            KeyError: there is no such element, or it has no schema.
        """
        return compiler_of(self, rules).element(element_id).explain(value)

    def validate_json(
        self, element_id: str, text: str | bytes, rules: ValueRules = STRICT
    ) -> list[Violation]:
        """Return every way in which a JSON text breaks a schema; also what decoding would hide.

        Raises:
            KeyError: there is no such element, or it has no schema.
        """
        check = compiler_of(self, rules).element(element_id)
        try:
            value = json.loads(text, parse_int=_read_integer, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return [Violation("wrong_type", (), check.schema, "the text is no JSON")]
        return check.explain(value)

    def element(self, identifier: str) -> Element:
        """Return an element, standard ones included.

        Raises:
            KeyError: there is none of that id.
        """
        found = self._made.get(identifier)
        if found is None:
            from kastor.dtdl.views import make_element  # noqa: PLC0415 - views import this module

            node = self.nodes.get(identifier) or standard_element(identifier)
            if node is None:
                raise KeyError(identifier)
            found = self._made[identifier] = make_element(self, node)
        return found


def frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only view of a mapping."""
    return MappingProxyType(dict(value))


def _read_integer(text: str) -> int:
    return MinusZero() if text == "-0" else int(text)


def _refuse(name: str) -> None:
    raise ValueError(name)
