"""The health of routes: their state, what they could not deliver, what is done about it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import job_time
from kastor.errors import InvalidArgument
from kastor.storage.events import READ_BYTES

if TYPE_CHECKING:
    from kastor.events.relay import RouteState
    from kastor.hosting.services import Services
    from kastor.storage.events import DeadLetter
    from kastor.types import Ticks

_NO_CONTENT = 204
_LETTERS_PAGE = 100


async def route_status(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/routes/{id}."""
    return json_response(_state(await services.routes.state(request.parameters[0])))


async def list_route_status(services: Services, _request: Request) -> Response:
    """Answer GET /kastor/v1/routes."""
    states = await services.routes.states()
    return json_response(b'{"value":[' + b",".join(_state(state) for state in states) + b"]}")


async def pause_route(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/routes/{id}/pause."""
    await services.routes.pause(request.parameters[0], True, dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def resume_route(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/routes/{id}/resume."""
    await services.routes.pause(request.parameters[0], False, dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def replay_route(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/routes/{id}/replay?from=POSITION or TIME."""
    since = request.first("from")
    if not since:
        raise InvalidArgument("Say from which position or time on: ?from=… .")
    position = await services.routes.replay(request.parameters[0], since, dry_run=request.dry_run)
    return json_response(orjson.dumps({"position": position}))


async def list_dead_letters(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/routes/{id}/deadletters?after=KEY."""
    after = request.first("after") or "0"
    if not _is_key(after):
        raise InvalidArgument("after must be the key of a dead letter.")
    letters = await services.routes.dead_letters(
        request.parameters[0], int(after), _LETTERS_PAGE, request.context
    )
    value = [_letter(letter) for letter in letters]
    is_cut = len(letters) == _LETTERS_PAGE or sum(len(x.event) for x in letters) >= READ_BYTES
    following = letters[-1].key if is_cut else None
    return json_response(orjson.dumps({"value": value, "after": following}))


async def requeue_dead_letters(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/routes/{id}/deadletters/requeue?key=KEY (repeatable; none: all)."""
    keys, dry_run = _keys(request), request.dry_run
    count = await services.routes.requeue(request.parameters[0], keys, dry_run=dry_run)
    return json_response(orjson.dumps({"count": count}))


async def purge_dead_letters(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/routes/{id}/deadletters?key=KEY (repeatable; none: all)."""
    keys, dry_run = _keys(request), request.dry_run
    count = await services.routes.purge(request.parameters[0], keys, dry_run=dry_run)
    return json_response(orjson.dumps({"count": count}))


def _keys(request: Request) -> list[int] | None:
    given = request.query.get("key")
    if given is None:
        return None
    if not all(_is_key(key) for key in given):
        raise InvalidArgument("key must be the key of a dead letter.")
    return [int(key) for key in given]


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 19  # noqa: PLR2004 - digits of an int64


def _state(state: RouteState) -> bytes:
    row = state.row
    return orjson.dumps(
        {
            "id": row.id,
            "endpointName": row.endpoint,
            "filter": row.filter,
            "state": "paused" if row.paused else "running" if state.running else "stopped",
            "position": state.position,
            "lag": state.lag,
            "delivered": row.delivered,
            "deadLetters": row.died,
            "perMinute": state.per_minute,
            "lastDelivery": _time(row.last_delivery),
            "lastError": state.error,
        }
    )


def _letter(letter: DeadLetter) -> dict[str, Any]:
    event = orjson.loads(letter.event)
    event["data"] = base64.b64decode(event["data"]).decode(errors="replace")
    return {
        "key": letter.key,
        "error": letter.error,
        "attempts": letter.attempts,
        "died": _time(letter.died),
        "requeued": letter.requeued,
        "event": event,
    }


def _time(ticks: Ticks | None) -> str | None:
    return None if ticks is None else job_time(ticks)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListRouteStates",
        "GET",
        "/kastor/v1/routes",
        P.ROUTES_READ,
        list_route_status,
        "How every route is doing",
        result="RouteStateList",
        versioned=False,
    ),
    Operation(
        "Kastor_GetRouteState",
        "GET",
        "/kastor/v1/routes/{id}",
        P.ROUTES_READ,
        route_status,
        "How a route is doing",
        errors={404: ("EventRouteNotFound",)},
        result="RouteState",
        versioned=False,
    ),
    Operation(
        "Kastor_PauseRoute",
        "POST",
        "/kastor/v1/routes/{id}/pause",
        P.ROUTES_RUN,
        pause_route,
        "Stop sending; the position is kept",
        204,
        errors={404: ("EventRouteNotFound",)},
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ResumeRoute",
        "POST",
        "/kastor/v1/routes/{id}/resume",
        P.ROUTES_RUN,
        resume_route,
        "Go on from where the route was paused",
        204,
        errors={404: ("EventRouteNotFound",)},
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ReplayRoute",
        "POST",
        "/kastor/v1/routes/{id}/replay",
        P.ROUTES_RUN,
        replay_route,
        "Send again from a position or time on",
        errors={404: ("EventRouteNotFound",)},
        result="Position",
        query=("from",),
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ListDeadLetters",
        "GET",
        "/kastor/v1/routes/{id}/deadletters",
        P.DEAD_LETTERS_READ,
        list_dead_letters,
        "List the events that a route gave up",
        errors={404: ("EventRouteNotFound",)},
        result="DeadLetterList",
        query=("after",),
        versioned=False,
    ),
    Operation(
        "Kastor_RequeueDeadLetters",
        "POST",
        "/kastor/v1/routes/{id}/deadletters/requeue",
        P.DEAD_LETTERS_WRITE,
        requeue_dead_letters,
        "Send dead letters again",
        errors={404: ("EventRouteNotFound",)},
        result="Count",
        query=("key",),
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_PurgeDeadLetters",
        "DELETE",
        "/kastor/v1/routes/{id}/deadletters",
        P.DEAD_LETTERS_WRITE,
        purge_dead_letters,
        "Delete dead letters",
        errors={404: ("EventRouteNotFound",)},
        result="Count",
        query=("key",),
        versioned=False,
        dry_run=True,
    ),
)
