"""Schemas of jobs."""

from __future__ import annotations

from kastor.api.description.schemas.forms import COUNT, STRING, TIME, Schema, page_of

_COUNTS: Schema = {"type": "object", "additionalProperties": COUNT}


def _job(*required: str, **members: Schema) -> Schema:
    states = ["notstarted", "running", "cancelling", "cancelled", "failed", "succeeded"]
    return {
        "type": "object",
        "required": ["id", "createdDateTime", "purgeDateTime", "status", *required],
        "properties": {
            "id": STRING,
            "createdDateTime": TIME,
            "finishedDateTime": TIME,
            "purgeDateTime": TIME,
            **members,
            "status": {"enum": states},
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": STRING, "message": STRING},
            },
        },
    }


SCHEMAS: dict[str, Schema] = {
    "ImportFile": {
        "type": "string",
        "format": "binary",
        "description": "NDJSON in sections Header, Models, Twins, Relationships; also as gzip or "
        "zstd.",
    },
    "ImportJobBody": {
        "type": "object",
        "required": ["inputBlobUri", "outputBlobUri"],
        "properties": {"inputBlobUri": STRING, "outputBlobUri": STRING},
    },
    "ImportJob": _job(
        *("inputBlobUri", "outputBlobUri", "lastActionDateTime"),
        inputBlobUri=STRING,
        outputBlobUri=STRING,
        lastActionDateTime=TIME,
        dryRun={"const": True},
        modelsCreated=COUNT,
        twinsCreated=COUNT,
        relationshipsCreated=COUNT,
        errorCount=COUNT,
    ),
    "ImportJobPage": page_of("ImportJob"),
    "DeleteJob": _job(dryRun={"const": True}, counts=_COUNTS),
    "DeleteJobPage": page_of("DeleteJob"),
    "OwnJob": _job(
        *("kind", "lastActionDateTime"),
        kind=STRING,
        lastActionDateTime=TIME,
        dryRun={"const": True},
        progress={
            "type": "object",
            "required": ["done", "unit"],
            "properties": {"done": COUNT, "of": COUNT, "unit": STRING},
        },
        counts=_COUNTS,
        outputBlobUri=STRING,
    ),
    "ExportJob": {
        "type": "object",
        "required": ["outputBlobUri"],
        "properties": {
            "outputBlobUri": {"type": "string"},
            "query": {"type": "string"},
            "asOf": {"type": "string"},
            "since": {"type": "integer", "minimum": 0},
            "kastor": {"type": "boolean"},
            "system": {"type": "boolean"},
        },
    },
    "OwnJobPage": page_of("OwnJob"),
    "BackupJobBody": {
        "type": "object",
        "required": ["outputBlobUri"],
        "properties": {"outputBlobUri": STRING},
        "additionalProperties": False,
    },
}
