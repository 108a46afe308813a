"""Removes superseded versions by position: what no kept state holds.

The floor of the graph is raised before anything below it goes, so whoever reads the past finds
either what was there, or that it is gone. Everything goes in small steps of the writer's thread.

A model whose twins are kept for a shorter time than the rest raises the floor to what was removed
of them; one whose twins are kept for longer keeps what histories of single twins show.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from kastor.storage.history import Kind
from kastor.storage.keeping import VERSION_ROW_OVERHEAD, Limit
from kastor.storage.sqlite.positions import position_at, time_of
from kastor.storage.sqlite.unit_of_work import Head, drop_versions
from kastor.storage.ticker import LEAD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    import apsw

    from kastor.storage.keeping import Rules
    from kastor.types import ModelId, Ticks

STEP_ROWS = 500
MODEL_SIZE_SECONDS = 600.0
"""Between two looks at how much the versions of a model take."""

_TABLES: dict[Kind, str] = {"twin": "twin_versions", "relationship": "relationship_versions"}
_WINDOW = """
SELECT max(ended_by), count(*) FROM (
    SELECT ended_by FROM {table} WHERE ended_by > ? AND ended_by <= ? ORDER BY ended_by LIMIT ?)
"""
_GOING = """
SELECT key, max(ended_by) FROM {table}
WHERE ended_by > ?1 AND ended_by <= ?2{of_models} GROUP BY key ORDER BY 2
"""
_GOING_ONE_BY_ONE = """
SELECT key, ended_by FROM {table}
WHERE ended_by > ?1 AND ended_by <= ?2{of_models} ORDER BY ended_by
"""
_OF_MODEL = " AND model_key IN (SELECT value FROM json_each(?3))"
_OF_OTHERS = " AND model_key NOT IN (SELECT value FROM json_each(?3))"
_OLDEST = f"""
SELECT ended_by, bytes FROM (
    SELECT * FROM (SELECT ended_by, length(doc) + {VERSION_ROW_OVERHEAD} AS bytes
                   FROM twin_versions ORDER BY ended_by LIMIT ?1)
    UNION ALL
    SELECT * FROM (SELECT ended_by, length(doc) + {VERSION_ROW_OVERHEAD}
                   FROM relationship_versions ORDER BY ended_by LIMIT ?1)
    UNION ALL
    SELECT * FROM (SELECT ended_by, length(docs) FROM version_blocks ORDER BY ended_by LIMIT ?1)
) ORDER BY ended_by LIMIT ?1
"""
_TOMBSTONES = """
DELETE FROM tombstones WHERE (kind, id) IN (
    SELECT kind, id FROM tombstones t
    WHERE (deleted_at < ?1 OR deleted_at > ?2) AND kind = ?3
        AND NOT EXISTS (SELECT 1 FROM {table} v WHERE v.key = t.key)
    LIMIT ?4
) RETURNING 1
"""
_MODELS = "DELETE FROM models WHERE ended_by <= ? RETURNING 1"
_KNOWN_FROM = """
SELECT min(?1, coalesce((SELECT min(ended_by) - 1 FROM twin_versions), ?1),
               coalesce((SELECT min(ended_by) - 1 FROM relationship_versions), ?1))
"""
_INSTANTS = """
DELETE FROM instants WHERE change IN (
    SELECT change FROM instants
    WHERE change < (SELECT max(change) FROM instants WHERE change <= ?1) ORDER BY change LIMIT ?2
)
"""
_SETBACKS = """
DELETE FROM setbacks WHERE change < (SELECT max(change) FROM setbacks WHERE change <= ?)
"""
_ORIGINS = """
DELETE FROM origins WHERE change IN (
    SELECT change FROM origins WHERE change < ?1 ORDER BY change LIMIT ?2
)
"""
_NOTE_INSTANT = "INSERT OR IGNORE INTO instants (change, time) VALUES (?, ?)"
_MODEL_SIZES = f"""
SELECT model_key, sum(length(doc) + {VERSION_ROW_OVERHEAD}) FROM twin_versions
WHERE model_key IN (SELECT value FROM json_each(?1)) GROUP BY model_key
UNION ALL
SELECT v.model_key, sum(length(b.docs)) FROM version_blocks b
JOIN twin_versions v ON v.key = b.key AND v.ended_by = b.ended_by
WHERE b.kind = 'twin' AND v.model_key IN (SELECT value FROM json_each(?1)) GROUP BY v.model_key
"""


class Stepped(Struct, frozen=True):
    """What one step did.

    Attributes:
        removed: rows that are gone.
        more: whether there may be more for it.
        upto: the position up to which it has been, for a sweep.
        freed: bytes.
    """

    removed: int
    more: bool = False
    upto: int = 0
    freed: int = 0


Rows: TypeAlias = list[tuple[Any, ...]]
Step: TypeAlias = "Callable[[apsw.Connection, Head[Any]], Stepped]"
Upkeep: TypeAlias = "Callable[[Callable[[apsw.Connection, Head[Any]], Any]], Awaitable[Any]]"


class _Sweep(Struct, frozen=True):
    """One way over the versions of a table, oldest first, by a rule.

    Attributes:
        name: of the rule; how far it has been is remembered under it.
        kind: of the versions.
        limit: whose time decides how far it goes; None: as far as there is anything.
        condition: which models it is about, and
        models: their keys.
        excess: bytes after which it ends; None: no bound.
    """

    name: str
    kind: Kind
    limit: Limit | None
    condition: str = ""
    models: tuple[int, ...] = ()
    excess: int | None = None


class SqliteVersionPruning:
    """Prunes the versions of one graph; remembers how far it has been."""

    def __init__(self) -> None:
        self._swept: dict[tuple[str, Kind], int] = {}
        self._rules: Rules | None = None

    async def run(
        self,
        upkeep: Upkeep,
        rules: Rules,
        keys: Mapping[ModelId, int],
        excess: Mapping[int, int],
        now: Ticks,
    ) -> int:
        """Remove what is too old or too much, a step at a time; return rows.

        Args:
            upkeep: runs a step in the writer's transaction.
            rules: what is kept.
            keys: of models, by their ids.
            excess: bytes that are too much of models, by their keys.
            now: the wall clock.
        """
        if rules is not self._rules:
            self._rules = rules
            self._swept.clear()
        await upkeep(partial(_raise_by_age, limit=rules.graph, now=now))
        removed = 0
        for sweep in _sweeps(rules, keys, excess):
            removed += await self._sweep(upkeep, sweep, now)
        removed += await _repeat(upkeep, partial(_by_size, most=rules.graph.bytes))
        for step in _remnants(rules, now):
            removed += await _repeat(upkeep, step)
        return removed

    async def _sweep(self, upkeep: Upkeep, sweep: _Sweep, now: Ticks) -> int:
        removed, freed, mark = 0, 0, (sweep.name, sweep.kind)
        more = True
        while more:
            left = None if sweep.excess is None else sweep.excess - freed
            step = partial(_step, sweep, self._swept.get(mark, 0), left, now)
            stepped: Stepped = await upkeep(step)
            # Only now, since a step may be taken back and done again.
            self._swept[mark] = stepped.upto
            removed += stepped.removed
            freed += stepped.freed
            more = stepped.more
        return removed


async def _repeat(upkeep: Upkeep, step: Step) -> int:
    removed, more = 0, True
    while more:
        stepped: Stepped = await upkeep(step)
        removed += stepped.removed
        more = stepped.more
    return removed


def _sweeps(
    rules: Rules, keys: Mapping[ModelId, int], excess: Mapping[int, int]
) -> Iterator[_Sweep]:
    limits = {keys[name]: limit for name, limit in rules.models.items() if name in keys}
    own = tuple(sorted(key for key, limit in limits.items() if _has_time(limit)))
    yield _Sweep("", "twin", rules.graph, _OF_OTHERS if own else "", own)
    yield _Sweep("", "relationship", rules.graph)
    for key in own:
        yield _Sweep(f"{key}", "twin", limits[key], _OF_MODEL, (key,))
    for key, much in excess.items():
        yield _Sweep(f"bytes {key}", "twin", None, _OF_MODEL, (key,), much)


def _step(
    sweep: _Sweep,
    low: int,
    left: int | None,
    now: Ticks,
    connection: apsw.Connection,
    counters: Head[Any],
) -> Stepped:
    """Remove what a sweep removes of the few versions that ended first behind `low`."""
    high = (
        counters.seq
        if sweep.limit is None
        else _end_of_time(connection, counters, sweep.limit, now)
    )
    table = _TABLES[sweep.kind]
    window = (low, high, STEP_ROWS)
    last, count = _rows(connection, _WINDOW.format(table=table), window)[0]
    more = count == STEP_ROWS
    upto = int(last) if more else max(low, high)
    values: list[Any] = [low, upto]
    if sweep.condition:
        values.append(str([*sweep.models]))
    text = (_GOING if left is None else _GOING_ONE_BY_ONE).format(
        table=table, of_models=sweep.condition
    )
    removed, before = 0, counters.version_bytes
    for key, ended_by in _rows(connection, text, values):
        if left is not None and before - counters.version_bytes >= left:
            return Stepped(removed, upto=low, freed=before - counters.version_bytes)
        _raise(connection, counters, ended_by)
        removed += drop_versions(connection.execute, counters, sweep.kind, key, ended_by)
    return Stepped(removed, more, upto, before - counters.version_bytes)


def _by_size(connection: apsw.Connection, counters: Head[Any], most: int | None) -> Stepped:
    """Remove of the oldest what the whole graph has too much."""
    excess = 0 if most is None else counters.version_bytes - most
    if excess <= 0:
        return Stepped(0)
    end = _end_of_excess(_rows(connection, _OLDEST, (STEP_ROWS,)), excess)
    _raise(connection, counters, end)
    removed = 0
    for kind, table in _TABLES.items():
        text = _GOING.format(table=table, of_models="")
        for key, ended_by in _rows(connection, text, (0, end)):
            removed += drop_versions(connection.execute, counters, kind, key, ended_by)
    return Stepped(removed, more=bool(removed))


def _remnants(rules: Rules, now: Ticks) -> Iterator[Step]:
    """Yield the steps that remove what no version needs any more."""
    limit = rules.graph
    cutoff = now if limit.is_off else limit.cutoff(now)

    def tombstones(kind: Kind) -> Step:
        text = _TOMBSTONES.format(table=_TABLES[kind])

        def step(connection: apsw.Connection, _: Head[Any]) -> Stepped:
            values = (cutoff, now + LEAD, kind, STEP_ROWS)
            removed = len(connection.execute(text, values).fetchall())
            return Stepped(removed, removed == STEP_ROWS)

        return step

    def models(connection: apsw.Connection, counters: Head[Any]) -> Stepped:
        return Stepped(len(connection.execute(_MODELS, (counters.floor,)).fetchall()))

    def instants(connection: apsw.Connection, counters: Head[Any]) -> Stepped:
        known_from = _rows(connection, _KNOWN_FROM, (counters.floor,))[0][0]
        connection.execute(_SETBACKS, (known_from,)).fetchall()
        more = False
        for text in (_INSTANTS, _ORIGINS):
            connection.execute(text, (known_from, STEP_ROWS)).fetchall()
            more = more or connection.changes() == STEP_ROWS
        return Stepped(0, more)

    yield tombstones("twin")
    yield tombstones("relationship")
    yield models
    yield instants


def _rows(connection: apsw.Connection, text: str, values: Sequence[Any]) -> Rows:
    rows: Rows = connection.execute(text, values).fetchall()
    return rows


def _has_time(limit: Limit) -> bool:
    return limit.seconds is not None or limit.is_off


def _end_of_time(connection: apsw.Connection, counters: Head[Any], limit: Limit, now: Ticks) -> int:
    """Return the newest state that is older than what a limit keeps."""
    if limit.is_off:
        return counters.seq
    return position_at(connection.execute, limit.cutoff(now) - 1)


def _raise_by_age(
    connection: apsw.Connection, counters: Head[Any], limit: Limit, now: Ticks
) -> None:
    _raise(connection, counters, _end_of_time(connection, counters, limit, now))


def _raise(connection: apsw.Connection, counters: Head[Any], floor: int) -> None:
    """Let no state before `floor` be read; its own time stays known."""
    if floor <= counters.floor:
        return
    counters.floor = floor
    time = time_of(connection.execute, floor)
    connection.execute(_NOTE_INSTANT, (floor, time)).fetchall()


def _end_of_excess(oldest: Rows, excess: int) -> int:
    """Return the position up to which `excess` bytes of the oldest go."""
    end = 0
    for ended_by, size in oldest:
        end = ended_by
        excess -= size
        if excess <= 0:
            break
    return end


def model_excess(
    connection: apsw.Connection, rules: Rules, keys: Mapping[ModelId, int]
) -> dict[int, int]:
    """Return by how many bytes the versions of models are too many; scans them."""
    most = {
        keys[name]: limit.bytes
        for name, limit in rules.models.items()
        if name in keys and limit.bytes
    }
    sizes = dict.fromkeys(most, 0)
    for key, size in _rows(connection, _MODEL_SIZES, (str([*most]),)):
        sizes[key] += size
    return {key: sizes[key] - bound for key, bound in most.items() if sizes[key] > bound}
