"""Has requests followed where somebody traces; without that nothing here is on their way."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor import tracing
from kastor.api.http.entrance import Entrance
from kastor.types import override

if TYPE_CHECKING:
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.auth.actors import Actor
    from kastor.auth.authenticator import Authenticator
    from kastor.auth.roles import Permission
    from kastor.tracing import RequestTag, Tracer

    Serve: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


async def serve_followed(
    tracer: Tracer, about: RequestTag, serve: Serve, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve a request in a span, which ends when the answer is ready: streams may have no end.

    What comes after it is told the span by the header that it reads anyhow.
    """
    with tracer.request(scope["method"], scope["path"], scope["headers"]) as span:
        told = span.traceparent
        if told is not None:
            parent = (b"traceparent", told.encode())
            rest = [each for each in scope["headers"] if each[0] != b"traceparent"]
            scope = {**scope, "headers": [*rest, parent]}

        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                if told is not None:
                    message["headers"] = _with_span(message["headers"], told)
                span.answer(about.operation, message["status"])
            await send(message)

        await serve(scope, receive, noting)


def _with_span(headers: list[tuple[bytes, bytes]], told: str) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with the span that there is (W3C Trace Context 2, 4.1)."""
    rest = [each for each in headers if each[0] != b"traceresponse"]
    return [*rest, (b"traceresponse", told.encode())]


def entrance_of(authenticator: Authenticator | None) -> Entrance:
    """Return the entrance of a server, which tells of its decisions if it is followed."""
    return Entrance(authenticator) if tracing.current() is None else FollowedEntrance(authenticator)


class FollowedEntrance(Entrance):
    """An entrance whose decisions are seen."""

    @override
    def seen(
        self, headers: Mapping[bytes, bytes], permission: Permission, graph: str | None
    ) -> Actor | None:
        """Return who asks, where that is known without waiting."""
        begun = time.time_ns()
        actor = super().seen(headers, permission, graph)
        tracer = tracing.current()
        if actor is not None and tracer is not None:  # else `let_in` is asked
            tracer.note("authorise", begun, time.time_ns(), _about(permission, graph))
        return actor

    @override
    async def let_in(
        self,
        headers: Mapping[bytes, bytes],
        permission: Permission,
        graph: str | None,
        *,
        by_twin: bool = False,
    ) -> Actor:
        """Return who asks; raises as `Entrance` does, which the span tells."""
        with tracing.span("authorise", **_about(permission, graph)):
            return await super().let_in(headers, permission, graph, by_twin=by_twin)


def _about(permission: Permission, graph: str | None) -> dict[str, str]:
    return {"kastor.permission": str(permission), "kastor.graph": graph or "*"}
