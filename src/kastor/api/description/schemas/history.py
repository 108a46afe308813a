"""Schemas of versions and of series."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, LINK, STRING, TIME, Schema, page_of, ref

SCHEMAS: dict[str, Schema] = {
    "HistoryEntry": {
        "type": "object",
        "required": ["version", "change", "from", "actor"],
        "properties": {
            "version": {"type": "integer", "minimum": 1},
            "change": COUNT,
            "from": TIME,
            "to": TIME,
            "actor": STRING,
            "via": ref("ChangeVia"),
            "document": {"type": "object"},
            "patch": {"type": "array", "items": ref("HistoryStep")},
            "deleted": {"const": True},
        },
        "oneOf": [
            {"required": ["document"]},
            {"required": ["patch"]},
            {"required": ["deleted"]},
        ],
        "additionalProperties": False,
    },
    "ChangeVia": {
        "type": "object",
        "required": ["way", "proposal", "reason"],
        "properties": {
            "way": {"enum": ["rest", "mcp"]},
            "tool": STRING,
            "clientClaims": {"type": "string", "maxLength": 200},
            "proposal": STRING,
            "approver": STRING,
            "reason": {"type": "string", "maxLength": 300},
        },
        "additionalProperties": False,
    },
    "HistoryStep": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "replace", "remove"]},
            "path": STRING,
            "value": {},
        },
        "additionalProperties": False,
    },
    "HistoryPage": page_of("HistoryEntry"),
    "SeriesPage": {
        "type": "object",
        "required": ["path", "value", "nextLink"],
        "properties": {
            "path": STRING,
            "value": {
                "type": "array",
                "items": {"oneOf": [ref("SeriesValue"), ref("SeriesBucket")]},
            },
            "nextLink": LINK,
        },
        "additionalProperties": False,
    },
    "SeriesValue": {
        "type": "object",
        "required": ["time", "value"],
        "properties": {"time": TIME, "value": {}},
        "additionalProperties": False,
    },
    "SeriesBucket": {
        "type": "object",
        "required": ["from", "to"],
        "properties": {
            "from": TIME,
            "to": TIME,
            "avg": {"type": ["number", "null"]},
            "min": {"type": ["number", "null"]},
            "max": {"type": ["number", "null"]},
            "last": {},
            "count": COUNT,
        },
        "additionalProperties": False,
    },
    "QuerySeries": {
        "type": "object",
        "required": ["query", "from", "bucket"],
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "parameters": {"type": "object"},
            "from": STRING,
            "to": STRING,
            "bucket": STRING,
            "format": {"enum": ["ndjson", "csv"], "default": "ndjson"},
        },
        "additionalProperties": False,
    },
}
