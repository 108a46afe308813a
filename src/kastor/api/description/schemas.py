"""JSON Schemas of the wire forms, for the API's description (rest-api C.1)."""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_LINK = {"type": ["string", "null"], "format": "uri"}
_ETAG = {"type": "string", "pattern": '^W/"[0-9a-f-]{36}"$'}
_COUNT = {"type": "integer", "minimum": 0}
_HOW_MANY = [{"required": ["expect"]}, {"required": ["atMost"]}]
_INPUT_COUNTS = {
    name: {"type": "integer"}
    for name in ("received", "written", "merged", "deadband", "stale", "rejected")
}


def ref(name: str) -> dict[str, str]:
    """Return a reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def _page(item: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["value", "nextLink"],
        "properties": {"value": {"type": "array", "items": ref(item)}, "nextLink": _LINK},
    }


def _list(item: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {"type": "array", "items": ref(item)}},
    }


def _job(*required: str, **members: dict[str, Any]) -> dict[str, Any]:
    states = ["notstarted", "running", "cancelling", "cancelled", "failed", "succeeded"]
    return {
        "type": "object",
        "required": ["id", "createdDateTime", "purgeDateTime", "status", *required],
        "properties": {
            "id": _STRING,
            "createdDateTime": _TIME,
            "finishedDateTime": _TIME,
            "purgeDateTime": _TIME,
            **members,
            "status": {"enum": states},
            "error": {"type": "object", "required": ["code", "message"]},
        },
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    "Twin": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {
            "$dtId": {"type": ["string", "null"]},
            "$etag": {"type": ["string", "null"]},
            "$metadata": {
                "type": "object",
                "required": ["$model"],
                "properties": {"$model": _STRING},
            },
        },
    },
    "Component": {
        "type": "object",
        "required": ["$metadata"],
        "properties": {"$metadata": {"type": "object"}},
    },
    "Relationship": {
        "type": "object",
        "required": ["$relationshipName", "$targetId"],
        "properties": {
            "$relationshipId": {"type": ["string", "null"]},
            "$etag": {"type": ["string", "null"]},
            "$sourceId": {"type": ["string", "null"]},
            "$relationshipName": {"type": "string", "minLength": 1},
            "$targetId": {"type": "string", "minLength": 1},
        },
    },
    "RelationshipPage": _page("Relationship"),
    "IncomingRelationship": {
        "type": "object",
        "required": ["$relationshipId", "$sourceId", "$relationshipName", "$relationshipLink"],
        "properties": {
            "$relationshipId": _STRING,
            "$sourceId": _STRING,
            "$relationshipName": _STRING,
            "$relationshipLink": _STRING,
        },
        "additionalProperties": False,
    },
    "IncomingRelationshipPage": _page("IncomingRelationship"),
    "JsonPatch": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": {
                "op": {"enum": ["add", "replace", "remove"]},
                "path": {"type": "string", "minLength": 1},
                "value": {},
            },
        },
    },
    "Batch": {
        "type": "object",
        "required": ["operations"],
        "properties": {
            "atomic": {"type": "boolean", "default": False},
            "operations": {"type": "array", "items": ref("BatchOperation")},
        },
        "additionalProperties": False,
    },
    "BatchOperation": {
        "type": "object",
        "required": ["op", "kind", "id"],
        "properties": {
            "op": {"enum": ["put", "patch", "delete"]},
            "kind": {"enum": ["twin", "relationship"]},
            "id": _STRING,
            "source": _STRING,
            "body": {"description": "A twin or relationship to put, or a JSON Patch."},
            "ifMatch": _STRING,
            "ifNoneMatch": _STRING,
        },
        "additionalProperties": False,
    },
    "BatchResults": {
        "type": "object",
        "required": ["results", "succeeded", "failed"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "status": {"type": "integer", "minimum": 200, "maximum": 599},
                        "etag": _ETAG,
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": _STRING, "message": _STRING},
                        },
                    },
                    "additionalProperties": False,
                },
            },
            "succeeded": _COUNT,
            "failed": _COUNT,
        },
        "additionalProperties": False,
    },
    "RefusedBatch": {
        "anyOf": [
            ref("Error"),
            {
                "type": "object",
                "required": ["error", "results", "succeeded", "failed"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {"code": {"const": "BatchRefused"}, "message": _STRING},
                        "additionalProperties": False,
                    },
                    "results": {"type": "array", "items": {"type": "object"}},
                    "succeeded": {"const": 0},
                    "failed": _COUNT,
                },
                "additionalProperties": False,
            },
        ]
    },
    "UpdateMany": {
        "type": "object",
        "required": ["query", "patch"],
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "parameters": ref("QueryParameters"),
            "patch": ref("JsonPatch"),
            "expect": _COUNT,
            "atMost": _COUNT,
        },
        "oneOf": _HOW_MANY,
        "additionalProperties": False,
    },
    "DeleteMany": {
        "type": "object",
        "required": ["query"],
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "parameters": ref("QueryParameters"),
            "expect": _COUNT,
            "atMost": _COUNT,
        },
        "oneOf": _HOW_MANY,
        "additionalProperties": False,
    },
    "TriedChange": {
        "type": "object",
        "required": ["count", "tried", "failed", "errors", "value"],
        "properties": {
            "count": _COUNT,
            "tried": _COUNT,
            "failed": _COUNT,
            "errors": {"type": "array", "items": {"type": "object", "required": ["error"]}},
            "value": {"type": "array", "items": {"type": "object"}},
        },
        "additionalProperties": False,
    },
    "TwinArray": {"type": "array", "maxItems": 100, "items": ref("Twin")},
    "RelationshipArray": {
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": ref("Relationship"),
    },
    "ArrayResults": {
        "type": "object",
        "required": ["results", "successCount", "failureCount", "hasFailures"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["isSuccess"],
                    "properties": {
                        "digitalTwinId": _STRING,
                        "sourceId": _STRING,
                        "relationshipId": _STRING,
                        "isSuccess": {"type": "boolean"},
                        "errorMessage": _STRING,
                    },
                    "additionalProperties": False,
                },
            },
            "successCount": _COUNT,
            "failureCount": _COUNT,
            "hasFailures": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "Telemetry": {"description": "Any JSON value, normally an object."},
    "QuerySpecification": {
        "type": "object",
        "properties": {
            "query": _STRING,
            "continuationToken": {"type": ["string", "null"]},
            "parameters": ref("QueryParameters"),
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
            "anyOf": [
                {"type": ["string", "number", "boolean", "null"]},
                {
                    "type": "array",
                    "items": {"type": ["string", "number", "boolean", "null"]},
                },
            ]
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
    "ModelUpload": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["@id", "@type", "@context"],
            "properties": {"@id": _STRING, "@type": {}, "@context": {}},
        },
    },
    "ModelData": {
        "type": "object",
        "required": ["id", "description", "displayName", "decommissioned", "uploadTime"],
        "properties": {
            "id": _STRING,
            "description": {"type": "object", "additionalProperties": _STRING},
            "displayName": {"type": "object", "additionalProperties": _STRING},
            "decommissioned": {"type": "boolean"},
            "uploadTime": _STRING,
            "model": {"type": "object"},
            "bases": {"type": "array", "items": _STRING},
            "descendants": {"type": "array", "items": _STRING},
            **{
                kind: {"type": "array", "items": {"type": "object"}}
                for kind in (
                    "properties",
                    "relationships",
                    "components",
                    "telemetries",
                    "commands",
                )
            },
        },
        "additionalProperties": False,
    },
    "ModelDataList": {"type": "array", "items": ref("ModelData")},
    "ModelPage": _page("ModelData"),
    "Status": {
        "type": "object",
        "required": ["kastor", "engine", "hostName", "modelEpoch", "counts", "bytes"],
        "properties": {
            "kastor": _STRING,
            "engine": _STRING,
            "hostName": _STRING,
            "modelEpoch": {"type": "integer"},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "bytes": {"type": "object", "additionalProperties": {"type": "integer"}},
            "oldestVersion": {"type": ["string", "null"]},
            "oldestLogEntry": {"type": ["string", "null"]},
        },
    },
    "EventRoute": {
        "type": "object",
        "required": ["id", "endpointName", "filter"],
        "properties": {"id": _STRING, "endpointName": _STRING, "filter": _STRING},
        "additionalProperties": False,
    },
    "EventRoutePage": _page("EventRoute"),
    "EventRouteBody": {
        "type": "object",
        "required": ["endpointName", "filter"],
        "properties": {"endpointName": _STRING, "filter": _STRING},
    },
    "ImportFile": {
        "type": "string",
        "format": "binary",
        "description": "NDJSON in sections Header, Models, Twins, Relationships; also as gzip or "
        "zstd.",
    },
    "ImportJobBody": {
        "type": "object",
        "required": ["inputBlobUri", "outputBlobUri"],
        "properties": {"inputBlobUri": _STRING, "outputBlobUri": _STRING},
    },
    "ImportJob": _job(
        *("inputBlobUri", "outputBlobUri", "lastActionDateTime"),
        inputBlobUri=_STRING,
        outputBlobUri=_STRING,
        lastActionDateTime=_TIME,
        dryRun={"const": True},
        modelsCreated=_COUNT,
        twinsCreated=_COUNT,
        relationshipsCreated=_COUNT,
        errorCount=_COUNT,
    ),
    "ImportJobPage": _page("ImportJob"),
    "DeleteJob": _job(dryRun={"const": True}, counts={"type": "object"}),
    "DeleteJobPage": _page("DeleteJob"),
    "OwnJob": _job(
        *("kind", "lastActionDateTime"),
        kind=_STRING,
        lastActionDateTime=_TIME,
        dryRun={"const": True},
        progress={
            "type": "object",
            "properties": {"done": _COUNT, "of": _COUNT, "unit": _STRING},
        },
        counts={"type": "object"},
        outputBlobUri=_STRING,
    ),
    "ExportJob": {
        "type": "object",
        "required": ["outputBlobUri"],
        "properties": {
            "outputBlobUri": {"type": "string"},
            "query": {"type": "string"},
            "since": {"type": "integer", "minimum": 0},
            "kastor": {"type": "boolean"},
            "system": {"type": "boolean"},
        },
    },
    "OwnJobPage": _page("OwnJob"),
    "BackupJobBody": {
        "type": "object",
        "required": ["outputBlobUri"],
        "properties": {"outputBlobUri": _STRING},
        "additionalProperties": False,
    },
    "Endpoint": {
        "type": "object",
        "required": ["name", "kind", "settings", "routes"],
        "properties": {
            "name": _STRING,
            "kind": _STRING,
            "settings": {"type": "object"},
            "routes": {"type": "array", "items": _STRING},
        },
        "additionalProperties": False,
    },
    "EndpointList": _list("Endpoint"),
    "EndpointBody": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": _STRING, "settings": {"type": "object"}},
    },
    "Input": {
        "type": "object",
        "required": ["name", "kind", "settings", "paused"],
        "properties": {
            "name": _STRING,
            "kind": {"enum": ["mqtt", "webhook"]},
            "settings": {"type": "object"},
            "paused": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "InputList": _list("Input"),
    "InputBody": {
        "type": "object",
        "required": ["kind", "settings"],
        "properties": {"kind": _STRING, "settings": {"type": "object"}},
    },
    "InputStatus": {
        "type": "object",
        "required": ["name", "kind", "state", "connected", "heldBy", "since", *_INPUT_COUNTS],
        "properties": {
            "name": _STRING,
            "kind": {"enum": ["mqtt", "webhook"]},
            "state": {"enum": ["running", "paused", "stopped"]},
            "connected": {"type": ["boolean", "null"]},
            "heldBy": {"type": ["string", "null"]},
            "since": _STRING,
            **_INPUT_COUNTS,
            "lastMessage": {"type": ["string", "null"]},
            "lastError": {"type": ["string", "null"]},
        },
        "additionalProperties": False,
    },
    "RejectedMessage": {
        "type": "object",
        "required": ["time", "reason", "topic", "payload"],
        "properties": {"time": _STRING, "reason": _STRING, "topic": _STRING, "payload": _STRING},
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
                    "properties": {"index": {"type": "integer"}, "reason": _STRING},
                },
            },
        },
        "additionalProperties": False,
    },
    "RouteState": {
        "type": "object",
        "required": ["id", "endpointName", "filter", "state", "position", "lag"],
        "properties": {
            "id": _STRING,
            "endpointName": _STRING,
            "filter": _STRING,
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
    "RouteStateList": _list("RouteState"),
    "DeadLetter": {
        "type": "object",
        "required": ["key", "error", "attempts", "died", "requeued", "event"],
        "properties": {
            "key": {"type": "integer"},
            "error": _STRING,
            "attempts": {"type": "integer"},
            "died": _STRING,
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
    "Graph": {
        "type": "object",
        "required": ["name", "place", "state"],
        "properties": {
            "name": _STRING,
            "place": _STRING,
            "state": {"enum": ["open", "idle", "moving"]},
            "progress": _STRING,
            "error": _STRING,
        },
        "additionalProperties": False,
    },
    "GraphPlace": {
        "type": "object",
        "properties": {"database": _STRING, "schema": _STRING},
        "additionalProperties": False,
    },
    "Index": {
        "type": "object",
        "required": ["path"],
        "properties": {"path": _STRING},
        "additionalProperties": False,
    },
    "IndexList": _list("Index"),
    "GraphList": _list("Graph"),
    "Root": {
        "type": "object",
        "required": ["name", "version", "features", "links"],
        "properties": {
            "name": _STRING,
            "version": _STRING,
            "features": {"type": "array", "items": _STRING},
            "links": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
    "Health": {"type": "object", "required": ["status"], "properties": {"status": _STRING}},
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": _STRING,
                    "message": _STRING,
                    "details": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {
                                "code": _STRING,
                                "message": _STRING,
                                "path": _STRING,
                                "kind": _STRING,
                                "line": {"type": "integer", "minimum": 1},
                                "column": {"type": "integer", "minimum": 0},
                                "length": {"type": "integer", "minimum": 0},
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
        "properties": {"statusCode": {"const": 401}, "message": _STRING},
    },
    "Etag": _ETAG,
}
