"""The graph as rules let somebody see it: some twins, and what is between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.storage.parts import keys

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Sees, Since


@dataclass(frozen=True, slots=True)
class ByTwin:
    """The view of all who see the same parts."""

    sees: Sees

    @property
    def kind(self) -> Hashable:
        """As `GraphView` says."""
        return self

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        """As `GraphView` says."""
        return _SeenTables(now, parameters, self.sees)


class _SeenTables:
    def __init__(self, now: Tables, parameters: Parameters, sees: Sees) -> None:
        self._now = now
        self._parameters = parameters
        self._sees = sees

    def of(self, name: str) -> str:
        """As `Tables` says."""
        stored = self._now.of(name)
        if name not in ("twins", "relationships"):
            return stored
        seen = self._parameters.written(keys(self._sees, self._now.of, self._parameters.add))
        if name == "twins":
            return f"(SELECT v.* FROM {stored} v WHERE v.key IN ({seen}))"
        ends = f"v.source_key IN ({seen}) AND v.target_key IN ({seen})"
        return f"(SELECT v.* FROM {stored} v WHERE {ends})"

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """Not reached: `view_of` refuses both together."""
        del parameters, since
        raise NotImplementedError("rules and an instant")
