"""Removes superseded versions that ended too long ago, or are too many.

Before any goes, the oldest state that can be read is raised to the position of its end, so whoever
reads the past finds either what was there, or that it is gone. Each step is a transaction of its
own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from kastor.storage.history import Kind
from kastor.storage.keeping import VERSION_ROW_OVERHEAD, Limit
from kastor.storage.postgres.past import KINDS, position_of
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from kastor.records import AsOf
    from kastor.storage.keeping import Rules
    from kastor.types import ModelId, Ticks

STEP_ROWS = 500
STEP_INSTANTS = 5_000
MODEL_SIZE_SECONDS = 600.0
"""Between two looks at how much the versions of a model take."""
LATE: Ticks = 60 * LEAD
"""So far behind where it has been a sweep begins again: for what was committed late."""

Fetch: TypeAlias = "Callable[[str, Sequence[object]], Awaitable[list[Any]]]"
Resolve: TypeAlias = "Callable[[Ticks], Awaitable[AsOf]]"

_ALL = 2**62


def _oldest(kind: Kind, condition: str = "", order: str = "valid_to") -> str:
    return f"""
SELECT * FROM (
    SELECT key, version, bytes + {VERSION_ROW_OVERHEAD}, valid_to,
           {position_of("v.valid_to", "v.ended_by")} AS pos
    FROM (
        SELECT key, version, bytes, valid_to, ended_by FROM {{graph}}.{kind}_versions
        WHERE valid_to > $1 AND valid_to <= $2{condition} ORDER BY {order} LIMIT $3
    ) v
) v WHERE pos IS NOT NULL ORDER BY valid_to
"""


OLDEST = {kind: _oldest(kind) for kind in KINDS}
OLDEST_OF_MODELS = _oldest("twin", " AND model_key = ANY($4::text[]::bigint[])")
OLDEST_OF_OTHERS = _oldest("twin", " AND model_key <> ALL($4::text[]::bigint[])")
STRAYS = {
    kind: f"""
SELECT * FROM (
    SELECT key, version, bytes + {VERSION_ROW_OVERHEAD}, valid_to,
           {position_of("v.valid_to", "v.ended_by")} AS pos
    FROM {{graph}}.{kind}_versions v
    WHERE valid_to > $1 AND ($4 OR ended_by < coalesce(
        (SELECT max(ended_by) FROM {{graph}}.{kind}_versions WHERE valid_to < $2), 0))
) v WHERE pos IS NOT NULL ORDER BY pos LIMIT $3
"""
    for kind in KINDS
}
"""Written while the clock was ahead: they go with what was written after them, or, where there is
too much, before all."""
DROP = {
    kind: f"""
WITH old AS (
    SELECT key, max(version) AS version
    FROM unnest($1::text[]::bigint[], $2::text[]::bigint[]) u (key, version) GROUP BY key
), gone AS (
    DELETE FROM {{graph}}.{kind}_versions v USING old
    WHERE v.key = old.key AND v.version <= old.version RETURNING v.bytes
), blocks AS (
    DELETE FROM {{graph}}.version_blocks b USING old
    WHERE b.kind = '{kind}' AND b.key = old.key AND b.last <= old.version RETURNING b.bytes
)
SELECT (SELECT count(*) FROM gone),
       ((SELECT coalesce(sum(bytes + {VERSION_ROW_OVERHEAD}), 0) FROM gone)
        + (SELECT coalesce(sum(bytes), 0) FROM blocks))::bigint
"""
    for kind in KINDS
}
"""With what is older of the same: a gap between versions would stand for a deletion."""
FLOOR = """
SELECT m.history_from, h.position FROM {graph}.meta m, {graph}.log_head h
"""
RAISE_FLOOR = """
UPDATE {graph}.meta SET history_from = $1::bigint WHERE history_from < $1::bigint RETURNING 1
"""
TOMBSTONES = {
    kind: f"""
WITH old AS (
    SELECT kind, id FROM {{graph}}.tombstones t
    WHERE kind = '{kind}' AND (deleted_at < $1 OR deleted_at > $2) AND NOT EXISTS (
        SELECT 1 FROM {{graph}}.{kind}_versions v WHERE v.key = t.key)
    LIMIT $3
), gone AS (
    DELETE FROM {{graph}}.tombstones t USING old WHERE t.kind = old.kind AND t.id = old.id
    RETURNING 1
)
SELECT count(*) FROM gone
"""
    for kind in KINDS
}
ENDED_MODELS = f"""
WITH gone AS (
    DELETE FROM {{graph}}.models m
    WHERE valid_to < $1 AND {position_of("m.valid_to", "m.ended_by")} <= $2 RETURNING 1
)
SELECT count(*) FROM gone
"""
OLDEST_END = f"""
SELECT min(pos) FROM (
    SELECT (SELECT nullif({position_of("v.valid_to", "v.ended_by")}, 0)
            FROM {{graph}}.twin_versions v ORDER BY valid_to LIMIT 1) AS pos
    UNION ALL
    SELECT (SELECT nullif({position_of("v.valid_to", "v.ended_by")}, 0)
            FROM {{graph}}.relationship_versions v ORDER BY valid_to LIMIT 1)
) v
"""
INSTANTS = """
WITH gone AS (
    DELETE FROM {graph}.instants WHERE pos IN (
        SELECT pos FROM {graph}.instants
        WHERE pos < (SELECT max(pos) FROM {graph}.instants WHERE pos <= $1) ORDER BY pos LIMIT $2
    ) RETURNING time, xid
), origins AS (
    DELETE FROM {graph}.origins o USING gone WHERE o.time = gone.time AND o.xid = gone.xid
)
SELECT count(*) FROM gone
"""
SETBACKS = """
DELETE FROM {graph}.setbacks
WHERE pos < (SELECT max(pos) FROM {graph}.setbacks WHERE pos <= $1) RETURNING 1
"""
SIZE = f"""
SELECT (SELECT coalesce(sum(bytes + {VERSION_ROW_OVERHEAD}), 0) FROM {{graph}}.twin_versions)
       + (SELECT coalesce(sum(bytes + {VERSION_ROW_OVERHEAD}), 0)
          FROM {{graph}}.relationship_versions)
       + (SELECT coalesce(sum(bytes), 0) FROM {{graph}}.version_blocks)
"""
MODEL_SIZES = f"""
SELECT model_key, sum(bytes)::bigint FROM (
    SELECT model_key, bytes + {VERSION_ROW_OVERHEAD} AS bytes FROM {{graph}}.twin_versions
    WHERE model_key = ANY($1::text[]::bigint[])
    UNION ALL
    SELECT v.model_key, b.bytes FROM {{graph}}.version_blocks b
    JOIN {{graph}}.twin_versions v ON v.key = b.key AND v.version = b.last
    WHERE b.kind = 'twin' AND v.model_key = ANY($1::text[]::bigint[])
) v GROUP BY model_key
"""


class _Sweep(Struct, frozen=True):
    """One way over the versions of a table, oldest first, by the rule of the graph or of a model.

    Attributes:
        name: of the rule; how far it has been is remembered under it.
        kind: of the versions.
        text: finds the oldest of them.
        models: whose versions, or whose not.
        limit: whose time decides how far it goes; None: as far as there is anything.
        excess: bytes after which it ends.
    """

    name: str
    kind: Kind
    text: str
    models: tuple[int, ...] | None
    limit: Limit | None
    excess: int = _ALL


class PostgresVersionPruning:
    """Prunes the versions of one graph; one process at a time does it."""

    def __init__(self) -> None:
        self._swept: dict[tuple[str, Kind], Ticks] = {}
        self._rules: Rules | None = None
        self._sizes_at = 0.0

    async def run(
        self,
        fetch: Fetch,
        resolve: Resolve,
        rules: Rules,
        keys: Mapping[ModelId, int],
        now: Ticks,
    ) -> int:
        """Remove what is too old or too much, a step at a time; return rows.

        Args:
            fetch: runs one statement of this module.
            resolve: returns the state at a time, kept or not.
            rules: what is kept.
            keys: of models, by their ids.
            now: the wall clock.
        """
        if rules is not self._rules:
            self._rules, self._sizes_at = rules, 0.0
            self._swept.clear()
        pruning = _Pruning(fetch, now)
        excess = await self._excess_of_models(fetch, rules, keys)
        cutoff = rules.graph.cutoff(now)
        if not rules.graph.is_off and cutoff > 0:
            await fetch(RAISE_FLOOR, ((await resolve(cutoff - 1)).change,))
        removed = await pruning.strays(cutoff)
        for sweep in _sweeps(rules, keys, excess):
            mark = (sweep.name, sweep.kind)
            done, upto = await pruning.sweep(sweep, self._swept.get(mark, 0))
            removed += done
            if sweep.models is not None:  # else nothing is left behind it
                self._swept[mark] = max(0, upto - LATE)
        if rules.graph.bytes is not None:
            removed += await pruning.shrink(rules.graph.bytes)
        return removed + await pruning.remnants(rules.graph)

    async def _excess_of_models(
        self, fetch: Fetch, rules: Rules, keys: Mapping[ModelId, int]
    ) -> dict[int, int]:
        """Return by how many bytes the versions of models are too many; scans them."""
        bounds = {
            keys[name]: limit.bytes
            for name, limit in rules.models.items()
            if name in keys and limit.bytes
        }
        if not bounds or time.monotonic() < self._sizes_at:
            return {}
        self._sizes_at = time.monotonic() + MODEL_SIZE_SECONDS
        sizes = await fetch(MODEL_SIZES, ([str(key) for key in bounds],))
        return {key: size - bounds[key] for key, size in sizes if size > bounds[key]}


class _Pruning:
    """One pruning."""

    def __init__(self, fetch: Fetch, now: Ticks) -> None:
        self._fetch, self._now = fetch, now

    async def sweep(self, sweep: _Sweep, low: Ticks) -> tuple[int, Ticks]:
        """Remove what a sweep removes; return how many, and how far it has been."""
        high = _ALL
        if sweep.limit is not None and not sweep.limit.is_off:
            high = sweep.limit.cutoff(self._now) - 1
        values = () if sweep.models is None else ([str(key) for key in sweep.models],)
        removed, left = 0, sweep.excess
        while left > 0:
            rows = await self._fetch(sweep.text, (low, high, STEP_ROWS, *values))
            if not rows:
                return removed, max(low, high)
            count, freed = await self._remove(sweep.kind, _first(rows, left))
            removed, left = removed + count, left - freed
            if sweep.models is not None:
                low = max(low, rows[0][3] - 1)
        return removed, low

    async def strays(self, cutoff: Ticks, excess: int | None = None) -> int:
        """Remove what was written ahead of the clock: before what ended by a time, or so much."""
        left = _ALL if excess is None else excess
        removed = 0
        for kind in KINDS:
            while left > 0:
                values = (self._now + LEAD, cutoff, STEP_ROWS, excess is not None)
                rows = await self._fetch(STRAYS[kind], values)
                if not rows:
                    break
                count, freed = await self._remove(kind, _first(rows, left))
                removed, left = removed + count, left - freed
        return removed

    async def shrink(self, most: int) -> int:
        """Remove of the oldest what the whole graph has too much."""
        excess = int((await self._fetch(SIZE, ()))[0][0]) - most
        removed = 0
        if excess > 0:
            removed += await self.strays(0, excess)
            excess = int((await self._fetch(SIZE, ()))[0][0]) - most
        while excess > 0:
            oldest = [
                (*row, kind)
                for kind in KINDS
                for row in await self._fetch(OLDEST[kind], (0, _ALL, STEP_ROWS))
            ]
            oldest = _first(sorted(oldest, key=lambda row: row[3])[:STEP_ROWS], excess)
            if not oldest:
                break
            for kind in KINDS:
                rows = [row for row in oldest if row[-1] == kind]
                count, freed = await self._remove(kind, rows)
                removed, excess = removed + count, excess - freed
        return removed

    async def remnants(self, limit: Limit) -> int:
        """Remove what no version needs any more."""
        cutoff, removed = self._now if limit.is_off else limit.cutoff(self._now), 0
        for kind in KINDS:
            values = (cutoff, self._now + LEAD, STEP_ROWS)
            while count := int((await self._fetch(TOMBSTONES[kind], values))[0][0]):
                removed += count
        floor, newest = (await self._fetch(FLOOR, ()))[0]
        removed += int((await self._fetch(ENDED_MODELS, (cutoff, floor)))[0][0])
        known_from = min(floor, newest)
        oldest = (await self._fetch(OLDEST_END, ()))[0][0]
        if oldest is not None:
            known_from = min(known_from, oldest - 1)
        await self._fetch(SETBACKS, (known_from,))
        while (await self._fetch(INSTANTS, (known_from, STEP_INSTANTS)))[0][0] == STEP_INSTANTS:
            pass
        return removed

    async def _remove(self, kind: Kind, rows: Sequence[Any]) -> tuple[int, int]:
        """Remove versions, and what is older of the same; return how many, and how many bytes."""
        if not rows:
            return 0, 0
        await self._fetch(RAISE_FLOOR, (max(row[4] for row in rows),))
        values = ([str(row[0]) for row in rows], [str(row[1]) for row in rows])
        count, freed = (await self._fetch(DROP[kind], values))[0]
        return count, freed


def _sweeps(
    rules: Rules, keys: Mapping[ModelId, int], excess: Mapping[int, int]
) -> Iterator[_Sweep]:
    limits = {keys[name]: limit for name, limit in rules.models.items() if name in keys}
    own = tuple(
        sorted(key for key, each in limits.items() if each.seconds is not None or each.is_off)
    )
    if own:
        yield _Sweep("", "twin", OLDEST_OF_OTHERS, own, rules.graph)
    else:
        yield _Sweep("", "twin", OLDEST["twin"], None, rules.graph)
    yield _Sweep("", "relationship", OLDEST["relationship"], None, rules.graph)
    for key in own:
        yield _Sweep(f"{key}", "twin", OLDEST_OF_MODELS, (key,), limits[key])
    for key, much in excess.items():
        yield _Sweep(f"bytes {key}", "twin", OLDEST_OF_MODELS, (key,), None, much)


def _first(rows: Sequence[Any], excess: int) -> list[Any]:
    """Return the first rows, until they have so many bytes."""
    taken = []
    for row in rows:
        if excess <= 0:
            break
        taken.append(row)
        excess -= row[2]
    return taken
