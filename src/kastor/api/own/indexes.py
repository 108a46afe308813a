"""Property indexes: list, create, drop (Kastor's own, not ADT's)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P

if TYPE_CHECKING:
    from kastor.hosting.services import Services


async def list_indexes(services: Services, _request: Request) -> Response:
    """Answer GET /kastor/v1/indexes."""
    value = [{"path": path} for path in await services.indexes.refresh()]
    return json_response(orjson.dumps({"value": value}))


async def create_index(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/indexes/{path}; returns when it is built."""
    await services.indexes.create(request.parameters[0], dry_run=request.dry_run)
    return json_response(orjson.dumps({"path": request.parameters[0]}))


async def drop_index(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/indexes/{path}."""
    await services.indexes.drop(request.parameters[0], dry_run=request.dry_run)
    return Response(204)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListIndexes",
        "GET",
        "/kastor/v1/indexes",
        P.INDEXES_READ,
        list_indexes,
        "List the property indexes",
        result="IndexList",
        versioned=False,
    ),
    Operation(
        "Kastor_CreateIndex",
        "PUT",
        "/kastor/v1/indexes/{path}",
        P.INDEXES_WRITE,
        create_index,
        "Build an index on a property of twins, such as temperature or thermostat.setPoint",
        errors={400: ("InvalidArgument", "LimitExceeded")},
        result="Index",
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_DropIndex",
        "DELETE",
        "/kastor/v1/indexes/{path}",
        P.INDEXES_DELETE,
        drop_index,
        "Drop a property index",
        204,
        errors={404: ("IndexNotFound",)},
        versioned=False,
        dry_run=True,
    ),
)
