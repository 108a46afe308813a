"""Schemas of twins, components, relationships and telemetry."""

from __future__ import annotations

from kastor.api.description.schemas.forms import ETAG, STRING, Schema, page_of

_GIVEN: Schema = {"type": ["string", "null"]}
"""Of a body: the address says it as well."""
_METADATA: Schema = {
    "type": "object",
    "required": ["$model"],
    "properties": {"$model": STRING},
}
_RELATED: dict[str, Schema] = {
    "$relationshipName": {"type": "string", "minLength": 1},
    "$targetId": {"type": "string", "minLength": 1},
}

SCHEMAS: dict[str, Schema] = {
    "Twin": {
        "type": "object",
        "required": ["$dtId", "$etag", "$metadata"],
        "properties": {"$dtId": STRING, "$etag": ETAG, "$metadata": _METADATA},
    },
    "TwinBody": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {"$dtId": _GIVEN, "$etag": _GIVEN, "$metadata": _METADATA},
    },
    "Component": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {"$metadata": {"type": "object"}},
    },
    "Relationship": {
        "type": "object",
        "required": ["$relationshipId", "$etag", "$sourceId", *_RELATED],
        "properties": {
            "$relationshipId": STRING,
            "$etag": ETAG,
            "$sourceId": STRING,
            **_RELATED,
        },
    },
    "RelationshipBody": {
        "type": "object",
        "required": list(_RELATED),
        "properties": {
            "$relationshipId": _GIVEN,
            "$etag": _GIVEN,
            "$sourceId": _GIVEN,
            **_RELATED,
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
