"""Where the description of the API and the pages stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.answering import send_response
from kastor.api.http.mount import ENTRY, Mount
from kastor.api.http.request import json_response

if TYPE_CHECKING:
    from kastor.api.http.mount import Asgi, Entry
    from kastor.api.http.request import Receive, Scope, Send


def description_mounts(*, strict: bool) -> tuple[Mount, ...]:
    """Return /docs and /openapi.json; `strict` under the profile `adt`."""

    # What they need is imported when somebody asks for it: seldom, and it takes a while.
    def make_docs() -> Asgi:
        from kastor.api.description.docs import build_docs  # noqa: PLC0415

        return build_docs(strict=strict)

    def make_description() -> Asgi:
        from kastor.api.description.openapi import build_openapi  # noqa: PLC0415

        async def describe(scope: Scope, _receive: Receive, send: Send) -> None:
            entry: Entry = scope[ENTRY]
            text = orjson.dumps(build_openapi(entry.base_url, strict=strict))
            await send_response(scope, dict(scope["headers"]), json_response(text), send)

        return describe

    return (
        Mount("Docs", b"/docs", make_docs),
        Mount("OpenApi", b"/openapi.json", make_description, below=False),
    )
