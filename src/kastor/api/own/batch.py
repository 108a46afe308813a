"""Many writes in one request (decisions 5); what each does is what its own call would do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import LARGE_BYTES, Request, Response, json_response
from kastor.api.own.batch_run import BatchRun
from kastor.auth.roles import Permission as P
from kastor.graph.batch import (
    RELATIONSHIP,
    TWIN,
    BatchOperation,
    BatchRules,
    RefusedWrite,
    Subject,
    Verb,
    WriteBatch,
    commands_of,
    read_batch,
)
from kastor.jobs.repeats import require_operation_id, still_under_way
from kastor.storage.batches import NotHeldError

if TYPE_CHECKING:
    from kastor.api.http.limits import RequestLimits
    from kastor.graph.command import Command
    from kastor.hosting.services import Services

OPERATION_ID = "operation-id"

_NEEDED = {
    (Verb.PUT, TWIN): P.TWINS_WRITE,
    (Verb.PATCH, TWIN): P.TWINS_WRITE,
    (Verb.DELETE, TWIN): P.TWINS_DELETE,
    (Verb.PUT, RELATIONSHIP): P.RELATIONSHIPS_WRITE,
    (Verb.PATCH, RELATIONSHIP): P.RELATIONSHIPS_WRITE,
    (Verb.DELETE, RELATIONSHIP): P.RELATIONSHIPS_DELETE,
}
"""What the call for an operation alone needs."""


async def post_batch(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/batch."""
    limits = request.server.limits
    operation_id = _operation_id(request)
    body = await request.body(limits.batch_bytes)
    batch = await _read(request, body)

    def make(operations: Sequence[BatchOperation]) -> list[Command[Any]]:
        return _allowed(commands_of(operations, rules(limits)), operations, request)

    graph, context = services.graph, request.context
    if operation_id is None or context.dry_run:
        return _answer(*await BatchRun(graph, context, make).run(batch))
    async with services.repeats.taking(operation_id, body, context) as repeat:
        if repeat.done:
            return _answer(not repeat.found.startswith(b'{"error"'), repeat.found)
        try:
            return _answer(*await BatchRun(graph, context, make, repeat).run(batch))
        except NotHeldError:
            raise still_under_way(operation_id) from None


def needed_for(verb: Verb, kind: Subject) -> P:
    """Return the permission that the call for an operation alone needs."""
    return _NEEDED[verb, kind]


def rules(limits: RequestLimits) -> BatchRules:
    """Return what single calls are held to."""
    return BatchRules(limits.body_bytes, limits.add_components)


def _operation_id(request: Request) -> str | None:
    value = request.headers.get(OPERATION_ID.encode())
    return None if value is None else require_operation_id(value.decode("latin-1"))


async def _read(request: Request, body: bytes) -> WriteBatch:
    most = request.server.limits.batch_operations
    if len(body) <= LARGE_BYTES:
        return read_batch(body, most)
    async with request.turn(body):
        return await asyncio.to_thread(read_batch, body, most)


def _allowed(
    commands: list[Command[Any]], operations: Sequence[BatchOperation], request: Request
) -> list[Command[Any]]:
    """Return the commands, with refusals in place of those that the caller may not give."""
    missing = set(_NEEDED.values()) - request.permissions
    if not missing:
        return commands
    return [
        RefusedWrite(request.refusal(needed))
        if (needed := _NEEDED[operation.op, operation.kind]) in missing
        else command
        for operation, command in zip(operations, commands, strict=True)
    ]


def _answer(taken: bool, text: bytes) -> Response:
    if taken:
        return json_response(text)
    return json_response(text, (b"x-ms-error-code", b"BatchRefused"), status=400)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Batch",
        "POST",
        "/kastor/v1/batch",
        P.BATCH_WRITE,
        post_batch,
        "Write many twins and relationships in one request",
        errors={
            400: ("InvalidArgument", "LimitExceeded", "BatchRefused"),
            409: ("OperationIdReused",),
        },
        result="BatchResults",
        body=(JSON_BODY, "Batch"),
        headers=(OPERATION_ID,),
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
)
