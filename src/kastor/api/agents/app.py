"""Requests to /mcp: bounded before anything is read of them, each answered by a server of its own.

Both revisions of the protocol are served without sessions: the library tells them apart by a
header.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from kastor.agents.caller import LARGE_AT_ONCE as LARGE_ANSWERS_AT_ONCE
from kastor.agents.caller import AgentCaller
from kastor.agents.protocol import make_server
from kastor.api.http.clients import client_of
from kastor.api.http.entrance import refusal
from kastor.api.http.mount import ENTRY, Entry
from kastor.api.own.batch import needed_for, rules
from kastor.errors import BadRequest, Forbidden, PayloadTooLarge, TooManyRequests
from kastor.nesting import MAX_DEPTH, is_too_deep, may_be_too_deep
from kastor.proposals import Caller, Via

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from kastor.api.agents.door import AgentsDoor
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.api.http.server_state import ServerState
    from kastor.graph.batch import Subject, Verb

MOST_BYTES, MOST_BYTES_OF_WRITES = 65_536, 1_048_576
"""Of a request's body; changes bring documents."""
LARGE_AT_ONCE = 3
"""Bodies over MOST_BYTES that are values at the same time."""
MOST_AT_ONCE = 64
"""Requests that a process answers at the same time."""


class AgentsApp:
    """Answers the requests to /mcp of all graphs of one process."""

    def __init__(self, state: ServerState, door: AgentsDoor, *, writes: bool) -> None:
        self._state, self._door, self._writes = state, door, writes
        self._most = MOST_BYTES_OF_WRITES if writes else MOST_BYTES
        self._own: Counter[str] = Counter()
        self._turns = asyncio.Semaphore(LARGE_AT_ONCE)
        self._room = asyncio.Semaphore(LARGE_ANSWERS_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            TooManyRequests: too many are under way, of this client or in all.
            PayloadTooLarge, BadRequest: the body is too large, or nested too deeply.
            Forbidden: a scope is missing.
        """
        entry: Entry = scope[ENTRY]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        clients = self._state.clients
        client = client_of(entry.actor, scope, headers, self._state.trusted_proxies())
        if clients.has_rate:
            clients.take(client, is_query=True)
        # One client has at most half of the places, so that it keeps nobody else out.
        if self._own[client] >= MOST_AT_ONCE // 2 or self._own.total() >= MOST_AT_ONCE:
            raise TooManyRequests(
                "As many requests to /mcp are under way as may be: "
                f"{MOST_AT_ONCE} in all, {MOST_AT_ONCE // 2} of a client. Wait for one to end."
            )
        clients.begin_query(client)
        self._own[client] += 1
        try:
            self._door.require_for_tool(entry, headers, writes=self._writes)
            body = await self._body(headers, receive)
            if body is None:
                return
            # A decoded body is many times as large as its text, so large ones have their turns.
            async with self._turns if len(body) > MOST_BYTES else nullcontext():
                await self._answer(entry, headers, scope, _replayed(body, receive), send)
        finally:
            clients.end_query(client)
            self._own[client] -= 1
            if not self._own[client]:
                del self._own[client]

    async def _answer(
        self,
        entry: Entry,
        headers: dict[bytes, bytes],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        services = entry.services
        if services is None:
            services = self._state.graphs.default
        trace = headers.get(b"traceparent")
        caller = AgentCaller(
            entry.actor.id,
            entry.actor.name,
            entry.actor.on(entry.graph),
            entry.graph,
            services,
            None if trace is None else trace.decode("latin-1"),
            proposer=self._proposer(entry) if self._writes else None,
            room=self._room,
        )
        server = make_server(caller, writes=self._writes)
        manager = StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, max_request_body_size=self._most
        )
        async with manager.run():
            await manager.handle_request(_trimmed(scope), receive, send)

    def _proposer(self, entry: Entry) -> Callable[[Via], Caller]:
        allowed = entry.actor.on(entry.graph)

        def refused(verb: Verb, kind: Subject) -> Forbidden | None:
            needed = needed_for(verb, kind)
            return None if needed in allowed else refusal(entry.actor, needed, entry.graph)

        limits = self._state.limits
        return lambda via: Caller(entry.actor.id, refused, rules(limits), via)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
        """Return the body; None if the client has gone."""
        said = headers.get(b"content-length", b"")
        if said.isdigit() and len(said) < 20 and int(said) > self._most:  # noqa: PLR2004 - digits of 64 bits
            raise self._too_large()
        parts, size = [], 0
        while True:
            message: MutableMapping[str, Any] = await receive()
            if message["type"] == "http.disconnect":
                return None
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._most:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body"):
                break
        body = b"".join(parts)
        if may_be_too_deep(body) and _is_too_deep(body):
            raise BadRequest(f"The body has arrays and objects deeper than {MAX_DEPTH}.")
        return body

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"A request to /mcp has at most {self._most} bytes.")


def _trimmed(scope: Scope) -> Scope:
    """Return a request whose headers of the protocol have no blanks around (RFC 9110, 5.5)."""
    headers = [
        (name, value.strip(b" \t") if name.startswith(b"mcp-") else value)
        for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _is_too_deep(body: bytes) -> bool:
    try:
        return is_too_deep(orjson.loads(body))
    except orjson.JSONDecodeError:  # what cannot be read the protocol refuses in its own words
        return body.count(b"[") + body.count(b"{") > MAX_DEPTH**2


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body first."""
    waiting: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": False}
    ]

    async def replay() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return replay
