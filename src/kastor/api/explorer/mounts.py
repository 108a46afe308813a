"""Where the explorer stands, and the picture that browsers ask every server for."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from kastor.api.explorer.page import PREFIX
from kastor.api.http.mount import Mount
from kastor.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.api.http.mount import Asgi
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.api.http.server_state import ServerState
    from kastor.config import Settings

_ICON = "favicon.ico"
_DAY = b"public, max-age=86400"


def explorer_mounts(state: ServerState, in_force: Callable[[], Settings]) -> tuple[Mount, ...]:
    """Return /favicon.ico and /explorer, which says so where it is not served.

    Args:
        state: of the server.
        in_force: returns the settings that hold now.
    """
    icon = Mount("Favicon", f"/{_ICON}".encode(), _make_icon, below=False)

    def make() -> Asgi:
        if not state.has_explorer:
            return _absent(in_force().profile)
        from kastor.api.explorer.app import Explorer  # noqa: PLC0415 - when somebody asks for it

        return Explorer(state, in_force)

    return icon, Mount("Explorer", PREFIX, make)


def _absent(profile: str) -> Asgi:
    why = "runs with --profile adt" if profile == "adt" else "was started with --no-explorer"

    async def refuse(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise NotFound(
            f"This server has no explorer, since it {why}. Its API is described at /docs."
        )

    return refuse


def _make_icon() -> Asgi:
    body = resources.files(__package__).joinpath(_ICON).read_bytes()
    headers = [
        (b"content-type", b"image/x-icon"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", _DAY),
        (b"x-content-type-options", b"nosniff"),
    ]

    async def serve(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve
