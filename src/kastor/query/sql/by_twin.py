"""The graph as rules let somebody see it: some twins, and what is between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.storage.parts import visible

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Sees, Since


class SeenTables:
    """The tables `now` without what is hidden."""

    def __init__(self, now: Tables, sees: Sees) -> None:
        self._now = now
        self._sees = sees

    def of(self, name: str) -> str:
        """As `Tables` says."""
        if name in ("twins", "relationships"):
            return visible(name, self._sees, self._now.of)
        return self._now.of(name)

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """Not reached: `view_of` refuses both together."""
        del parameters, since
        raise NotImplementedError("rules and an instant")


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
        del parameters
        return SeenTables(now, self.sees)
