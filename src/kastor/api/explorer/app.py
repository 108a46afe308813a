"""The ASGI application below /explorer."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import orjson

from kastor.api.explorer.building import told_beside, waiting_page
from kastor.api.explorer.configuration import configuration, sign_in_issuers
from kastor.api.explorer.files import HASHED_FOLDER, File, Files, folder_of
from kastor.api.explorer.page import ALONE, PREFIX, origins_of, page
from kastor.api.http.mount import ENTRY
from kastor.api.http.request import JSON_TYPE, Response
from kastor.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.api.http.mount import Entry
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.api.http.server_state import ServerState
    from kastor.config import Settings

_CONFIGURATION = b"config.json"
_LONGEST_PATH = 4_096
_PART_BYTES = 262_144
_NOT_MODIFIED = 304
_NO_ADDRESS = re.compile(rb"[\x00-\x1f\x7f\\]|(?:^|/)\.\.?(?:/|$)")
"""No address of the app, decoded: a browser sends none of these."""
_FOR_EVER = b"public, max-age=31536000, immutable"
_FILE_POLICY = (
    b"default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; "
    b"frame-ancestors 'none'"
)
"""Of files: a worker keeps to the policy that its own script came with, and not to the page's."""


class Explorer:
    """Answers the files of the app, what it is told, and the page for every other path."""

    def __init__(self, state: ServerState, in_force: Callable[[], Settings]) -> None:
        self._state = state
        self._in_force = in_force
        self._folder = folder_of(in_force())
        self._files = Files(self._folder)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Serve one request."""
        response = await self._respond(scope, dict(scope["headers"]))
        headers = response.headers
        if response.content_type is not None:
            headers.append(response.content_type)
        if response.status != _NOT_MODIFIED:
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        # Each part waits until the client has read: who reads slowly has one of them in memory.
        rest = memoryview(response.body)
        while len(rest) > _PART_BYTES:
            part, rest = rest[:_PART_BYTES], rest[_PART_BYTES:]
            await send({"type": "http.response.body", "body": bytes(part), "more_body": True})
        await send({"type": "http.response.body", "body": bytes(rest)})

    async def _respond(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Response:
        raw_path: bytes = scope["raw_path"]
        entry: Entry = scope[ENTRY]
        if raw_path == PREFIX:
            return _to_the_page(scope["query_string"])
        name = raw_path[len(PREFIX) + 1 :]
        if len(name) > _LONGEST_PATH or _NO_ADDRESS.search(unquote_to_bytes(name)):
            raise NotFound("The explorer has no such address. Begin at /explorer/.")
        if name == _CONFIGURATION:
            state = self._state
            found = configuration(
                self._in_force(), state.limits, entry.prefix, sample=state.allow_sample
            )
            said = [*ALONE, (b"cache-control", b"no-cache")]
            return Response(200, orjson.dumps(found), said, (b"content-type", JSON_TYPE))
        self._files.look()
        file = self._files.find(name)
        if file is not None:
            return await self._answer(file, headers)
        if name.startswith(HASHED_FOLDER):
            raise NotFound("The explorer has no such file. Load its page again: it may be newer.")
        return self._page(entry.prefix)

    def _page(self, prefix: str) -> Response:
        building = told_beside(self._folder)
        if building is not None or not self._files.page:
            return waiting_page(building, time.time(), prefix)
        issuers = sign_in_issuers(self._in_force())
        origins = origins_of(each.issuer for each in issuers)
        return page(self._files.page, f"{prefix}{PREFIX.decode()}/", origins)

    async def _answer(self, file: File, headers: Mapping[bytes, bytes]) -> Response:
        said = [
            *ALONE,
            (b"cache-control", _FOR_EVER if file.is_hashed else b"no-cache"),
            (b"content-security-policy", _FILE_POLICY),
            (b"etag", file.etag),
        ]
        if file.coded:
            said.append((b"vary", b"accept-encoding"))
        if file.etag in headers.get(b"if-none-match", b""):
            return Response(_NOT_MODIFIED, headers=said)
        coding, path = file.taken(headers.get(b"accept-encoding", b""))
        if coding:
            said.append((b"content-encoding", coding))
        try:
            body = await self._files.read(path)
        except OSError:  # another build has just taken its place
            raise NotFound("The explorer has been built anew. Load its page again.") from None
        return Response(200, body, said, (b"content-type", file.content_type))


def _to_the_page(query: bytes) -> Response:
    """Lead to the folder, in which the page's relative addresses are.

    Relative to what was asked, so that it is right whatever a proxy has before it.
    """
    target = b"explorer/?" + query if query else b"explorer/"
    return Response(307, headers=[*ALONE, (b"location", target), (b"cache-control", b"no-cache")])
