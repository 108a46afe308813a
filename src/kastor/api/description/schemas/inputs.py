"""Schemas of inputs and what they took."""

from __future__ import annotations

from kastor.api.description.schemas.forms import STRING, Schema, list_of, ref

_INPUT_COUNTS = {
    name: {"type": "integer"}
    for name in ("received", "written", "merged", "deadband", "stale", "rejected")
}

_OUTCOME: Schema = {"enum": ["written", "merged", "deadband", "stale", "rejected"]}

SCHEMAS: dict[str, Schema] = {
    "Input": {
        "type": "object",
        "required": ["name", "kind", "settings", "paused"],
        "properties": {
            "name": STRING,
            "kind": {"enum": ["mqtt", "webhook"]},
            "settings": {"type": "object"},
            "paused": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "InputList": list_of("Input"),
    "InputBody": {
        "type": "object",
        "required": ["kind", "settings"],
        "properties": {"kind": STRING, "settings": {"type": "object"}},
    },
    "InputStatus": {
        "type": "object",
        "required": [
            *("name", "kind", "state", "connected", "heldBy", "since"),
            *_INPUT_COUNTS,
            *("lastMessage", "lastError"),
        ],
        "properties": {
            "name": STRING,
            "kind": {"enum": ["mqtt", "webhook"]},
            "state": {"enum": ["running", "paused", "stopped"]},
            "connected": {"type": ["boolean", "null"]},
            "heldBy": {"type": ["string", "null"]},
            "since": STRING,
            **_INPUT_COUNTS,
            "lastMessage": {"type": ["string", "null"]},
            "lastError": {"type": ["string", "null"]},
        },
        "additionalProperties": False,
    },
    "RejectedMessage": {
        "type": "object",
        "required": ["time", "reason", "topic", "payload"],
        "properties": {"time": STRING, "reason": STRING, "topic": STRING, "payload": STRING},
        "additionalProperties": False,
    },
    "RejectedMessageList": {
        "type": "object",
        "required": ["value", "heldBy"],
        "properties": {
            "value": {"type": "array", "items": ref("RejectedMessage")},
            "heldBy": {"type": ["string", "null"]},
        },
    },
    "InputSample": {
        "type": "object",
        "required": ["payload"],
        "properties": {
            "payload": STRING,
            "topic": STRING,
            "headers": {"type": "object", "additionalProperties": STRING},
            "contentType": STRING,
            "kind": STRING,
            "settings": {"type": "object"},
        },
    },
    "InputTrial": {
        "type": "object",
        "required": ["outcome", "reason", "rules", "patches"],
        "properties": {
            "outcome": _OUTCOME,
            "reason": {"type": ["string", "null"]},
            "rules": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["rule", "matches"],
                    "properties": {
                        "rule": STRING,
                        "matches": {"type": "boolean"},
                        "outcome": _OUTCOME,
                        "reason": STRING,
                        "twin": STRING,
                        "component": {"type": ["string", "null"]},
                        "values": {"type": "object"},
                        "sourceTime": {"type": ["string", "null"]},
                        "telemetry": {},
                    },
                    "additionalProperties": False,
                },
            },
            "patches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["twin", "patch"],
                    "properties": {
                        "twin": STRING,
                        "patch": {"type": "array", "items": {"type": "object"}},
                    },
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    },
    "InputMessages": {"description": "A message, an array of messages, or CloudEvents."},
    "InputReceipt": {
        "type": "object",
        "required": [*_INPUT_COUNTS, "errors"],
        "properties": {
            **_INPUT_COUNTS,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "reason"],
                    "properties": {"index": {"type": "integer"}, "reason": STRING},
                },
            },
        },
        "additionalProperties": False,
    },
}
