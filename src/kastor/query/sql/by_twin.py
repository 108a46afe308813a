"""The graph as rules let somebody see it: some twins, and what is between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.storage.parts import visible

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Past, Tables
    from kastor.records import Sees, Since


class SeenTables:
    """The tables `now`, or those of a `past` state, without what is hidden."""

    def __init__(self, now: Tables, sees: Sees, past: Tables | None = None) -> None:
        self._now = now
        self._sees = sees
        self._past = past

    def of(self, name: str) -> str:
        """As `Tables` says."""
        if name in ("twins", "relationships"):
            past = None if self._past is None else self._past.of
            return visible(name, self._sees, self._now.of, past)
        return (self._past or self._now).of(name)

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """Those of a past state, without what is hidden now."""
        return SeenTables(self._now, self._sees, self._now.as_of(parameters, since))


@dataclass(frozen=True, slots=True)
class ByTwin:
    """The graph as it is now, or as of an instant, to all who see the same parts of it."""

    sees: Sees
    past: Past | None = None

    @property
    def kind(self) -> Hashable:
        """As `GraphView` says."""
        return self

    def tables(self, now: Tables, parameters: Parameters) -> Tables:
        """Those of now or of then, without what is hidden."""
        past = None if self.past is None else self.past.tables(now, parameters)
        return SeenTables(now, self.sees, past)
