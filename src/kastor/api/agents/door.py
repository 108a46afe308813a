"""Who is let in to /mcp, and where clients learn how to be: RFC 9728, RFC 6750.

A client that has no token is told where the description of this resource is, which names those who
give tokens out. Callers themselves are judged where all are, by `entrance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.answering import send_response
from kastor.api.http.entrance import refusal
from kastor.api.http.mount import ENTRY
from kastor.api.http.origins import StrangerCheck
from kastor.api.http.request import json_response
from kastor.auth.roles import Permission
from kastor.errors import Forbidden, KastorError, NotFound, OriginNotAllowed, Unauthenticated
from kastor.hosting.names import require_name
from kastor.storage.placement import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kastor.api.http.mount import Entry
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.auth.policy import Policy
    from kastor.config import Settings

DESCRIPTION = "/.well-known/oauth-protected-resource"
MOST_SCOPES = 50
_RESOURCE, _OF_GRAPHS = "/mcp", "/graphs/"
_CACHED = (b"cache-control", b"max-age=300")


class AgentsDoor:
    """Keeps pages of other origins out, and says what is missing to get in.

    Args:
        in_force: returns the settings that hold now.
        policy: returns what callers may do; None where nobody is asked for a token.
    """

    def __init__(
        self, in_force: Callable[[], Settings], policy: Callable[[], Policy] | None
    ) -> None:
        self._in_force, self._policy = in_force, policy

    def check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Refuse a page of another origin, before anybody is asked who it is.

        Raises:
            OriginNotAllowed: a page of an origin that is not allowed sent it.
        """
        if b"origin" not in headers:
            return
        settings = self._in_force()
        check = StrangerCheck(
            any_host=True,
            public_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
            origins=settings.cors_origin,
            handed_on=True,
        )
        try:
            check.check(scope, headers)
        except OriginNotAllowed:
            origin = headers[b"origin"].decode("latin-1")
            raise OriginNotAllowed(
                f"A web page of {origin[:260]} sent this; /mcp answers to pages of this server "
                "alone. Allow it with --cors-origin."
            ) from None

    def challenge(self, base: str, path: bytes, error: Exception) -> bytes | None:
        """Return the header `WWW-Authenticate` of a refusal; None where it has the usual one.

        Args:
            base: address of the server.
            path: that was asked for, as it was sent.
            error: why it is refused.
        """
        if not self._has_issuers() or not isinstance(error, Unauthenticated | Forbidden):
            return None
        said = [f'resource_metadata="{base}{DESCRIPTION}{_shown(path)}"']
        if isinstance(error, Forbidden):
            said.insert(0, 'error="insufficient_scope"')
        wanted = Permission.QUERY
        if isinstance(error, Forbidden) and error.permission:
            wanted = Permission(error.permission)
        scopes = self._scopes(wanted, _graph_of(path))
        if scopes:
            said.append(f'scope="{scopes[0]}"')
        return f"Bearer {', '.join(said)}".encode("latin-1", "ignore")

    def require_for_tool(
        self, entry: Entry, headers: Mapping[bytes, bytes], *, writes: bool
    ) -> None:
        """Refuse a call of a tool that a caller may not use, where another scope would let it.

        A client can then ask for a token with that scope; all else a tool's answer says.

        Args:
            entry: of the request.
            headers: of the request; in the newest revision they name the tool.
            writes: whether tools that write are there.

        Raises:
            Forbidden: with the permission that is missing.
        """
        if headers.get(b"mcp-method") != b"tools/call" or not entry.actor.principal.issuer:
            return
        name = headers.get(b"mcp-name", b"").strip().decode("latin-1")
        allowed = entry.actor.on(entry.graph)
        from kastor.agents.catalogue import TOOLS  # noqa: PLC0415 - once somebody calls

        for tool in TOOLS:
            if tool.name == name and (writes or not tool.writes):
                for permission in tool.needs:
                    if permission not in allowed and self._scopes(permission, entry.graph):
                        raise refusal(entry.actor, permission, entry.graph)

    async def describe(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer the description of the resource that a path behind DESCRIPTION names.

        Raises:
            NotFound: no issuer gives tokens for this server, or there is no such resource.
        """
        if not self._has_issuers():
            raise NotFound(
                "Tokens for this server come from no issuer: it was started without --auth oidc."
            )
        entry: Entry = scope[ENTRY]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        named = raw_path.decode("latin-1").removeprefix(DESCRIPTION).rstrip("/")
        # A client puts the path of the public address behind the prefix (RFC 9728, section 3.1).
        named = named.removeprefix(entry.prefix)
        if named not in ("", _RESOURCE) and not _is_of_graph(named):
            raise NotFound(f"There is no such resource; there are {_RESOURCE} and that of graphs.")
        told = {
            "resource": f"{entry.base_url}{named}",
            "resource_name": "Kastor",
            "authorization_servers": [each.issuer for each in self._in_force().all_issuers],
            "bearer_methods_supported": ["header"],
        }
        if scopes := self._scopes(None, None):
            told["scopes_supported"] = scopes[:MOST_SCOPES]
        answer = json_response(orjson.dumps(told), _CACHED)
        await send_response(scope, dict(scope["headers"]), answer, send)

    def _has_issuers(self) -> bool:
        settings = self._in_force()
        serves = settings.profile != "adt" and settings.agents != "off"
        return serves and self._policy is not None and "oidc" in settings.auth

    def _scopes(self, permission: Permission | None, graph: str | None) -> list[str]:
        return [] if self._policy is None else self._policy().scopes_for(permission, graph)


def _shown(path: bytes) -> str:
    """Return a path as the header names it; what is none of ours is not repeated."""
    text = path.decode("latin-1").rstrip("/")
    return text if _is_of_graph(text) else _RESOURCE


def _graph_of(path: bytes) -> str:
    text = path.decode("latin-1")
    return text.split("/")[2] if _is_of_graph(text) else DEFAULT


def _is_of_graph(path: str) -> bool:
    name, _, rest = path.removeprefix(_OF_GRAPHS).partition("/")
    if not path.startswith(_OF_GRAPHS) or rest != _RESOURCE[1:]:
        return False
    try:
        require_name(name)
    except KastorError:
        return False
    return True
