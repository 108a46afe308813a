"""The graph as rules let somebody see it: some twins, and what is between them.

The keys of these twins are made once, at the beginning of the statement, whatever mentions them:
SQLite refuses statements in which too many queries are within each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.storage.parts import keys

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Sees, Since

_SEEN = "SELECT key FROM seen"
_WITH = "WITH "


class SeenTables:
    """The tables `now` without what is hidden; the statement has to be `begun` with them."""

    def __init__(self, now: Tables, parameters: Parameters, sees: Sees) -> None:
        self._now = now
        self._parameters = parameters
        self._sees = sees

    def of(self, name: str) -> str:
        """As `Tables` says."""
        stored = self._now.of(name)
        if name == "twins":
            return f"(SELECT v.* FROM {stored} v WHERE +v.key IN ({_SEEN}))"
        if name == "relationships":
            # With a plus it is a test, and no way to find rows: SQLite would begin with all seen.
            ends = f"+v.source_key IN ({_SEEN}) AND +v.target_key IN ({_SEEN})"
            return f"(SELECT v.* FROM {stored} v WHERE {ends})"
        return stored

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """Not reached: `view_of` refuses both together."""
        del parameters, since
        raise NotImplementedError("rules and an instant")

    def begun(self, text: str) -> str:
        """A statement over these tables, with what they need before it."""
        # Not before: numbers of parameters are known only once those of the run time are reserved.
        found = keys(self._sees, self._now.of, self._parameters.add)
        head = f"WITH RECURSIVE seen(key) AS MATERIALIZED ({self._parameters.written(found)})"
        if text.startswith(_WITH):
            return f"{head}, {text.removeprefix(_WITH)}"
        return f"{head} {text}"


def begun(tables: Tables, text: str) -> str:
    """A whole statement over tables, with what they need before it."""
    return tables.begun(text) if isinstance(tables, SeenTables) else text


@dataclass(frozen=True, slots=True)
class ByTwin:
    """The graph as it is now, to all who see the same parts of it."""

    sees: Sees

    @property
    def kind(self) -> Hashable:
        """As `GraphView` says."""
        return self

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        """Those of now, without what is hidden."""
        return SeenTables(now, parameters, self.sees)
