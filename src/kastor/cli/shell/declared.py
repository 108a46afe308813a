"""What a model says that a shell needs: read from documents as they are stored, without a parser.

A server of any kind may hold documents that our parser would refuse, and thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Any  # any: what was decoded is looked into
MAX_DEPTH = 8
"""Objects inside objects whose fields are completed."""
_INLINE = {"Object": "object", "Array": "array", "Map": "map", "Enum": "enum"}


@dataclass(frozen=True, slots=True)
class ValueFacts:
    """A property, or a field of one.

    Attributes:
        schema: its name for people, such as `double` or `object`.
        fields: of an object, by name.
        choices: names of an enum's values.
    """

    schema: str
    fields: Mapping[str, ValueFacts] = field(default_factory=dict)
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationshipFacts:
    """A relationship that a model has; `target` is None where any twin may be one."""

    target: str | None
    properties: Mapping[str, ValueFacts]


@dataclass(frozen=True, slots=True)
class DeclaredModel:
    """What one model has by itself, without what it inherits.

    Attributes:
        components: ids of their models, by name.
        others: telemetry and commands: name to kind and schema.
    """

    id: str
    title: str = ""
    decommissioned: bool = False
    bases: tuple[str, ...] = ()
    properties: Mapping[str, ValueFacts] = field(default_factory=dict)
    components: Mapping[str, str] = field(default_factory=dict)
    relationships: Mapping[str, RelationshipFacts] = field(default_factory=dict)
    others: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_facts(listed: Mapping[str, Json]) -> DeclaredModel:
    """Return what an entry of a model listing says; what it does not understand it leaves out."""
    document = listed.get("model")
    model = document if isinstance(document, dict) else {}
    named = {each["@id"]: each for each in _objects(model.get("schemas")) if "@id" in each}
    properties, components, relationships, others = {}, {}, {}, {}
    for each in _objects(model.get("contents")):
        name, kinds = each.get("name"), _texts(each.get("@type"))
        if not isinstance(name, str):
            continue
        if "Property" in kinds:
            properties[name] = _value(each.get("schema"), named)
        elif "Component" in kinds:
            components[name] = next(iter(_ids(each.get("schema"))), "")
        elif "Relationship" in kinds:
            relationships[name] = _relationship(each, named)
        else:
            kind = next((x for x in ("Telemetry", "Command") if x in kinds), "")
            others[name] = (kind.lower(), _value(each.get("schema"), named).schema)
    return DeclaredModel(
        str(listed.get("id", "")),
        _title(listed.get("displayName") or model.get("displayName")),
        listed.get("decommissioned") is True,
        tuple(_ids(model.get("extends"))),
        properties,
        components,
        relationships,
        others,
    )


def _relationship(content: Json, named: Mapping[str, Json]) -> RelationshipFacts:
    target = content.get("target")
    properties = {
        each["name"]: _value(each.get("schema"), named)
        for each in _objects(content.get("properties"))
        if isinstance(each.get("name"), str)
    }
    return RelationshipFacts(target if isinstance(target, str) else None, properties)


def _value(schema: Json, named: Mapping[str, Json], depth: int = 0) -> ValueFacts:
    if isinstance(schema, str) and schema in named and depth < MAX_DEPTH:
        return _value(named[schema], named, depth + 1)
    if isinstance(schema, str):
        return ValueFacts(schema.rpartition(":")[2])
    if not isinstance(schema, dict) or depth >= MAX_DEPTH:
        return ValueFacts("")
    kind = next((x for x in _texts(schema.get("@type")) if x in _INLINE), "")
    fields = {
        each["name"]: _value(each.get("schema"), named, depth + 1)
        for each in _objects(schema.get("fields"))
        if isinstance(each.get("name"), str)
    }
    choices = [each.get("name") for each in _objects(schema.get("enumValues"))]
    return ValueFacts(_INLINE.get(kind, ""), fields, tuple(map(str, choices)))


def _ids(value: Json) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        found = each.get("@id") if isinstance(each, dict) else each
        if isinstance(found, str):
            yield found


def _objects(value: Json) -> list[dict[str, Json]]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, dict)]


def _texts(value: Json) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if each is not None]


def _title(value: Json) -> str:
    if isinstance(value, dict):
        value = value.get("en") or next(iter(value.values()), "")
    return value if isinstance(value, str) else ""
