"""Schemas of search by meaning: vector indexes, vectors, searches (decisions 7)."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, STRING, Schema, ref

_DIMS: Schema = {"type": "integer", "minimum": 1, "maximum": 4096}
_METRIC: Schema = {"enum": ["cosine", "l2", "dot"]}
_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}, "maxItems": 4096}
_MODELS: Schema = {"type": "array", "items": STRING, "maxItems": 100}

SCHEMAS: dict[str, Schema] = {
    "VectorIndexInput": {
        "type": "object",
        "required": ["dims"],
        "properties": {
            "dims": _DIMS,
            "metric": _METRIC,
            "property": STRING,
            "template": {"type": "string", "minLength": 1, "maxLength": 2000},
            "models": _MODELS,
        },
    },
    "VectorIndex": {
        "type": "object",
        "required": ["name", "dims", "metric", "models"],
        "properties": {
            "name": STRING,
            "dims": _DIMS,
            "metric": _METRIC,
            "property": STRING,
            "template": STRING,
            "models": _MODELS,
            "status": {
                "type": "object",
                "required": ["twins", "vectors", "without", "lag"],
                "properties": {
                    "twins": COUNT,
                    "vectors": COUNT,
                    "without": COUNT,
                    "lag": COUNT,
                    "refused": COUNT,
                    "trouble": {"type": ["string", "null"]},
                },
            },
        },
    },
    "VectorIndexList": {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {"type": "array", "items": ref("VectorIndex")}},
    },
    "Vector": {
        "type": "object",
        "required": ["vector"],
        "properties": {"vector": {**_NUMBERS, "minItems": 1}},
    },
    "TwinSearch": {
        "type": "object",
        "properties": {
            "vector": _NUMBERS,
            "embeddingProperty": STRING,
            "modelFilter": STRING,
            "limit": {"type": "integer", "minimum": 1, "maximum": 200},
            "index": STRING,
            "like": STRING,
            "subtypes": {"type": "boolean"},
            "text": {"type": "string", "maxLength": 200},
            "mode": {"enum": ["auto", "words", "vector", "hybrid"]},
            "cursor": STRING,
        },
    },
    "TwinSearchAnswer": {
        "oneOf": [
            {"type": "array", "items": {"type": "object"}},
            {
                "type": "object",
                "required": ["value", "ranking", "mode", "more", "nextLink"],
                "properties": {
                    "value": {"type": "array", "items": {"type": "object"}},
                    "ranking": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["$dtId"],
                            "properties": {
                                "$dtId": STRING,
                                "distance": {"type": "number"},
                                "textRank": COUNT,
                                "vectorRank": COUNT,
                            },
                        },
                    },
                    "mode": {"enum": ["words", "vector", "hybrid"]},
                    "index": STRING,
                    "metric": _METRIC,
                    "degraded": STRING,
                    "more": {"type": "boolean"},
                    "exact": {"type": "boolean"},
                    "nextLink": {"type": ["string", "null"]},
                },
            },
        ]
    },
}
