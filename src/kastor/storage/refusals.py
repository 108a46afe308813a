"""Why a graph cannot be opened."""

from __future__ import annotations

from kastor.errors import CannotStartError


class GraphRefusedError(CannotStartError):
    """A graph that cannot be opened; the message says why and what to do."""


class SchemaTooNewError(GraphRefusedError):
    """The graph was written by a newer Kastor than this one."""


class SchemaTooOldError(GraphRefusedError):
    """The graph was written by an older Kastor, and reading it alone brings nothing up to date."""

    def __init__(self, where: str, found: int, wanted: int) -> None:
        super().__init__(
            f"{where} has schema {found}, and this Kastor copies schema {wanted}. Let this Kastor "
            "serve it once, which brings it up to date, or copy it with the Kastor that wrote it."
        )


class ServerTooOldError(GraphRefusedError):
    """The PostgreSQL server is older than what Kastor needs."""


class NotAGraphError(GraphRefusedError):
    """The file or schema is in use, but not by Kastor."""


class UnfinishedGraphError(NotAGraphError):
    """What is written into the graph is not whole yet, so that it must not be opened."""


class DamagedGraphError(NotAGraphError):
    """The graph's file is empty, cut short or damaged inside."""
