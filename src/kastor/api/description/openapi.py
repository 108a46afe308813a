"""Describes the operation table as OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kastor import __version__
from kastor.api.description.examples import example_of
from kastor.api.description.schemas import SCHEMAS
from kastor.api.description.schemas.forms import ref
from kastor.api.http.operation import Operation
from kastor.api.http.request import AS_OF, AS_OF_HEADER, DRY_RUN_HEADER
from kastor.api.http.versions import ASSUMED, SUPPORTED
from kastor.api.operations import OPERATIONS
from kastor.saved.service import DOCUMENTS

_PARAMETER_SCHEMAS: dict[str, dict[str, Any]] = {
    "kind": {"type": "string", "enum": list(DOCUMENTS)},
    "includeModelDefinition": {"type": "boolean", "default": False},
    "includeBaseModelContents": {"type": "boolean", "default": False},
    "dependenciesFor": {"type": "array", "items": {"type": "string"}},
    "id": {"type": "array", "items": {"type": "string"}},
    "max-items-per-page": {"type": "integer", "minimum": 1},
    "If-None-Match": {"type": "string", "enum": ["*"]},
    DRY_RUN_HEADER: {"type": "boolean", "default": False},
}
_COMMON_ERRORS: dict[int, tuple[str, ...]] = {
    400: ("ApiVersionUnspecified", "UnsupportedApiVersion", "InvalidArgument"),
    429: ("TooManyRequests",),
    503: ("ServiceUnavailable",),
}
_BODY_ERRORS: dict[int, tuple[str, ...]] = {
    400: ("BadRequest", "InvalidArgument"),
    413: ("PayloadTooLarge",),
    415: ("UnsupportedMediaType", "UnsupportedContentEncoding"),
}


def build_openapi(server_url: str, *, strict: bool = False) -> dict[str, Any]:
    """Return the description of this server's API; `strict` under the profile `adt`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if operation.in_adt or not strict:
            described = _describe(operation, strict=strict)
            paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kastor",
            "version": __version__,
            "summary": "The Azure Digital Twins data-plane API, and Kastor's additions.",
        },
        "servers": [{"url": server_url}],
        "paths": paths,
        "components": {
            "schemas": _schemas(strict=strict),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


_SUPERSET = frozenset({"parameters", "language"})
"""Members of a query's body that are not there under adt."""


def _schemas(*, strict: bool) -> dict[str, Any]:
    """Return the schemas; under adt queries have no parameters, and one language."""
    if not strict:
        return SCHEMAS
    found = {name: schema for name, schema in SCHEMAS.items() if name != "QueryParameters"}
    for name in ("QuerySpecification", "LiveQuerySpecification"):
        fields = {k: v for k, v in found[name]["properties"].items() if k not in _SUPERSET}
        found[name] = {**found[name], "properties": fields}
    return found


def _describe(operation: Operation, *, strict: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"Needs the permission `{operation.permission}`.",
        "tags": [operation.id.partition("_")[0]],
        "parameters": _parameters(operation, strict=strict),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        media_type, schema = operation.body
        content: dict[str, Any] = {"schema": ref(schema)}
        body = example_of(operation.id).body
        if body is not None:
            content["example"] = body
        described["requestBody"] = {"required": True, "content": {media_type: content}}
    return described


def _parameters(operation: Operation, *, strict: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PARAMETER_SCHEMAS.get(name, {"type": "string"}),
        }
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    if operation.versioned:
        version = {"type": "string", "enum": list(SUPPORTED), "default": ASSUMED}
        parameters.append(
            {"name": "api-version", "in": "query", "required": strict, "schema": version}
        )
    headers = (*operation.headers, DRY_RUN_HEADER) if operation.dry_run else operation.headers
    query = operation.query
    if operation.as_of:
        headers, query = (*headers, AS_OF_HEADER), (*query, AS_OF)
    for place, names in (("query", query), ("header", headers)):
        for name in names:
            schema = _PARAMETER_SCHEMAS.get(name, {"type": "string"})
            if _takes_tags(operation) and name == "If-None-Match":
                schema = {"type": "string"}
            parameters.append({"name": name, "in": place, "required": False, "schema": schema})
    values = example_of(operation.id).parameters
    for parameter in parameters:
        if parameter["name"] in values:
            parameter["example"] = values[parameter["name"]]
    return parameters


def _takes_tags(operation: Operation) -> bool:
    """Whether it is asked with the ETag of what the client has; writes know `*` alone."""
    return operation.method == "GET" and "If-None-Match" in operation.headers


_FORMS = {"BatchRefused": "RefusedBatch", "ProposalOutdated": "OutdatedProposal"}
"""Errors that come with more than an error, by their codes."""


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Success"}
    if operation.result is not None:
        success["content"] = {"application/json": {"schema": ref(operation.result)}}
    streamed = {each: {"schema": {"type": "string"}} for each in operation.streams}
    if streamed and not operation.dry_run:
        success["content"] = streamed
    if operation.etag:
        success["headers"] = {"ETag": {"schema": ref("Etag")}}
    responses: dict[str, Any] = {str(operation.status): success}
    if operation.status_again is not None:
        again = {**success, "description": "The same was there already"}
        responses[str(operation.status_again)] = again
    if _takes_tags(operation):
        responses["304"] = {"description": "Nothing changed since the state that the client has"}
    if operation.dry_run_result is not None:
        content = {"application/json": {"schema": ref(operation.dry_run_result)}}
        responses["200"] = {"description": "A dry run: what would be there", "content": content}
    if streamed and operation.dry_run:
        responses["200"] = {"description": "A dry run: what it would change", "content": streamed}
    for status, found in sorted(_errors(operation).items()):
        schema = next((_FORMS[each] for each in found if each in _FORMS), "Error")
        content = {"application/json": {"schema": ref(schema)}}
        responses[str(status)] = {"description": ", ".join(found), "content": content}
    unauthorized = {"application/json": {"schema": ref("Unauthorized")}}
    responses["401"] = {"description": "No token, or an unknown one", "content": unauthorized}
    responses["403"] = {
        "description": "The caller lacks the permission; the body is empty where it has no role",
        "content": {"application/json": {"schema": ref("Error")}},
    }
    return responses


def _errors(operation: Operation) -> dict[int, list[str]]:
    """Return the codes that an operation may answer with, by status."""
    codes: dict[int, list[str]] = {}
    tables: list[Mapping[int, tuple[str, ...]]] = [_COMMON_ERRORS, operation.errors]
    if operation.body is not None:
        tables.append(_BODY_ERRORS)
    if "{" in operation.path:
        tables.append({404: ("NotFound",)})  # an empty part names another path, or none
    if operation.as_of:
        tables.append({410: ("HistoryExpired",)})
    for table in tables:
        for status, names in table.items():
            known = codes.setdefault(status, [])
            known += [name for name in names if name not in known]
    return codes
