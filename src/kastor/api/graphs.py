"""The graphs of this server: list, create, delete (Kastor's own, not ADT's)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.request import Request, Response, json_response

if TYPE_CHECKING:
    from kastor.api.hosting import GraphInfo
    from kastor.api.services import Services


async def list_graphs(services: Services, _request: Request) -> Response:
    """Answer GET /kastor/v1/graphs."""
    infos = await services.graphs.infos()
    return json_response(orjson.dumps({"value": [_info(info) for info in infos]}))


async def create_graph(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/graphs/{name}."""
    info = await services.graphs.create(request.parameters[0])
    return json_response(orjson.dumps(_info(info)), status=201)


async def delete_graph(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/graphs/{name}."""
    await services.graphs.delete(request.parameters[0])
    return Response(204)


def _info(info: GraphInfo) -> dict[str, str]:
    return {"name": info.name, "place": info.place, "state": info.state}
