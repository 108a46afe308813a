"""Applications that stand beside the operations, each below a path of its own.

`app` looks at strangers, access and methods for them as for an operation, counts and logs their
answers; what they answer is theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from kastor.api.http.addressing import PREFIX as GRAPHS
from kastor.auth.actors import Actor
from kastor.auth.roles import Permission
from kastor.errors import MethodNotAllowed

if TYPE_CHECKING:
    from kastor.api.http.request import Receive, Scope, Send
    from kastor.hosting.services import Services

    Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

ENTRY = "kastor"
"""Key of the scope under which a mounted application finds its Entry."""
READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a mounted application is told of a request beyond ASGI.

    Attributes:
        actor: who asks.
        base_url: what absolute links begin with.
        prefix: path that clients have before the server's own; empty where they have none.
        services: of the addressed graph, where the mount is one of graphs.
        graph: its name; without one that of the default graph.
    """

    actor: Actor
    base_url: str
    prefix: str
    services: Services | None
    graph: str


class Door(Protocol):
    """What a mount adds to how callers are let in."""

    def check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Refuse a request before anybody is asked who it is; raises a KastorError."""
        ...

    def challenge(self, base: str, path: bytes, error: Exception) -> bytes | None:
        """Return the `WWW-Authenticate` of a refusal; None: the usual one, if there is one.

        Args:
            base: address of the server.
            path: that was asked for, as it was sent.
            error: why it is refused.
        """
        ...


@dataclass(frozen=True)
class Mount:
    """One application.

    Attributes:
        name: of its requests in the metrics.
        prefix: path of it; matched as it is sent.
        make: makes the ASGI application when it is first asked for.
        below: whether the paths below the prefix are its own too.
        methods: that it takes.
        permission: that callers need.
        of_graph: whether it serves a graph: `/graphs/NAME` may stand before the prefix, and it is
            given that graph's services.
        door: what it adds to how callers are let in.
    """

    name: str
    prefix: bytes
    make: Callable[[], Asgi]
    below: bool = True
    methods: tuple[str, ...] = READING
    permission: Permission = Permission.OPEN
    of_graph: bool = False
    door: Door | None = None

    @cached_property
    def app(self) -> Asgi:
        """The application."""
        return self.make()

    def require_method(self, method: str) -> None:
        """Raise MethodNotAllowed unless it takes the method."""
        if method not in self.methods:
            raise MethodNotAllowed(
                f"{method} is not possible here; allowed: {', '.join(self.methods)}.",
                allowed=self.methods,
            )

    def has(self, raw_path: bytes) -> bool:
        """Return whether a path is the mount's own."""
        end = len(self.prefix)
        if not raw_path.startswith(self.prefix):
            return False
        return len(raw_path) == end or (self.below and raw_path[end : end + 1] == b"/")


class Mounts:
    """Finds the mount of a path."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self._all = tuple(mounts)
        self._of_graphs = tuple(each for each in self._all if each.of_graph)
        # One look that spares nearly every request all others.
        self._beginnings = tuple(each.prefix for each in self._all)

    def find(self, raw_path: bytes) -> Mount | None:
        """Return the mount whose path this is."""
        if raw_path.startswith(self._beginnings):
            return next((each for each in self._all if each.has(raw_path)), None)
        if self._of_graphs and raw_path[: len(GRAPHS)].lower() == GRAPHS:
            rest = b"/" + raw_path[len(GRAPHS) :].partition(b"/")[2]
            return next((each for each in self._of_graphs if each.has(rest)), None)
        return None
