"""Search by meaning: vector indexes, vectors beside twins, the twins that are nearest."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument
from kastor.hybrid.service import MODES, HybridQuestion
from kastor.query.sql.paths import is_literal
from kastor.signing import sign, unsign
from kastor.vectors.service import MOST_NEAREST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.hosting.services import Services
    from kastor.hybrid.service import HybridAnswer

DEFAULT_NEAREST = 10
_RIVAL = {"vector", "embeddingProperty", "modelFilter", "limit"}
_OURS = {"index", "like", "subtypes", "text", "mode", "cursor"}


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
    asked = _question(body, limit, model)
    skip, most = _place(services, body)
    asked = replace(asked, skip=skip, most=most)
    found = await services.hybrid.find(asked, request.context)
    shown: dict[str, Any] = {
        "value": [each.document for each in found.found],
        "ranking": [{"$dtId": each.id, **each.ranks()} for each in found.found],
        "mode": found.ranking,
        "more": found.more,
        "nextLink": _following(services, body, asked, found),
    }
    if found.index is not None:
        shown |= {"index": found.index.name, "metric": found.index.metric, "exact": found.exact}
    if found.degraded is not None:
        shown["degraded"] = found.degraded
    return json_response(orjson.dumps(shown))


def _question(body: Mapping[str, Any], limit: int, model: str | None) -> HybridQuestion:
    mode = body.get("mode", "auto")
    if mode not in MODES:
        raise InvalidArgument(f"The member mode is one of {', '.join(MODES)}.")
    return HybridQuestion(
        text=_text(body, "text"),
        like=_text(body, "like"),
        vector=body.get("vector"),
        index=_text(body, "index"),
        mode=mode,
        model=model,
        subtypes=body.get("subtypes", False) is True,
        limit=limit,
    )


def _place(services: Services, body: Mapping[str, Any]) -> tuple[int, int | None]:
    """Return where a cursor goes on, and of how many candidates; with the same body alone.

    Raises:
        InvalidArgument: it is none of this search.
    """
    cursor = _text(body, "cursor")
    if cursor is None:
        return 0, None
    read = unsign(cursor, services.signing_key) if cursor.isascii() else None
    if not isinstance(read, list) or len(read) != 3 or read[0] != _digest(body):  # noqa: PLR2004
        raise InvalidArgument(
            "The cursor is not of this search: send the same body again, with nextLink as cursor."
        )
    return read[1], read[2]


def _following(
    services: Services, body: Mapping[str, Any], asked: HybridQuestion, found: HybridAnswer
) -> str | None:
    if not found.goes_on:
        return None
    return sign([_digest(body), asked.skip + asked.limit, found.most], services.signing_key)


def _digest(body: Mapping[str, Any]) -> str:
    asked = {name: value for name, value in body.items() if name not in ("cursor", "limit")}
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


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
        "Find twins by vectors, by words, or by both",
        errors={
            400: ("InvalidArgument", "BadRequest", "SqlQueryError"),
            404: ("SearchOff", "VectorIndexNotFound", "DigitalTwinNotFound", "VectorNotFound"),
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
