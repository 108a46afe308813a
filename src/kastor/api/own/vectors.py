"""Search by meaning: vector indexes, vectors beside twins, the twins that are nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.query.sql.paths import is_literal
from kastor.vectors.indexes import require_vector
from kastor.vectors.service import MOST_NEAREST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.hosting.services import Services
    from kastor.vectors.service import Near

DEFAULT_NEAREST = 10
_RIVAL = {"vector", "embeddingProperty", "modelFilter", "limit"}
_OURS = {"index", "like", "subtypes"}


async def list_vector_indexes(services: Services, _request: Request) -> Response:
    """Answer GET /kastor/v1/vectors."""
    found = await services.vectors.indexes.refresh()
    return json_response(orjson.dumps({"value": [index.shown for index in found]}))


async def get_vector_index(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/vectors/{name}."""
    index = await services.vectors.indexes.require(request.parameters[0])
    status = await services.vectors.status(index, request.context)
    counts: dict[str, Any] = {
        "twins": status.twins,
        "vectors": status.usable,
        "without": status.without,
        "lag": status.lag,
    }
    if status.embedding is not None:
        made = status.embedding
        counts["lag"] = status.without if made.lag is None else made.lag
        counts |= {"refused": made.refused, "trouble": made.trouble or None}
    return json_response(orjson.dumps({**index.shown, "status": counts}))


async def put_vector_index(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/vectors/{name}."""
    body = await request.document(request.server.limits.body_bytes)
    name = request.parameters[0]
    index, made = await services.vectors.indexes.put(name, body, dry_run=request.dry_run)
    return json_response(orjson.dumps(index.shown), status=201 if made else 200)


async def drop_vector_index(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/vectors/{name}."""
    await services.vectors.indexes.drop(request.parameters[0], dry_run=request.dry_run)
    return Response(204)


async def get_vector(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/digitaltwins/{id}/vectors/{name}."""
    found = await services.vectors.indexes.beside(*request.parameters)
    return json_response(orjson.dumps({"vector": found}))


async def put_vector(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/digitaltwins/{id}/vectors/{name}."""
    body = await request.document(request.server.limits.body_bytes)
    if body.keys() != {"vector"}:
        raise InvalidArgument("The body has one member, vector: a list of numbers.")
    twin, name = request.parameters
    await services.vectors.indexes.put_beside(twin, name, body["vector"], dry_run=request.dry_run)
    return Response(204)


async def delete_vector(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/digitaltwins/{id}/vectors/{name}."""
    await services.vectors.indexes.remove_beside(*request.parameters, dry_run=request.dry_run)
    return Response(204)


async def search_twins(services: Services, request: Request) -> Response:
    """Answer POST /digitaltwins/search, as clients of AgeDigitalTwins send it, and in our form.

    With no more than the fields of theirs the answer is an array of twins, by L2 distance.
    """
    body = await request.document(request.server.limits.body_bytes)
    if unknown := sorted(body.keys() - _RIVAL - _OURS):
        raise InvalidArgument(f"A search has no member {unknown[0][:100]!r}.")
    limit = body.get("limit", DEFAULT_NEAREST)
    if type(limit) is not int or not 1 <= limit <= MOST_NEAREST:
        raise InvalidArgument(f"The member limit is a number from 1 to {MOST_NEAREST}.")
    model = _text(body, "modelFilter")
    if not body.keys() & _OURS:
        rows = await _by_l2(services, request, body, limit, model)
        return json_response(orjson.dumps(rows))
    index = await services.vectors.choose(_text(body, "index"), request.context)
    like = _text(body, "like")
    if (like is None) == (body.get("vector") is None):
        raise InvalidArgument("A search has one of vector and like, the id of a twin.")
    if like is not None:
        if request.context.at is not None:
            raise InvalidArgument("Of a past state give a vector: like is of the present.")
        vector = await services.vectors.vector_of(index, like, request.context)
    else:
        vector = require_vector(body["vector"], index.metric, index.dims)
    wider = limit if like is None else limit + 1
    subtypes = body.get("subtypes", False) is True
    found = await services.vectors.nearest(
        index, vector, wider, request.context, model=model, subtypes=subtypes
    )
    found = [near for near in found if near.id != like][:limit]
    answer = {
        "value": await _documents(services, request, found),
        "ranking": [
            {"$dtId": near.id, "distance": near.distance, "vectorRank": rank}
            for rank, near in enumerate(found, 1)
        ],
        "index": index.name,
        "metric": index.metric,
        "exact": True,
        "nextLink": None,
    }
    return json_response(orjson.dumps(answer))


async def _by_l2(
    services: Services, request: Request, body: Mapping[str, Any], limit: int, model: str | None
) -> list[Any]:
    """Return the twins of the bare form: by L2, of a property, whether it has an index or not."""
    path = _text(body, "embeddingProperty") or "embedding"
    if not is_literal(tuple(path.split("."))):
        raise InvalidArgument("The member embeddingProperty is the name of a property.")
    if not isinstance(body.get("vector"), list):
        raise InvalidArgument("The member vector is a list of numbers.")
    steps = "".join(f".[[{step}]]" for step in path.split("."))
    given: dict[str, Any] = {"v": body["vector"]}
    where = ""
    if model is not None:
        where, given["m"] = " WHERE IS_OF_MODEL(T, $m, exact)", model
    text = (
        f"SELECT TOP({limit}) T FROM DIGITALTWINS T{where}"
        f" ORDER BY L2_DISTANCE(T{steps}, $v), T.$dtId"
    )
    page = await services.query.run(text, request.context, max_items=limit, parameters=given)
    return [row["T"] for row in orjson.loads(page.value)]


async def _documents(services: Services, request: Request, found: list[Near]) -> list[Any]:
    """Return the twins that were found, in their order."""
    if not found:
        return []
    ids = [near.id for near in found]
    page = await services.query.run(
        "SELECT T FROM DIGITALTWINS T WHERE T.$dtId IN $ids",
        request.context,
        max_items=len(ids),
        parameters={"ids": ids},
    )
    rows = {row["T"]["$dtId"]: row["T"] for row in orjson.loads(page.value)}
    return [rows[each] for each in ids if each in rows]


def _text(body: Mapping[str, Any], name: str) -> str | None:
    found = body.get(name)
    if found is not None and not isinstance(found, str):
        raise InvalidArgument(f"The member {name} is a text.")
    return found


_INVALID = {400: ("InvalidArgument", "LimitExceeded"), 409: ("VectorIndexDiffers",)}
_MISSING = {404: ("VectorIndexNotFound",)}
_MISSING_VECTOR = {404: ("VectorIndexNotFound", "DigitalTwinNotFound", "VectorNotFound")}
_BESIDE = "/kastor/v1/digitaltwins/{id}/vectors/{name}"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListVectorIndexes",
        "GET",
        "/kastor/v1/vectors",
        P.INDEXES_READ,
        list_vector_indexes,
        "List the vector indexes",
        result="VectorIndexList",
        versioned=False,
        in_adt=False,
    ),
    Operation(
        "Kastor_GetVectorIndex",
        "GET",
        "/kastor/v1/vectors/{name}",
        P.INDEXES_READ,
        get_vector_index,
        "Get a vector index, with how many twins have a usable vector",
        errors=_MISSING,
        result="VectorIndex",
        versioned=False,
        in_adt=False,
    ),
    Operation(
        "Kastor_PutVectorIndex",
        "PUT",
        "/kastor/v1/vectors/{name}",
        P.INDEXES_WRITE,
        put_vector_index,
        "Make a vector index over a property of twins, or for vectors beside twins",
        201,
        errors=_INVALID,
        body=(JSON_BODY, "VectorIndexInput"),
        result="VectorIndex",
        versioned=False,
        in_adt=False,
        dry_run=True,
        status_again=200,
    ),
    Operation(
        "Kastor_DropVectorIndex",
        "DELETE",
        "/kastor/v1/vectors/{name}",
        P.INDEXES_DELETE,
        drop_vector_index,
        "Drop a vector index with the vectors that were given for it",
        204,
        errors=_MISSING,
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_GetVector",
        "GET",
        _BESIDE,
        P.TWINS_READ,
        get_vector,
        "Get the vector that a twin has in an index",
        errors=_MISSING_VECTOR,
        result="Vector",
        versioned=False,
        in_adt=False,
    ),
    Operation(
        "Kastor_PutVector",
        "PUT",
        _BESIDE,
        P.TWINS_WRITE,
        put_vector,
        "Put a vector beside a twin",
        204,
        errors={400: ("InvalidArgument",), **_MISSING_VECTOR},
        body=(JSON_BODY, "Vector"),
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_DeleteVector",
        "DELETE",
        _BESIDE,
        P.TWINS_WRITE,
        delete_vector,
        "Take back the vector beside a twin",
        204,
        errors={400: ("InvalidArgument",), **_MISSING_VECTOR},
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_Search",
        "POST",
        "/digitaltwins/search",
        P.QUERY,
        search_twins,
        "Find the twins whose vectors are nearest to one",
        errors={
            400: ("InvalidArgument", "BadRequest", "SqlQueryError"),
            404: ("VectorIndexNotFound", "DigitalTwinNotFound", "VectorNotFound"),
            501: ("VectorsNotInstalled",),
            503: ("ServiceUnavailable",),
        },
        result="TwinSearchAnswer",
        body=(JSON_BODY, "TwinSearch"),
        in_adt=False,
        dry_run=True,
        as_of=True,
    ),
)
