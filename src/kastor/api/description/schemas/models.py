"""Schemas of models."""

from __future__ import annotations

from kastor.api.description.schemas.forms import STRING, Schema, page_of, ref

SCHEMAS: dict[str, Schema] = {
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
