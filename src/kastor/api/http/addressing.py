"""Which graph a request is for: by path prefix, by host name, or the default one.

`/graphs/{name}/...` is taken off the path before anything else looks at it; with a graph domain
set, `name.example.org` names the graph `name`. Absolute links keep what named the graph.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kastor.hosting.names import require_name
from kastor.storage.placement import DEFAULT

PREFIX = b"/graphs/"


class Addressed(Struct, frozen=True):
    """Which graph a request names (None: none), the path that is left, what links begin with."""

    name: str | None
    raw_path: bytes
    prefix: str = ""
    by_host: bool = False

    @property
    def graph(self) -> str:
        """The name of the graph."""
        return DEFAULT if self.name is None else self.name


class Addressing:
    """Reads which graph each request is for.

    Access is checked before it is opened, so that nobody unknown opens a graph or learns of one.
    """

    def __init__(self, domain: str | None = None) -> None:
        self._suffix = None if domain is None else f".{domain.lower()}"

    def find(self, raw_path: bytes, headers: Mapping[bytes, bytes]) -> Addressed:
        """Return which graph is addressed, whether it exists or not.

        Raises:
            NotFound: the name is none that a graph can have.
        """
        if raw_path[:8].lower() == PREFIX:
            name, _, rest = raw_path[8:].partition(b"/")
            text = require_name(name.decode("latin-1"))
            return Addressed(text, b"/" + rest, f"/graphs/{text}")
        if self._suffix is not None:
            host = headers.get(b"host", b"").decode("latin-1").lower().partition(":")[0]
            if host.endswith(self._suffix):
                name_of_host = require_name(host.removesuffix(self._suffix))
                return Addressed(name_of_host, raw_path, by_host=True)
        return Addressed(None, raw_path)
