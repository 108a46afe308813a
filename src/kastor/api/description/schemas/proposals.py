"""Schemas of proposals: writes that wait for somebody's word (decisions 7)."""

from __future__ import annotations

from typing import Any

from kastor.api.description.schemas.forms import COUNT, STRING, TIME, Schema, page_of, ref

_OR_NULL_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_OR_NULL: Schema = {"type": ["string", "null"]}
_OPERATIONS: Schema = {
    "type": "array",
    "items": ref("BatchOperation"),
    "minItems": 1,
    "maxItems": 100,
}
_TOKEN: Schema = {"type": "string", "minLength": 1, "maxLength": 128}
_ENTRY: dict[str, Schema] = {
    "id": _OR_NULL,
    "status": {"enum": ["open", "approved", "applied", "expired"]},
    "reason": STRING,
    "by": STRING,
    "count": COUNT,
    "change": COUNT,
    "needsApproval": {"type": "boolean"},
    "createdTime": TIME,
    "expires": TIME,
    "approvedBy": _OR_NULL,
    "approvedTime": _OR_NULL_TIME,
    "appliedTime": _OR_NULL_TIME,
}
_DIFF: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["kind", "id", "what"],
        "properties": {
            "kind": {"enum": ["twin", "relationship"]},
            "id": STRING,
            "source": STRING,
            "what": {"enum": ["added", "changed", "removed"]},
            "before": {"type": "object"},
            "after": {"type": "object"},
            "patch": {"type": "array", "items": {"type": "object"}},
        },
        "additionalProperties": False,
    },
}
_RESULTS: Schema = {"type": "array", "items": {"type": "object"}}


def _closed(properties: dict[str, Any]) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


SCHEMAS: dict[str, Schema] = {
    "ProposalRequest": _closed(
        {
            "operations": _OPERATIONS,
            "reason": {"type": "string", "minLength": 1, "maxLength": 300},
        }
    ),
    "ApplyProposal": _closed({"token": _TOKEN}),
    "ProposalEntry": _closed(_ENTRY),
    "ProposalPage": page_of("ProposalEntry"),
    "Proposal": _closed({**_ENTRY, "diff": _DIFF, "operations": _OPERATIONS}),
    "MadeProposal": _closed({**_ENTRY, "token": _OR_NULL, "results": _RESULTS, "diff": _DIFF}),
    "OutdatedProposal": {
        "anyOf": [
            ref("Error"),
            _closed(
                {
                    "error": _closed({"code": {"const": "ProposalOutdated"}, "message": STRING}),
                    "results": _RESULTS,
                    "diff": _DIFF,
                }
            ),
        ]
    },
}
