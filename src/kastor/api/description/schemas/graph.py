"""Schemas of twins, components, relationships and telemetry."""

from __future__ import annotations

from kastor.api.description.schemas.forms import ETAG, STRING, Schema, page_of

SCHEMAS: dict[str, Schema] = {
    "Twin": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {
            "$dtId": {"type": ["string", "null"]},
            "$etag": {"type": ["string", "null"]},
            "$metadata": {
                "type": "object",
                "required": ["$model"],
                "properties": {"$model": STRING},
            },
        },
    },
    "Component": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {"$metadata": {"type": "object"}},
    },
    "Relationship": {
        "type": "object",
        "required": ["$relationshipName", "$targetId"],
        "properties": {
            "$relationshipId": {"type": ["string", "null"]},
            "$etag": {"type": ["string", "null"]},
            "$sourceId": {"type": ["string", "null"]},
            "$relationshipName": {"type": "string", "minLength": 1},
            "$targetId": {"type": "string", "minLength": 1},
        },
    },
    "RelationshipPage": page_of("Relationship"),
    "IncomingRelationship": {
        "type": "object",
        "required": ["$relationshipId", "$sourceId", "$relationshipName", "$relationshipLink"],
        "properties": {
            "$relationshipId": STRING,
            "$sourceId": STRING,
            "$relationshipName": STRING,
            "$relationshipLink": STRING,
        },
        "additionalProperties": False,
    },
    "IncomingRelationshipPage": page_of("IncomingRelationship"),
    "JsonPatch": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": {
                "op": {"enum": ["add", "replace", "remove"]},
                "path": {"type": "string", "minLength": 1},
                "value": {},
            },
        },
    },
    "Telemetry": {"description": "Any JSON value, normally an object."},
    "Etag": ETAG,
}
