"""Property indexes: which paths of twins have one, and how one is made for the engine at hand.

The expression comes from the dialect that also writes the queries, since an index is used only
where a query repeats its text.
"""

from __future__ import annotations

from typing import TypeAlias

from kastor.errors import InvalidArgument, NotFound
from kastor.query.sql.dialect import Dialect
from kastor.query.sql.parameters import Parameters
from kastor.query.sql.paths import is_literal
from kastor.storage.indexes import MAX_NAME, IndexStore
from kastor.storage.limits import require_room

Path: TypeAlias = tuple[str | int, ...]


class IndexService:
    """The property indexes of one graph."""

    def __init__(self, store: IndexStore, dialect: Dialect, limit: int = 100) -> None:
        self._store = store
        self._limit = limit
        self._building: set[str] = set()
        self._dialect = dialect
        self._paths: frozenset[Path] = frozenset()

    def paths(self) -> frozenset[Path]:
        """Return the paths with an index, as far as this process knows."""
        return self._paths

    async def refresh(self) -> list[str]:
        """Look which indexes there are; return their dotted paths."""
        found = await self._store.property_indexes()
        self._paths = frozenset(tuple(path.split(".")) for path in found)
        return found

    async def create(self, path: str, *, dry_run: bool = False) -> None:
        """Build an index and use it from then on; one that is there already is no error.

        Raises:
            InvalidArgument: the path is none that can be indexed.
            LimitExceeded: the graph has as many as it may have; every write keeps them all.
        """
        steps = _steps(path)
        others = {*await self._store.property_indexes(), *self._building} - {path}
        count = len(others)
        require_room(count, self._limit, f"The graph has {count} property indexes", "max_indexes")
        place = self._dialect.path(steps, Parameters(self._dialect.mark, 0))
        if dry_run:
            return
        self._building.add(path)
        try:
            await self._store.create_property_index(path, self._dialect.scalar("doc", place))
        finally:
            self._building.discard(path)
        await self.refresh()

    async def drop(self, path: str, *, dry_run: bool = False) -> None:
        """Drop an index.

        Raises:
            NotFound: there is none.
        """
        found = (
            path in await self._store.property_indexes()
            if dry_run
            else await self._store.drop_property_index(path)
        )
        if not found:
            raise NotFound(f"There is no index on {path[:200]}.", code="IndexNotFound")
        await self.refresh()


def _steps(path: str) -> Path:
    steps = tuple(path.split("."))
    if not is_literal(steps):
        raise InvalidArgument(
            f"{path[:200]} cannot be indexed: give the name of a property, or names with dots "
            "between them, such as temperature or thermostat.setPoint."
        )
    if len(path.encode()) > MAX_NAME:
        raise InvalidArgument(f"A path of an index has at most {MAX_NAME} characters.")
    return steps
