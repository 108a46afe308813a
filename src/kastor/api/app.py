"""The ASGI application: finds the operation, checks access and version, runs the handler.

Every request takes this one way; nothing else decides about access.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.bodies import BodyBudget
from kastor.api.http.matcher import Matcher
from kastor.api.http.meter import DESCRIPTION, DOCS, UNMATCHED
from kastor.api.http.names import check_headers, check_parameters
from kastor.api.http.operation import Operation
from kastor.api.http.problem import answer, unexpected
from kastor.api.http.request import READ_HEADER, Request, Response, StreamResponse, json_response
from kastor.api.http.signposts import Signposts
from kastor.api.http.streaming import STALL_SECONDS, send_stream
from kastor.api.http.versions import require_version
from kastor.api.http.warnings import warning_header
from kastor.api.operations import OPERATIONS
from kastor.auth.roles import ANONYMOUS, Actor, Permission
from kastor.errors import Forbidden, KastorError, MethodNotAllowed, NotFound, Unauthenticated
from kastor.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from kastor.api.http.addressing import Addressed, Addressing
    from kastor.api.http.origins import StrangerCheck
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.api.http.server_state import ServerState
    from kastor.auth.tokens import TokenStore
    from kastor.hosting.services import Services

_TRACE = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = b"0" * 32
_TERMINAL = (b"curl/", b"HTTPie/", b"xh/")
_READING = ("GET", "HEAD")
_LONGEST_TOKEN = 1_024

_log = get_logger("kastor.api")


class Application:
    """Serves the graphs of one server; pure ASGI."""

    def __init__(
        self,
        server: ServerState,
        addressing: Addressing,
        *,
        tokens: TokenStore | None = None,
        strangers: StrangerCheck | None = None,
        public_url: str | None = None,
        trusted_proxies: tuple[str, ...] = (),
        access_log: bool = False,
        draining: asyncio.Event | None = None,
        stall_seconds: float = STALL_SECONDS,
        bodies: BodyBudget | None = None,
    ) -> None:
        self._server = server
        self._addressing = addressing
        self._strict = strict = server.limits.strict
        self._tokens = tokens
        self._strangers = strangers
        self._public_url = None if public_url is None else public_url.rstrip("/")
        self._trusted = frozenset(trusted_proxies)
        self._access_log = access_log
        self._draining = draining or asyncio.Event()
        self._stall_seconds = stall_seconds
        self._bodies = bodies or BodyBudget()
        there = [each for each in OPERATIONS if each.in_adt or not strict]
        self._matcher: Matcher[Operation] = Matcher(
            (method, operation.path, operation)
            for operation in there
            for method in ((operation.method, "HEAD") if operation.head else (operation.method,))
        )
        self._signposts = Signposts((operation.method, operation.path) for operation in there)
        self._docs: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        if self._access_log:
            await self._serve_logged(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve_logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._serve(scope, receive, noting)
        elapsed = round((time.perf_counter() - started) * 1000, 2)
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=elapsed,
        )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        is_docs = raw_path.startswith(b"/docs") and raw_path[5:6] in (b"", b"/")
        if is_docs and refusal is None and scope["method"] in _READING:
            await self._serve_docs(scope, receive, send)
            return
        started = time.perf_counter()
        name = UNMATCHED
        request: Request | None = None
        response: Response | StreamResponse
        try:
            if refusal is not None:
                response = answer(refusal)
            elif is_docs or raw_path == b"/openapi.json":
                name = DOCS if is_docs else DESCRIPTION
                response = self._describe(scope)
            else:
                addressed, operation, parameters = self._find(scope, raw_path)
                name = operation.id
                request = Request(scope, receive, parameters, self._server, self._bodies)
                response = await self._respond(scope, request, addressed, operation)
        except KastorError as error:
            response = answer(error)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            _log.exception("request failed", path=scope["path"], exc_info=error)
            response = unexpected()
        finally:
            if request is not None:
                request.let_go()
        if request is not None and request.warnings:
            response.headers.append(warning_header(request.warnings))
        # Before it is sent: how long that takes is the client's affair, and streams have no end.
        elapsed = time.perf_counter() - started
        self._server.meter.note(name, scope["method"], response.status, elapsed)
        if isinstance(response, StreamResponse):
            await send_stream(response, receive, send, self._draining, self._stall_seconds)
        else:
            await _send(scope, response, send)

    def _refusal(self, scope: Scope) -> KastorError | None:
        try:
            if self._strangers is not None:
                self._strangers.check(scope)
        except KastorError as error:
            return error
        return None

    def _find(self, scope: Scope, raw_path: bytes) -> tuple[Addressed, Operation, tuple[str, ...]]:
        try:
            addressed = self._addressing.find(raw_path, scope["headers"])
            return addressed, *self._match(scope["method"], addressed.raw_path)
        except KastorError:
            # Who has no token learns nothing about paths either (rest-api A.7).
            self._require_known(dict(scope["headers"]))
            raise

    def _match(self, method: str, raw_path: bytes) -> tuple[Operation, tuple[str, ...]]:
        try:
            return self._matcher.find(method, raw_path)
        except MethodNotAllowed as error:
            raise self._signposts.not_allowed(error, method, raw_path) from None
        except NotFound:
            if raw_path.startswith(b"//") and not self._strict:
                # Addresses joined with one slash too many; proxies rule ours by prefix.
                with contextlib.suppress(NotFound):
                    found = self._matcher.find(method, raw_path[1:])
                    if found[0].versioned:
                        return found
            raise self._signposts.not_found(method, raw_path) from None

    async def _respond(
        self, scope: Scope, request: Request, addressed: Addressed, operation: Operation
    ) -> Response | StreamResponse:
        request.actor = self._require_access(request, operation)
        services = await self._open(request, addressed, operation)
        request.base_url = self._base_url(scope, request.headers, addressed)
        if operation.versioned:
            url = f"{request.base_url}{addressed.raw_path.decode('latin-1')}"
            if scope["query_string"]:
                url += f"?{scope['query_string'].decode('latin-1')}"
            versions = request.query.get("api-version")
            request.api_version = require_version(versions, url, strict=self._strict)
        check_headers(request.headers)
        check_parameters(request, operation)
        if READ_HEADER in operation.headers:
            request.choose_source()
        response = await operation.handler(services, request)
        if self._tokens is not None and isinstance(response, StreamResponse):
            token, permission = _token(request.headers), operation.permission
            response.access_lost = partial(self._tokens.until_lost, token, permission)
        return response

    async def _open(self, request: Request, addressed: Addressed, operation: Operation) -> Services:
        is_open = operation.permission is Permission.OPEN
        # Nobody unknown learns which graphs there are.
        if addressed.name is None or (is_open and self._known(request.headers) is None):
            return self._server.graphs.default
        return await self._server.graphs.named(addressed.name)

    def _require_access(self, request: Request, operation: Operation) -> Actor:
        if operation.permission is Permission.OPEN:
            return ANONYMOUS
        actor = self._require_known(request.headers)
        if operation.permission not in actor.permissions:
            raise Forbidden(f"The token's role does not allow {operation.permission}.")
        return actor

    def _require_known(self, headers: dict[bytes, bytes]) -> Actor:
        actor = self._known(headers)
        if actor is None:
            raise Unauthenticated("A valid token is needed.")
        return actor

    def _known(self, headers: dict[bytes, bytes]) -> Actor | None:
        if self._tokens is None:
            return ANONYMOUS
        token = _token(headers)
        return self._tokens.actor(token) if token else None

    def _base_url(
        self, scope: Scope, headers: dict[bytes, bytes], addressed: Addressed | None = None
    ) -> str:
        prefix = "" if addressed is None else addressed.prefix
        # A graph that its host name names keeps that name in its links.
        if self._public_url is not None and (addressed is None or not addressed.by_host):
            return self._public_url + prefix
        scheme = scope["scheme"]
        host = headers.get(b"host", b"localhost").decode("latin-1")
        if self._trusted and (scope.get("client") or ("",))[0] in self._trusted:
            scheme = _first(headers.get(b"x-forwarded-proto")) or scheme
            host = _first(headers.get(b"x-forwarded-host")) or host
        if self._public_url is not None:
            scheme = self._public_url.partition(":")[0]
        return f"{scheme}://{host}{prefix}"

    def _describe(self, scope: Scope) -> Response:
        if scope["method"] not in _READING:
            raise MethodNotAllowed(
                f"{scope['method']} is not possible here; allowed: {', '.join(_READING)}.",
                allowed=_READING,
            )
        from kastor.api.description.openapi import build_openapi  # noqa: PLC0415 - seldom asked for

        url = self._base_url(scope, dict(scope["headers"]))
        description = build_openapi(url, strict=self._strict)
        return json_response(orjson.dumps(description))

    async def _serve_docs(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._docs is None:
            from kastor.api.description.docs import build_docs  # noqa: PLC0415 - seldom asked for

            self._docs = build_docs(strict=self._strict)
        started = time.perf_counter()

        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                elapsed = time.perf_counter() - started
                self._server.meter.note(DOCS, scope["method"], message["status"], elapsed)
            await send(message)

        await self._docs(scope, receive, noting)


def _token(headers: dict[bytes, bytes]) -> str:
    """Return the token of a request; none is empty."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer" or len(token) > _LONGEST_TOKEN:
        return ""
    return token.strip().decode("latin-1")


def _first(value: bytes | None) -> str:
    """Return the first of a header's values: what the client itself asked for."""
    return (value or b"").partition(b",")[0].strip().decode("latin-1")


async def _send(scope: Scope, response: Response, send: Send) -> None:
    headers, body = response.headers, response.body
    if response.content_type is not None:
        headers.append(response.content_type)
    for name, value in scope["headers"]:
        if name == b"traceparent":
            headers.append((b"traceresponse", _trace_response(value)))
        elif name == b"user-agent" and value.startswith(_TERMINAL) and body:
            body += b"\n"  # or the next prompt stands behind the answer
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _trace_response(traceparent: bytes) -> bytes:
    match = _TRACE.fullmatch(traceparent)
    trace = match[1] if match and match[1] != _NO_TRACE else secrets.token_hex(16).encode()
    return b"00-%s-%s-01" % (trace, secrets.token_hex(8).encode())
