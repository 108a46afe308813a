"""Lets callers in, or refuses them: the one place where a request's permission is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kastor.auth.actors import ANONYMOUS
from kastor.auth.authenticator import bearer_token
from kastor.auth.roles import KNOWN_CALLERS, Permission
from kastor.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping
    from typing import Any

    from kastor.auth.actors import Actor
    from kastor.auth.authenticator import Authenticator


class Entrance:
    """Asks callers who they are, and compares what they may do with what they want."""

    def __init__(self, authenticator: Authenticator | None = None) -> None:
        """Prepare the entrance; without an authenticator everybody may do everything."""
        self._authenticator = authenticator

    def seen(
        self, headers: Mapping[bytes, bytes], permission: Permission, graph: str | None
    ) -> Actor | None:
        """Return who asks, where that and its right are known without waiting.

        None says nothing but that `let_in` has to be asked.
        """
        if self._authenticator is None or permission is Permission.OPEN:
            return ANONYMOUS
        actor = self._authenticator.seen(bearer_token(headers))
        if actor is None or permission not in _allowed(actor, graph):
            return None
        return actor

    async def let_in(
        self,
        headers: Mapping[bytes, bytes],
        permission: Permission,
        graph: str | None,
        *,
        by_twin: bool = False,
    ) -> Actor:
        """Return who asks.

        Args:
            headers: of the request.
            permission: what it needs.
            graph: where it needs that; None: on any graph.
            by_twin: whether the permission for parts of the graph is enough.

        Raises:
            Unauthenticated: there is no valid token.
            Forbidden: it does not allow this.
            Unavailable: that cannot be told now.
        """
        if permission is Permission.OPEN:
            return ANONYMOUS
        actor = await self.require_known(headers)
        if permission not in _allowed(actor, graph):
            if by_twin and graph is not None and actor.parts(permission, graph):
                return actor
            raise refusal(actor, permission, graph)
        return actor

    async def require_known(self, headers: Mapping[bytes, bytes]) -> Actor:
        """Return who asks; raises Unauthenticated and Unavailable."""
        actor = await self._known(headers)
        if actor is None:
            raise Unauthenticated("A valid token is needed.")
        return actor

    async def shows(self, headers: Mapping[bytes, bytes], graph: str) -> bool:
        """Return whether who asks may know that there is a graph; raises Unavailable."""
        actor = await self._known(headers)
        if actor is None:
            return False
        return actor.is_limited_on(graph) or not actor.on(graph) <= KNOWN_CALLERS

    def known(self, headers: Mapping[bytes, bytes]) -> Actor | None:
        """Return who asks, where that was told before; None also where nobody is asked."""
        if self._authenticator is None:
            return None
        token = bearer_token(headers)
        return self._authenticator.seen(token) if token else None

    def until_lost(
        self, headers: Mapping[bytes, bytes], permissions: Collection[Permission], graph: str | None
    ) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Return what returns once a caller may no longer have a stream; None: it always may."""
        if self._authenticator is None or graph is None:
            return None
        return partial(self._authenticator.until_lost, bearer_token(headers), permissions, graph)

    async def _known(self, headers: Mapping[bytes, bytes]) -> Actor | None:
        if self._authenticator is None:
            return ANONYMOUS
        token = bearer_token(headers)
        if not token:
            return None
        return self._authenticator.seen(token) or await self._authenticator.authenticate(token)


def _allowed(actor: Actor, graph: str | None) -> frozenset[Permission]:
    return actor.somewhere() if graph is None else actor.on(graph)


def refusal(actor: Actor, permission: Permission, graph: str | None) -> Forbidden:
    """Return the error; who has no role at all is told nothing (rest-api A.3)."""
    if not actor.has_a_role:
        return Forbidden("", permission=permission)
    if graph is not None and actor.parts(permission, graph):
        return Forbidden(
            f"{actor.name} has {permission} for some twins of the graph {graph} alone, and this "
            "cannot be limited to them. A role for the whole graph would allow it.",
            permission=permission,
        )
    where = "any graph" if graph is None else f"the graph {graph}"
    return Forbidden(
        f"{actor.name} has no role that allows {permission} on {where}. GET /kastor/v1/me tells "
        "what it may do; whoever runs the server gives roles.",
        permission=permission,
    )
