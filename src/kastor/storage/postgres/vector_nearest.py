"""The nearest of vectors beside twins, computed by pgvector where the database has it.

Nothing follows and nothing is kept in memory: the vectors are those of the table, so that a search
holds all that was written before it, whichever process wrote it. Up to `EXACT_UP_TO` candidates
their distances are computed one by one; beyond, an HNSW index answers approximately if there is
one, and whatever it misses for the filters is computed after all.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kastor.storage.vectors import Metric, NearestRows, VectorIndexRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.postgres.connections import Connection
    from kastor.storage.postgres.event_tables import Upkeep
    from kastor.storage.postgres.statements import Qualified

EXACT_UP_TO = 50_000
BUILT_UP_TO = 20_000
"""Vectors over which an index is built by who makes it; more of them take minutes."""
MOST_INDEXED = 2_000
"""Numbers of a vector that pgvector indexes."""
_LOOK_SECONDS = 60.0
_ITERATES_SINCE = (0, 8)
_MOST_LOOKED_AT = 1_000
_OPERATORS: dict[Metric, str] = {"cosine": "<=>", "l2": "<->", "dot": "<#>"}
_CLASSES: dict[Metric, str] = {
    "cosine": "vector_cosine_ops",
    "l2": "vector_l2_ops",
    "dot": "vector_ip_ops",
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")

_EXTENSION = """
SELECT quote_ident(n.nspname), e.extversion FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'
"""
_IS_BUILT = """
SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = '{graph}.vectors'::regclass AND c.relname = $1
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM {graph}.vectors v {joined} LIMIT {most}) c"
# A sum is nothing that an index is of, so that each candidate is looked at.
_NEAREST = """
SELECT v.twin_key, {distance} AS d FROM {graph}.vectors v {joined}
ORDER BY {distance} + 0, v.twin_key LIMIT {n}
"""
_ABOUT = """
SELECT v.twin_key, {distance} AS d FROM {graph}.vectors v {joined} ORDER BY {distance} LIMIT {n}
"""
_BUILD = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {graph}.vectors
USING hnsw ((vector::{schema}.vector({dims})) {schema}.{operators})
WHERE index_name = '{index}' AND vector IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class _Extension:
    schema: str
    version: tuple[int, ...]


class PgVector:
    """Asks pgvector; one graph's."""

    def __init__(self, upkeep: Upkeep, texts: Qualified, exact_up_to: int = EXACT_UP_TO) -> None:
        self._upkeep, self._texts, self._graph = upkeep, texts, texts["{graph}"]
        self._exact_up_to = exact_up_to
        self._found: _Extension | None = None
        self._looked: float | None = None

    async def nearest(
        self,
        index: VectorIndexRow,
        vector: Sequence[float],
        count: int,
        models: Sequence[int] | None,
        among: Sequence[str] | None,
    ) -> NearestRows | None:
        """Return the nearest; see `VectorStore.nearest`."""
        if index.path is not None or _NAME.fullmatch(index.name) is None:
            return None
        extension = await self._extension()
        if extension is None:
            return None
        values: list[Any] = ["[" + ",".join(map(repr, vector)) + "]"]
        joined = _candidates(self._graph, index, models, among, values)

        async def ask(connection: Connection) -> NearestRows:
            async with connection.transaction():
                return await self._ask(connection, extension, index, count, joined, values)

        found: NearestRows = await self._upkeep(ask)
        return found

    async def build(self, index: VectorIndexRow) -> None:
        """Build the HNSW index of a vector index, where there can be one and it is quickly done."""
        extension = None if index.path is not None else await self._extension()
        if extension is None or index.dims > MOST_INDEXED:
            return
        count = _COUNT.format(graph=self._graph, joined=_of(index), most=BUILT_UP_TO + 1)
        text = _BUILD.format(
            name=built_name(index.name),
            graph=self._graph,
            schema=extension.schema,
            dims=index.dims,
            operators=_CLASSES[index.metric],
            index=index.name,
        )

        async def build(connection: Connection) -> None:
            if await connection.fetchval(count) <= BUILT_UP_TO:
                await connection.execute(text)

        await self._upkeep(build)

    async def _ask(
        self,
        connection: Connection,
        extension: _Extension,
        index: VectorIndexRow,
        count: int,
        joined: str,
        values: list[Any],
    ) -> NearestRows:
        distance = (
            f"(v.vector::{extension.schema}.vector({index.dims})"
            f" OPERATOR({extension.schema}.{_OPERATORS[index.metric]})"
            f" $1::text::{extension.schema}.vector)"
        )
        limit = f"${len(values) + 1}::bigint"
        if await self._is_large(connection, index, joined, values):
            looked_at = min(_MOST_LOOKED_AT, 2 * count)
            await connection.execute(f"SET LOCAL hnsw.ef_search = {max(40, looked_at)}")
            if extension.version >= _ITERATES_SINCE:
                await connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            text = _ABOUT.format(graph=self._graph, distance=distance, joined=joined, n=limit)
            found = await connection.fetch(text, *values, count)
            if len(found) == count:
                return NearestRows(sorted((row[1], row[0]) for row in found), exact=False)
        text = _NEAREST.format(graph=self._graph, distance=distance, joined=joined, n=limit)
        found = await connection.fetch(text, *values, count)
        return NearestRows([(row[1], row[0]) for row in found], exact=True)

    async def _is_large(
        self, connection: Connection, index: VectorIndexRow, joined: str, values: list[Any]
    ) -> bool:
        """Return whether there are too many candidates to look at each, and an index to ask."""
        if not await connection.fetchval(self._texts[_IS_BUILT], built_name(index.name)):
            return False
        joined += " AND $1::text IS NOT NULL"
        most = self._exact_up_to + 1
        count = _COUNT.format(graph=self._graph, joined=joined, most=most)
        found: int = await connection.fetchval(count, *values)
        return found > self._exact_up_to

    async def _extension(self) -> _Extension | None:
        """Return what the database has; whoever made it later is noticed within a minute."""
        now = time.monotonic()
        if self._found is None and (self._looked is None or now - self._looked > _LOOK_SECONDS):

            async def look(connection: Connection) -> Any:
                return await connection.fetchrow(_EXTENSION)

            row = await self._upkeep(look)
            self._looked = now
            if row is not None:
                version = tuple(int(part) for part in row[1].split(".") if part.isdigit())
                self._found = _Extension(row[0], version)
        return self._found


def built_name(index: str) -> str:
    """Return the name of the HNSW index of a vector index; names of PostgreSQL are short."""
    return f"vectors_near_{hashlib.sha256(index.encode()).hexdigest()[:16]}"


def _of(index: VectorIndexRow) -> str:
    return f"WHERE v.index_name = '{index.name}' AND v.vector IS NOT NULL"


def _candidates(
    graph: str,
    index: VectorIndexRow,
    models: Sequence[int] | None,
    among: Sequence[str] | None,
    values: list[Any],
) -> str:
    """Return what stands behind the table of vectors; adds what it needs to the values.

    The name is written out, as a parameter would not lead to an index that is of one name.
    """
    terms = []
    if models is not None:
        values.append([*map(str, models)])
        terms.append(f"t.model_key = ANY(${len(values)}::text[]::bigint[])")
    if among is not None:
        values.append(list(among))
        terms.append(f"t.id = ANY(${len(values)}::text[])")
    if not terms:
        return _of(index)
    return f"JOIN {graph}.twins t ON t.key = v.twin_key AND {' AND '.join(terms)} {_of(index)}"
