"""The ASGI application: finds the operation, checks access and version, runs the handler.

Every request takes this one way; nothing else decides about access.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from kastor.api.http.answering import send_response
from kastor.api.http.bodies import BodyBudget
from kastor.api.http.client_gate import ClientGate
from kastor.api.http.entrance import Entrance
from kastor.api.http.following import serve_followed
from kastor.api.http.matcher import Matcher
from kastor.api.http.meter import UNMATCHED
from kastor.api.http.mount import ENTRY, Entry, Mount, Mounts
from kastor.api.http.names import check_headers, check_parameters
from kastor.api.http.operation import Operation
from kastor.api.http.problem import answer, unexpected
from kastor.api.http.request import (
    AS_OF,
    AS_OF_HEADER,
    DRY_RUN_HEADER,
    READ_HEADER,
    Request,
    Response,
    StreamResponse,
    different_instants,
)
from kastor.api.http.signposts import Signposts
from kastor.api.http.streaming import STALL_SECONDS, send_stream
from kastor.api.http.versions import require_version
from kastor.api.http.warnings import warning_header
from kastor.api.operations import OPERATIONS
from kastor.auth.roles import KNOWN_CALLERS, Permission
from kastor.errors import (
    Forbidden,
    InvalidArgument,
    KastorError,
    MethodNotAllowed,
    NotFound,
)
from kastor.graph.instants import shown
from kastor.logs import get_logger
from kastor.storage.placement import DEFAULT
from kastor.tracing import RequestTag, installed, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from kastor.api.http.addressing import Addressed, Addressing
    from kastor.api.http.auditing import Auditing
    from kastor.api.http.origins import StrangerCheck
    from kastor.api.http.rates import Rates
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.api.http.server_state import ServerState
    from kastor.auth.actors import Actor
    from kastor.hosting.services import Services

_log = get_logger("kastor.api")

_DRY_RUN = DRY_RUN_HEADER.encode()


class Application:
    """Serves the graphs of one server; pure ASGI.

    Attributes:
        strangers: keeps them away, where nobody is asked for a token.
        access_log: whether each request is logged.
        stall_seconds: for which a client may leave a stream unread.
    """

    def __init__(
        self,
        server: ServerState,
        addressing: Addressing,
        *,
        mounts: Iterable[Mount] = (),
        entrance: Entrance | None = None,
        strangers: StrangerCheck | None = None,
        access_log: bool = False,
        draining: asyncio.Event | None = None,
        stall_seconds: float = STALL_SECONDS,
        bodies: BodyBudget | None = None,
        rates: Rates | None = None,
        auditing: Auditing | None = None,
    ) -> None:
        self._server = server
        self._addressing = addressing
        self._strict = strict = server.limits.strict
        self._mounts = Mounts(mounts)
        self._entrance = entrance or Entrance()
        self.strangers = strangers
        self.access_log = access_log
        self._auditing = auditing
        self._draining = draining or asyncio.Event()
        self.stall_seconds = stall_seconds
        self._bodies = bodies or BodyBudget()
        there = [each for each in OPERATIONS if each.in_adt or not strict]
        if rates is not None:
            there = [rates.guard(each) for each in there]
        self._gate = ClientGate(server.clients, self._entrance, server.trusted_proxies)
        there = [self._gate.guard(each) for each in there]
        self._matcher: Matcher[Operation] = Matcher(
            (method, operation.path, operation)
            for operation in there
            for method in ((operation.method, "HEAD") if operation.head else (operation.method,))
        )
        self._signposts = Signposts((operation.method, operation.path) for operation in there)

    def allow_bodies(self, largest: int) -> None:
        """Have room for bodies of so many bytes from now on."""
        self._bodies.allow(largest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        if self._server.base_urls.path:
            scope = self._server.base_urls.without_path(scope)
        about = RequestTag()
        tag.set(about)
        serve = self._serve_logged if self.access_log else self._serve
        tracer = installed.tracer
        if tracer is None:
            await serve(scope, receive, send)
        else:
            await serve_followed(tracer, about, serve, scope, receive, send)

    async def _serve_logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0
        actor: Actor | None = None

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status, actor
            if message["type"] == "http.response.start":  # a stream may outlast its token
                status = message["status"]
                actor = self._entrance.known(dict(scope["headers"]))
            await send(message)

        await self._serve(scope, receive, noting)
        elapsed = round((time.perf_counter() - started) * 1000, 2)
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=elapsed,
            **({} if actor is None else {"actor": actor.name, "actor_id": actor.id}),
        )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        mount = self._mounts.find(raw_path)
        if mount is not None:
            await self._serve_mount(mount, raw_path, scope, receive, send)
            return
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        name = UNMATCHED
        operation: Operation | None = None
        request: Request | None = None
        fault: Exception | None = None
        response: Response | StreamResponse
        try:
            if self.strangers is not None:
                self.strangers.check(scope, headers)
            try:
                addressed = self._addressing.find(raw_path, headers)
                operation, parameters = self._match(scope["method"], addressed.raw_path)
            except KastorError:
                # Who has no token learns nothing about paths either (rest-api A.7).
                await self._entrance.require_known(headers)
                raise
            name = operation.id
            request = Request(
                scope, headers, receive, parameters, self._server, self._bodies, addressed
            )
            response = await self._respond(request, addressed, operation)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            fault = self._gate.judged(error, scope, headers, request)
            response = self._refuse(scope, fault)
        finally:
            if request is not None:
                request.let_go()
        if request is not None:
            _tell_beside(request, response)
        if self._auditing is not None and self._auditing.concerns(name, response.status):
            outcome = response.status, fault
            await self._auditing.tell(scope, headers, operation, request, outcome)
        # Before it is sent: how long that takes is the client's affair, and streams have no end.
        elapsed = time.perf_counter() - started
        self._note(name, scope, response.status, elapsed)
        if isinstance(response, StreamResponse):
            await send_stream(response, receive, send, self._draining, self.stall_seconds)
        else:
            await send_response(scope, headers, response, send)

    async def _serve_mount(
        self, mount: Mount, raw_path: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        name, begun = UNMATCHED, False

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                elapsed = time.perf_counter() - started
                self._note(name, scope, message["status"], elapsed)
            await send(message)

        try:
            if self.strangers is not None:
                self.strangers.check(scope, headers)
            name = mount.name
            if mount.door is not None:
                mount.door.check(scope, headers)
            entry = await self._enter(mount, scope, headers, raw_path)
            await mount.app({**scope, ENTRY: entry}, receive, noting)
        except Exception as error:
            if begun:  # the server ends the connection
                raise
            fault = self._gate.judged(error, scope, headers)
            response = self._refuse(scope, fault)
            if mount.door is not None:
                base = self._server.base_urls.of(scope, headers)
                _challenge(response, mount.door.challenge(base, raw_path, fault))
            if self._auditing is not None:
                self._auditing.refused_at(scope, headers, mount, (response.status, fault))
            await send_response(scope, headers, response, noting)

    def _note(self, name: str, scope: Scope, status: int, seconds: float) -> None:
        """Count a request whose answer is ready."""
        self._server.meter.note(name, scope["method"], status, seconds)
        if installed.tracer is not None and (about := tag.get()) is not None:
            about.operation = name

    async def _enter(
        self, mount: Mount, scope: Scope, headers: dict[bytes, bytes], raw_path: bytes
    ) -> Entry:
        addressed = self._addressing.find(raw_path, headers) if mount.of_graph else None
        graph = DEFAULT if addressed is None else addressed.graph
        actor = await self._entrance.let_in(headers, mount.permission, graph)
        mount.require_method(scope["method"])
        services = None
        if addressed is not None:
            asked = mount.permission not in KNOWN_CALLERS
            services = await self._open(addressed.name, headers, asked=asked)
        urls = self._server.base_urls
        base, prefix = urls.of(scope, headers, addressed), urls.prefix_of(scope, headers)
        return Entry(actor, base, prefix, services, graph)

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
        self, request: Request, addressed: Addressed, operation: Operation
    ) -> Response | StreamResponse:
        headers, permission = request.headers, operation.permission
        graph = operation.judged_on(addressed.graph, request.parameters)
        # Nothing is awaited where the caller is known already and no graph is named.
        seen = self._entrance.seen(headers, permission, graph)
        if seen is None:
            by_twin = operation.by_twin
            seen = await self._entrance.let_in(headers, permission, graph, by_twin=by_twin)
        request.let_in(seen, graph)
        self._gate.admit(request, operation)
        services = (
            self._server.graphs.default
            if addressed.name is None
            else await self._open(
                addressed.name,
                headers,
                asked=graph == addressed.graph and permission not in KNOWN_CALLERS,
            )
        )
        if permission not in request.permissions and graph is not None:
            request.limit_to(await services.graph.seen(seen.parts(permission, graph)))
        if operation.versioned:
            versions = request.query.get("api-version")
            request.api_version = require_version(versions, request.url, strict=self._strict)
        has_ours = check_headers(headers)
        check_parameters(request, operation)
        if has_ours:
            if READ_HEADER in operation.headers and not operation.waits:
                request.choose_source()
            request.choose_dry_run(possible=operation.dry_run or operation.method == "GET")
        if has_ours or AS_OF.lower() in request.query:
            await _choose_instant(services, request, operation)
        response = await operation.handler(services, request)
        if isinstance(response, StreamResponse):
            needed = (permission, *request.required)
            response.access_lost = self._entrance.until_lost(headers, needed, graph)
        return response

    async def _open(
        self, name: str | None, headers: dict[bytes, bytes], *, asked: bool
    ) -> Services:
        """Return what serves a graph; `asked`: a permission on it was asked for and is there."""
        if name is None:
            return self._server.graphs.default
        # Nobody learns of graphs on which they may do nothing.
        if not asked and not await self._entrance.shows(headers, name):
            return self._server.graphs.default
        return await self._server.graphs.named(name)

    def _refuse(self, scope: Scope, error: Exception) -> Response:
        if self._strict and isinstance(error, Forbidden):
            return answer(Forbidden(""))  # the cloud says nothing more (rest-api A.3)
        if isinstance(error, KastorError):
            return answer(error, strict=self._strict)
        _log.exception("request failed", path=scope["path"], exc_info=error)
        response, about = unexpected(), tag.get()
        if about is not None:  # whoever runs the server finds the lines by it
            response.headers.append((b"kastor-request-id", about.id.encode()))
        return response


def _challenge(response: Response, value: bytes | None) -> None:
    """Put a header in the place of the usual one that says how to be let in."""
    if value is not None:
        name = b"www-authenticate"
        response.headers[:] = [
            *(each for each in response.headers if each[0] != name),
            (name, value),
        ]


def _tell_beside(request: Request, response: Response | StreamResponse) -> None:
    """Add the headers that say how an answer, or a refusal, is meant."""
    if request.warnings:
        response.headers.append(warning_header(request.warnings))
    if request.at is not None:  # also where nothing was found
        response.headers.append((AS_OF_HEADER.encode(), shown(request.at).encode()))
    if request.dry_run:  # also of one that is refused
        response.headers.append((_DRY_RUN, b"true"))


async def _choose_instant(services: Services, request: Request, operation: Operation) -> None:
    named = request.asked_instants()
    if not named:
        return
    if not operation.as_of:
        is_read = operation.method == "GET" or operation.permission is Permission.QUERY
        raise InvalidArgument(
            "This cannot be asked as of an instant; leave out kastor-as-of and asOf."
            if is_read
            else "The past cannot be changed; leave out kastor-as-of and asOf. Nothing was changed."
        )
    states = [await services.graph.at(each) for each in named]
    if any(each.change != states[0].change for each in states):
        raise different_instants()
    request.read_past(states[0])
