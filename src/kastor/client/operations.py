"""The calls of the contract (spec `rest-api.md`): what each sends, and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kastor.client import features
from kastor.client.calls import (
    PATCH,
    Document,
    HttpAnswer,
    HttpCall,
    Repetition,
    document,
    documents,
    encoded,
    nothing,
    patch_body,
    read,
    segments,
)
from kastor.client.pages import ListingPage, decode_page

_PAGE_SIZE = "max-items-per-page"


@dataclass(frozen=True, slots=True)
class Patched:
    """What a PATCH answers.

    Attributes:
        etag: the new one; None where the other side sends none.
        document: as it would be, of a dry run; else None.
    """

    etag: str | None
    document: Document | None = None


def patched(answer: HttpAnswer) -> Patched:
    """Decode the answer of a PATCH."""
    return Patched(answer.headers.get("etag"), document(answer) if answer.body else None)


def _write(
    method: str, path: str, body: object, if_match: str | None, if_none_match: str | None = None
) -> HttpCall[Document]:
    headers = {"If-Match": if_match, "If-None-Match": if_none_match}
    return HttpCall(method, path, document, {}, headers, encoded(body))


def _patch(path: str, patch: Sequence[Document], if_match: str | None) -> HttpCall[Patched]:
    headers = {"If-Match": if_match}
    return HttpCall("PATCH", path, patched, {}, headers, patch_body(patch), PATCH)


def _delete(path: str, if_match: str | None = None) -> HttpCall[None]:
    return HttpCall("DELETE", path, nothing, {}, {"If-Match": if_match})


def get_twin(twin: str) -> HttpCall[Document]:
    """DigitalTwins_GetById."""
    return read(f"/digitaltwins{segments(twin)}", document)


def put_twin(
    twin: str, body: Document, if_match: str | None, if_none_match: str | None
) -> HttpCall[Document]:
    """DigitalTwins_Add."""
    return _write("PUT", f"/digitaltwins{segments(twin)}", body, if_match, if_none_match)


def patch_twin(twin: str, patch: Sequence[Document], if_match: str | None) -> HttpCall[Patched]:
    """DigitalTwins_Update."""
    return _patch(f"/digitaltwins{segments(twin)}", patch, if_match)


def delete_twin(twin: str, if_match: str | None) -> HttpCall[None]:
    """DigitalTwins_Delete."""
    return _delete(f"/digitaltwins{segments(twin)}", if_match)


def get_component(twin: str, component: str) -> HttpCall[Document]:
    """DigitalTwins_GetComponent."""
    return read(f"/digitaltwins{segments(twin)}/components{segments(component)}", document)


def patch_component(
    twin: str, component: str, patch: Sequence[Document], if_match: str | None
) -> HttpCall[Patched]:
    """DigitalTwins_UpdateComponent."""
    return _patch(f"/digitaltwins{segments(twin)}/components{segments(component)}", patch, if_match)


def send_telemetry(
    twin: str, component: str | None, payload: object, message_id: str, source_time: str | None
) -> HttpCall[None]:
    """DigitalTwins_SendTelemetry and DigitalTwins_SendComponentTelemetry."""
    part = "" if component is None else f"/components{segments(component)}"
    headers = {"Message-Id": message_id, "Telemetry-Source-Time": source_time}
    path = f"/digitaltwins{segments(twin)}{part}/telemetry"
    return HttpCall("POST", path, nothing, {}, headers, encoded(payload))


def get_relationship(source: str, relationship: str) -> HttpCall[Document]:
    """DigitalTwins_GetRelationshipById."""
    return read(_relationship(source, relationship), document)


def put_relationship(
    source: str, relationship: str, body: Document, if_match: str | None, if_none_match: str | None
) -> HttpCall[Document]:
    """DigitalTwins_AddRelationship."""
    return _write("PUT", _relationship(source, relationship), body, if_match, if_none_match)


def patch_relationship(
    source: str, relationship: str, patch: Sequence[Document], if_match: str | None
) -> HttpCall[Patched]:
    """DigitalTwins_UpdateRelationship."""
    return _patch(_relationship(source, relationship), patch, if_match)


def delete_relationship(source: str, relationship: str, if_match: str | None) -> HttpCall[None]:
    """DigitalTwins_DeleteRelationship."""
    return _delete(_relationship(source, relationship), if_match)


def list_relationships(source: str, name: str | None) -> HttpCall[ListingPage[Document]]:
    """DigitalTwins_ListRelationships."""
    path = f"/digitaltwins{segments(source)}/relationships"
    return read(path, decode_page, query={"relationshipName": name})


def list_incoming(target: str) -> HttpCall[ListingPage[Document]]:
    """DigitalTwins_ListIncomingRelationships."""
    return read(f"/digitaltwins{segments(target)}/incomingrelationships", decode_page)


def _relationship(source: str, relationship: str) -> str:
    return f"/digitaltwins{segments(source)}/relationships{segments(relationship)}"


def query_page(
    text: str, parameters: Mapping[str, object] | None, token: str | None, size: int | None
) -> HttpCall[ListingPage[Document]]:
    """QueryTwins; it changes nothing, so that it is repeated as a read is."""
    return HttpCall(
        "POST",
        "/query",
        decode_page,
        headers={_PAGE_SIZE: None if size is None else str(size)},
        content=_query_body(text, parameters, token),
        repeat=Repetition.ALWAYS,
        needs=None if parameters is None else features.PARAMETERS,
    )


def explain(text: str, parameters: Mapping[str, object] | None) -> HttpCall[Document]:
    """QueryTwins with `kastor-explain`; others would answer with rows."""
    return HttpCall(
        "POST",
        "/query",
        document,
        headers={"kastor-explain": "true"},
        content=_query_body(text, parameters, None),
        repeat=Repetition.ALWAYS,
        needs=features.EXPLAIN,
    )


def _query_body(text: str, parameters: Mapping[str, object] | None, token: str | None) -> bytes:
    body = {"query": text, "parameters": parameters, "continuationToken": token}
    return encoded({name: value for name, value in body.items() if value is not None})


def upload_models(models: Sequence[Document]) -> HttpCall[list[Document]]:
    """DigitalTwinModels_Add."""
    return HttpCall("POST", "/models", documents, content=encoded(list(models)))


def list_models(
    dependencies_for: Sequence[str], *, definitions: bool, size: int | None
) -> HttpCall[ListingPage[Document]]:
    """DigitalTwinModels_List."""
    return read(
        "/models",
        decode_page,
        query={
            "dependenciesFor": list(dependencies_for) or None,
            "includeModelDefinition": "true" if definitions else None,
        },
        headers={_PAGE_SIZE: None if size is None else str(size)},
    )


def get_model(model: str, *, definition: bool) -> HttpCall[Document]:
    """DigitalTwinModels_GetById."""
    query = {"includeModelDefinition": "true" if definition else None}
    return read(f"/models{segments(model)}", document, query=query)


def decommission_model(model: str, *, decommissioned: bool) -> HttpCall[None]:
    """DigitalTwinModels_Update."""
    patch = [{"op": "replace", "path": "/decommissioned", "value": decommissioned}]
    path = f"/models{segments(model)}"
    return HttpCall("PATCH", path, nothing, content=patch_body(patch), media_type=PATCH)


def delete_model(model: str) -> HttpCall[None]:
    """DigitalTwinModels_Delete."""
    return _delete(f"/models{segments(model)}")


def list_routes() -> HttpCall[ListingPage[Document]]:
    """EventRoutes_List."""
    return read("/eventroutes", decode_page)


def get_route(route: str) -> HttpCall[Document]:
    """EventRoutes_GetById."""
    return read(f"/eventroutes{segments(route)}", document)


def put_route(route: str, endpoint: str, condition: str) -> HttpCall[None]:
    """EventRoutes_Add."""
    body = encoded({"endpointName": endpoint, "filter": condition})
    return HttpCall("PUT", f"/eventroutes{segments(route)}", nothing, content=body)


def delete_route(route: str) -> HttpCall[None]:
    """EventRoutes_Delete."""
    return _delete(f"/eventroutes{segments(route)}")
