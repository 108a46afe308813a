"""Schemas of the server, its graphs and its errors."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, STRING, Schema, list_of, ref

_STRINGS: Schema = {"type": "array", "items": STRING}
_SIMULATED: Schema = {
    "type": "boolean",
    "description": "Whether the process that answers keeps the sample alive. Where several "
    "processes serve the graph, another one may.",
}
_GRANT: Schema = {
    "type": "object",
    "required": ["role", "graphs", "from"],
    "properties": {
        "role": STRING,
        "graphs": _STRINGS,
        "from": {"enum": ["token", "rule", "adt"]},
        "rule": {"type": "integer"},
    },
    "additionalProperties": False,
}


def _counted(*names: str) -> Schema:
    return {
        "type": "object",
        "required": list(names),
        "properties": {name: {"type": "integer"} for name in names},
        "additionalProperties": False,
    }


def _list(**members: Schema) -> Schema:
    """Return the schema of an array of objects with all of these members."""
    return {
        "type": "array",
        "items": {
            "type": "object",
            "required": list(members),
            "properties": members,
            "additionalProperties": False,
        },
    }


SCHEMAS: dict[str, Schema] = {
    "Status": {
        "type": "object",
        "required": [
            *("kastor", "engine", "hostName", "modelEpoch", "counts", "bytes"),
            *("oldestVersion", "oldestLogEntry", "search", "sample"),
            *("writesWaiting", "pools", "trouble"),
        ],
        "properties": {
            "kastor": STRING,
            "engine": STRING,
            "hostName": STRING,
            "modelEpoch": {"type": "integer"},
            "counts": _counted("models", "twins", "relationships", "versions", "changeLog"),
            "bytes": _counted("file", "versions", "changeLog"),
            "diskFree": {"type": ["integer", "null"], "minimum": 0},
            "writesWaiting": COUNT,
            "pools": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "size", "used", "waiting"],
                    "properties": {"name": STRING, "size": COUNT, "used": COUNT, "waiting": COUNT},
                    "additionalProperties": False,
                },
            },
            "trouble": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["part", "message"],
                    "properties": {"part": STRING, "message": STRING},
                    "additionalProperties": False,
                },
            },
            "oldestVersion": {"type": ["string", "null"]},
            "oldestLogEntry": {"type": ["string", "null"]},
            "search": {
                "type": ["object", "null"],
                "required": ["position", "lag", "building", "done", "heldBy"],
                "properties": {
                    "position": COUNT,
                    "lag": COUNT,
                    "building": {"type": "boolean"},
                    "done": COUNT,
                    "heldBy": {"type": ["string", "null"]},
                },
                "additionalProperties": False,
            },
            "sample": {
                "type": ["object", "null"],
                "required": ["name", "simulated"],
                "properties": {"name": STRING, "simulated": _SIMULATED},
                "additionalProperties": False,
            },
        },
    },
    "SearchAnswer": {
        "type": "object",
        "required": ["value", "more"],
        "properties": {
            "value": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["kind", "id"],
                    "properties": {
                        "kind": {"enum": ["twin", "model", "relationship"]},
                        "id": STRING,
                        "name": STRING,
                        "model": STRING,
                        "count": COUNT,
                        "field": STRING,
                        "text": STRING,
                        "score": {"type": "number"},
                        "matches": {
                            "type": "array",
                            "items": {
                                "type": "array",
                                "items": COUNT,
                                "minItems": 2,
                                "maxItems": 2,
                            },
                        },
                        "textRank": COUNT,
                        "vectorRank": COUNT,
                        "distance": {"type": "number"},
                    },
                    "additionalProperties": False,
                },
            },
            "more": {"type": "boolean"},
            "position": COUNT,
            "lag": COUNT,
            "building": {"type": "boolean"},
            "ranking": {"enum": ["words", "vector", "hybrid"]},
            "index": STRING,
            "degraded": STRING,
        },
        "additionalProperties": False,
    },
    "Me": {
        "type": "object",
        "required": ["id", "name", "kind", "issuer", "expires", "roles", "graph", "permissions"],
        "properties": {
            "id": STRING,
            "name": STRING,
            "kind": {"enum": ["anonymous", "token", "oidc"]},
            "issuer": {"type": ["string", "null"]},
            "expires": {"type": ["string", "null"], "format": "date-time"},
            "roles": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["role", "graphs"],
                    "properties": {
                        "role": STRING,
                        "graphs": {"type": "array", "items": STRING},
                    },
                    "additionalProperties": False,
                },
            },
            "graph": STRING,
            "permissions": {"type": "array", "items": STRING},
        },
        "additionalProperties": False,
    },
    "Access": {
        "type": "object",
        "required": ["auth", "policy", "roles", "rules", "tokens", "permissions"],
        "properties": {
            "auth": {"type": "array", "items": {"enum": ["tokens", "oidc"]}},
            "policy": {"type": ["string", "null"]},
            "roles": _list(role=STRING, builtIn={"type": "boolean"}, permissions=_STRINGS),
            "rules": _list(
                rule={"type": ["integer", "null"]},
                roles=_STRINGS,
                to={"type": "object", "additionalProperties": _STRINGS},
                graphs=_STRINGS,
                issuer={"type": ["string", "null"]},
            ),
            "tokens": _list(
                name=STRING, roles=_list(role=STRING, graphs=_STRINGS), ended={"type": "boolean"}
            ),
            "permissions": _list(permission=STRING, serverWide={"type": "boolean"}),
        },
        "additionalProperties": False,
    },
    "AccessQuestion": {
        "type": "object",
        "required": ["who", "permission"],
        "properties": {"who": STRING, "permission": STRING, "graph": STRING},
    },
    "AccessJudgement": {
        "type": "object",
        "required": [
            *("allowed", "permission", "graph", "by", "held", "rolesThatAllow", "message"),
        ],
        "properties": {
            "allowed": {"type": "boolean"},
            "permission": STRING,
            "graph": {"type": ["string", "null"]},
            "by": {"type": "array", "items": _GRANT},
            "held": {"type": "array", "items": _GRANT},
            "rolesThatAllow": _STRINGS,
            "message": STRING,
        },
        "additionalProperties": False,
    },
    "Graph": {
        "type": "object",
        "required": ["name", "place", "state"],
        "properties": {
            "name": STRING,
            "place": STRING,
            "state": {"enum": ["open", "idle", "moving"]},
            "progress": STRING,
            "error": STRING,
        },
        "additionalProperties": False,
    },
    "Limit": {
        "type": "object",
        "required": ["name", "value", "unit", "of", "description"],
        "properties": {
            "name": STRING,
            "value": {"type": ["number", "null"]},
            "unit": {"enum": ["bytes", "count", "seconds", "days", "per second", "per minute"]},
            "of": {"enum": ["request", "client", "process", "graph", "server"]},
            "description": STRING,
            "used": {"type": "number"},
        },
        "additionalProperties": False,
    },
    "LimitList": list_of("Limit"),
    "SlowQuery": {
        "type": "object",
        "required": [
            *("query", "count", "timedOut", "worstMs", "meanMs", "lastMs", "lastRows"),
            *("lastTime", "lastActor"),
        ],
        "properties": {
            "query": STRING,
            **{name: {"type": "integer"} for name in ("count", "timedOut", "lastRows")},
            **{name: {"type": "number"} for name in ("worstMs", "meanMs", "lastMs")},
            "lastTime": STRING,
            "lastActor": STRING,
        },
        "additionalProperties": False,
    },
    "SlowQueryList": {
        "type": "object",
        "required": ["thresholdSeconds", "since", "value"],
        "properties": {
            "thresholdSeconds": {"type": "number"},
            "since": STRING,
            "value": {"type": "array", "items": ref("SlowQuery")},
        },
        "additionalProperties": False,
    },
    "SampleName": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": ["building"]}, "simulate": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "LoadedSample": {
        "type": "object",
        "required": ["name", "loaded", "simulated", "models", "twins", "relationships"],
        "properties": {
            "name": STRING,
            "loaded": {"type": "boolean"},
            "simulated": _SIMULATED,
            **{name: {"type": "integer"} for name in ("models", "twins", "relationships")},
        },
        "additionalProperties": False,
    },
    "GraphPlace": {
        "type": "object",
        "properties": {"database": STRING, "schema": STRING},
        "additionalProperties": False,
    },
    "GraphList": list_of("Graph"),
    "Root": {
        "type": "object",
        "required": ["name", "version", "features", "links"],
        "properties": {
            "name": STRING,
            "version": STRING,
            "features": {"type": "array", "items": STRING},
            "links": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Health": {"type": "object", "required": ["status"], "properties": {"status": STRING}},
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": STRING,
                    "message": STRING,
                    "details": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {
                                "code": STRING,
                                "message": STRING,
                                "path": STRING,
                                "kind": STRING,
                                "line": {"type": "integer", "minimum": 1},
                                "column": {"type": "integer", "minimum": 0},
                                "length": {"type": "integer", "minimum": 0},
                                "index": {"type": "integer", "minimum": 0},
                                "oldest": {"type": "integer", "minimum": 0},
                            },
                        },
                    },
                },
                "additionalProperties": False,
            }
        },
        "additionalProperties": False,
    },
    "Unauthorized": {
        "type": "object",
        "required": ["statusCode", "message"],
        "properties": {"statusCode": {"const": 401}, "message": STRING},
    },
}
