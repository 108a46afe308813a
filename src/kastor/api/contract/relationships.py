"""Relationships and their two listings (rest-api B.3.1 to B.3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import (
    IF_MATCH,
    IF_NONE_MATCH,
    JSON_BODY,
    PAGE_SIZE,
    PATCH_BODY,
    PATCH_FAULTS,
    READ_FROM,
    STALE,
    Operation,
)
from kastor.api.http.paging import max_items, next_link, resume, segment
from kastor.api.http.request import AS_OF, Request, Response, etag_header, json_response
from kastor.auth.roles import Permission as P
from kastor.graph.commands import (
    DeleteRelationship,
    PatchRelationship,
    PutRelationship,
)
from kastor.graph.documents import with_etag
from kastor.graph.ids import require_id, require_new_id
from kastor.graph.instants import named

if TYPE_CHECKING:
    from kastor.hosting.services import Services

_NO_CONTENT = 204
_BEFORE_ALL = (-1, -1, -1)


async def get_relationship(services: Services, request: Request) -> Response:
    """Answer GET /digitaltwins/{id}/relationships/{relationshipId}."""
    row = await services.graph.relationship(*_ids(request), request.context)
    return json_response(with_etag(row.doc, row.etag), etag_header(row.etag))


async def put_relationship(services: Services, request: Request) -> Response:
    """Answer PUT of a relationship: 200 for creation and replacement alike."""
    only_if_absent = request.only_if_absent
    twin_id = require_id(request.parameters[0], "twin")
    relationship_id = require_new_id(request.parameters[1], "relationship")
    body = await request.document(request.server.limits.body_bytes)
    command = PutRelationship(twin_id, relationship_id, body, only_if_absent)
    written = await services.graph.execute(command, request.context)
    return json_response(written.answer, etag_header(written.etag))


async def patch_relationship(services: Services, request: Request) -> Response:
    """Answer PATCH of a relationship."""
    if_match = request.if_match
    twin_id, relationship_id = _ids(request)
    operations = await request.patch(request.server.limits.body_bytes)
    command = PatchRelationship(twin_id, relationship_id, operations, if_match)
    written = await services.graph.execute(command, request.context)
    if request.dry_run:
        return json_response(written.answer, etag_header(written.etag))
    return Response(_NO_CONTENT, headers=[etag_header(written.etag)])


async def delete_relationship(services: Services, request: Request) -> Response:
    """Answer DELETE of a relationship."""
    if_match = request.if_match
    twin_id, relationship_id = _ids(request)
    command = DeleteRelationship(twin_id, relationship_id, if_match)
    await services.graph.execute(command, request.context)
    return Response(_NO_CONTENT)


async def list_outgoing(services: Services, request: Request) -> Response:
    """Answer GET /digitaltwins/{id}/relationships, in order of id."""
    twin_id, limits = require_id(request.parameters[0], "twin"), request.server.limits
    size = max_items(request, 0, limits.relationships_page)
    token = await resume(services, request, "outgoing")
    name, after, remembered = None, "", limits.default_relationships_page
    if token is not None:
        after, name, remembered = token
    elif request.first("relationshipName"):
        name = request.first("relationshipName")
    size = size or remembered
    page = await services.graph.outgoing(twin_id, name, after, size, request.context)
    link = None
    if page.more:
        payload = ["outgoing", page.rows[-1].id, name, size]
        path = f"/digitaltwins/{segment(twin_id)}/relationships"
        link = next_link(request, path, payload, services.signing_key)
    value = b",".join([with_etag(row.doc, row.etag) for row in page.rows])
    return json_response(b'{"nextLink":' + orjson.dumps(link) + b',"value":[' + value + b"]}")


async def list_incoming(services: Services, request: Request) -> Response:
    """Answer GET /digitaltwins/{id}/incomingrelationships, in an order that an index gives."""
    twin_id, limits = require_id(request.parameters[0], "twin"), request.server.limits
    size = max_items(request, 0, limits.relationships_page)
    token = await resume(services, request, "incoming")
    after, remembered = _BEFORE_ALL, limits.default_relationships_page
    if token is not None:
        after, remembered = tuple(token[0]), token[1]
    size = size or remembered
    rows = await services.graph.incoming(twin_id, after, size + 1, request.context)
    link = None
    if len(rows) > size:
        rows = rows[:size]
        position = [rows[-1].name_key, rows[-1].source_key, rows[-1].key]
        path = f"/digitaltwins/{segment(twin_id)}/incomingrelationships"
        payload = ["incoming", position, size]
        link = next_link(request, path, payload, services.signing_key)
    base_url, suffix = request.base_url, f"?api-version={request.api_version}"
    if request.at is not None:
        suffix += f"&{AS_OF}={named(request.at)}"  # what is listed may be gone by now
    value = [
        {
            "$relationshipId": row.id,
            "$sourceId": row.source_id,
            "$relationshipName": row.name,
            "$relationshipLink": f"{base_url}/digitaltwins/{segment(row.source_id)}"
            f"/relationships/{segment(row.id)}{suffix}",
        }
        for row in rows
    ]
    return json_response(orjson.dumps({"nextLink": link, "value": value}))


def _ids(request: Request) -> tuple[str, str]:
    twin_id, relationship_id = request.parameters
    return require_id(twin_id, "twin"), require_id(relationship_id, "relationship")


_RELATIONSHIP = "/digitaltwins/{id}/relationships/{relationshipId}"
_NO_TWIN = {404: ("DigitalTwinNotFound",)}
_NO_RELATIONSHIP = {404: ("DigitalTwinNotFound", "RelationshipNotFound")}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "DigitalTwins_GetRelationshipById",
        "GET",
        _RELATIONSHIP,
        P.RELATIONSHIPS_READ,
        get_relationship,
        "Get a relationship",
        errors=_NO_RELATIONSHIP,
        result="Relationship",
        headers=READ_FROM,
        etag=True,
        as_of=True,
        by_twin=True,
    ),
    Operation(
        "DigitalTwins_AddRelationship",
        "PUT",
        _RELATIONSHIP,
        P.RELATIONSHIPS_WRITE,
        put_relationship,
        "Create or replace a relationship",
        errors={
            400: (
                "InvalidArgument",
                "InvalidRelationship",
                "LimitExceeded",
                "OperationNotAllowed",
                "ValidationFailed",
            ),
            404: ("DigitalTwinNotFound", "TargetDigitalTwinNotFound"),
            **STALE,
        },
        result="Relationship",
        body=(JSON_BODY, "RelationshipBody"),
        headers=IF_NONE_MATCH,
        etag=True,
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_UpdateRelationship",
        "PATCH",
        _RELATIONSHIP,
        P.RELATIONSHIPS_WRITE,
        patch_relationship,
        "Update a relationship's properties with a JSON Patch",
        204,
        errors={
            400: (*PATCH_FAULTS[400], "InvalidRelationship"),
            **_NO_RELATIONSHIP,
            **STALE,
        },
        body=(PATCH_BODY, "JsonPatch"),
        headers=IF_MATCH,
        etag=True,
        dry_run=True,
        dry_run_result="Relationship",
    ),
    Operation(
        "DigitalTwins_DeleteRelationship",
        "DELETE",
        _RELATIONSHIP,
        P.RELATIONSHIPS_DELETE,
        delete_relationship,
        "Delete a relationship",
        204,
        errors={**_NO_RELATIONSHIP, **STALE},
        headers=IF_MATCH,
        dry_run=True,
    ),
    Operation(
        "DigitalTwins_ListRelationships",
        "GET",
        "/digitaltwins/{id}/relationships",
        P.RELATIONSHIPS_READ,
        list_outgoing,
        "List the relationships that leave a twin",
        errors=_NO_TWIN,
        result="RelationshipPage",
        query=("relationshipName", "continuationToken"),
        headers=(*PAGE_SIZE, *READ_FROM),
        as_of=True,
        by_twin=True,
    ),
    Operation(
        "DigitalTwins_ListIncomingRelationships",
        "GET",
        "/digitaltwins/{id}/incomingrelationships",
        P.RELATIONSHIPS_READ,
        list_incoming,
        "List the relationships that enter a twin",
        errors=_NO_TWIN,
        result="IncomingRelationshipPage",
        query=("continuationToken",),
        headers=(*PAGE_SIZE, *READ_FROM),
        as_of=True,
        by_twin=True,
    ),
)
