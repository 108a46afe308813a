"""Schemas of how much of the past is kept."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, TIME, Schema, ref

_STATE: Schema = {
    "type": "object",
    "required": ["time", "change"],
    "properties": {"time": TIME, "change": COUNT},
    "additionalProperties": False,
}
_RULES: Schema = {
    "type": "object",
    "properties": {
        "graph": ref("Keep"),
        "models": {
            "type": "object",
            "additionalProperties": ref("Keep"),
            "maxProperties": 1_000,
        },
        "telemetry": ref("Keep"),
    },
    "additionalProperties": False,
}

SCHEMAS: dict[str, Schema] = {
    "Keep": {
        "type": "object",
        "properties": {
            "seconds": {"type": "number", "minimum": 0},
            "bytes": COUNT,
        },
        "additionalProperties": False,
    },
    "HistoryActivity": {
        "type": "object",
        "required": ["from", "to", "changes"],
        "properties": {
            "from": _STATE,
            "to": _STATE,
            "changes": {"type": "array", "items": COUNT, "minItems": 1, "maxItems": 500},
        },
        "additionalProperties": False,
    },
    "HistorySettings": _RULES,
    "HistoryStatus": {
        "type": "object",
        "required": ["oldest", "newest", "versions", "telemetry", "upkeep", "keeps", "settings"],
        "properties": {
            "oldest": _STATE,
            "newest": _STATE,
            "versions": {
                "type": "object",
                "required": ["count", "packed", "wholeBytes", "packedBytes"],
                "properties": {
                    "count": COUNT,
                    "packed": COUNT,
                    "wholeBytes": COUNT,
                    "packedBytes": COUNT,
                },
                "additionalProperties": False,
            },
            "telemetry": {
                "type": "object",
                "required": ["count", "bytes"],
                "properties": {"count": COUNT, "bytes": COUNT},
                "additionalProperties": False,
            },
            "upkeep": {
                "type": "object",
                "required": ["pruningSeconds", "packingSeconds", "packed"],
                "properties": {
                    "pruningSeconds": {"type": "number", "minimum": 0},
                    "packingSeconds": {"type": "number", "minimum": 0},
                    "packed": COUNT,
                },
                "additionalProperties": False,
            },
            "keeps": {**_RULES, "required": ["graph", "models", "telemetry"]},
            "settings": ref("HistorySettings"),
        },
        "additionalProperties": False,
    },
}
