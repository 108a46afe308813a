"""What schemas of several areas are made of."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

STRING: Final[Schema] = {"type": "string"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
LINK: Final[Schema] = {"type": ["string", "null"], "format": "uri"}
ETAG: Final[Schema] = {"type": "string", "pattern": '^W/"[0-9a-f-]{36}"$'}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def ref(name: str) -> dict[str, str]:
    """Return a reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(item: str) -> Schema:
    """Return the schema of a page of such items."""
    return {
        "type": "object",
        "required": ["value", "nextLink"],
        "properties": {"value": {"type": "array", "items": ref(item)}, "nextLink": LINK},
    }


def list_of(item: str) -> Schema:
    """Return the schema of a list that has no pages."""
    return {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {"type": "array", "items": ref(item)}},
    }
