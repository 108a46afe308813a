"""The graphs of this server: list, create, move, delete, empty (Kastor's own, not ADT's)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import JSON_BODY, Judged, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import Forbidden, InvalidArgument, NotAllowed
from kastor.storage.placement import Wish

if TYPE_CHECKING:
    from kastor.hosting.graphs import GraphInfo
    from kastor.hosting.services import Services

_WISHES = frozenset({"database", "schema"})


async def list_graphs(_services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/graphs."""
    infos = [
        each
        for each in await request.server.graphs.infos()
        if P.GRAPHS_READ in request.actor.on(each.name)
    ]
    return json_response(orjson.dumps({"value": [_info(info) for info in infos]}))


async def get_graph(_services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/graphs/{name}."""
    info = await request.server.graphs.info(request.parameters[0])
    return json_response(orjson.dumps(_info(info)))


async def create_graph(_services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/graphs/{name}."""
    body = await request.body(request.server.limits.body_bytes)
    wish = await _read_wish(request, body) if body else Wish()
    info = await request.server.graphs.create(request.parameters[0], wish, dry_run=request.dry_run)
    return json_response(orjson.dumps(_info(info)), status=201)


async def move_graph(_services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/graphs/{name}/move; the graph's state tells how it goes on."""
    body = await request.body(request.server.limits.body_bytes)
    wish = await _read_wish(request, body)
    info = await request.server.graphs.move(request.parameters[0], wish, dry_run=request.dry_run)
    return json_response(orjson.dumps(_info(info)), status=202)


async def delete_graph(_services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/graphs/{name}."""
    await request.server.graphs.delete(request.parameters[0], dry_run=request.dry_run)
    return Response(204)


async def reset(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/reset: empty the graph, where the server was started to allow it."""
    if not request.server.allow_reset:
        raise NotAllowed(
            "This server does not allow to empty its graph over HTTP. Start it with "
            "--allow-reset (for tests), or stop it and run `kastor reset`."
        )
    await services.reset(dry_run=request.dry_run)
    return Response(204)


async def _read_wish(request: Request, body: bytes) -> Wish:
    """Return the place that a body asks for; it may hold another graph, so any caller of one graph
    alone is refused.

    Raises:
        Forbidden, InvalidArgument: nothing was changed.
    """
    if P.GRAPHS_WRITE not in request.actor.everywhere:
        raise Forbidden(
            f"Places of graphs are given by who has {P.GRAPHS_WRITE} on every graph; create it "
            "without a body, or ask whoever runs the server. Nothing was changed."
        )
    wish = await request.decoded(body)
    if not isinstance(wish, dict) or not wish.keys() <= _WISHES:
        raise InvalidArgument("A place is given by `database`, `schema` or both.")
    if not all(isinstance(value, str) for value in wish.values()):
        raise InvalidArgument("`database` and `schema` are strings.")
    return Wish(**wish)


def _info(info: GraphInfo) -> dict[str, str]:
    shown = {"name": info.name, "place": info.place, "state": info.state}
    if info.progress is not None:
        shown["progress"] = info.progress
    if info.error is not None:
        shown["error"] = info.error
    return shown


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListGraphs",
        "GET",
        "/kastor/v1/graphs",
        P.GRAPHS_READ,
        list_graphs,
        "List the graphs of this server",
        result="GraphList",
        versioned=False,
        judged=Judged.ANY,
    ),
    Operation(
        "Kastor_CreateGraph",
        "PUT",
        "/kastor/v1/graphs/{name}",
        P.GRAPHS_WRITE,
        create_graph,
        "Make an empty graph, or serve the one in a schema",
        201,
        errors={
            400: ("InvalidArgument", "LimitExceeded", "OperationNotAllowed"),
            409: ("GraphExists", "SchemaExists", "PlaceNotOurs", "GraphUnfinished"),
        },
        result="Graph",
        body=(JSON_BODY, "GraphPlace"),
        versioned=False,
        judged=Judged.NAMED,
        dry_run=True,
    ),
    Operation(
        "Kastor_GetGraph",
        "GET",
        "/kastor/v1/graphs/{name}",
        P.GRAPHS_READ,
        get_graph,
        "Get a graph, and how its move goes on",
        errors={404: ("GraphNotFound",)},
        result="Graph",
        versioned=False,
        judged=Judged.NAMED,
    ),
    Operation(
        "Kastor_MoveGraph",
        "POST",
        "/kastor/v1/graphs/{name}/move",
        P.GRAPHS_WRITE,
        move_graph,
        "Begin to move a graph to another database or schema",
        202,
        errors={
            400: ("InvalidArgument", "OperationNotAllowed"),
            404: ("GraphNotFound",),
            409: ("GraphExists", "GraphMoving", "SchemaExists", "GraphInUse", "PlaceNotOurs"),
        },
        result="Graph",
        body=(JSON_BODY, "GraphPlace"),
        versioned=False,
        judged=Judged.NAMED,
        dry_run=True,
    ),
    Operation(
        "Kastor_DeleteGraph",
        "DELETE",
        "/kastor/v1/graphs/{name}",
        P.GRAPHS_DELETE,
        delete_graph,
        "Delete a graph with all it holds",
        204,
        errors={
            400: ("OperationNotAllowed",),
            404: ("GraphNotFound",),
            409: ("GraphMoving", "GraphInUse", "PlaceNotOurs"),
        },
        versioned=False,
        judged=Judged.NAMED,
        dry_run=True,
    ),
    Operation(
        "Kastor_Reset",
        "POST",
        "/kastor/v1/reset",
        P.GRAPH_RESET,
        reset,
        "Empty the graph (servers started with --allow-reset)",
        204,
        errors={400: ("OperationNotAllowed",), 409: ("GraphInUse",)},
        versioned=False,
        dry_run=True,
    ),
)
