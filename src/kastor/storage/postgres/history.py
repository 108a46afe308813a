"""The past of a graph's schema; see `kastor.storage.history`."""

from __future__ import annotations

from typing import Generic

from kastor.records import AsOf, C
from kastor.types import Ticks


class PostgresHistory(Generic[C]):
    """Implements `HistoryStore` for one schema."""

    async def resolve(self, *, time: Ticks | None = None, change: int | None = None) -> AsOf:
        """Return the state at an instant, or after an entry."""
        raise NotImplementedError

    async def catalog(self, at: AsOf) -> C:
        """Return the models of a state."""
        raise NotImplementedError
