"""Schemas of what tools answer as values, beside the same in a text.

Only of those whose answers programs read. Rows are for the model that asked: a text is enough,
and a second copy would cost it half of its room.
"""

from __future__ import annotations

from typing import Any

_TEXT, _WHOLE, _TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_OBJECTS = {"type": "array", "items": {"type": "object"}}


def _object(required: str, **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": required.split()}


EXPLAINED = _object(
    "valid estimatedRows",
    valid=_TRUTH,
    estimatedRows=_WHOLE,
    estimateBy={"enum": ["engine", "rule"]},
    warnings=_TEXTS,
    steps={"type": "array"},
)
PROPOSED = _object(
    "id token needsApproval diff",
    id=_TEXT,
    token=_TEXT,
    expires=_TEXT,
    operations=_WHOLE,
    needsApproval=_TRUTH,
    diff=_OBJECTS,
)
APPLIED = _object("applied results", applied=_WHOLE, results=_OBJECTS)
