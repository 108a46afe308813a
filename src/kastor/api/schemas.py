"""JSON Schemas of the wire forms, for the API's description (spec rest-api C.1)."""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_LINK = {"type": ["string", "null"], "format": "uri"}
_ETAG = {"type": "string", "pattern": '^W/"[0-9a-f-]{36}"$'}


def ref(name: str) -> dict[str, str]:
    """Return a reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def _page(item: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["value", "nextLink"],
        "properties": {"value": {"type": "array", "items": ref(item)}, "nextLink": _LINK},
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    "Twin": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {
            "$dtId": {"type": ["string", "null"]},
            "$etag": {"type": ["string", "null"]},
            "$metadata": {
                "type": "object",
                "required": ["$model"],
                "properties": {"$model": _STRING},
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
    "RelationshipPage": _page("Relationship"),
    "IncomingRelationship": {
        "type": "object",
        "required": ["$relationshipId", "$sourceId", "$relationshipName", "$relationshipLink"],
        "properties": {
            "$relationshipId": _STRING,
            "$sourceId": _STRING,
            "$relationshipName": _STRING,
            "$relationshipLink": _STRING,
        },
        "additionalProperties": False,
    },
    "IncomingRelationshipPage": _page("IncomingRelationship"),
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
    "QuerySpecification": {
        "type": "object",
        "properties": {
            "query": _STRING,
            "continuationToken": {"type": ["string", "null"]},
        },
    },
    "QueryResult": {
        "type": "object",
        "required": ["value", "continuationToken"],
        "properties": {
            "value": {"type": "array", "items": {"type": "object"}},
            "continuationToken": {"type": ["string", "null"]},
        },
    },
    "ModelUpload": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["@id", "@type", "@context"],
            "properties": {"@id": _STRING, "@type": {}, "@context": {}},
        },
    },
    "ModelData": {
        "type": "object",
        "required": ["id", "description", "displayName", "decommissioned", "uploadTime"],
        "properties": {
            "id": _STRING,
            "description": {"type": "object", "additionalProperties": _STRING},
            "displayName": {"type": "object", "additionalProperties": _STRING},
            "decommissioned": {"type": "boolean"},
            "uploadTime": _STRING,
            "model": {"type": "object"},
        },
        "additionalProperties": False,
    },
    "ModelDataList": {"type": "array", "items": ref("ModelData")},
    "ModelPage": _page("ModelData"),
    "Status": {
        "type": "object",
        "required": ["kastor", "engine", "hostName", "modelEpoch", "counts", "bytes"],
        "properties": {
            "kastor": _STRING,
            "engine": _STRING,
            "hostName": _STRING,
            "modelEpoch": {"type": "integer"},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "bytes": {"type": "object", "additionalProperties": {"type": "integer"}},
            "oldestVersion": {"type": ["string", "null"]},
            "oldestLogEntry": {"type": ["string", "null"]},
        },
    },
    "Graph": {
        "type": "object",
        "required": ["name", "place", "state"],
        "properties": {"name": _STRING, "place": _STRING, "state": {"enum": ["open", "idle"]}},
        "additionalProperties": False,
    },
    "GraphList": {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {"type": "array", "items": ref("Graph")}},
    },
    "Health": {"type": "object", "required": ["status"], "properties": {"status": _STRING}},
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": _STRING,
                    "message": _STRING,
                    "details": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": _STRING, "message": _STRING},
                        },
                    },
                },
                "additionalProperties": False,
            }
        },
        "additionalProperties": False,
    },
    "Unauthorized": {
        "type": "object",
        "required": ["statusCode", "message"],
        "properties": {"statusCode": {"const": 401}, "message": _STRING},
    },
    "Etag": _ETAG,
}
