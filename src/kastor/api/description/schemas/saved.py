"""Schemas of what the explorer keeps: saved documents and scene files."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, ETAG, STRING, TIME, Schema, page_of

_ENTRY: dict[str, Schema] = {
    "name": STRING,
    "etag": ETAG,
    "createdTime": TIME,
    "lastUpdateTime": TIME,
    "by": STRING,
    "bytes": COUNT,
}
_TYPES = ["image/svg+xml", "model/gltf-binary", "model/gltf+json"]
_FILE: dict[str, Schema] = {**_ENTRY, "contentType": {"enum": _TYPES}}
_DROPPED: Schema = {
    "type": "object",
    "required": ["what", "name", "count", "line"],
    "properties": {
        "what": {"enum": ["attribute", "doctype", "element", "instruction", "rule", "value"]},
        "name": STRING,
        "count": COUNT,
        "line": COUNT,
    },
    "additionalProperties": False,
}


def _closed(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


SCHEMAS: dict[str, Schema] = {
    "SavedDocument": {
        "type": "object",
        "description": "What is saved; a scene has the form of the page on scenes.",
    },
    "SavedEntry": _closed(_ENTRY),
    "SavedEntryPage": page_of("SavedEntry"),
    "SceneFile": {"type": "string", "description": "The file, byte for byte."},
    "SceneFileEntry": _closed(_FILE),
    "SceneFileEntryPage": page_of("SceneFileEntry"),
    "StoredSceneFile": _closed({**_FILE, "dropped": {"type": "array", "items": _DROPPED}}),
}
