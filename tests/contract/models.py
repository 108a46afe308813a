"""The models of the conformance cases, and one that has every kind of schema."""

from __future__ import annotations

from typing import Any

V2 = "dtmi:dtdl:context;2"
V3 = "dtmi:dtdl:context;3"
V4 = "dtmi:dtdl:context;4"

BUILDING = "dtmi:t:Building;1"
COMP = "dtmi:t:Comp;1"
WITH_COMP = "dtmi:t:WithComp;1"
OBJ = "dtmi:t:Obj;1"
EVERY = "dtmi:t:Every;1"


def interface(identifier: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "@context": V2,
        "@id": identifier,
        "@type": "Interface",
        "contents": list(contents),
        **more,
    }


def prop(name: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema, **more}


def component(name: str, schema: str | dict[str, Any]) -> dict[str, Any]:
    return {"@type": "Component", "name": name, "schema": schema}


def relationship(name: str, *properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"@type": "Relationship", "name": name, **more}
    if properties:
        body["properties"] = list(properties)
    return body


def map_of(schema: Any) -> dict[str, Any]:
    return {
        "@type": "Map",
        "mapKey": {"name": "key", "schema": "string"},
        "mapValue": {"name": "value", "schema": schema},
    }


def enum_of(value_schema: str, **values: Any) -> dict[str, Any]:
    return {
        "@type": "Enum",
        "valueSchema": value_schema,
        "enumValues": [{"name": name, "enumValue": value} for name, value in values.items()],
    }


def object_of(**fields: Any) -> dict[str, Any]:
    return {
        "@type": "Object",
        "fields": [{"name": name, "schema": schema} for name, schema in fields.items()],
    }


def array_of(schema: Any) -> dict[str, Any]:
    return {"@type": "Array", "elementSchema": schema}


M = interface(
    BUILDING,
    prop("AverageTemperature", "double"),
    prop("TemperatureUnit", "string"),
    relationship("has", prop("isAccessRestricted", "boolean")),
    displayName="Building",
)
C = interface(COMP, prop("ComponentProp1", "string"))
K = interface(WITH_COMP, component("Component1", COMP))
O = interface(  # noqa: E741
    OBJ,
    prop("o", object_of(a="string", b="string")),
    prop("m", map_of("integer")),
    prop("e", enum_of("integer", Name=1, Other=2)),
    prop("d", "date"),
    prop("dt", "dateTime"),
    prop("du", "duration"),
    prop("i", "integer"),
)
PRIMITIVES = (
    "boolean",
    "integer",
    "long",
    "float",
    "double",
    "string",
    "date",
    "dateTime",
    "time",
    "duration",
)
GEOMETRIES = ("point", "multiPoint", "lineString", "multiLineString", "polygon", "multiPolygon")
EVERY_SCHEMA = interface(
    EVERY,
    *(prop(f"p_{name}", name) for name in PRIMITIVES),
    *(prop(f"g_{name}", name) for name in GEOMETRIES),
    prop("p_enumText", enum_of("string", First="one", Second="two")),
    prop("p_enumNumber", enum_of("integer", First=1, Second=2)),
    prop("p_object", object_of(text="string", inner=object_of(flag="boolean"))),
    prop("p_map", map_of("integer")),
    prop("p_array", array_of("integer")),
    prop("p_readOnly", "string", writable=False),
    {"@type": "Telemetry", "name": "tele", "schema": "double"},
    {"@type": "Command", "name": "cmd"},
    relationship("rel"),
    **{"@context": V3},
)


def twin_of(model: str, **members: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": model}, **members}


def building(**members: Any) -> dict[str, Any]:
    return twin_of(BUILDING, **members)


def with_component(**values: Any) -> dict[str, Any]:
    return twin_of(WITH_COMP, Component1={"$metadata": {}, **values})
