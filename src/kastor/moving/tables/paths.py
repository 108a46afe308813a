"""Where a property path such as `thermostat.setPoint` leads in a model (dtdl 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kastor.dtdl import model
from kastor.moving.tables import faults
from kastor.moving.tables.faults import CellFault, nearest, shown
from kastor.types import Document, Json

MAX_FLAT = 4
"""Levels of objects whose fields have columns of their own in what we write."""


@dataclass(frozen=True, slots=True)
class ValueSlot:
    """A place in a twin's or relationship's body.

    Attributes:
        keys: the way to it.
        schema: of the value there.
        element: the property or field, with its description.
    """

    keys: tuple[str, ...]
    schema: model.Element
    element: model.Element

    @property
    def path(self) -> str:
        """The keys with dots between them."""
        return ".".join(self.keys)


def resolve(path: str, interface: model.Interface) -> ValueSlot:
    """Return where a path leads in twins of a model.

    Raises:
        CellFault: the model has no such property; says which there are.
    """
    keys = path.split(".")
    holder = interface
    at = 0
    while at < len(keys) - 1 and keys[at] in holder.components:
        holder = holder.components[keys[at]].schema
        at += 1
    name = keys[at]
    found = holder.properties.get(name)
    if found is None:
        raise _unknown(name, path, holder)
    return _inside(found, keys, at)


def resolve_in(path: str, properties: Mapping[str, model.Property], owner: str) -> ValueSlot:
    """Return where a path leads among properties. Raises CellFault."""
    keys = path.split(".")
    if keys[0] not in properties:
        raise CellFault(
            f"{owner} has no property {shown(keys[0])}.{nearest(keys[0], properties)}",
            code=faults.PROPERTY_UNKNOWN,
        )
    return _inside(properties[keys[0]], keys, 0)


def _unknown(name: str, path: str, holder: model.Interface) -> CellFault:
    content = holder.contents.get(name)
    if content is not None:
        what = f"is a {content.kind.lower()} of {holder.id} and has no value"
        if isinstance(content, model.Component):
            names = ", ".join(f"{name}.{each}" for each in content.schema.properties)
            what = f"is a component of {holder.id}; its properties are {names}"
        return CellFault(f"{shown(path)} {what}.", code=faults.PROPERTY_UNKNOWN)
    hint = nearest(name, (*holder.properties, *holder.components))
    return CellFault(
        f"{holder.id} has no property {shown(name)}.{hint}", code=faults.PROPERTY_UNKNOWN
    )


def _inside(found: model.Property, keys: list[str], at: int) -> ValueSlot:
    """Follow a path into the objects and maps of a property."""
    element: model.Element = found
    schema = found.schema
    for key in keys[at + 1 :]:
        if isinstance(schema, model.Map):
            element = schema.value
            schema = schema.value.schema
        elif isinstance(schema, model.Object) and key in schema.fields:
            element = schema.fields[key]
            schema = schema.fields[key].schema
        elif isinstance(schema, model.Object):
            raise CellFault(
                f"{'.'.join(keys)}: there is no field {shown(key)}.{nearest(key, schema.fields)}",
                code=faults.PROPERTY_UNKNOWN,
            )
        else:
            raise CellFault(
                f"{'.'.join(keys)}: {shown(key)} leads into a value that has no parts.",
                code=faults.PROPERTY_UNKNOWN,
            )
    return ValueSlot(tuple(keys), schema, element)


def put(body: Document, keys: tuple[str, ...], value: Json) -> None:
    """Set the value at a place of a body. Raises CellFault where there is one already."""
    holder = body
    for key in keys[:-1]:
        inner = holder.setdefault(key, {})
        if not isinstance(inner, dict):
            raise CellFault(f"{'.'.join(keys)} lies within a value that another column gives.")
        holder = inner
    if keys[-1] in holder:
        raise CellFault(f"{'.'.join(keys)} is given by two columns.")
    holder[keys[-1]] = value


def slots(interface: model.Interface) -> Iterator[ValueSlot]:
    """Yield a place for each value that a column can hold, components' and objects' included."""
    for name, found in interface.properties.items():
        yield from _flat((name,), found, found.schema)
    for name, component in interface.components.items():
        for slot in slots(component.schema):
            yield ValueSlot((name, *slot.keys), slot.schema, slot.element)


def property_slots(properties: Mapping[str, model.Property]) -> Iterator[ValueSlot]:
    """Yield a place for each value of a relationship's properties."""
    for name, found in properties.items():
        yield from _flat((name,), found, found.schema)


def _flat(
    keys: tuple[str, ...], element: model.Element, schema: model.Element
) -> Iterator[ValueSlot]:
    own = schema.defined_in is not None  # the standard ones are GeoJSON, which people paste whole
    if isinstance(schema, model.Object) and own and schema.fields and len(keys) < MAX_FLAT:
        for name, field in schema.fields.items():
            yield from _flat((*keys, name), field, field.schema)
    else:
        yield ValueSlot(keys, schema, element)
