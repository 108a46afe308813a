"""What a valid interface document refers to, read without parsing it.

For servers that keep documents and need the edges between models: direct ``extends`` and the
interfaces of its components. Terms and identifiers of classes and properties are both understood;
of inline interfaces the id counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kastor.dtdl.metamodel import CLASS_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SCHEMA_ID = "dtmi:dtdl:instance:Schema:"
_KINDS = {
    "Property": "properties",
    "Relationship": "relationships",
    "Component": "components",
    "Telemetry": "telemetries",
    "Command": "commands",
}


@dataclass(frozen=True, slots=True)
class ModelReferences:
    """Ids that an interface refers to, in order, each once.

    Attributes:
        extends: the direct ancestors.
        components: the interfaces of its components.
        members: names of its own properties and components, and of its relationships' properties.
        relationships: names of its own relationships.
    """

    extends: tuple[str, ...]
    components: tuple[str, ...]
    members: frozenset[str] = field(default=frozenset(), compare=False)
    relationships: frozenset[str] = field(default=frozenset(), compare=False)


def references(document: Mapping[str, object]) -> ModelReferences:
    """Return the direct references of one valid interface document (dtdl 3.3, 7)."""
    components: dict[str, None] = {}
    members: set[str | None] = set()
    relationships: set[str | None] = set()
    for content in _values(_member(document, "contents")):
        if not isinstance(content, dict):
            continue
        classes = _classes(content)
        if "Property" in classes:
            members.add(_text(content, "name"))
        elif "Component" in classes:
            members.add(_text(content, "name"))
            components |= dict.fromkeys(_ids(_member(content, "schema")))
        elif "Relationship" in classes:
            relationships.add(_text(content, "name"))
            inner = _values(_member(content, "properties"))
            members |= {_text(each, "name") for each in inner if isinstance(each, dict)}
    extends = dict.fromkeys(_ids(_member(document, "extends")))
    return ModelReferences(
        tuple(extends), tuple(components), _strings(members), _strings(relationships)
    )


def _text(content: Mapping[str, object], name: str) -> str | None:
    value = _member(content, name)
    return value if isinstance(value, str) else None


def _strings(found: set[str | None]) -> frozenset[str]:
    return frozenset(one for one in found if one is not None)


def contents_by_kind(document: Mapping[str, object]) -> dict[str, list[Any]]:
    """Return the contents that a valid interface document defines itself, as they are written.

    The keys are ``properties``, ``relationships``, ``components``, ``telemetries`` and
    ``commands``, all of them always.
    """
    found: dict[str, list[Any]] = {kind: [] for kind in _KINDS.values()}
    for content in _values(_member(document, "contents")):
        if isinstance(content, dict):
            for name in _classes(content) & _KINDS.keys():
                found[_KINDS[name]].append(content)
    return found


def schemas_of(document: Mapping[str, object], name: str) -> frozenset[str]:
    """Return what one valid interface document calls the values of its members of this name.

    Properties and components, and the properties of its relationships: the term of a primitive
    schema, ``array``, ``object``, or ``?`` for what stands elsewhere.
    """
    contents = contents_by_kind(document)
    members = contents["properties"]
    for relationship in contents["relationships"]:
        inner = _values(_member(relationship, "properties"))
        members = members + [each for each in inner if isinstance(each, dict)]
    found = {_schema(_member(each, "schema")) for each in members if _text(each, "name") == name}
    if any(_text(each, "name") == name for each in contents["components"]):
        found.add("object")
    return frozenset(found)


def _schema(value: object) -> str:
    schema = next(_values(value), None)
    if isinstance(schema, str):
        term = schema.removeprefix(_SCHEMA_ID).partition(";")[0]
        return term if schema.startswith(_SCHEMA_ID) or ":" not in schema else "?"
    classes = _classes(schema) if isinstance(schema, dict) else set()
    if "Enum" in classes and isinstance(schema, dict):
        return _schema(_member(schema, "valueSchema"))
    return {"Array": "array", "Map": "object", "Object": "object"}.get(next(iter(classes), ""), "?")


def _member(document: Mapping[str, object], name: str) -> object:
    value = document.get(name)
    if value is not None:
        return value
    start = f"dtmi:dtdl:property:{name};"
    return next((v for k, v in document.items() if k.startswith(start)), None)


def _values(value: object) -> Iterator[object]:
    """Yield the values of a member: arrays may be nested, one value may stand without one."""
    stack = [value]
    while stack:
        entry = stack.pop()
        if isinstance(entry, list):
            stack += reversed(entry)
        elif entry is not None:
            yield entry


def _classes(content: Mapping[str, object]) -> set[str]:
    """Return what `@type` names, classes by their term."""
    only = content.get("@type")
    if isinstance(only, str) and not only.startswith(CLASS_ID):
        return {only}
    return {
        name.removeprefix(CLASS_ID).partition(";")[0] if name.startswith(CLASS_ID) else name
        for name in _values(content.get("@type"))
        if isinstance(name, str)
    }


def _ids(value: object) -> Iterator[str]:
    for entry in _values(value):
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict) and isinstance(entry.get("@id"), str):
            yield entry["@id"]
