"""Event routes, as the contract has them (rest-api B.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.operation import JSON_BODY, PAGE_SIZE, Operation
from kastor.api.http.paging import max_items, next_link, read_token
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.storage.events import RouteRow

_NO_CONTENT = 204
_PAGE = 100


async def list_routes(services: Services, request: Request) -> Response:
    """Answer GET /eventroutes."""
    size = max_items(request, 0, _PAGE)
    token = read_token(request, "routes", services.signing_key)
    after, remembered = token if token is not None else ("", _PAGE)
    size = size or remembered
    rows = [row for row in await services.routes.routes() if row.id > after]
    link = None
    if len(rows) > size:
        rows = rows[:size]
        payload = ["routes", rows[-1].id, size]
        link = next_link(request, "/eventroutes", payload, services.signing_key)
    value = [_route(row) for row in rows]
    return json_response(orjson.dumps({"value": value, "nextLink": link}))


async def get_route(services: Services, request: Request) -> Response:
    """Answer GET /eventroutes/{id}."""
    return json_response(orjson.dumps(_route(await services.routes.route(request.parameters[0]))))


async def put_route(services: Services, request: Request) -> Response:
    """Answer PUT /eventroutes/{id}."""
    body = await request.document(request.server.limits.body_bytes)
    endpoint, text = body.get("endpointName"), body.get("filter")
    if not isinstance(endpoint, str) or not isinstance(text, str):
        raise InvalidArgument("A route needs endpointName and filter, both strings.")
    await services.routes.put_route(request.parameters[0], endpoint, text, dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def delete_route(services: Services, request: Request) -> Response:
    """Answer DELETE /eventroutes/{id}."""
    await services.routes.delete_route(request.parameters[0], dry_run=request.dry_run)
    return Response(_NO_CONTENT)


def _route(row: RouteRow) -> dict[str, Any]:
    return {"id": row.id, "endpointName": row.endpoint, "filter": row.filter}


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "EventRoutes_List",
        "GET",
        "/eventroutes",
        P.ROUTES_READ,
        list_routes,
        "List event routes",
        result="EventRoutePage",
        query=("continuationToken",),
        headers=PAGE_SIZE,
    ),
    Operation(
        "EventRoutes_GetById",
        "GET",
        "/eventroutes/{id}",
        P.ROUTES_READ,
        get_route,
        "Get an event route",
        errors={404: ("EventRouteNotFound",)},
        result="EventRoute",
    ),
    Operation(
        "EventRoutes_Add",
        "PUT",
        "/eventroutes/{id}",
        P.ROUTES_WRITE,
        put_route,
        "Create or replace an event route",
        204,
        errors={
            400: (
                "EventRouteEndpointInvalid",
                "EventRouteFilterInvalid",
                "EventRouteIdInvalid",
                "LimitExceeded",
            )
        },
        body=(JSON_BODY, "EventRouteBody"),
        dry_run=True,
    ),
    Operation(
        "EventRoutes_Delete",
        "DELETE",
        "/eventroutes/{id}",
        P.ROUTES_DELETE,
        delete_route,
        "Delete an event route with its dead letters",
        204,
        errors={404: ("EventRouteNotFound",)},
        dry_run=True,
    ),
)
