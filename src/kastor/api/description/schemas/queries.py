"""Schemas of queries and their answers."""

from __future__ import annotations

from kastor.api.description.schemas.forms import STRING, Schema, list_of, ref

SCHEMAS: dict[str, Schema] = {
    "QuerySpecification": {
        "type": "object",
        "properties": {
            "query": STRING,
            "continuationToken": {"type": ["string", "null"]},
            "parameters": ref("QueryParameters"),
            "language": {
                "type": ["string", "null"],
                "enum": ["adt", "cypher", None],
                "description": "The query's language; without it the first word decides.",
            },
        },
    },
    "LiveQuerySpecification": {
        "type": "object",
        "required": ["query"],
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "parameters": ref("QueryParameters"),
        },
    },
    "QueryParameters": {
        "type": ["object", "null"],
        "description": "Values for $name in the query, by name without the dollar sign.",
        "maxProperties": 100,
        "additionalProperties": {
            "description": "A scalar, a list of scalars; in openCypher lists and maps at any depth."
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
    "Index": {
        "type": "object",
        "required": ["path"],
        "properties": {"path": STRING},
        "additionalProperties": False,
    },
    "IndexList": list_of("Index"),
}
