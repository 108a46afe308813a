"""Which graph a request is for: by path prefix, by host name, or the default one.

`/graphs/{name}/...` is taken off the path before anything else looks at it; with a graph domain
set, `name.example.org` names the graph `name`. Absolute links keep what named the graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kastor.errors import InvalidArgument, NotFound
from kastor.storage.placement import Wish

if TYPE_CHECKING:
    from kastor.hosting.services import Services

PREFIX = b"/graphs/"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """A graph in the list.

    Attributes:
        name: under which it is reached.
        place: where it lives, for people.
        state: open, idle (opened when somebody asks) or moving.
        progress: what a move is doing now.
        error: why it cannot be opened, or why the last move did not happen.
    """

    name: str
    place: str
    state: str
    progress: str | None = None
    error: str | None = None


class Graphs(Protocol):
    """The graphs that a server has; made in `kastor.hosting.graphs`."""

    @property
    def default(self) -> Services:
        """The graph of requests that name none."""

    async def named(self, name: str) -> Services:
        """Return a graph's services, opening it if need be; raises NotFound, Conflict."""

    def opened(self) -> dict[str, Services]:
        """Return the graphs that are open now, by name."""

    def shut(self) -> list[str]:
        """Return the names of graphs that cannot be opened; the log says why."""

    async def infos(self) -> list[GraphInfo]:
        """Return every graph, by name."""

    async def info(self, name: str) -> GraphInfo:
        """Return a graph; raises NotFound."""

    async def create(self, name: str, wish: Wish) -> GraphInfo:
        """Make a graph; raises Conflict, InvalidArgument, NotAllowed."""

    async def move(self, name: str, wish: Wish) -> GraphInfo:
        """Begin to move a graph; raises NotFound, Conflict, InvalidArgument, NotAllowed."""

    async def delete(self, name: str) -> None:
        """Delete a graph with all it holds; raises NotFound, NotAllowed."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """Which graph a request names (None: none), the path that is left, what links begin with."""

    name: str | None
    raw_path: bytes
    prefix: str = ""
    by_host: bool = False


class Hosting:
    """Finds the graph of each request; reading its name and opening it are two steps.

    Access is checked in between, so that nobody unknown opens a graph or learns of one.
    """

    def __init__(self, graphs: Graphs, domain: str | None = None) -> None:
        self.graphs = graphs
        self._suffix = None if domain is None else f".{domain.lower()}"

    def find(self, raw_path: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Addressed:
        """Return which graph is addressed, whether it exists or not.

        Raises:
            NotFound: the name is none that a graph can have.
        """
        if raw_path[:8].lower() == PREFIX:
            name, _, rest = raw_path[8:].partition(b"/")
            text = require_name(name.decode("latin-1"))
            return Addressed(text, b"/" + rest, f"/graphs/{text}")
        if self._suffix is not None:
            host = dict(headers).get(b"host", b"").decode("latin-1").lower().partition(":")[0]
            if host.endswith(self._suffix):
                name_of_host = require_name(host.removesuffix(self._suffix))
                return Addressed(name_of_host, raw_path, by_host=True)
        return Addressed(None, raw_path)

    async def open(self, addressed: Addressed) -> Services:
        """Return the services of the addressed graph, opening it if it is not open yet.

        Raises:
            NotFound: there is no graph of that name.
        """
        if addressed.name is None:
            return self.graphs.default
        return await self.graphs.named(addressed.name)


def require_name(name: str) -> str:
    """Return a valid graph name: a label of a host name, lower case.

    Raises:
        NotFound: it is none, so there can be no graph of that name.
    """
    if _NAME.fullmatch(name) is None:
        raise NotFound(f"There is no graph named {name[:80]}.", code="GraphNotFound")
    return name


def require_new_name(name: str) -> str:
    """Return a name that a new graph may have.

    Raises:
        InvalidArgument: it is no label of a host name.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidArgument(
            "A graph's name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at its "
            "ends: it can be part of a host name."
        )
    return name
