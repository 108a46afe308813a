"""Endpoints: what ADT has in its control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument

if TYPE_CHECKING:
    from kastor.events.routes import EndpointInfo
    from kastor.hosting.services import Services

_NO_CONTENT = 204


async def list_endpoints(services: Services, _request: Request) -> Response:
    """Answer GET /kastor/v1/endpoints."""
    infos = await services.routes.endpoints()
    return json_response(orjson.dumps({"value": [_endpoint(info) for info in infos]}))


async def get_endpoint(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/endpoints/{name}."""
    info = await services.routes.endpoint(request.parameters[0])
    return json_response(orjson.dumps(_endpoint(info)))


async def put_endpoint(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/endpoints/{name}."""
    body = await request.document(request.server.limits.body_bytes)
    kind, settings = body.get("kind"), body.get("settings", {})
    if not isinstance(kind, str) or not isinstance(settings, dict):
        raise InvalidArgument("An endpoint needs kind, a string, and settings, an object.")
    info = await services.routes.put_endpoint(
        request.parameters[0], kind, settings, dry_run=request.dry_run
    )
    return json_response(orjson.dumps(_endpoint(info)))


async def delete_endpoint(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/endpoints/{name}."""
    await services.routes.delete_endpoint(request.parameters[0], dry_run=request.dry_run)
    return Response(_NO_CONTENT)


async def try_endpoint(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/endpoints/{name}/test."""
    name = request.parameters[0]
    # To its end, even when the client goes: its connections and threads are there until then.
    trial = await services.routes.try_endpoint(name)
    fault = trial.fault
    answer = {
        "delivered": fault is None,
        "eventId": trial.id,
        "seconds": trial.seconds,
        "error": None if fault is None else fault.message,
        "worthRepeating": fault is not None and fault.kind == "unavailable",
    }
    return json_response(orjson.dumps(answer))


def _endpoint(info: EndpointInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "settings": info.settings,
        "routes": list(info.routes),
    }


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListEndpoints",
        "GET",
        "/kastor/v1/endpoints",
        P.ENDPOINTS_READ,
        list_endpoints,
        "List endpoints",
        result="EndpointList",
        versioned=False,
    ),
    Operation(
        "Kastor_GetEndpoint",
        "GET",
        "/kastor/v1/endpoints/{name}",
        P.ENDPOINTS_READ,
        get_endpoint,
        "Get an endpoint",
        errors={404: ("EndpointNotFound",)},
        result="Endpoint",
        versioned=False,
    ),
    Operation(
        "Kastor_PutEndpoint",
        "PUT",
        "/kastor/v1/endpoints/{name}",
        P.ENDPOINTS_WRITE,
        put_endpoint,
        "Create or replace an endpoint",
        errors={400: ("InvalidArgument", "EndpointLibraryMissing", "LimitExceeded")},
        result="Endpoint",
        body=(JSON_BODY, "EndpointBody"),
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_DeleteEndpoint",
        "DELETE",
        "/kastor/v1/endpoints/{name}",
        P.ENDPOINTS_DELETE,
        delete_endpoint,
        "Delete an endpoint that no route uses",
        204,
        errors={404: ("EndpointNotFound",), 409: ("EndpointInUse",)},
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_TestEndpoint",
        "POST",
        "/kastor/v1/endpoints/{name}/test",
        P.ENDPOINTS_WRITE,
        try_endpoint,
        "Send one event that says it is a test, and tell whether it was taken",
        errors={
            400: ("OperationNotAllowed",),
            404: ("EndpointNotFound",),
            409: ("EndpointInUse",),
        },
        result="EndpointTrial",
        versioned=False,
    ),
)
