"""Schemas of models."""

from __future__ import annotations

from kastor.api.description.schemas.forms import LINK, STRING, Schema, page_of, ref

_TEXTS: Schema = {"type": "object", "additionalProperties": STRING}
_STRINGS: Schema = {"type": "array", "items": STRING}
_CONTENTS: Schema = {"type": "array", "items": ref("ResolvedContent")}
_COMMON: dict[str, Schema] = {
    "displayName": _TEXTS,
    "description": _TEXTS,
    "comment": STRING,
    "semanticTypes": _STRINGS,
    "cotypeProperties": {"type": "object"},
}
_UNIT: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": STRING, "symbol": STRING, "displayName": STRING},
    "additionalProperties": False,
}
_PAYLOAD: Schema = {
    "type": "object",
    "required": ["name", "schema", "nullable", "displayName", "description"],
    "properties": {
        "name": STRING,
        "displayName": _TEXTS,
        "description": _TEXTS,
        "comment": STRING,
        "schema": ref("ResolvedSchema"),
        "nullable": {"type": "boolean"},
        "unit": _UNIT,
    },
    "additionalProperties": False,
}
PRIMITIVES = (
    *("boolean", "byte", "bytes", "date", "dateTime", "decimal", "double", "duration", "float"),
    *("integer", "long", "short", "string", "time", "unsignedByte", "unsignedInteger"),
    *("unsignedLong", "unsignedShort", "uuid"),
    *("lineString", "multiLineString", "multiPoint", "multiPolygon", "point", "polygon"),
)
"""Kinds of schemas without members, those of geospatial values among them."""
_TOLD: dict[str, Schema] = {
    "name": STRING,
    "displayName": _TEXTS,
    "description": _TEXTS,
    "comment": STRING,
}


def _schema(properties: dict[str, Schema], *optional: str) -> Schema:
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
        "additionalProperties": False,
    }


_OF_MODEL = ref("ResolvedSchema")
_KEY = _schema(_TOLD, "comment")
_FIELD = _schema({**_TOLD, "schema": _OF_MODEL}, "comment")
_ENUM_VALUE = _schema({**_TOLD, "value": {"type": ["string", "integer"]}}, "comment")
_RESOLVED: dict[str, Schema] = {
    "ResolvedModel": {
        "type": "object",
        "required": [
            *("id", "displayName", "description", "decommissioned", "uploadTime"),
            *("extends", "bases", "contents"),
        ],
        "properties": {
            "id": STRING,
            **_COMMON,
            "dtdlVersion": {"type": "integer"},
            "decommissioned": {"type": "boolean"},
            "uploadTime": STRING,
            "extends": _STRINGS,
            "bases": _STRINGS,
            "contents": _CONTENTS,
            "truncated": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "ResolvedContent": {
        "type": "object",
        "required": [
            *("name", "kind", "definedBy", "displayName", "description", "semanticTypes"),
        ],
        "properties": {
            "name": STRING,
            "kind": {"enum": ["property", "telemetry", "relationship", "component", "command"]},
            "definedBy": STRING,
            **_COMMON,
            "schema": ref("ResolvedSchema"),
            "writable": {"type": "boolean"},
            "unit": _UNIT,
            "target": STRING,
            "minMultiplicity": {"type": "integer"},
            "maxMultiplicity": {"type": "integer"},
            "properties": _CONTENTS,
            "model": STRING,
            "commandType": STRING,
            "request": _PAYLOAD,
            "response": _PAYLOAD,
        },
        "additionalProperties": False,
    },
    "ResolvedSchema": {
        "oneOf": [
            _schema({"kind": {"enum": list(PRIMITIVES)}}),
            _schema(
                {
                    "kind": {"const": "enum"},
                    "id": STRING,
                    "valueSchema": STRING,
                    "values": {"type": "array", "items": _ENUM_VALUE},
                },
                "id",
            ),
            _schema(
                {
                    "kind": {"enum": ["object", "scaledDecimal"]},
                    "id": STRING,
                    "fields": {"type": "array", "items": _FIELD},
                },
                "id",
            ),
            _schema({"kind": {"const": "array"}, "id": STRING, "element": _OF_MODEL}, "id"),
            _schema({"kind": {"const": "map"}, "id": STRING, "key": _KEY, "value": _FIELD}, "id"),
            _schema(
                {
                    "kind": {"const": "ref"},
                    "id": STRING,
                    "because": {"enum": ["recursive", "large"]},
                }
            ),
        ]
    },
    "ResolvedModelPage": {
        "type": "object",
        "required": ["epoch", "value", "nextLink"],
        "properties": {
            "epoch": {"type": ["integer", "null"]},
            "value": {"type": "array", "items": ref("ResolvedModel")},
            "nextLink": LINK,
        },
        "additionalProperties": False,
    },
}

SCHEMAS: dict[str, Schema] = {
    **_RESOLVED,
    "ModelUpload": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["@id", "@type", "@context"],
            "properties": {"@id": STRING, "@type": {}, "@context": {}},
        },
    },
    "ModelSearch": {
        "type": "object",
        "properties": {
            "query": STRING,
            "searchText": STRING,
            "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        },
    },
    "ModelData": {
        "type": "object",
        "required": ["id", "description", "displayName", "decommissioned", "uploadTime"],
        "properties": {
            "id": STRING,
            "description": {"type": "object", "additionalProperties": STRING},
            "displayName": {"type": "object", "additionalProperties": STRING},
            "decommissioned": {"type": "boolean"},
            "uploadTime": STRING,
            "model": {"type": "object"},
            "bases": {"type": "array", "items": STRING},
            "descendants": {"type": "array", "items": STRING},
            **{
                kind: {"type": "array", "items": {"type": "object"}}
                for kind in (
                    "properties",
                    "relationships",
                    "components",
                    "telemetries",
                    "commands",
                )
            },
        },
        "additionalProperties": False,
    },
    "ModelDataList": {"type": "array", "items": ref("ModelData")},
    "ModelPage": page_of("ModelData"),
}
