"""What stands below /docs: the API's description and the pages, from this machine's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from kastor.api.description.openapi import build_openapi
from kastor.api.description.pages import below_prefix, serve_index, serve_page, serve_picture
from kastor.api.http.mount import ENTRY
from kastor.types import Json

if TYPE_CHECKING:
    from starlette.requests import Request

    from kastor.api.http.mount import Entry

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kastor API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<style>body { margin: 0 } .swagger-ui .topbar { display: none }
  nav { font: 16px sans-serif; padding: .7rem 1.2rem 0 }</style>
</head>
<body>
<nav><a href="/docs/pages">Documentation</a></nav>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({ url: "/docs/openapi.json", dom_id: "#api", deepLinking: true,
  tryItOutEnabled: true, displayRequestDuration: true, validatorUrl: null });
</script>
</body>
</html>
"""


def build_docs(*, strict: bool) -> Starlette:
    """Return the application that serves /docs and its assets; `strict` under the profile `adt`."""
    import swagger_ui_bundle  # noqa: PLC0415 - a few megabytes of paths, only when asked for

    async def describe(request: Request) -> JSONResponse:
        entry: Entry = request.scope[ENTRY]
        found = build_openapi(entry.base_url, strict=strict)
        return JSONResponse({**for_older_readers(found), "openapi": "3.0.3"})

    return Starlette(
        routes=[
            Route("/docs", _page),
            Route("/docs/openapi.json", describe),
            Mount("/docs/assets", StaticFiles(directory=swagger_ui_bundle.swagger_ui_path)),
            Route("/docs/pages", serve_index),
            Route("/docs/pictures/{name}", serve_picture),
            Route("/docs/{page:path}", serve_page),
        ]
    )


def for_older_readers(value: Json) -> Json:
    """Return a part of an OpenAPI 3.1 description in the words of 3.0, which the page reads."""
    if isinstance(value, list):
        return [for_older_readers(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: for_older_readers(item) for key, item in value.items()}
    kinds = found.get("type")
    if isinstance(kinds, list):
        found["type"] = next(kind for kind in kinds if kind != "null")
        found["nullable"] = "null" in kinds
    if "const" in found:
        found["enum"] = [found.pop("const")]
    return found


async def _page(request: Request) -> HTMLResponse:
    return HTMLResponse(below_prefix(request, _PAGE.encode()))
