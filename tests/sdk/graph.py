"""The models and twins that the SDKs work with."""

from __future__ import annotations

from typing import Any

ROOM = "dtmi:sdk:Room;1"
PART = "dtmi:sdk:Part;1"

PART_MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": PART,
    "@type": "Interface",
    "displayName": "Part",
    "contents": [{"@type": "Property", "name": "Serial", "schema": "string"}],
}
ROOM_MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": ROOM,
    "@type": "Interface",
    "displayName": "Room",
    "contents": [
        {"@type": "Property", "name": "Temperature", "schema": "double"},
        {"@type": "Property", "name": "Label", "schema": "string"},
        {"@type": "Component", "name": "Thermostat", "schema": PART},
        {
            "@type": "Relationship",
            "name": "near",
            "properties": [{"@type": "Property", "name": "distance", "schema": "integer"}],
        },
    ],
}


def room(**properties: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": ROOM}, "Thermostat": {"$metadata": {}}, **properties}


def near(source: str, identifier: str, target: str, **properties: Any) -> dict[str, Any]:
    return {
        "$relationshipId": identifier,
        "$sourceId": source,
        "$relationshipName": "near",
        "$targetId": target,
        **properties,
    }


def replace(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]
