"""Differences of two states, and the way back to one (decisions 5)."""

from __future__ import annotations

from kastor.api.description.schemas.forms import Schema, ref

SCHEMAS: dict[str, Schema] = {
    "Revert": {
        "type": "object",
        "required": ["asOf"],
        "properties": {
            "asOf": {"type": "string", "minLength": 1},
            "twin": {"type": "string", "minLength": 1},
            "query": {"type": "string", "minLength": 1},
            "parameters": ref("QueryParameters"),
            "atomic": {"type": "boolean"},
        },
        "not": {"required": ["twin", "query"]},
        "additionalProperties": False,
    },
}
