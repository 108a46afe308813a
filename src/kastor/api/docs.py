"""The page that shows the API's description, from files on this machine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.requests import Request

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kastor API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<style>body { margin: 0 } .swagger-ui .topbar { display: none }</style>
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true,
  tryItOutEnabled: true, displayRequestDuration: true, validatorUrl: null });
</script>
</body>
</html>
"""


def build_docs() -> Starlette:
    """Return the application that serves /docs and its assets."""
    import swagger_ui_bundle  # noqa: PLC0415 - a few megabytes of paths, only when asked for

    return Starlette(
        routes=[
            Route("/docs", _page),
            Mount("/docs/assets", StaticFiles(directory=swagger_ui_bundle.swagger_ui_path)),
        ]
    )


async def _page(_request: Request) -> HTMLResponse:
    return HTMLResponse(_PAGE)
