"""Schemas of routes, endpoints and dead letters."""

from __future__ import annotations

from kastor.api.description.schemas.forms import STRING, Schema, list_of, page_of, ref

SCHEMAS: dict[str, Schema] = {
    "EventRoute": {
        "type": "object",
        "required": ["id", "endpointName", "filter"],
        "properties": {"id": STRING, "endpointName": STRING, "filter": STRING},
        "additionalProperties": False,
    },
    "EventRoutePage": page_of("EventRoute"),
    "EventRouteBody": {
        "type": "object",
        "required": ["endpointName", "filter"],
        "properties": {"endpointName": STRING, "filter": STRING},
    },
    "Endpoint": {
        "type": "object",
        "required": ["name", "kind", "settings", "routes"],
        "properties": {
            "name": STRING,
            "kind": STRING,
            "settings": {"type": "object"},
            "routes": {"type": "array", "items": STRING},
        },
        "additionalProperties": False,
    },
    "EndpointList": list_of("Endpoint"),
    "EndpointBody": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": STRING, "settings": {"type": "object"}},
    },
    "EndpointTrial": {
        "type": "object",
        "required": ["delivered", "eventId", "seconds", "error", "worthRepeating"],
        "properties": {
            "delivered": {"type": "boolean"},
            "eventId": STRING,
            "seconds": {"type": "number"},
            "error": {"type": ["string", "null"]},
            "worthRepeating": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "RouteState": {
        "type": "object",
        "required": [
            *("id", "endpointName", "filter", "state", "position", "lag", "delivered"),
            *("deadLetters", "perMinute", "lastDelivery", "lastError"),
        ],
        "properties": {
            "id": STRING,
            "endpointName": STRING,
            "filter": STRING,
            "state": {"enum": ["running", "paused", "stopped"]},
            "position": {"type": "integer"},
            "lag": {"type": "integer"},
            "delivered": {"type": "integer"},
            "deadLetters": {"type": "integer"},
            "perMinute": {"type": "integer"},
            "lastDelivery": {"type": ["string", "null"]},
            "lastError": {"type": ["string", "null"]},
        },
        "additionalProperties": False,
    },
    "RouteStateList": list_of("RouteState"),
    "DeadLetter": {
        "type": "object",
        "required": ["key", "error", "attempts", "died", "requeued", "event"],
        "properties": {
            "key": {"type": "integer"},
            "error": STRING,
            "attempts": {"type": "integer"},
            "died": STRING,
            "requeued": {"type": "boolean"},
            "event": {"type": "object"},
        },
    },
    "DeadLetterList": {
        "type": "object",
        "required": ["value", "after"],
        "properties": {
            "value": {"type": "array", "items": ref("DeadLetter")},
            "after": {"type": ["integer", "null"]},
        },
    },
    "Count": {
        "type": "object",
        "required": ["count"],
        "properties": {"count": {"type": "integer"}},
    },
    "Position": {
        "type": "object",
        "required": ["position"],
        "properties": {"position": {"type": "integer"}},
    },
}
