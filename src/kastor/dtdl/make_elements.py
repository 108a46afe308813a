"""From nodes to elements: shows what a parse filled as frozen, typed elements."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kastor.dtdl import model
from kastor.dtdl.nodes import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def make_element(models: model.ElementLookup, node: Node) -> model.Element:
    """Return the element of a node."""
    common = _common(models, node)
    maker = _MAKERS.get(node.kind)
    if maker is not None:
        made: model.Element = maker(models, node, common)
        return made
    if "PrimitiveSchema" in node.spec.ancestors:
        name = node.kind[0].lower() + node.kind[1:]
        return model.PrimitiveSchema(name=name, **common)
    return model.Element(**common)


def _common(models: model.ElementLookup, node: Node) -> dict[str, Any]:
    literals = node.literals
    return {
        "id": node.id,
        "kind": node.kind,
        "dtdl_version": node.language.version,
        "defined_in": node.partition,
        "display_name": _frozen(literals.get("displayName", {})),
        "description": _frozen(literals.get("description", {})),
        "comment": literals.get("comment"),
        "cotypes": tuple(cotype.term for cotype in node.cotypes),
        "cotype_properties": _frozen(
            {node.extra_specs[i].name: _plain(value) for i, value in node.extra.items()}
        ),
        "undefined_types": node.undefined_types,
        "undefined_properties": _frozen(node.undefined_properties),
        "models": models,
    }


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


def _plain(value: Any) -> Any:
    """Return a co-type property's value with elements as ids."""
    if isinstance(value, list):
        ids = tuple(v.id if isinstance(v, Node) else v for v in value)
        return ids[0] if len(ids) == 1 else ids
    return value


def _only(node: Node, name: str) -> str:
    return node.linked(name)[0].id


def _schema_holder(kind: type[Any], *literals: str) -> Callable[..., Any]:
    def make(_: model.ElementLookup, node: Node, common: dict[str, Any]) -> Any:
        more = {name: node.literals.get(name) for name in literals}
        return kind(
            name=node.literals.get("name"), schema_id=_only(node, "schema"), **more, **common
        )

    return make


def _interface(models: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    return model.Interface(
        extends=tuple(v.id for v in node.linked("extends")),
        supertypes=models.supertypes(node.id),
        contents=_by_name(models, node.linked("contents")),
        schemas=tuple(v.id for v in node.linked("schemas")),
        **common,
    )


def _by_name(models: model.ElementLookup, nodes: list[Node]) -> Any:
    return _frozen({v.literals["name"]: models.elements[v.id] for v in nodes})


def _relationship(models: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    literals = node.literals
    return model.Relationship(
        name=literals["name"],
        target=literals.get("target"),
        min_multiplicity=literals.get("minMultiplicity"),
        max_multiplicity=literals.get("maxMultiplicity"),
        writable=literals.get("writable"),
        properties=_by_name(models, node.linked("properties")),
        **common,
    )


def _command(models: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    def payload(name: str) -> Any:
        found = node.linked(name)
        return models.elements[found[0].id] if found else None

    kinds = node.linked("commandType")
    return model.Command(
        name=node.literals["name"],
        command_type=kinds[0].id.rpartition(":")[2].partition(";")[0] if kinds else None,
        request=payload("request"),
        response=payload("response"),
        **common,
    )


def _enum_value(_: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    return model.EnumValue(name=node.literals["name"], value=node.literals["enumValue"], **common)


def _array(_: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    return model.Array(element_schema_id=_only(node, "elementSchema"), **common)


def _enum(models: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    values: Any = tuple(models.elements[v.id] for v in node.linked("enumValues"))
    return model.Enum(value_schema_id=_only(node, "valueSchema"), values=values, **common)


def _map(models: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    key: Any = models.elements[_only(node, "mapKey")]
    value: Any = models.elements[_only(node, "mapValue")]
    return model.Map(key=key, value=value, **common)


def _object(models: model.ElementLookup, node: Node, common: dict[str, Any]) -> model.Element:
    return model.Object(fields=_by_name(models, node.linked("fields")), **common)


_MAKERS: dict[str, Callable[..., Any]] = {
    "Interface": _interface,
    "Property": _schema_holder(model.Property, "writable"),
    "Telemetry": _schema_holder(model.Telemetry),
    "Component": _schema_holder(model.Component),
    "Relationship": _relationship,
    "Command": _command,
    "CommandPayload": _schema_holder(model.CommandPayload, "nullable"),
    "CommandRequest": _schema_holder(model.CommandPayload, "nullable"),
    "CommandResponse": _schema_holder(model.CommandPayload, "nullable"),
    "Field": _schema_holder(model.Field),
    "MapKey": _schema_holder(model.MapKey),
    "MapValue": _schema_holder(model.MapValue),
    "EnumValue": _enum_value,
    "Array": _array,
    "Enum": _enum,
    "Map": _map,
    "Object": _object,
}
