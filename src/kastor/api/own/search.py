"""Search: twins, models and names of relationships by any part of their texts (Kastor's own)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import orjson

from kastor.api.contract.models import model_data
from kastor.api.http.operation import JSON_BODY, READ_FROM, Operation
from kastor.api.http.request import READ_HEADER, Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument, NotFound, Unavailable
from kastor.hybrid.service import MODES, HybridQuestion
from kastor.search.service import KINDS, MOST_HITS, Hit, Kind, SearchService

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.hosting.services import Services
    from kastor.hybrid.service import HybridHit

DEFAULT_HITS, DEFAULT_MODELS = 20, 10
_NEEDED = {"model": P.MODELS_READ, "relationship": P.RELATIONSHIPS_READ}
"""What whoever asks for these needs besides; without `kinds` they are left out."""
_MODELS: tuple[Kind, ...] = ("model",)
_CHANGE = "change:"
_NEAR = ("like", "index", "mode")
"""Parameters of what has to do with vectors."""
_ANY, _NEWEST = ("primary", "replica"), "current-replica"


async def search(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/search."""
    service = _service(services)
    kinds = _kinds(request)
    limit = _limit(_one(request, "limit"), DEFAULT_HITS)
    await _wait(service, request)
    if any(name in request.query for name in _NEAR):
        return await _by_both(services, request, limit)
    found = await service.search(_one(request, "q") or "", kinds, limit, request.context)
    answer: dict[str, Any] = {
        "value": [_shown(hit) for hit in found.hits],
        "more": found.more,
        "position": found.position,
        "lag": found.lag,
    }
    if found.building:
        answer["building"] = True
    return json_response(orjson.dumps(answer))


async def _by_both(services: Services, request: Request, limit: int) -> Response:
    """Answer a search that is near to a twin, alone or beside words; only twins have vectors."""
    if (_one(request, "kinds") or "twin").strip().lower() != "twin":
        raise InvalidArgument("Only twins are near to others: leave kinds out, or ask for twin.")
    mode = _one(request, "mode") or "auto"
    if mode not in MODES:
        raise InvalidArgument(f"The parameter mode takes {', '.join(MODES)}.")
    asked = HybridQuestion(
        text=_one(request, "q"),
        like=_one(request, "like"),
        index=_one(request, "index"),
        mode=mode,
        limit=limit,
    )
    found = await services.hybrid.find(asked, request.context)
    answer: dict[str, Any] = {
        "value": [_shown_twin(each) for each in found.found],
        "more": found.more,
        "ranking": found.ranking,
    }
    if found.index is not None:
        answer["index"] = found.index.name
    if found.degraded is not None:
        answer["degraded"] = found.degraded
    if found.words is not None:
        answer |= {"position": found.words.position, "lag": found.words.lag}
        if found.words.building:
            answer["building"] = True
    return json_response(orjson.dumps(answer))


async def search_models(services: Services, request: Request) -> Response:
    """Answer POST /models/search, as clients of AgeDigitalTwins send it (decisions 4)."""
    service = _service(services)
    body = await request.document(request.server.limits.body_bytes)
    text, limit = body.get("query", body.get("searchText")), body.get("limit", DEFAULT_MODELS)
    if body.get("vector") is not None:
        raise InvalidArgument("Models have no vectors here: leave vector out, and search by words.")
    if not isinstance(text, str):
        raise InvalidArgument("The member query is the text to search for.")
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise InvalidArgument("The member limit is a number.")
    limit = _limit(str(limit), DEFAULT_MODELS)
    with contextlib.suppress(Unavailable):  # what was uploaded just now is found, if that can be
        await service.reach(None)
    found = await service.search(text, _MODELS, limit, request.context)
    await services.graph.refresh_models()
    models = {each.id: each for each in services.graph.models(request.context)}
    shown = [
        model_data(models[hit.id], with_definition=True) for hit in found.hits if hit.id in models
    ]
    return json_response(orjson.dumps(shown))


def _service(services: Services) -> SearchService:
    if services.search is None:
        raise NotFound(
            "This server has no search: its setting `search` is off. Queries with CONTAINS or "
            "STARTSWITH find texts as well.",
            code="SearchOff",
        )
    return services.search


def _kinds(request: Request) -> Sequence[Kind]:
    text = _one(request, "kinds")
    if text is None:
        return [kind for kind in KINDS if _NEEDED.get(kind, P.QUERY) in request.permissions]
    named = [each.strip().lower() for each in text.split(",")]
    if unknown := [each for each in named if each not in KINDS]:
        raise InvalidArgument(
            f"The parameter kinds takes {', '.join(KINDS)}, with commas between them; not "
            f"{unknown[0][:40]!r}."
        )
    request.require(*(_NEEDED[kind] for kind in dict.fromkeys(named) if kind in _NEEDED))
    return [cast("Kind", kind) for kind in dict.fromkeys(named)]


def _one(request: Request, name: str) -> str | None:
    values = request.query.get(name, ())
    if len(values) > 1:
        raise InvalidArgument(f"The parameter {name} is given more than once.")
    return values[0] if values else None


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_HITS))
    if not is_number or not 1 <= int(text) <= MOST_HITS:
        raise InvalidArgument(f"The limit is a number from 1 to {MOST_HITS}.")
    return int(text)


async def _wait(service: SearchService, request: Request) -> None:
    """Wait for what the header `kastor-read` says that the index has to hold."""
    value = request.headers.get(READ_HEADER.encode(), b"").decode("latin-1").strip().lower()
    if not value or value in _ANY:
        return
    if value == _NEWEST:
        await service.reach(None)
        return
    change = value.removeprefix(_CHANGE)
    if change == value or not change.isascii() or not change.isdigit() or len(change) > 18:  # noqa: PLR2004 - digits of 64 bits
        raise InvalidArgument(
            f"The header {READ_HEADER} of a search takes {', '.join(_ANY)}, {_NEWEST}, or "
            f"{_CHANGE} with a position of the change log."
        )
    await service.reach(int(change))


def _shown(hit: Hit) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": hit.kind, "id": hit.id}
    if hit.name is not None:
        shown["name"] = hit.name
    if hit.model is not None:
        shown["model"] = hit.model
    if hit.count is not None:
        shown["count"] = hit.count
    match = hit.match
    return shown | {
        "field": match.path,
        "text": match.text,
        "score": match.score,
        "matches": match.places,
    }


def _shown_twin(found: HybridHit) -> dict[str, Any]:
    if found.hit is not None:
        return _shown(found.hit) | found.ranks()
    shown = {"kind": "twin", "id": found.id, "name": found.name, "model": found.model}
    return {name: value for name, value in shown.items() if value is not None} | found.ranks()


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Search",
        "GET",
        "/kastor/v1/search",
        P.QUERY,
        search,
        "Find twins, models and names of relationships by any part of their texts",
        errors={
            400: ("InvalidArgument",),
            404: ("SearchOff", "VectorIndexNotFound", "DigitalTwinNotFound", "VectorNotFound"),
            501: ("VectorsNotInstalled",),
            503: ("ServiceUnavailable",),
        },
        result="SearchAnswer",
        query=("q", "kinds", "limit", "like", "index", "mode"),
        headers=READ_FROM,
        versioned=False,
        in_adt=False,
        waits=True,
    ),
    Operation(
        "DigitalTwinModels_Search",
        "POST",
        "/models/search",
        P.MODELS_READ,
        search_models,
        "Find models by words in their ids, names and descriptions",
        errors={400: ("InvalidArgument",), 404: ("SearchOff",)},
        result="ModelDataList",
        body=(JSON_BODY, "ModelSearch"),
        in_adt=False,
        dry_run=True,
    ),
)
