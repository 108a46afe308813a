"""What the explorer keeps in a graph: views, queries and scenes as documents, and scene files.

A scene file is shown to whoever opens the scene, so its answers are made for nothing but being
fetched: never rendered as a page, never guessed to be another type, without any right of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from kastor.api.http.operation import (
    IF_MATCH,
    IF_NONE_MATCH,
    JSON_BODY,
    PAGE_SIZE,
    STALE,
    Operation,
)
from kastor.api.http.paging import max_items, next_link, read_token
from kastor.api.http.request import (
    Request,
    Response,
    StreamResponse,
    etag_header,
    json_response,
)
from kastor.api.http.streaming import Shared
from kastor.auth.roles import Permission as P
from kastor.clock import twin_time
from kastor.graph.conditions import read_if_match
from kastor.saved.doors import FILE_BYTES, FILE_TYPES, FILES, SVG
from kastor.saved.service import DOCUMENT_BYTES, PART_BYTES, Condition

if TYPE_CHECKING:
    from kastor.hosting.services import Services
    from kastor.storage.saved import SavedEntry

_NO_CONTENT, _NOT_MODIFIED = 204, 304
_PAGE = 1_000
_WANTED = "image/svg+xml, model/gltf-binary or model/gltf+json"
_OF_FILES = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"private, no-cache"),
]


async def list_saved(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/explorer/{kind}."""
    return await _list(services, request, request.parameters[0])


async def list_files(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/explorer/files."""
    return await _list(services, request, FILES)


async def get_saved(services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/explorer/{kind}/{name}: the document as it was saved."""
    kind, name = request.parameters
    entry, text = await services.saved.document(kind, name, request.context)
    if _is_known(request, entry):
        return Response(_NOT_MODIFIED, headers=[etag_header(entry.etag)])
    return json_response(text, etag_header(entry.etag))


async def put_saved(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/explorer/{kind}/{name}."""
    kind, name = request.parameters
    condition = _condition(request)
    document = await request.document(DOCUMENT_BYTES)
    entry = await services.saved.put_document(kind, name, document, condition, request.context)
    return json_response(orjson.dumps(_entry(entry)), etag_header(entry.etag))


async def delete_saved(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/explorer/{kind}/{name}."""
    kind, name = request.parameters
    await services.saved.delete(kind, name, request.if_match, request.context)
    return Response(_NO_CONTENT)


async def get_file(services: Services, request: Request) -> Response | StreamResponse:
    """Answer GET /kastor/v1/explorer/files/{name}: the file as it is stored, read as it is sent."""
    name = request.parameters[0]
    if request.headers.get(b"if-none-match") is not None:  # without reading megabytes
        known = await services.saved.entry(FILES, name, request.context)
        if _is_known(request, known):
            return Response(_NOT_MODIFIED, headers=[etag_header(known.etag), *_OF_FILES])
    share = request.server.streams.enter(request.client)
    try:
        share.hold(PART_BYTES)
        file = await services.saved.open_file(name, request.context)
    except BaseException:
        share.leave()
        raise
    entry = file.entry
    headers = [etag_header(entry.etag), *_OF_FILES]
    headers.append((b"content-length", str(entry.size).encode()))
    # The name is anybody's: in this form nothing in it ends the header's value.
    disposition = f"attachment; filename*=UTF-8''{quote(entry.name, safe='')}"
    headers.append((b"content-disposition", disposition.encode()))
    charset = "; charset=utf-8" if entry.content_type == SVG else ""
    content_type = f"{entry.content_type}{charset}".encode()
    return StreamResponse(Shared(file.parts, share), content_type, headers, ends=True)


async def put_file(services: Services, request: Request) -> Response:
    """Answer PUT /kastor/v1/explorer/files/{name}; drawings are sanitised, and it says how."""
    condition = _condition(request)
    body = await request.body(FILE_BYTES, FILE_TYPES, _WANTED)
    async with request.turn(body):
        stored = await services.saved.put_file(
            request.parameters[0], body, request.media_type, condition, request.context
        )
    dropped = [
        {"what": each.what, "name": each.name, "count": each.count, "line": each.line}
        for each in stored.dropped
    ]
    answer = {**_entry(stored.entry), "dropped": dropped}
    return json_response(orjson.dumps(answer), etag_header(stored.entry.etag))


async def delete_file(services: Services, request: Request) -> Response:
    """Answer DELETE /kastor/v1/explorer/files/{name}."""
    name = request.parameters[0]
    await services.saved.delete(FILES, name, request.if_match, request.context)
    return Response(_NO_CONTENT)


async def _list(services: Services, request: Request, kind: str) -> Response:
    size = max_items(request, 0, _PAGE)
    listing = f"saved {kind}"
    token = read_token(request, listing, services.signing_key)
    after, remembered = token if token is not None else ("", _PAGE)
    size = size or remembered
    rows = await services.saved.entries(kind, after, size + 1, request.context)
    link = None
    if len(rows) > size:
        rows = rows[:size]
        payload = [listing, rows[-1].name, size]
        link = next_link(request, f"/kastor/v1/explorer/{kind}", payload, services.signing_key)
    value = [_entry(each) for each in rows]
    return json_response(orjson.dumps({"value": value, "nextLink": link}))


def _entry(entry: SavedEntry) -> dict[str, Any]:
    found = {
        "name": entry.name,
        "etag": f'W/"{entry.etag}"',
        "createdTime": twin_time(entry.created),
        "lastUpdateTime": twin_time(entry.updated),
        "by": entry.actor,
        "bytes": entry.size,
    }
    return {**found, "contentType": entry.content_type} if entry.kind == FILES else found


def _condition(request: Request) -> Condition:
    return Condition(request.if_match, request.only_if_absent)


def _is_known(request: Request, entry: SavedEntry) -> bool:
    """Return whether the client has this version; raises InvalidArgument for an odd header."""
    value = request.headers.get(b"if-none-match")
    return value is not None and read_if_match(value.decode("latin-1")).allows(entry.etag)


_KIND = "/kastor/v1/explorer/{kind}"
_DOCUMENT = "/kastor/v1/explorer/{kind}/{name}"
_FILES = "/kastor/v1/explorer/files"
_FILE = "/kastor/v1/explorer/files/{name}"
_NO_KIND = {404: ("SavedKindNotFound",)}
_NO_DOCUMENT = {404: ("SavedDocumentNotFound", "SavedKindNotFound")}
_NO_FILE = {404: ("SceneFileNotFound",)}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ListSaved",
        "GET",
        _KIND,
        P.EXPLORER_READ,
        list_saved,
        "List the saved views, queries or scenes",
        errors=_NO_KIND,
        result="SavedEntryPage",
        headers=PAGE_SIZE,
        query=("continuationToken",),
        versioned=False,
    ),
    Operation(
        "Kastor_GetSaved",
        "GET",
        _DOCUMENT,
        P.EXPLORER_READ,
        get_saved,
        "Get a saved view, query or scene",
        errors={400: ("LimitExceeded",), **_NO_DOCUMENT},
        result="SavedDocument",
        versioned=False,
        etag=True,
    ),
    Operation(
        "Kastor_PutSaved",
        "PUT",
        _DOCUMENT,
        P.EXPLORER_WRITE,
        put_saved,
        "Save a view, a query or a scene",
        errors={400: ("InvalidArgument", "LimitExceeded"), **_NO_KIND, **STALE},
        result="SavedEntry",
        body=(JSON_BODY, "SavedDocument"),
        headers=(*IF_MATCH, *IF_NONE_MATCH),
        versioned=False,
        etag=True,
        dry_run=True,
    ),
    Operation(
        "Kastor_DeleteSaved",
        "DELETE",
        _DOCUMENT,
        P.EXPLORER_DELETE,
        delete_saved,
        "Delete a saved view, query or scene",
        204,
        errors={**_NO_DOCUMENT, **STALE},
        headers=IF_MATCH,
        versioned=False,
        dry_run=True,
    ),
    Operation(
        "Kastor_ListSceneFiles",
        "GET",
        _FILES,
        P.EXPLORER_READ,
        list_files,
        "List the scene files",
        result="SceneFileEntryPage",
        headers=PAGE_SIZE,
        query=("continuationToken",),
        versioned=False,
    ),
    Operation(
        "Kastor_GetSceneFile",
        "GET",
        _FILE,
        P.EXPLORER_READ,
        get_file,
        "Get a scene file, drawings as they were sanitised",
        errors={400: ("SceneFileRefused",), 409: ("Conflict",), **_NO_FILE},
        streams=tuple(sorted(FILE_TYPES)),
        versioned=False,
        etag=True,
    ),
    Operation(
        "Kastor_PutSceneFile",
        "PUT",
        _FILE,
        P.EXPLORER_WRITE,
        put_file,
        "Store a scene file: SVG, which is sanitised, or glTF",
        errors={400: ("InvalidArgument", "LimitExceeded", "SceneFileRefused"), **STALE},
        result="StoredSceneFile",
        body=(SVG, "SceneFile"),
        headers=(*IF_MATCH, *IF_NONE_MATCH),
        versioned=False,
        etag=True,
        dry_run=True,
    ),
    Operation(
        "Kastor_DeleteSceneFile",
        "DELETE",
        _FILE,
        P.EXPLORER_DELETE,
        delete_file,
        "Delete a scene file",
        204,
        errors={**_NO_FILE, **STALE},
        headers=IF_MATCH,
        versioned=False,
        dry_run=True,
    ),
)
