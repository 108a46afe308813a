"""What of a graph is exported, as somebody asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from kastor.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export holds; all of the graph's models, twins and relationships if nothing is said.

    Attributes:
        query: only the rows of this query, of one collection.
        since: only what changed after this change number, and what was deleted since.
        kastor: also routes, endpoints, inputs, indexes and vectors beside twins.
        system: also the times of the last updates and the ETags.
    """

    query: str | None = None
    since: int | None = None
    kastor: bool = False
    system: bool = False

    def __post_init__(self) -> None:
        """See whether it makes sense; raises InvalidArgument."""
        if self.query is not None and self.since is not None:
            raise InvalidArgument(
                "An export is of a query or of what changed since a change number. Leave out query "
                "or since."
            )
        if self.query is not None and self.kastor:
            raise InvalidArgument(
                "An export of a query holds its rows alone. Leave out query or kastor."
            )
        if self.query is not None and not self.query.strip():
            raise InvalidArgument("query must be the text of a query.")
