"""Writes that wait for somebody's word: proposed, listed, approved, applied (decisions 7).

Whoever may write a batch may propose, for each write with the rights that its own call needs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import orjson
from msgspec import Meta, Struct

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import LARGE_BYTES, Request, Response, json_response
from kastor.api.own.batch import needed_for, rules
from kastor.api.own.batch_results import BatchResults
from kastor.auth.roles import Permission as P
from kastor.clock import now_ticks, twin_time
from kastor.errors import BadRequest, InvalidArgument
from kastor.proposals import Caller, ProposalOutdated, ProposalRefused, read_proposal
from kastor.proposals.forms import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.errors import KastorError
    from kastor.graph.batch import BatchOperation, Subject, Verb
    from kastor.hosting.services import Services
    from kastor.proposals import ProposalRequest
    from kastor.storage.proposals import ProposalEntry

_CREATED, _NO_CONTENT, _REFUSED, _OUTDATED = 201, 204, 400, 409
_TOKEN_BYTES = 4_096


class _Apply(Struct, frozen=True, forbid_unknown_fields=True):
    token: Annotated[str, Meta(min_length=1, max_length=128)]


def caller_of(request: Request) -> Caller:
    """Return who deals with a proposal by a request."""

    def refusal(verb: Verb, kind: Subject) -> KastorError | None:
        needed = needed_for(verb, kind)
        return None if needed in request.permissions else request.refusal(needed)

    return Caller(request.actor.id, refusal, rules(request.server.limits))


async def post_proposal(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/proposals."""
    body = await request.body(MOST_BYTES)
    read = await _read(body, services.proposals.limits.operations)
    try:
        made = await services.proposals.propose(
            read.operations, read.reason, caller_of(request), request.context
        )
    except ProposalRefused as refused:
        text = _results(refused.operations, refused.outcomes).refused()
        return json_response(text, (b"x-ms-error-code", b"BatchRefused"), status=_REFUSED)
    results = _results(made.operations, made.outcomes).partial()
    answer = {
        **shown(made.entry),
        "token": made.token or None,
        "results": orjson.Fragment(results),
        "diff": orjson.Fragment(made.diff),
    }
    return json_response(orjson.dumps(answer), status=_CREATED)


async def list_proposals(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/proposals: the open ones, at most `ProposalLimits.open`."""
    found = await services.proposals.list(caller_of(request), request.context)
    value = [shown(each) for each in found]
    return json_response(orjson.dumps({"value": value, "nextLink": None}))


async def get_proposal(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/proposals/{id}."""
    found = await services.proposals.get(request.parameters[0], caller_of(request), request.context)
    return _whole(found.entry, found.diff, found.operations)


async def approve_proposal(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/proposals/{id}/approve."""
    found = await services.proposals.approve(
        request.parameters[0], caller_of(request), request.context
    )
    return _whole(found.entry, found.diff, found.operations)


async def reject_proposal(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/proposals/{id}."""
    await services.proposals.reject(request.parameters[0], caller_of(request), request.context)
    return Response(_NO_CONTENT)


async def apply_proposal(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/proposals/{id}/apply, as an atomic batch is answered."""
    body = await request.body(_TOKEN_BYTES)
    if not body.strip():
        raise BadRequest('The request needs a body: {"token": "..."}, as the proposal came with.')
    try:
        token = msgspec.json.decode(body, type=_Apply).token
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(
            f'The body is {{"token": "..."}}, as the proposal came with: {error}. '
            "Nothing was changed."
        ) from None
    try:
        text = await services.proposals.apply(
            token, caller_of(request), request.context, request.parameters[0]
        )
    except ProposalOutdated as outdated:
        answer = {
            "error": {"code": outdated.code, "message": outdated.message},
            "results": orjson.Fragment(_results(outdated.operations, outdated.outcomes).partial()),
            "diff": orjson.Fragment(outdated.diff),
        }
        head = (b"x-ms-error-code", outdated.code.encode())
        return json_response(orjson.dumps(answer), head, status=_OUTDATED)
    return json_response(text)


def shown(entry: ProposalEntry) -> dict[str, Any]:
    """Return what is told of a proposal in lists and of one."""
    times = {"approvedTime": entry.approved, "appliedTime": entry.applied}
    return {
        "id": entry.id or None,
        "status": _status(entry),
        "reason": entry.reason,
        "by": entry.actor,
        "count": entry.count,
        "change": entry.position,
        "needsApproval": entry.needs_approval,
        "createdTime": twin_time(entry.created),
        "expires": twin_time(entry.expires),
        "approvedBy": entry.approver,
        **{name: each and twin_time(each) for name, each in times.items()},
    }


def _status(entry: ProposalEntry) -> str:
    if entry.applied is not None:
        return "applied"
    if entry.expires <= now_ticks():
        return "expired"
    return "open" if entry.approver is None else "approved"


def _whole(entry: ProposalEntry, diff: bytes, operations: bytes) -> Response:
    head = orjson.dumps({**shown(entry), "diff": orjson.Fragment(diff)})
    # They are kept as an object with this one member.
    return json_response(head[:-1] + b"," + operations[1:])


async def _read(body: bytes, most: int) -> ProposalRequest:
    if len(body) <= LARGE_BYTES:
        return read_proposal(body, most)
    return await asyncio.to_thread(read_proposal, body, most)


def _results(operations: Sequence[BatchOperation], outcomes: Sequence[Any]) -> BatchResults:
    results = BatchResults()
    results.add(*results.more(operations, outcomes, etags=False))
    return results


_ALL = "/kastor/v1/proposals"
_ONE = "/kastor/v1/proposals/{id}"
_UNKNOWN = {404: ("ProposalNotFound",)}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListProposals",
        "GET",
        _ALL,
        P.BATCH_WRITE,
        list_proposals,
        "List the open proposals that the caller made or may approve",
        result="ProposalPage",
        versioned=False,
        in_adt=False,
    ),
    Operation(
        "Kastor_Propose",
        "POST",
        _ALL,
        P.BATCH_WRITE,
        post_proposal,
        "Try many writes, and keep them until they are applied",
        _CREATED,
        errors={400: ("InvalidArgument", "LimitExceeded", "BatchRefused")},
        result="MadeProposal",
        body=(JSON_BODY, "ProposalRequest"),
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_GetProposal",
        "GET",
        _ONE,
        P.BATCH_WRITE,
        get_proposal,
        "Get a proposal with all that it would change",
        errors=_UNKNOWN,
        result="Proposal",
        versioned=False,
        in_adt=False,
    ),
    Operation(
        "Kastor_RejectProposal",
        "DELETE",
        _ONE,
        P.BATCH_WRITE,
        reject_proposal,
        "Reject a proposal",
        _NO_CONTENT,
        errors={**_UNKNOWN, 409: ("ProposalApplied",)},
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ApproveProposal",
        "POST",
        "/kastor/v1/proposals/{id}/approve",
        P.BATCH_WRITE,
        approve_proposal,
        "Approve a proposal, which its caller applies afterwards",
        errors={**_UNKNOWN, 409: ("ProposalApplied",), 410: ("ProposalExpired",)},
        result="Proposal",
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ApplyProposal",
        "POST",
        "/kastor/v1/proposals/{id}/apply",
        P.BATCH_WRITE,
        apply_proposal,
        "Apply a proposal as a whole; its caller alone may",
        errors={
            **_UNKNOWN,
            400: ("InvalidArgument",),
            409: ("ProposalNotApproved", "ProposalOutdated"),
            410: ("ProposalExpired",),
        },
        result="BatchResults",
        body=(JSON_BODY, "ApplyProposal"),
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
)
