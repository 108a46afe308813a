"""Models that tests of tables type their cells by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor import dtdl

if TYPE_CHECKING:
    from kastor.types import Document

CONTEXT = "dtmi:dtdl:context;4"
ROOM = "dtmi:example:Room;1"
FLOOR = "dtmi:example:Floor;1"
PRIMITIVES = (
    "boolean",
    "double",
    "float",
    "integer",
    "long",
    "string",
    "date",
    "dateTime",
    "time",
    "duration",
)
NEWER = ("byte", "unsignedLong", "decimal", "uuid", "bytes")


def _property(name: str, schema: object, **others: object) -> Document:
    return {"@type": "Property", "name": name, "schema": schema, **others}


STATE = {
    "@type": "Enum",
    "valueSchema": "integer",
    "enumValues": [
        {"name": "active", "enumValue": 1, "displayName": {"en": "In use", "de": "In Betrieb"}},
        {"name": "idle", "enumValue": 2, "displayName": "Resting"},
    ],
}
COLOUR = {
    "@type": "Enum",
    "valueSchema": "string",
    "enumValues": [
        {"name": "red", "enumValue": "#f00"},
        {"name": "minus", "enumValue": "-1"},
    ],
}
ADDRESS = {
    "@type": "Object",
    "fields": [
        {"name": "street", "schema": "string"},
        {"name": "number", "schema": "integer"},
    ],
}
TAGS = {
    "@type": "Map",
    "mapKey": {"name": "key", "schema": "string"},
    "mapValue": {"name": "value", "schema": "double"},
}
DOCUMENTS: list[Document] = [
    {
        "@id": "dtmi:example:Thermostat;1",
        "@type": "Interface",
        "@context": CONTEXT,
        "contents": [_property("setPoint", "double"), _property("mode", "string")],
    },
    {
        "@id": ROOM,
        "@type": "Interface",
        "@context": CONTEXT,
        "displayName": "Room",
        "contents": [
            *(_property(f"a{each[:1].upper()}{each[1:]}", each) for each in PRIMITIVES),
            *(_property(f"a{each[:1].upper()}{each[1:]}", each) for each in NEWER),
            _property("state", STATE, description="What it does now."),
            _property("colour", COLOUR),
            _property("address", ADDRESS),
            _property("tags", TAGS),
            _property("readings", {"@type": "Array", "elementSchema": "double"}),
            {"@type": "Component", "name": "thermostat", "schema": "dtmi:example:Thermostat;1"},
            {"@type": "Telemetry", "name": "heat", "schema": "double"},
            {
                "@type": "Relationship",
                "name": "adjoins",
                "properties": [_property("since", "date"), _property("width", "double")],
            },
        ],
    },
    {
        "@id": FLOOR,
        "@type": "Interface",
        "@context": CONTEXT,
        "contents": [
            _property("level", "integer"),
            {
                "@type": "Relationship",
                "name": "holds",
                "properties": [_property("place", "string")],
            },
            {
                "@type": "Relationship",
                "name": "adjoins",
                "properties": [_property("width", "string")],
            },
        ],
    },
]
MODELS = dtdl.parse(DOCUMENTS)
