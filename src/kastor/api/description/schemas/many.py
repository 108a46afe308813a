"""Schemas of what changes many twins and relationships at once."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, ETAG, STRING, Schema, ref

_HOW_MANY = [{"required": ["expect"]}, {"required": ["atMost"]}]

SCHEMAS: dict[str, Schema] = {
    "Batch": {
        "type": "object",
        "required": ["operations"],
        "properties": {
            "atomic": {"type": "boolean", "default": False},
            "operations": {"type": "array", "items": ref("BatchOperation")},
        },
        "additionalProperties": False,
    },
    "BatchOperation": {
        "type": "object",
        "required": ["op", "kind", "id"],
        "properties": {
            "op": {"enum": ["put", "patch", "delete"]},
            "kind": {"enum": ["twin", "relationship"]},
            "id": STRING,
            "source": STRING,
            "body": {"description": "A twin or relationship to put, or a JSON Patch."},
            "ifMatch": STRING,
            "ifNoneMatch": STRING,
        },
        "additionalProperties": False,
    },
    "BatchResults": {
        "type": "object",
        "required": ["results", "succeeded", "failed"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "status": {"type": "integer", "minimum": 200, "maximum": 599},
                        "etag": ETAG,
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": STRING, "message": STRING},
                        },
                    },
                    "additionalProperties": False,
                },
            },
            "succeeded": COUNT,
            "failed": COUNT,
        },
        "additionalProperties": False,
    },
    "RefusedBatch": {
        "anyOf": [
            ref("Error"),
            {
                "type": "object",
                "required": ["error", "results", "succeeded", "failed"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {"code": {"const": "BatchRefused"}, "message": STRING},
                        "additionalProperties": False,
                    },
                    "results": {"type": "array", "items": {"type": "object"}},
                    "succeeded": {"const": 0},
                    "failed": COUNT,
                },
                "additionalProperties": False,
            },
        ]
    },
    "UpdateMany": {
        "type": "object",
        "required": ["query", "patch"],
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "parameters": ref("QueryParameters"),
            "patch": ref("JsonPatch"),
            "expect": COUNT,
            "atMost": COUNT,
        },
        "oneOf": _HOW_MANY,
        "additionalProperties": False,
    },
    "DeleteMany": {
        "type": "object",
        "required": ["query"],
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "parameters": ref("QueryParameters"),
            "expect": COUNT,
            "atMost": COUNT,
        },
        "oneOf": _HOW_MANY,
        "additionalProperties": False,
    },
    "TriedChange": {
        "type": "object",
        "required": ["count", "tried", "failed", "errors", "value"],
        "properties": {
            "count": COUNT,
            "tried": COUNT,
            "failed": COUNT,
            "errors": {"type": "array", "items": {"type": "object", "required": ["error"]}},
            "value": {"type": "array", "items": {"type": "object"}},
        },
        "additionalProperties": False,
    },
    "TwinArray": {"type": "array", "maxItems": 100, "items": ref("TwinBody")},
    "RelationshipArray": {
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": ref("RelationshipBody"),
    },
    "ArrayResults": {
        "type": "object",
        "required": ["results", "successCount", "failureCount", "hasFailures"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["isSuccess"],
                    "properties": {
                        "digitalTwinId": STRING,
                        "sourceId": STRING,
                        "relationshipId": STRING,
                        "isSuccess": {"type": "boolean"},
                        "errorMessage": STRING,
                    },
                    "additionalProperties": False,
                },
            },
            "successCount": COUNT,
            "failureCount": COUNT,
            "hasFailures": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
}
