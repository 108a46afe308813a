"""Requests and answers without a socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kastor.api.http.base_url import BaseUrls
from kastor.api.http.limits import RequestLimits
from kastor.api.http.request import Request
from kastor.api.http.server_state import ServerState

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

KEY = b"k" * 32


class Receiver:
    """Hands out the parts of a body, then says that the client has gone."""

    def __init__(self, *chunks: bytes, whole: bool = True) -> None:
        last = len(chunks) - 1
        self._messages: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": index < last or not whole}
            for index, chunk in enumerate(chunks)
        ]
        self.taken = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        self.taken += 1
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}


def a_server(limits: RequestLimits | None = None) -> ServerState:
    """What a request is given of a server that has no graphs."""
    graphs: Any = None
    base_urls = BaseUrls("http://here:8080")
    return ServerState(graphs, limits or RequestLimits(), base_urls=base_urls)


def scope_of(
    path: str = "/models", *, method: str = "GET", query: str = "", headers: Any = (), **more: Any
) -> dict[str, Any]:
    pairs = headers.items() if isinstance(headers, dict) else headers
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        "scheme": "http",
        "client": ("127.0.0.1", 50000),
        **more,
    }


def request_of(
    *chunks: bytes, parameters: Sequence[str] = (), whole: bool = True, **scope: Any
) -> Request:
    """A request with a body in these parts."""
    receiver = Receiver(*(chunks or (b"",)), whole=whole)
    asked = scope_of(**scope)
    request = Request(asked, dict(asked["headers"]), receiver, tuple(parameters), a_server())
    request.api_version = "2023-10-31"
    return request


class Answer:
    """What an application sent."""

    def __init__(self, messages: list[MutableMapping[str, Any]]) -> None:
        start = messages[0]
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body: bytes = b"".join(each.get("body", b"") for each in messages[1:])

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(app: Any, scope: dict[str, Any], *chunks: bytes) -> Answer:
    """Send one request through an ASGI application."""
    messages: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    await app(scope, Receiver(*(chunks or (b"",))), send)
    return Answer(messages)
