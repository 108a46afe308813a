"""Models: upload, list, get, decommission, delete (rest-api B.1)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.identifiers import require_dtmi
from kastor.api.http.operation import JSON_BODY, PAGE_SIZE, PATCH_BODY, Operation
from kastor.api.http.paging import max_items, next_link, resume
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import upload_time
from kastor.errors import BadRequest, InvalidArgument, JsonPatchInvalid, LimitExceeded
from kastor.graph.commands import CommissionModel, DeleteModel
from kastor.graph.lineage import Lineage, flattened
from kastor.graph.patch import read_operations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.graph.catalog import ModelCatalog, StoredModel
    from kastor.graph.service import GraphService
    from kastor.hosting.services import Services

PAGE_BYTES = 4 * 2**20
"""Bytes of definitions on one page of models; it ends with the model that reaches them."""
_NAMES_SHARE = 4
"""So many times more bytes are looked through where only names and descriptions are shown."""
_NO_CONTENT = 204
_LINEAGE = "includeBaseModelContents"

MOST_RELATED_IDS = 100_000
"""Bases and descendants on one page of models; it ends before the model that exceeds them."""


async def add_models(services: Services, request: Request) -> Response:
    """Answer POST /models."""
    graph = services.graph
    with graph.taking_upload(request.declared_length):
        body = await request.body(request.server.limits.models_body_bytes)
        if not body.strip():
            raise BadRequest("The request needs a body.")
        stored = await request.unless_gone(_store(graph, body, request))
    return json_response(await asyncio.to_thread(_stored_models, stored), status=201)


async def _store(graph: GraphService, body: bytes, request: Request) -> list[StoredModel]:
    return await graph.upload(body, await graph.read_upload(body), request.context)


def _stored_models(stored: Sequence[StoredModel]) -> bytes:
    return orjson.dumps([model_data(model, with_definition=False) for model in stored])


async def list_models(services: Services, request: Request) -> Response:
    """Answer GET /models: by upload time, oldest first."""
    limits = request.server.limits
    size = max_items(request, 0, limits.models_page)
    token = await resume(services, request, "models")
    if token is not None:
        after, remembered, wanted, with_definition, *more = token
        # Tokens of earlier versions do not say.
        with_lineage = bool(more and more[0]) and not request.server.limits.strict
    else:
        after, remembered, wanted = [-1, -1], limits.default_models_page, _wanted(request, limits)
        with_definition = _flag(request, "includeModelDefinition")
        with_lineage = _with_lineage(request)
    size = size or remembered
    graph, context = services.graph, request.context
    await graph.refresh_models()
    models = graph.dependencies(wanted, context) if wanted else graph.models(context)
    rest = [model for model in models if [model.uploaded, model.key] > after]
    page = _page(rest, size, with_definition)
    lineage: list[dict[str, Any]] = []
    if with_lineage:
        lineage = await graph.read_lineage(partial(_lineage_of, page), context)
        page = page[: len(lineage)]
    link = None
    if len(rest) > len(page):
        position = [page[-1].uploaded, page[-1].key]
        payload = ["models", position, size, wanted, with_definition]
        extra: tuple[tuple[str, str], ...] = (("includeModelDefinition", str(with_definition)),)
        if with_lineage:
            payload.append(True)
            extra = (*extra, (_LINEAGE, "True"))
        link = next_link(request, "/models", payload, services.signing_key, extra)
    value = [model_data(model, with_definition) for model in page]
    if with_lineage:
        value = [data | found for data, found in zip(value, lineage, strict=True)]
    return json_response(orjson.dumps({"value": value, "nextLink": link}))


async def get_model(services: Services, request: Request) -> Response:
    """Answer GET /models/{id}."""
    model_id = require_dtmi(request.parameters[0])
    with_definition = _flag(request, "includeModelDefinition")
    await services.graph.refresh_models()
    model = services.graph.model(model_id, request.context)
    if _with_lineage(request):
        whole = services.graph.read_lineage(partial(_whole_model, model), request.context)
        return json_response(await whole)
    return json_response(orjson.dumps(model_data(model, with_definition)))


async def update_model(services: Services, request: Request) -> Response:
    """Answer PATCH /models/{id}: `replace` of `/decommissioned`, nothing else."""
    model_id = require_dtmi(request.parameters[0])
    operations = read_operations(await request.patch(request.server.limits.body_bytes))
    await services.graph.refresh_models()
    in_service: bool | None = None
    for operation in operations:
        allowed = operation.op == "replace" and operation.path == ("decommissioned",)
        if not allowed or not isinstance(operation.value, bool):
            services.graph.model(model_id, request.context)
            by = f" by {orjson.dumps(operation.value)[:80].decode(errors='replace')}"
            written = operation.value in ("true", "false") and " Write it without quotes."
            raise JsonPatchInvalid(
                "The only change that a model allows is to replace /decommissioned by true or "
                f"false, not {operation.op} {operation.pointer}"
                f"{by if allowed else ''}.{written or ''}"
            )
        in_service = not operation.value
    if in_service is None:
        services.graph.model(model_id, request.context)
        raise JsonPatchInvalid("The patch is empty; replace /decommissioned by true or false.")
    await services.graph.execute(CommissionModel(model_id, in_service), request.context)
    if request.dry_run:
        model = services.graph.model(model_id, request.context)
        shown = model_data(replace(model, decommissioned=not in_service), with_definition=False)
        return json_response(orjson.dumps(shown))
    return Response(_NO_CONTENT)


async def delete_model(services: Services, request: Request) -> Response:
    """Answer DELETE /models/{id}."""
    model_id = require_dtmi(request.parameters[0])
    await services.graph.execute(DeleteModel(model_id), request.context)
    return Response(_NO_CONTENT)


def _with_lineage(request: Request) -> bool:
    return not request.server.limits.strict and _flag(request, _LINEAGE)


def _whole_model(model: StoredModel, catalog: ModelCatalog) -> bytes:
    """Return a model with everything that it inherits and the ids around it, as JSON text."""
    lineage = Lineage(catalog)
    bases = lineage.bases(model.id)
    return orjson.dumps(
        {
            **model_data(model, with_definition=True),
            "bases": bases,
            "descendants": lineage.descendants(model.id),
            **flattened(catalog, model.id, bases),
        }
    )


def _lineage_of(models: Sequence[StoredModel], catalog: ModelCatalog) -> list[dict[str, Any]]:
    """Return bases and descendants of models, of as many as one answer can name."""
    lineage = Lineage(catalog)
    found: list[dict[str, Any]] = []
    named = 0
    for model in models:
        bases, descendants = lineage.bases(model.id), lineage.descendants(model.id)
        named += len(bases) + len(descendants)
        if found and named > MOST_RELATED_IDS:
            break
        found.append({"bases": bases, "descendants": descendants})
    return found


def _page(models: Sequence[StoredModel], size: int, with_definition: bool) -> list[StoredModel]:
    page: list[StoredModel] = []
    room = PAGE_BYTES
    for model in models[:size]:
        page.append(model)
        room -= len(model.text) if with_definition else len(model.text) // _NAMES_SHARE
        if room <= 0:
            break
    return page


def model_data(model: StoredModel, with_definition: bool) -> dict[str, Any]:
    """Return what answers say of a model."""
    data: dict[str, Any] = {
        "id": model.id,
        "description": orjson.Fragment(model.facts.description),
        "displayName": orjson.Fragment(model.facts.display_name),
        "decommissioned": model.decommissioned,
        "uploadTime": upload_time(model.uploaded),
    }
    if with_definition:
        data["model"] = orjson.Fragment(model.text)
    return data


def _wanted(request: Request, limits: Any) -> list[str]:
    values = [
        each for value in request.query.get("dependenciesfor", ()) for each in value.split(",")
    ]
    wanted = [require_dtmi(value) for value in values if value]
    if len(wanted) > limits.dependencies_for:
        raise LimitExceeded(
            f"dependenciesFor names {len(wanted)} models; at most {limits.dependencies_for} can "
            "be asked for in one request."
        )
    return wanted


def _flag(request: Request, name: str) -> bool:
    value = (request.first(name) or "false").lower()
    if value not in ("true", "false"):
        raise InvalidArgument(f"{name} must be true or false, not {value[:50]}.")
    return value == "true"


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "DigitalTwinModels_Add",
        "POST",
        "/models",
        P.MODELS_WRITE,
        add_models,
        "Upload models, all or none",
        201,
        errors={
            400: (
                "InvalidArgument",
                "BadRequest",
                "DTDLParserError",
                "ModelVersionNotSupported",
                "LimitExceeded",
            ),
            409: ("ModelIdAlreadyExists",),
        },
        result="ModelDataList",
        body=(JSON_BODY, "ModelUpload"),
        dry_run=True,
    ),
    Operation(
        "DigitalTwinModels_List",
        "GET",
        "/models",
        P.MODELS_READ,
        list_models,
        "List models, oldest upload first",
        errors={400: ("InvalidArgument", "LimitExceeded"), 404: ("ModelNotFound",)},
        result="ModelPage",
        query=(
            *("dependenciesFor", "includeModelDefinition", "includeBaseModelContents"),
            "continuationToken",
        ),
        headers=PAGE_SIZE,
        as_of=True,
        by_twin=True,
    ),
    Operation(
        "DigitalTwinModels_GetById",
        "GET",
        "/models/{id}",
        P.MODELS_READ,
        get_model,
        "Get a model",
        errors={400: ("LimitExceeded",), 404: ("ModelNotFound",)},
        result="ModelData",
        query=("includeModelDefinition", "includeBaseModelContents"),
        as_of=True,
        by_twin=True,
    ),
    Operation(
        "DigitalTwinModels_Update",
        "PATCH",
        "/models/{id}",
        P.MODELS_WRITE,
        update_model,
        "Decommission a model, or put it back into service",
        204,
        errors={400: ("InvalidArgument", "JsonPatchInvalid"), 404: ("ModelNotFound",)},
        body=(PATCH_BODY, "JsonPatch"),
        dry_run=True,
        dry_run_result="ModelData",
    ),
    Operation(
        "DigitalTwinModels_Delete",
        "DELETE",
        "/models/{id}",
        P.MODELS_DELETE,
        delete_model,
        "Delete a model that no other model needs",
        204,
        errors={404: ("ModelNotFound",), 409: ("ModelReferencesNotDeleted",)},
        dry_run=True,
    ),
)
