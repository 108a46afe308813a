"""Where the agents' server stands: /mcp of the server and of each graph."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from kastor.api.agents.door import DESCRIPTION, AgentsDoor
from kastor.api.http.mount import Mount
from kastor.auth.roles import Permission
from kastor.errors import NotFound
from kastor.extras import install_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.api.http.mount import Asgi
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.api.http.server_state import ServerState
    from kastor.auth.policy import Policy
    from kastor.config import Settings

PREFIX = b"/mcp"
NAME, DESCRIPTION_NAME = "Agents", "AgentsResource"


def agent_mounts(
    state: ServerState,
    in_force: Callable[[], Settings],
    policy: Callable[[], Policy] | None = None,
) -> tuple[Mount, ...]:
    """Return /mcp, which says so where nobody is served there, and what says how to get in.

    Nothing of the protocol's library is imported before somebody calls.

    Args:
        state: of the server.
        in_force: returns the settings that hold now.
        policy: returns what callers may do; None where nobody is asked for a token.
    """
    door = AgentsDoor(in_force, policy)

    def make() -> Asgi:
        settings = in_force()
        if settings.profile == "adt":
            return _absent("it runs with --profile adt")
        if settings.agents == "off":
            return _absent("it was started with --agents off")
        if find_spec("mcp") is None:
            return _absent(f"the library is missing: {install_extra('agents')}")
        from kastor.api.agents.app import AgentsApp  # noqa: PLC0415 - an extra

        return AgentsApp(state, door, writes=settings.agents == "write")

    return (
        Mount(
            NAME,
            PREFIX,
            make,
            below=False,
            methods=("POST",),
            permission=Permission.QUERY,
            of_graph=True,
            door=door,
        ),
        Mount(DESCRIPTION_NAME, DESCRIPTION.encode(), lambda: door.describe),
    )


def _absent(why: str) -> Asgi:
    async def refuse(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise NotFound(f"This server has no agents' server, since {why}.", code="AgentsOff")

    return refuse
