"""Holds a database against ledgers; knows the tables, and nothing of the code that fills them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw

from .ledger import Ledger, Step, Thing

_KINDS = {
    ("twin", "put", False): "Twin.Create",
    ("twin", "put", True): "Twin.Update",
    ("twin", "patch", True): "Twin.Update",
    ("twin", "delete", True): "Twin.Delete",
    ("relationship", "put", False): "Relationship.Create",
    ("relationship", "put", True): "Relationship.Update",
    ("relationship", "patch", True): "Relationship.Update",
    ("relationship", "delete", True): "Relationship.Delete",
}
_VERSIONS = """
SELECT 'twin', v.key, v.id, v.version, v.etag, v.valid_from, v.change, v.valid_to, v.ended_by,
       json_extract(v.doc, '$.value')
FROM (SELECT key, id, version, etag, valid_from, change, doc, NULL AS valid_to, NULL AS ended_by
      FROM twins
      UNION ALL SELECT key, id, version, etag, valid_from, change, doc, valid_to, ended_by
      FROM twin_versions) v
UNION ALL
SELECT 'relationship', v.key, json_extract(v.doc, '$."$sourceId"') || '/relationships/' || v.id,
       v.version, v.etag, v.valid_from, v.change, v.valid_to, v.ended_by,
       json_extract(v.doc, '$.value')
FROM (SELECT key, id, version, etag, valid_from, change, doc, NULL AS valid_to, NULL AS ended_by
      FROM relationships
      UNION ALL SELECT key, id, version, etag, valid_from, change, doc, valid_to, ended_by
      FROM relationship_versions) v
ORDER BY 1, 2, 4
"""
_LOG = "SELECT seq, subject, version, kind, event_id, time FROM changes ORDER BY seq"
_MODELS = """
SELECT k.id FROM models m JOIN model_keys k ON k.key = m.key WHERE m.valid_to IS NULL
"""
_META = "SELECT model_epoch, last_tick, version_bytes, log_bytes FROM meta"
_SIZES = """
SELECT (SELECT coalesce(sum(length(doc) + 200), 0) FROM twin_versions)
       + (SELECT coalesce(sum(length(doc) + 200), 0) FROM relationship_versions)
       + (SELECT coalesce(sum(length(docs)), 0) FROM version_blocks),
       (SELECT coalesce(sum(length(data) + 200), 0) FROM changes)
"""


@dataclass(frozen=True)
class Row:
    """A version row, current or superseded."""

    sort: str
    key: int
    subject: str
    version: int
    etag: str
    valid_from: int
    change: int
    valid_to: int | None
    ended_by: int | None
    value: int | None


@dataclass
class Verdict:
    """What was found; `faults` is empty when all is well."""

    acknowledged: int = 0
    unacknowledged: int = 0
    unacknowledged_kept: int = 0
    lost: int = 0
    faults: list[str] = field(default_factory=list)

    def require_sound(self, where: str) -> None:
        assert not self.faults, f"{where}:\n" + "\n".join(self.faults[:20])


@dataclass(frozen=True)
class Sight:
    """A ledger as it stood at an instant: the acknowledgements numbered below `count`."""

    ledger: Ledger
    count: int

    def has(self, sent: Any) -> bool:
        return sent.acknowledged is not None and sent.acknowledged < self.count


class Database:
    """All that a judgement looks at, read in one go."""

    def __init__(self, path: Path) -> None:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            execute = connection.execute
            self.integrity = execute("PRAGMA integrity_check").fetchall()
            self.foreign = execute("PRAGMA foreign_key_check").fetchall()
            self.version = connection.pragma("user_version")
            self.rows = [Row(*row) for row in self._read(execute, _VERSIONS)]
            self.log = self._read(execute, _LOG)
            self.models = {model_id for (model_id,) in self._read(execute, _MODELS)}
            self.meta = self._read(execute, _META)
            self.sizes = self._read(execute, _SIZES)
            self.tombs = self._read(execute, "SELECT kind, key, last_version FROM tombstones")
        finally:
            connection.close()

    def _read(self, execute: Any, sql: str) -> list[tuple[Any, ...]]:
        return execute(sql).fetchall() if self.version else []


def judge(path: Path, *sights: Sight) -> Verdict:
    """Return what is wrong with the database of these ledgers, and nothing else's."""
    database, verdict = Database(path), Verdict()
    _judge_database(database, verdict)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in database.rows:
        rows[row.subject].append(row)
    log: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for entry in database.log:
        if entry[2] is not None:
            log[entry[1]].append(entry)
    for sight in sights:
        for thing in sight.ledger.things:
            _judge_thing(thing, sight, rows[thing.subject], log[thing.subject], verdict)
        for thing in sight.ledger.shared:
            _judge_shared(thing, sight, rows[thing.subject], log[thing.subject], verdict)
        _judge_rest(sight, database, verdict)
    return verdict


def _judge_database(database: Database, verdict: Verdict) -> None:
    faults = verdict.faults
    if database.integrity != [("ok",)]:
        faults.append(f"integrity check: {database.integrity[:3]}")
    if database.foreign:
        faults.append(f"foreign keys: {database.foreign[:3]}")
    if not database.version:
        return
    log = {entry[0]: entry for entry in database.log}
    if [*log] != list(range(1, len(log) + 1)):
        faults.append("the log has gaps")
    told: set[int] = set()
    for row in database.rows:
        entry = log.get(row.change)
        if entry is None or entry[1:3] != (row.subject, row.version) or entry[5] != row.valid_from:
            faults.append(f"version without its log row: {row}")
        told.add(row.change)
        if row.ended_by is not None:
            entry = log.get(row.ended_by)
            if entry is None or entry[1:3] != (row.subject, row.version + 1):
                faults.append(f"end of a version without its log row: {row}")
            elif entry[3].endswith("Delete"):
                told.add(row.ended_by)
    silent = [entry for seq, entry in log.items() if entry[2] is not None and seq not in told]
    if silent:
        faults.append(f"log rows without a version: {silent[:3]}")
    _judge_chains(database, faults)
    times = [entry[5] for entry in database.log]
    epoch, tick, *books = database.meta[0]
    if times != sorted(times) or tick != (times[-1] if times else 0):
        faults.append(f"times run backwards, or the last is not {tick}")
    if tuple(books) != database.sizes[0]:
        faults.append(f"sizes are booked as {books}, but are {database.sizes[0]}")
    if epoch != len({entry[5] for entry in database.log if entry[3].startswith("Model")}):
        faults.append(f"the epoch {epoch} does not count the changes of models")


def _judge_chains(database: Database, faults: list[str]) -> None:
    tombs = {(kind, key): last for kind, key, last in database.tombs}
    lives: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in database.rows:
        lives[row.sort, row.key].append(row)
    for life, rows in lives.items():
        for older, newer in pairwise(rows):
            step = newer.version - older.version
            if older.valid_to is None or step not in (1, 2):
                faults.append(f"versions with a gap: {older} {newer}")
            elif step == 1 and older.valid_to != newer.valid_from:
                faults.append(f"versions that do not meet: {older} {newer}")
        last = rows[-1]
        gone = None if last.valid_to is None else last.version + 1
        if tombs.get(life) != gone:
            faults.append(f"tombstone {tombs.get(life)} of {last}")


def _judge_thing(
    thing: Thing, sight: Sight, rows: list[Row], log: list[tuple[Any, ...]], verdict: Verdict
) -> None:
    known = [step for step in thing.steps if sight.has(step)]
    possible = thing.steps[: len(known) + 1]
    verdict.acknowledged += len(known)
    verdict.unacknowledged += len(possible) - len(known)
    verdict.unacknowledged_kept += max(0, len(log) - len(known))
    if len(log) < len(known):
        verdict.lost += len(known) - len(log)
        verdict.faults.append(f"{thing.subject}: {len(known)} acknowledged, {len(log)} stored")
        return
    if len(log) > len(possible):
        verdict.faults.append(f"{thing.subject}: {len(log)} stored, {len(possible)} sent")
        return
    sort, there = ("relationship" if thing.source else "twin"), False
    by_version = {row.version: row for row in rows}
    for number, (step, entry) in enumerate(zip(possible, log, strict=False), 1):
        if entry[2:4] != (number, _KINDS[sort, step.kind, there]):
            verdict.faults.append(f"{thing.subject}: step {step.kind} {number}, log {entry}")
        there = step.kind != "delete"
        row = by_version.pop(number, None)
        if there != (row is not None):
            verdict.faults.append(f"{thing.subject}: step {step.kind} {number}, row {row}")
        elif row is not None and not _fits(row, step, sight):
            verdict.faults.append(f"{thing.subject}: {step.value} {step.etag}, row {row}")
    if by_version:
        verdict.faults.append(f"{thing.subject}: versions from nowhere {by_version}")


def _fits(row: Row, step: Step, sight: Sight) -> bool:
    return row.value == step.value and (row.etag == step.etag or not sight.has(step))


def _judge_shared(
    thing: Thing, sight: Sight, rows: list[Row], log: list[tuple[Any, ...]], verdict: Verdict
) -> None:
    known = {step.etag: step for step in thing.steps if sight.has(step)}
    values = {step.value for step in thing.steps}
    stored = {row.etag: row for row in rows}
    verdict.acknowledged += len(known)
    verdict.unacknowledged += len(thing.steps) - len(known)
    verdict.unacknowledged_kept += len(stored.keys() - known.keys())
    missing = known.keys() - stored.keys()
    verdict.lost += len(missing)
    if missing:
        verdict.faults.append(f"{thing.subject}: {len(missing)} acknowledged versions are missing")
    if any(stored[etag].value != step.value for etag, step in known.items() if etag in stored):
        verdict.faults.append(f"{thing.subject}: acknowledged versions have other values")
    if len({row.value for row in rows} & values) != len(rows):
        verdict.faults.append(f"{thing.subject}: versions from nowhere")
    numbers = list(range(1, len(rows) + 1))
    if [row.version for row in rows] != numbers or [entry[2] for entry in log] != numbers:
        verdict.faults.append(f"{thing.subject}: versions with gaps")


def _judge_rest(sight: Sight, database: Database, verdict: Verdict) -> None:
    for upload in sight.ledger.uploads:
        stored = [each for each in upload.ids if each in database.models]
        _count(verdict, sight.has(upload), bool(stored))
        if 0 < len(stored) < len(upload.ids):
            verdict.faults.append(f"half an upload: {stored} of {upload.ids}")
        if sight.has(upload) and not stored:
            verdict.faults.append(f"an acknowledged upload is missing: {upload.ids}")
    ids = {entry[4] for entry in database.log}
    for message in sight.ledger.messages:
        _count(verdict, sight.has(message), message.id in ids)
        if sight.has(message) and message.id not in ids:
            verdict.faults.append(f"acknowledged telemetry is missing: {message.id}")


def _count(verdict: Verdict, acknowledged: bool, stored: bool) -> None:
    verdict.acknowledged += acknowledged
    verdict.unacknowledged += not acknowledged
    verdict.unacknowledged_kept += stored and not acknowledged
    verdict.lost += acknowledged and not stored
