"""What a valid interface document refers to, read without parsing it.

For servers that keep documents and need the edges between models: direct ``extends`` and the
interfaces of its components. Terms and identifiers of classes and properties are both understood;
of inline interfaces the id counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.dtdl.metamodel import CLASS_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """

    extends: tuple[str, ...]
    components: tuple[str, ...]


def references(document: Mapping[str, object]) -> ModelReferences:
    """Return the direct references of one valid interface document (spec dtdl 3.3, 7)."""
    components: dict[str, None] = {}
    for content in _values(_member(document, "contents")):
        if isinstance(content, dict) and "Component" in _classes(content):
            components |= dict.fromkeys(_ids(_member(content, "schema")))
    extends = dict.fromkeys(_ids(_member(document, "extends")))
    return ModelReferences(tuple(extends), tuple(components))


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


def member_names(document: Mapping[str, object]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that queries can ask a valid interface document's instances for.

    First those of properties and components, properties of relationships included; then those of
    relationships.
    """
    kinds = contents_by_kind(document)
    inner = [
        each
        for relationship in kinds["relationships"]
        for each in _values(_member(relationship, "properties"))
    ]
    found = _names([*kinds["properties"], *kinds["components"], *inner])
    return found, _names(kinds["relationships"])


def _names(contents: list[Any]) -> frozenset[str]:
    names = (_member(each, "name") for each in contents if isinstance(each, dict))
    return frozenset(name for name in names if isinstance(name, str))


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
