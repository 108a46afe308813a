"""Inputs: where messages of sensors come from, and how they are doing (Kastor's own)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import job_time
from kastor.errors import InvalidArgument
from kastor.graph.patch import pointer_of
from kastor.graph.readings import Outcome
from kastor.ingest.trial import Sample
from kastor.ingest.webhook import JSON, MEDIA_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.graph.patch import PatchOperation
    from kastor.hosting.services import Services
    from kastor.ingest.pipeline import Verdict
    from kastor.ingest.service import InputInfo, InputStatus
    from kastor.ingest.tally import RejectedMessage
    from kastor.ingest.trial import InputTrial, RuleTrial
    from kastor.types import Document

MOST_ERRORS = 1_000
"""Rejected messages of one request that are listed; all are counted."""
_NO_CONTENT = 204


async def list_inputs(services: Services, _request: Request) -> Response:
    """Answer GET /kastor/v1/inputs."""
    infos = await services.inputs.inputs()
    return json_response(orjson.dumps({"value": [_input(info) for info in infos]}))


async def get_input(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/inputs/{name}."""
    return json_response(orjson.dumps(_input(await services.inputs.input(request.parameters[0]))))


async def put_input(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/inputs/{name}."""
    body = await request.document(request.server.limits.body_bytes)
    kind, settings = body.get("kind"), body.get("settings")
    if not isinstance(kind, str) or not isinstance(settings, dict):
        raise InvalidArgument("An input needs kind, a string, and settings, an object.")
    info = await services.inputs.put_input(
        request.parameters[0], kind, settings, dry_run=request.dry_run
    )
    return json_response(orjson.dumps(_input(info)))


async def delete_input(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/inputs/{name}."""
    await services.inputs.delete_input(request.parameters[0], dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def pause_input(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/inputs/{name}/pause."""
    await services.inputs.pause(request.parameters[0], True, dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def resume_input(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/inputs/{name}/resume."""
    await services.inputs.pause(request.parameters[0], False, dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def input_status(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/inputs/{name}/status."""
    status = await services.inputs.status(request.parameters[0])
    return json_response(orjson.dumps(_status(status)))


async def list_rejected(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/inputs/{name}/rejected."""
    rejected = await services.inputs.rejected(request.parameters[0])
    value = [_rejected(each) for each in rejected.messages]
    return json_response(orjson.dumps({"value": value, "heldBy": rejected.held_by}))


async def send_messages(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/inputs/{name}/messages."""
    body = await request.body(request.server.limits.body_bytes, MEDIA_TYPES)
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()
    }
    receiving = services.inputs.receive(
        *(request.parameters[0], request.media_type, headers, body),
        request.turn(body),
        dry_run=request.dry_run,
    )
    verdicts = await request.unless_gone(receiving)
    return json_response(orjson.dumps(_receipt(verdicts)))


async def try_message(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/inputs/{name}/try: what the rules would make of a message."""
    request.require(P.TWINS_READ)  # what becomes of a value tells what the twin has
    body = await request.document(request.server.limits.body_bytes)
    given = None
    if "settings" in body or "kind" in body:
        kind, settings = body.get("kind"), body.get("settings")
        if not isinstance(kind, str) or not isinstance(settings, dict):
            raise InvalidArgument("Settings to be tried need kind, a string, and settings.")
        given = kind, settings
    name, sample = request.parameters[0], _sample(body)
    trying = services.inputs.try_message(name, sample, request.context, given)
    trial = await request.unless_gone(trying)
    return json_response(await asyncio.to_thread(lambda: orjson.dumps(_trial(trial))))


def _sample(body: Document) -> Sample:
    payload, topic = body.get("payload"), body.get("topic", "")
    headers, content_type = body.get("headers", {}), body.get("contentType", JSON)
    if not isinstance(payload, str) or not isinstance(topic, str):
        raise InvalidArgument("A message to be tried has payload, a string, and may have topic.")
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise InvalidArgument("headers are an object of strings.").at(path="/headers")
    if not isinstance(content_type, str) or content_type not in MEDIA_TYPES:
        raise InvalidArgument(
            f"contentType is one of {', '.join(sorted(each for each in MEDIA_TYPES if each))}."
        ).at(path="/contentType")
    lower = {name.lower(): value for name, value in headers.items()}
    return Sample(payload.encode(), topic, lower, content_type)


def _trial(trial: InputTrial) -> dict[str, Any]:
    return {
        "outcome": _outcome(trial.outcome),
        "reason": trial.reason,
        "rules": [_rule_trial(each) for each in trial.rules],
        "patches": [
            {"twin": each.twin_id, "patch": [_operation(one) for one in each.operations]}
            for each in trial.twins
        ],
    }


def _rule_trial(trial: RuleTrial) -> dict[str, Any]:
    shown: dict[str, Any] = {"rule": trial.rule, "matches": trial.reading is not None}
    if trial.reason is not None:
        shown |= {"matches": True, "outcome": "rejected", "reason": trial.reason}
    elif trial.outcome is not None:
        shown["outcome"] = _outcome(trial.outcome)
    reading = trial.reading
    if reading is None:
        return shown
    time, telemetry = reading.source_time, reading.telemetry
    return shown | {
        "twin": reading.twin_id,
        "component": reading.component,
        "values": {pointer_of(path): value for path, value in reading.values.items()},
        "sourceTime": None if time is None else job_time(time),
        "telemetry": None if telemetry is None else orjson.Fragment(telemetry),
    }


def _operation(operation: PatchOperation) -> dict[str, Any]:
    return {"op": operation.op, "path": operation.pointer, "value": operation.value}


def _outcome(outcome: Outcome | None) -> str:
    return "rejected" if outcome is None else outcome.name.lower()


def _receipt(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    counts = Counter(each.outcome for each in verdicts)
    rejected = [(index, each) for index, each in enumerate(verdicts) if each.outcome is None]
    return {
        "received": len(verdicts),
        **{outcome.name.lower(): counts[outcome] for outcome in reversed(Outcome)},
        "rejected": counts[None],
        "errors": [
            {"index": index, "reason": each.reason} for index, each in rejected[:MOST_ERRORS]
        ],
    }


def _input(info: InputInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "settings": info.settings,
        "paused": info.paused,
    }


def _status(status: InputStatus) -> dict[str, Any]:
    counts = status.counts
    return {
        "name": status.name,
        "kind": status.kind,
        "state": status.state,
        "connected": status.connected,
        "heldBy": status.held_by,
        "since": job_time(counts.since),
        "received": counts.received,
        "written": counts.written,
        "merged": counts.merged,
        "deadband": counts.deadband,
        "stale": counts.stale,
        "rejected": counts.rejected,
        "lastMessage": None if counts.last_message is None else job_time(counts.last_message),
        "lastError": status.error,
    }


def _rejected(message: RejectedMessage) -> dict[str, str]:
    return {
        "time": job_time(message.time),
        "reason": message.reason,
        "topic": message.topic,
        "payload": message.payload,
    }


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListInputs",
        "GET",
        "/kastor/v1/inputs",
        P.INPUTS_READ,
        list_inputs,
        "List the inputs",
        result="InputList",
        versioned=False,
    ),
    Operation(
        "Kastor_GetInput",
        "GET",
        "/kastor/v1/inputs/{name}",
        P.INPUTS_READ,
        get_input,
        "Get an input",
        errors={404: ("InputNotFound",)},
        result="Input",
        versioned=False,
    ),
    Operation(
        "Kastor_PutInput",
        "PUT",
        "/kastor/v1/inputs/{name}",
        P.INPUTS_WRITE,
        put_input,
        "Create or replace an input",
        errors={400: ("InvalidArgument", "InputLibraryMissing", "LimitExceeded")},
        result="Input",
        body=(JSON_BODY, "InputBody"),
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_DeleteInput",
        "DELETE",
        "/kastor/v1/inputs/{name}",
        P.INPUTS_DELETE,
        delete_input,
        "Delete an input",
        status=204,
        errors={404: ("InputNotFound",)},
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_PauseInput",
        "POST",
        "/kastor/v1/inputs/{name}/pause",
        P.INPUTS_RUN,
        pause_input,
        "Take no more messages; a broker's session is kept",
        204,
        errors={404: ("InputNotFound",)},
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ResumeInput",
        "POST",
        "/kastor/v1/inputs/{name}/resume",
        P.INPUTS_RUN,
        resume_input,
        "Take messages again",
        204,
        errors={404: ("InputNotFound",)},
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_InputStatus",
        "GET",
        "/kastor/v1/inputs/{name}/status",
        P.INPUTS_READ,
        input_status,
        "How an input is doing",
        errors={404: ("InputNotFound",)},
        result="InputStatus",
        versioned=False,
    ),
    Operation(
        "Kastor_ListRejectedMessages",
        "GET",
        "/kastor/v1/inputs/{name}/rejected",
        P.INPUTS_READ,
        list_rejected,
        "The last messages that an input could not use",
        errors={404: ("InputNotFound",)},
        result="RejectedMessageList",
        versioned=False,
    ),
    Operation(
        "Kastor_SendMessages",
        "POST",
        "/kastor/v1/inputs/{name}/messages",
        P.INPUTS_SEND,
        send_messages,
        "Hand messages to a webhook input: one, an array, NDJSON or CloudEvents",
        errors={400: ("InvalidArgument", "OperationNotAllowed"), 404: ("InputNotFound",)},
        result="InputReceipt",
        body=(JSON_BODY, "InputMessages"),
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_TryMessage",
        "POST",
        "/kastor/v1/inputs/{name}/try",
        P.INPUTS_READ,
        try_message,
        "Tell what the rules of an input would make of a message; nothing is written",
        errors={400: ("InvalidArgument", "LimitExceeded"), 404: ("InputNotFound",)},
        result="InputTrial",
        body=(JSON_BODY, "InputSample"),
        versioned=False,
        dry_run=True,
    ),
)
