"""The one table of operations: routes, permissions and the API's description come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kastor.api import extras, graphs, models, query, relationships, twins
from kastor.api.request import Request, Response, StreamResponse
from kastor.api.services import Services
from kastor.auth.roles import Permission as P

Handler: TypeAlias = Callable[[Services, Request], Awaitable[Response | StreamResponse]]

JSON_BODY = "application/json"
PATCH_BODY = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row.

    Attributes:
        id: operation id, the contract's where it has one.
        permission: what the caller needs; checked in `app` alone.
        status: of success.
        errors: codes by status, beyond those that every operation has.
        result: name of the answer's schema (`schemas`), None for an empty answer.
        body: (media type, schema name) of the request's body.
        query: names of query parameters beside api-version.
        headers: names of request headers that matter.
        versioned: whether api-version is required.
        etag: whether success carries an ETag header.
    """

    id: str
    method: str
    path: str
    permission: P
    handler: Handler
    summary: str
    status: int = 200
    errors: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    result: str | None = None
    body: tuple[str, str] | None = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    versioned: bool = True
    etag: bool = False


_TWIN, _COMPONENT = "/digitaltwins/{id}", "/digitaltwins/{id}/components/{componentPath}"
_RELATIONSHIP = "/digitaltwins/{id}/relationships/{relationshipId}"
_NO_TWIN = {404: ("DigitalTwinNotFound",)}
_NO_RELATIONSHIP = {404: ("DigitalTwinNotFound", "RelationshipNotFound")}
_STALE = {412: ("PreconditionFailed",)}
_PATCH_FAULTS = {400: ("InvalidArgument", "JsonPatchInvalid", "ValidationFailed")}
_MATCH, _NONE_MATCH, _PAGE = ("If-Match",), ("If-None-Match",), ("max-items-per-page",)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "DigitalTwins_GetById",
        "GET",
        _TWIN,
        P.TWINS_READ,
        twins.get_twin,
        "Get a twin",
        errors=_NO_TWIN,
        result="Twin",
        etag=True,
    ),
    Operation(
        "DigitalTwins_Add",
        "PUT",
        _TWIN,
        P.TWINS_WRITE,
        twins.put_twin,
        "Create or replace a twin",
        errors={
            400: ("InvalidArgument", "ValidationFailed", "ModelDecommissioned"),
            **_STALE,
        },
        result="Twin",
        body=(JSON_BODY, "Twin"),
        headers=_NONE_MATCH,
        etag=True,
    ),
    Operation(
        "DigitalTwins_Update",
        "PATCH",
        _TWIN,
        P.TWINS_WRITE,
        twins.patch_twin,
        "Update a twin with a JSON Patch",
        204,
        errors={**_PATCH_FAULTS, **_NO_TWIN, **_STALE},
        body=(PATCH_BODY, "JsonPatch"),
        headers=_MATCH,
        etag=True,
    ),
    Operation(
        "DigitalTwins_Delete",
        "DELETE",
        _TWIN,
        P.TWINS_DELETE,
        twins.delete_twin,
        "Delete a twin that has no relationships",
        204,
        errors={400: ("InvalidArgument", "RelationshipsNotDeleted"), **_NO_TWIN, **_STALE},
        headers=_MATCH,
    ),
    Operation(
        "DigitalTwins_GetComponent",
        "GET",
        _COMPONENT,
        P.TWINS_READ,
        twins.get_component,
        "Get a component of a twin",
        errors={404: ("DigitalTwinNotFound", "ComponentNotFound")},
        result="Component",
        etag=True,
    ),
    Operation(
        "DigitalTwins_UpdateComponent",
        "PATCH",
        _COMPONENT,
        P.TWINS_WRITE,
        twins.patch_component,
        "Update a component with a JSON Patch",
        204,
        errors={**_PATCH_FAULTS, **_NO_TWIN, **_STALE},
        body=(PATCH_BODY, "JsonPatch"),
        headers=_MATCH,
        etag=True,
    ),
    Operation(
        "DigitalTwins_SendTelemetry",
        "POST",
        "/digitaltwins/{id}/telemetry",
        P.TELEMETRY_SEND,
        twins.send_telemetry,
        "Send telemetry of a twin",
        204,
        errors=_NO_TWIN,
        body=(JSON_BODY, "Telemetry"),
        headers=("Message-Id", "Telemetry-Source-Time"),
    ),
    Operation(
        "DigitalTwins_SendComponentTelemetry",
        "POST",
        f"{_COMPONENT}/telemetry",
        P.TELEMETRY_SEND,
        twins.send_telemetry,
        "Send telemetry of a component",
        204,
        errors={404: ("DigitalTwinNotFound", "ComponentNotFound")},
        body=(JSON_BODY, "Telemetry"),
        headers=("Message-Id", "Telemetry-Source-Time"),
    ),
    Operation(
        "DigitalTwins_GetRelationshipById",
        "GET",
        _RELATIONSHIP,
        P.RELATIONSHIPS_READ,
        relationships.get_relationship,
        "Get a relationship",
        errors=_NO_RELATIONSHIP,
        result="Relationship",
        etag=True,
    ),
    Operation(
        "DigitalTwins_AddRelationship",
        "PUT",
        _RELATIONSHIP,
        P.RELATIONSHIPS_WRITE,
        relationships.put_relationship,
        "Create or replace a relationship",
        errors={
            400: (
                "InvalidArgument",
                "InvalidRelationship",
                "OperationNotAllowed",
                "ValidationFailed",
            ),
            404: ("DigitalTwinNotFound", "TargetDigitalTwinNotFound"),
            **_STALE,
        },
        result="Relationship",
        body=(JSON_BODY, "Relationship"),
        headers=_NONE_MATCH,
        etag=True,
    ),
    Operation(
        "DigitalTwins_UpdateRelationship",
        "PATCH",
        _RELATIONSHIP,
        P.RELATIONSHIPS_WRITE,
        relationships.patch_relationship,
        "Update a relationship's properties with a JSON Patch",
        204,
        errors={
            400: (*_PATCH_FAULTS[400], "InvalidRelationship"),
            **_NO_RELATIONSHIP,
            **_STALE,
        },
        body=(PATCH_BODY, "JsonPatch"),
        headers=_MATCH,
        etag=True,
    ),
    Operation(
        "DigitalTwins_DeleteRelationship",
        "DELETE",
        _RELATIONSHIP,
        P.RELATIONSHIPS_DELETE,
        relationships.delete_relationship,
        "Delete a relationship",
        204,
        errors={**_NO_RELATIONSHIP, **_STALE},
        headers=_MATCH,
    ),
    Operation(
        "DigitalTwins_ListRelationships",
        "GET",
        "/digitaltwins/{id}/relationships",
        P.RELATIONSHIPS_READ,
        relationships.list_outgoing,
        "List the relationships that leave a twin",
        errors=_NO_TWIN,
        result="RelationshipPage",
        query=("relationshipName", "continuationToken"),
        headers=_PAGE,
    ),
    Operation(
        "DigitalTwins_ListIncomingRelationships",
        "GET",
        "/digitaltwins/{id}/incomingrelationships",
        P.RELATIONSHIPS_READ,
        relationships.list_incoming,
        "List the relationships that enter a twin",
        errors=_NO_TWIN,
        result="IncomingRelationshipPage",
        query=("continuationToken",),
        headers=_PAGE,
    ),
    Operation(
        "Query_QueryTwins",
        "POST",
        "/query",
        P.QUERY,
        query.query_twins,
        "Query twins and relationships",
        errors={400: ("BadRequest", "InvalidArgument", "SqlQueryError", "TimeoutError")},
        result="QueryResult",
        body=(JSON_BODY, "QuerySpecification"),
        headers=("max-items-per-page", "kastor-adt-strict"),
    ),
    Operation(
        "DigitalTwinModels_Add",
        "POST",
        "/models",
        P.MODELS_WRITE,
        models.add_models,
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
    ),
    Operation(
        "DigitalTwinModels_List",
        "GET",
        "/models",
        P.MODELS_READ,
        models.list_models,
        "List models, oldest upload first",
        errors={400: ("InvalidArgument", "LimitExceeded"), 404: ("ModelNotFound",)},
        result="ModelPage",
        query=("dependenciesFor", "includeModelDefinition", "continuationToken"),
        headers=_PAGE,
    ),
    Operation(
        "DigitalTwinModels_GetById",
        "GET",
        "/models/{id}",
        P.MODELS_READ,
        models.get_model,
        "Get a model",
        errors={404: ("ModelNotFound",)},
        result="ModelData",
        query=("includeModelDefinition",),
    ),
    Operation(
        "DigitalTwinModels_Update",
        "PATCH",
        "/models/{id}",
        P.MODELS_WRITE,
        models.update_model,
        "Decommission a model, or put it back into service",
        204,
        errors={400: ("InvalidArgument", "JsonPatchInvalid"), 404: ("ModelNotFound",)},
        body=(PATCH_BODY, "JsonPatch"),
    ),
    Operation(
        "DigitalTwinModels_Delete",
        "DELETE",
        "/models/{id}",
        P.MODELS_DELETE,
        models.delete_model,
        "Delete a model that no other model needs",
        204,
        errors={404: ("ModelNotFound",), 409: ("ModelReferencesNotDeleted",)},
    ),
    Operation(
        "Kastor_Status",
        "GET",
        "/kastor/v1/status",
        P.STATUS_READ,
        extras.status,
        "Version, counts and sizes",
        result="Status",
        versioned=False,
    ),
    Operation(
        "Kastor_ListGraphs",
        "GET",
        "/kastor/v1/graphs",
        P.GRAPHS_READ,
        graphs.list_graphs,
        "List the graphs of this server",
        result="GraphList",
        versioned=False,
    ),
    Operation(
        "Kastor_CreateGraph",
        "PUT",
        "/kastor/v1/graphs/{name}",
        P.GRAPHS_WRITE,
        graphs.create_graph,
        "Make an empty graph",
        201,
        errors={400: ("InvalidArgument",), 409: ("GraphExists",)},
        result="Graph",
        versioned=False,
    ),
    Operation(
        "Kastor_DeleteGraph",
        "DELETE",
        "/kastor/v1/graphs/{name}",
        P.GRAPHS_WRITE,
        graphs.delete_graph,
        "Delete a graph with all it holds",
        204,
        errors={400: ("OperationNotAllowed",), 404: ("GraphNotFound",)},
        versioned=False,
    ),
    Operation(
        "Kastor_Reset",
        "POST",
        "/kastor/v1/reset",
        P.GRAPH_RESET,
        extras.reset,
        "Empty the graph (servers started with --allow-reset)",
        204,
        errors={400: ("OperationNotAllowed",)},
        versioned=False,
    ),
    Operation(
        "Kastor_Health",
        "GET",
        "/healthz",
        P.OPEN,
        extras.healthz,
        "The process lives",
        result="Health",
        versioned=False,
    ),
    Operation(
        "Kastor_Ready",
        "GET",
        "/readyz",
        P.OPEN,
        extras.readyz,
        "The store answers",
        result="Health",
        versioned=False,
    ),
)
