"""The elements of models: frozen and typed, what a user of the parser sees (dtdl 5, 13).

They refer to each other by id; properties such as `Property.schema` look the other element up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Text = Mapping[str, str]


class ElementLookup(Protocol):
    """What elements need of the set that they belong to."""

    @property
    def elements(self) -> Mapping[str, Element]:
        """Every element by id, standard ones included."""
        ...

    @property
    def interfaces(self) -> Mapping[str, Interface]:
        """The interfaces by id."""
        ...

    def supertypes(self, identifier: str) -> frozenset[str]:
        """Return the ids of an interface and all its ancestors."""
        ...


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
        models: where the elements it refers to are looked up.
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
    models: ElementLookup = field(repr=False, compare=False)


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
