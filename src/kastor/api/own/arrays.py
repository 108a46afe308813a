"""Arrays of twins and relationships, as clients of AgeDigitalTwins send them (decisions 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from msgspec import Struct

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import LARGE_BYTES, Request, Response, json_response
from kastor.api.own.batch import rules
from kastor.api.own.batch_run import BatchRun
from kastor.auth.roles import Permission as P
from kastor.errors import BadRequest, InvalidArgument, KastorError, LimitExceeded, NotFound
from kastor.graph.batch import RELATIONSHIP, TWIN, BatchOperation, Subject, Verb, commands_of
from kastor.wire_forms import learn

if TYPE_CHECKING:
    from kastor.api.http.limits import RequestLimits
    from kastor.graph.command import Command
    from kastor.hosting.services import Services

MOST_ITEMS = 100
MOST_BYTES = 8_388_608
"""Of the whole array; each twin in it is held to the limit of a body besides."""
_SHOWN_DETAILS, _LONGEST = 5, 1_000
_TWIN_MISSING = "DigitalTwinNotFound"
_OUR_FAULT = "Something went wrong inside Kastor; its log has the details."


class _Counted(Struct, gc=False):
    """Any object, of which nothing is kept: three bytes of a body become sixteen, not hundreds."""


class _Ids(Struct, frozen=True):
    """What says which twin or relationship an item is."""

    twin: Any = msgspec.field(default=None, name="$dtId")
    source: Any = msgspec.field(default=None, name="$sourceId")
    relationship: Any = msgspec.field(default=None, name="$relationshipId")


learn(list[_Counted], list[msgspec.Raw], _Ids)


async def put_twins(services: Services, request: Request) -> Response:
    """Answer POST /digitaltwins."""
    return await _put(services, request, TWIN)


async def put_relationships(services: Services, request: Request) -> Response:
    """Answer POST /relationships."""
    return await _put(services, request, RELATIONSHIP)


async def _put(services: Services, request: Request, kind: Subject) -> Response:
    limits = request.server.limits
    body = await request.body(min(limits.batch_bytes, MOST_BYTES))
    operations = await _read(request, body, kind)

    def make(some: Sequence[BatchOperation]) -> list[Command[Any]]:
        return _commands(some, limits)

    outcomes = await BatchRun(services.graph, request.context, make).outcomes(operations)
    results = [_result(*each) for each in zip(operations, outcomes, strict=True)]
    failures = sum(not each["isSuccess"] for each in results)
    answer = {
        "results": results,
        "successCount": len(results) - failures,
        "failureCount": failures,
        "hasFailures": failures > 0,
    }
    return json_response(orjson.dumps(answer))


def _commands(operations: Sequence[BatchOperation], limits: RequestLimits) -> list[Command[Any]]:
    return commands_of(operations, rules(limits))


async def _read(request: Request, body: bytes, kind: Subject) -> list[BatchOperation]:
    if len(body) <= LARGE_BYTES:
        return read_array(body, kind)
    async with request.turn(body):
        return await asyncio.to_thread(read_array, body, kind)


def read_array(body: bytes, kind: Subject) -> list[BatchOperation]:
    """Return the items of an array as operations that put them.

    Raises:
        BadRequest: there is no body.
        InvalidArgument: it is no array of objects, or an empty one of relationships.
        LimitExceeded: it has more than MOST_ITEMS.
    """
    if not body.strip():
        raise BadRequest("The request needs a body.")
    what = f"{kind.name}s"
    try:
        count = len(msgspec.json.decode(body, type=list[_Counted]))
        if count > MOST_ITEMS:
            raise LimitExceeded(
                f"The request has {count} {what}; at most {MOST_ITEMS} can be sent in one array. "
                "Send several, or POST /kastor/v1/batch. Nothing was changed."
            )
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
        operations = [_operation(each, kind) for each in items]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(
            f"The body must be a JSON array of {what}: {error}. Nothing was changed."
        ) from None
    if kind is RELATIONSHIP and not operations:
        raise InvalidArgument("The array of relationships is empty; send at least one.")
    return operations


def _operation(item: msgspec.Raw, kind: Subject) -> BatchOperation:
    ids = msgspec.json.decode(item, type=_Ids)
    if kind is TWIN:
        return BatchOperation(Verb.PUT, kind, _text(ids.twin), body=item)
    source, own = _text(ids.source), _text(ids.relationship)
    return BatchOperation(Verb.PUT, kind, own, source, item)


def _text(value: object) -> str:
    """Return an id, or one that nothing can have."""
    return value if isinstance(value, str) else ""


def _result(operation: BatchOperation, outcome: object) -> dict[str, object]:
    refused = isinstance(outcome, Exception)
    result: dict[str, object]
    if operation.kind is TWIN:
        result = {"digitalTwinId": operation.id, "isSuccess": not refused}
    else:
        ids = {"sourceId": operation.source, "relationshipId": operation.id}
        result = {**ids, "isSuccess": not refused}
    if isinstance(outcome, Exception):
        result["errorMessage"] = _message(operation, outcome)[:_LONGEST]
    return result


def _message(operation: BatchOperation, error: Exception) -> str:
    if not isinstance(error, KastorError):
        return _OUR_FAULT
    of_source = isinstance(error, NotFound) and error.code == _TWIN_MISSING
    if operation.kind is RELATIONSHIP and of_source:
        return f"The source digital twin {operation.source} does not exist."
    missing = _missing_id(operation)
    if missing:
        return f"{missing} is missing, or no string. {error.message}"
    details = [each.message for each in error.details[:_SHOWN_DETAILS]]
    return ": ".join([error.message, " ".join(details)]) if details else error.message


def _missing_id(operation: BatchOperation) -> str:
    if not operation.id:
        return "$dtId" if operation.kind is TWIN else "$relationshipId"
    return "$sourceId" if operation.source == "" else ""


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "DigitalTwins_PutMany",
        "POST",
        "/digitaltwins",
        P.TWINS_WRITE,
        put_twins,
        "Create or replace up to 100 twins",
        errors={400: ("InvalidArgument", "LimitExceeded")},
        result="ArrayResults",
        body=(JSON_BODY, "TwinArray"),
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_PutManyRelationships",
        "POST",
        "/relationships",
        P.RELATIONSHIPS_WRITE,
        put_relationships,
        "Create or replace up to 100 relationships",
        errors={400: ("InvalidArgument", "LimitExceeded")},
        result="ArrayResults",
        body=(JSON_BODY, "RelationshipArray"),
        in_adt=False,
        dry_run=True,
    ),
)
