"""A large building graph for the benches, written straight into the tables.

10 sites > 100 buildings > 1,000 levels > 20,000 rooms > 100,000 equipment > 880,000 points at scale
1.0, with 60 models five deep and 1.2 million relationships of five names. `python -m bench.data
FILE [SCALE]` writes one; the same scale always gives the same rows.
"""

from __future__ import annotations

import random
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import orjson

from kastor.storage.sqlite import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView

KINDS = ("Site", "Building", "Level", "Room", "Equipment", "Point")
FANOUT = (10, 10, 20, 5, 9)
NAMES = ("hasPart", "feeds", "adjacentTo", "servedBy", "locatedIn")
_RELATIONSHIPS = frozenset(NAMES)
_PROPERTIES = frozenset({"name", "temperature", "serial", "active"})
TIME = "2026-01-01T00:00:00.0000000Z"
PER_KIND = 10


def model_id(kind: int, number: int) -> str:
    """Ten models per kind; number 0 is the base, every other one extends an earlier one."""
    return f"dtmi:bench:{KINDS[kind]}{number};1"


def model_parents() -> dict[str, list[str]]:
    """Model id -> the ids it extends; five levels deep."""
    parents: dict[str, list[str]] = {}
    for kind in range(len(KINDS)):
        for number in range(PER_KIND):
            base = max(0, number - 2) if number < 8 else 0
            parents[model_id(kind, number)] = [model_id(kind, base)] if number else []
    return parents


class Models:
    """The catalog of the bench graph, as the query compiler wants it."""

    epoch = 1

    def __init__(self) -> None:
        self.parents = model_parents()
        self.keys = {model: key for key, model in enumerate(self.parents, 1)}

    def matching(self, model: str, *, exact: bool) -> frozenset[int]:
        if exact:
            return frozenset({self.keys[model]} if model in self.keys else ())
        return frozenset(key for one, key in self.keys.items() if model in self._line(one))

    def model_ids(self) -> KeysView[str]:
        return self.keys.keys()

    def property_names(self) -> frozenset[str]:
        return _PROPERTIES

    def labels(self) -> dict[int, tuple[str, ...]]:
        return {}

    def schemas_of(self, name: str) -> frozenset[str]:
        return frozenset({"?"}) if name in _PROPERTIES else frozenset()

    def relationship_names(self) -> frozenset[str]:
        return _RELATIONSHIPS

    def _line(self, model: str) -> set[str]:
        line = {model}
        for parent in self.parents[model]:
            line |= self._line(parent)
        return line


def _twins(scale: float) -> Iterator[tuple[int, int, int, int]]:
    """(key, kind, parent key, number among its siblings) of every twin, parents first."""
    sites = max(1, round(10 * scale))
    key = 0
    level = []
    for number in range(sites):
        key += 1
        level.append(key)
        yield key, 0, 0, number
    for kind, fanout in enumerate(FANOUT, 1):
        below = []
        for parent in level:
            for number in range(fanout):
                key += 1
                below.append(key)
                yield key, kind, parent, number
        level = below


def _document(key: int, kind: int, model: str, chance: random.Random) -> bytes:
    names = ("name", "serial", "active", "temperature", "address")
    document: dict[str, object] = {
        "$dtId": f"{KINDS[kind].lower()}-{key}",
        "name": f"{KINDS[kind]} {key}",
        "serial": f"S{key * 7919 % 1_000_003:07}",
        "active": key % 3 == 0,
        "temperature": round(chance.uniform(0, 100), 2),
        "address": {"floor": key % 20, "code": f"C{key % 97}"},
    }
    metadata: dict[str, object] = {"$model": model, "$lastUpdateTime": TIME}
    metadata |= {name: {"lastUpdateTime": TIME} for name in names[:3]}
    document["$metadata"] = metadata
    return orjson.dumps(document)


def _relationship(key: int, name: str, source: str, target: str) -> bytes:
    return orjson.dumps(
        {
            "$relationshipId": f"r{key}",
            "$sourceId": source,
            "$relationshipName": name,
            "$targetId": target,
            "weight": key % 100,
        }
    )


def build(path: Path, scale: float = 1.0) -> None:
    """Writes the graph of that scale to a new file."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = wal; PRAGMA synchronous = off")
    connection.execute("PRAGMA cache_size = -262144")
    schema.prepare(connection)
    models = Models()
    with connection:
        connection.executemany(
            "INSERT INTO model_keys VALUES (?, ?)", [(k, m) for m, k in models.keys.items()]
        )
        connection.executemany(
            "INSERT INTO relationship_names VALUES (?, ?)", list(enumerate(NAMES, 1))
        )
        twins = list(_twins(scale))
        kinds = {key: kind for key, kind, _, _ in twins}
        chance = random.Random(7)
        connection.executemany(
            "INSERT INTO twins VALUES (?, ?, ?, ?, 1, 0, 0, '', jsonb(?))",
            (_twin_row(key, kind, models, chance) for key, kind, _, _ in twins),
        )
        connection.executemany(
            "INSERT INTO relationships VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0, '', jsonb(?))",
            _relationship_rows(twins, kinds),
        )
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _twin_row(
    key: int, kind: int, models: Models, chance: random.Random
) -> tuple[int, str, int, str, bytes]:
    model = model_id(kind, key % PER_KIND)
    etag = str(uuid.UUID(int=key))
    document = _document(key, kind, model, chance)
    return key, f"{KINDS[kind].lower()}-{key}", models.keys[model], etag, document


def _relationship_rows(
    twins: list[tuple[int, int, int, int]], kinds: dict[int, int]
) -> Iterator[tuple[int, int, str, int, int, str, bytes]]:
    number = 0
    chance = random.Random(11)
    ids = {key: f"{KINDS[kind].lower()}-{key}" for key, kind in kinds.items()}
    rooms = [key for key, kind in kinds.items() if kind == 3]
    equipment = [key for key, kind in kinds.items() if kind == 4]

    def row(source: int, name: int, target: int) -> tuple[int, int, str, int, int, str, bytes]:
        nonlocal number
        number += 1
        document = _relationship(number, NAMES[name], ids[source], ids[target])
        etag = str(uuid.UUID(int=number))
        return number, source, f"r{number}", name + 1, target, etag, document

    for key, _, parent, _ in twins:
        if parent:
            yield row(parent, 0, key)
    for key in equipment:
        yield row(key, 1, chance.choice(equipment))
        if key % 2:
            yield row(key, 3, chance.choice(rooms))
    for key in rooms:
        yield row(key, 2, chance.choice(rooms))
        yield row(key, 4, chance.choice(rooms))


def ensure(folder: Path, scale: float) -> Path:
    """The file of that scale in `folder`, written if it is not there yet."""
    path = folder / f"bench-{scale:g}.sqlite3"
    if not path.exists():
        begun = time.perf_counter()
        unfinished = path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        build(unfinished, scale)
        unfinished.rename(path)
        size = path.stat().st_size / 1e6
        print(f"wrote {path} ({size:.0f} MB) in {time.perf_counter() - begun:.0f} s")
    return path


if __name__ == "__main__":
    build(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
