"""What a statement reads from: the graph as it is now, or another view of it.

Every table that a statement mentions comes from `Tables`, so a view is one class here and nothing
of the emitter knows of it. Views belong into the tables and not into WHERE: a graph is walked from
relationship to relationship, and most twins in the middle of a way are never joined, so a
condition on twins would not reach them. Hence what a view owes:

- a twin that it leaves out is missing from `twins`, and every relationship that begins *or ends* at
  such a twin is missing from `relationships`;
- an instant is no constant of the text: `Parameters.change` is filled when the statement runs, so
  one statement serves all instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kastor.records import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kastor.query.sql.parameters import Parameters
    from kastor.records import AsOf, Since


class Tables(Protocol):
    """The tables of one statement."""

    def of(self, name: str) -> str:
        """What stands in FROM for ``twins``, ``relationships``, ``models`` or a table of names.

        A name, or a query in parentheses, with the columns of the stored table. Asked for at every
        mention, because a parameter's number is known only once those before it are reserved.
        """
        ...

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """The tables of the same graph as of the instant that is filled when the statement runs.

        They may rely on what became of it `since`, and then serve no instant with more.
        """
        ...


class GraphView(Protocol):
    """A way to see a graph.

    Attributes:
        kind: what its statements are kept under; the same for all instants.
    """

    @property
    def kind(self) -> Hashable:
        """Two views of one kind have the same statements."""
        ...

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        """The tables of a statement with these parameters, over those of the graph as it is now."""
        ...


class _Now:
    """The graph as it is now, all of it: the stored tables."""

    kind = "now"

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        """They themselves."""
        del parameters
        return now


@dataclass(frozen=True, slots=True)
class Past:
    """The graph as of an instant: the same statements for all instants of which no more became."""

    since: Since

    @property
    def kind(self) -> Hashable:
        """As `GraphView` says."""
        return self

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        """Those of the engine, which knows where its versions are."""
        return now.as_of(parameters, self.since)


NOW: GraphView = _Now()


def unknown(at: AsOf) -> Since:
    """What became of a past state, where nobody knows."""
    del at
    return ANYTHING


def alone(table: str) -> str:
    """A table where no alias follows it; not every engine takes a query without one."""
    return f"{table} x" if table.startswith("(") else table
