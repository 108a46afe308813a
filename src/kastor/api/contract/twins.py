"""Twins, components and telemetry (rest-api B.2, B.3.7, B.3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.contract import legacy
from kastor.api.http.operation import (
    IF_MATCH,
    IF_NONE_MATCH,
    JSON_BODY,
    PATCH_BODY,
    PATCH_FAULTS,
    READ_FROM,
    STALE,
    Operation,
)
from kastor.api.http.request import Request, Response, etag_header, json_response
from kastor.auth.roles import Permission as P
from kastor.clock import from_iso
from kastor.graph.commands import DeleteTwin, PatchTwin, PutTwin, SendTelemetry
from kastor.graph.documents import with_etag
from kastor.graph.ids import require_id, require_new_id

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.types import Ticks

_NO_CONTENT = 204


async def get_twin(services: Services, request: Request) -> Response:
    """Answer GET /digitaltwins/{id}."""
    row = await services.graph.twin(require_id(request.parameters[0], "twin"), request.context)
    return _twin(request, with_etag(row.doc, row.etag), row.etag)


async def put_twin(services: Services, request: Request) -> Response:
    """Answer PUT /digitaltwins/{id}: 200 for creation and replacement alike."""
    only_if_absent = request.only_if_absent
    twin_id = require_new_id(request.parameters[0], "twin")
    body = await request.document(request.server.limits.body_bytes)
    if body.get("$dtId", twin_id) not in (twin_id, None):
        request.warn(f"The twin's id is that of the path, {twin_id}; $dtId of the body is ignored.")
    if request.api_version == legacy.VERSION:
        body = legacy.without_source_times(body)
    command = PutTwin(twin_id, body, only_if_absent, request.server.limits.add_components)
    written = await services.graph.execute(command, request.context)
    return _twin(request, written.answer, written.etag)


async def patch_twin(services: Services, request: Request) -> Response:
    """Answer PATCH /digitaltwins/{id}."""
    if_match = request.if_match
    twin_id = require_id(request.parameters[0], "twin")
    operations = await request.patch(request.server.limits.body_bytes)
    command = PatchTwin(twin_id, operations, if_match, None, request.server.limits.strict)
    written = await services.graph.execute(command, request.context)
    if request.dry_run:
        return _twin(request, written.answer, written.etag)
    return Response(_NO_CONTENT, headers=[etag_header(written.etag)])


async def delete_twin(services: Services, request: Request) -> Response:
    """Answer DELETE /digitaltwins/{id}."""
    if_match = request.if_match
    command = DeleteTwin(require_id(request.parameters[0], "twin"), if_match)
    await services.graph.execute(command, request.context)
    return Response(_NO_CONTENT)


async def get_component(services: Services, request: Request) -> Response:
    """Answer GET /digitaltwins/{id}/components/{componentPath}; the etag is the twin's."""
    twin_id, component = request.parameters
    etag, text = await services.graph.component(
        require_id(twin_id, "twin"), require_id(component, "component"), request.context
    )
    if request.api_version == legacy.VERSION:
        text = legacy.strip_twin(text)
    return json_response(text, etag_header(etag))


async def patch_component(services: Services, request: Request) -> Response:
    """Answer PATCH /digitaltwins/{id}/components/{componentPath}."""
    if_match = request.if_match
    twin_id = require_id(request.parameters[0], "twin")
    component = require_id(request.parameters[1], "component")
    operations = await request.patch(request.server.limits.body_bytes)
    command = PatchTwin(twin_id, operations, if_match, component, request.server.limits.strict)
    written = await services.graph.execute(command, request.context)
    if request.dry_run:
        value = orjson.loads(written.doc)[component]
        return _twin(request, orjson.dumps(value), written.etag)
    return Response(_NO_CONTENT, headers=[etag_header(written.etag)])


async def send_telemetry(services: Services, request: Request) -> Response:
    """Answer POST of telemetry, of a twin or of one of its components."""
    twin_id = require_id(request.parameters[0], "twin")
    component = None
    if len(request.parameters) > 1:
        component = require_id(request.parameters[1], "component")
    body = await request.body(request.server.limits.body_bytes)
    await request.decoded(body)
    content_type = request.headers.get(b"content-type", b"application/json").decode("latin-1")
    message_id = request.headers.get(b"message-id")
    command = SendTelemetry(
        twin_id,
        body,
        content_type,
        None if message_id is None else message_id.decode("latin-1"),
        component,
        _source_time(request),
    )
    await services.graph.execute(command, request.context)
    return Response(_NO_CONTENT)


def _source_time(request: Request) -> Ticks | None:
    """Return when telemetry was taken; any text is allowed, also one that says no time."""
    text = request.headers.get(b"telemetry-source-time", b"").decode("latin-1").strip()
    try:
        return from_iso(text)
    except ValueError:
        return None


def _twin(request: Request, text: bytes, etag: str) -> Response:
    if request.api_version == legacy.VERSION:
        text = legacy.strip_twin(text)
    return json_response(text, etag_header(etag))


_TWIN = "/digitaltwins/{id}"
_COMPONENT = "/digitaltwins/{id}/components/{componentPath}"
_NO_TWIN = {404: ("DigitalTwinNotFound",)}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "DigitalTwins_GetById",
        "GET",
        _TWIN,
        P.TWINS_READ,
        get_twin,
        "Get a twin",
        errors=_NO_TWIN,
        result="Twin",
        headers=READ_FROM,
        etag=True,
        as_of=True,
        by_twin=True,
    ),
    Operation(
        "DigitalTwins_Add",
        "PUT",
        _TWIN,
        P.TWINS_WRITE,
        put_twin,
        "Create or replace a twin",
        errors={
            400: (
                "InvalidArgument",
                "ValidationFailed",
                "ModelDecommissioned",
                "TwinLimitReached",
            ),
            **STALE,
        },
        result="Twin",
        body=(JSON_BODY, "TwinBody"),
        headers=IF_NONE_MATCH,
        etag=True,
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_Update",
        "PATCH",
        _TWIN,
        P.TWINS_WRITE,
        patch_twin,
        "Update a twin with a JSON Patch",
        204,
        errors={**PATCH_FAULTS, **_NO_TWIN, **STALE},
        body=(PATCH_BODY, "JsonPatch"),
        headers=IF_MATCH,
        etag=True,
        dry_run=True,
        dry_run_result="Twin",
    ),
    Operation(
        "DigitalTwins_Delete",
        "DELETE",
        _TWIN,
        P.TWINS_DELETE,
        delete_twin,
        "Delete a twin that has no relationships",
        204,
        errors={400: ("InvalidArgument", "RelationshipsNotDeleted"), **_NO_TWIN, **STALE},
        headers=IF_MATCH,
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_GetComponent",
        "GET",
        _COMPONENT,
        P.TWINS_READ,
        get_component,
        "Get a component of a twin",
        errors={404: ("DigitalTwinNotFound", "ComponentNotFound")},
        result="Component",
        headers=READ_FROM,
        etag=True,
        as_of=True,
        by_twin=True,
    ),
    Operation(
        "DigitalTwins_UpdateComponent",
        "PATCH",
        _COMPONENT,
        P.TWINS_WRITE,
        patch_component,
        "Update a component with a JSON Patch",
        204,
        errors={**PATCH_FAULTS, **_NO_TWIN, **STALE},
        body=(PATCH_BODY, "JsonPatch"),
        headers=IF_MATCH,
        etag=True,
        dry_run=True,
        dry_run_result="Component",
    ),
    Operation(
        "DigitalTwins_SendTelemetry",
        "POST",
        "/digitaltwins/{id}/telemetry",
        P.TELEMETRY_SEND,
        send_telemetry,
        "Send telemetry of a twin",
        204,
        errors=_NO_TWIN,
        body=(JSON_BODY, "Telemetry"),
        headers=("Message-Id", "Telemetry-Source-Time"),
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_SendComponentTelemetry",
        "POST",
        f"{_COMPONENT}/telemetry",
        P.TELEMETRY_SEND,
        send_telemetry,
        "Send telemetry of a component",
        204,
        errors={404: ("DigitalTwinNotFound", "ComponentNotFound")},
        body=(JSON_BODY, "Telemetry"),
        headers=("Message-Id", "Telemetry-Source-Time"),
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_SendTelemetryOfComponent",
        "POST",
        "/digitaltwins/{id}/telemetry/components/{componentPath}",
        P.TELEMETRY_SEND,
        send_telemetry,
        "Send telemetry of a component",
        204,
        errors={404: ("DigitalTwinNotFound", "ComponentNotFound")},
        body=(JSON_BODY, "Telemetry"),
        headers=("Message-Id", "Telemetry-Source-Time"),
        in_adt=False,
        dry_run=True,
    ),
)
