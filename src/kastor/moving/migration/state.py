"""What a migration knows: for each thing what was read, what was written, and what is in doubt.

A SQLite file that its owner alone reads. Before anything is sent it says what is going to be
(`pending`), so that after a kill it can be told from what others wrote. It holds ETags and hashes
of twins and relationships, no content, and no token.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kastor.moving.writing.operations import ThingKind
from kastor.private import make_folder, open_private, tighten

FORMAT = "1"
_APPLICATION = 0x4B4D4947
"""Marks the file as ours: `KMIG`."""
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE models (
  id TEXT PRIMARY KEY, document TEXT NOT NULL, decommissioned INTEGER NOT NULL,
  round INTEGER NOT NULL, owned INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE things (
  kind TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL,
  from_etag TEXT, to_etag TEXT, digest BLOB, pending BLOB, owned INTEGER NOT NULL DEFAULT 0,
  round INTEGER NOT NULL, problem TEXT, from_digest BLOB, to_digest BLOB,
  PRIMARY KEY (kind, source, id)
) WITHOUT ROWID;
CREATE INDEX in_doubt ON things (kind, source, id) WHERE pending IS NOT NULL;
CREATE INDEX with_problem ON things (kind, source, id) WHERE problem IS NOT NULL;
CREATE TABLE strangers (
  kind TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (kind, source, id)
) WITHOUT ROWID;
CREATE TABLE kinds (id TEXT PRIMARY KEY, model TEXT NOT NULL) WITHOUT ROWID;
"""
GONE = b"gone"
"""What is pending of a deletion."""
AWAITED = "awaits what it leads to"
"""The problem of a relationship whose ends are not at the target yet."""


class StateError(Exception):
    """A file cannot be the state of this migration; the text says what to do."""


@dataclass(slots=True)
class Thing:
    """A twin or a relationship, as far as the migration knows it.

    Attributes:
        from_etag: of the source, whose content is at the target; None if none is.
        to_etag: of the target after the last write; None where it is not there.
        digest: of the content at the target.
        pending: digest of what is being written, or GONE; None where nothing is in doubt.
        owned: whether the migration put it there.
        problem: why it is not as at the source; None where it is.
    """

    kind: ThingKind
    source: str
    id: str
    from_etag: str | None = None
    to_etag: str | None = None
    digest: bytes | None = None
    pending: bytes | None = None
    owned: bool = False
    problem: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The source and the id."""
        return self.source, self.id

    @property
    def name(self) -> str:
        """What people call it: `twin hall`, `relationship hall/r1`."""
        return f"{self.kind.value} {self.source}/{self.id}" if self.source else f"twin {self.id}"


_COLUMNS = "kind, source, id, from_etag, to_etag, digest, pending, owned, problem"


class MigrationState:
    """The file, open; no other process has it meanwhile."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @property
    def database(self) -> sqlite3.Connection:
        """The connection, for `tally` and `stored_models`, which have tables of their own."""
        return self._database

    @classmethod
    def open(cls, path: Path | None, addresses: tuple[str, str]) -> MigrationState:
        """Open a state, or make one.

        Args:
            path: of the file; None is a temporary one.
            addresses: of source and target.

        Raises:
            StateError: it is no state, of other addresses, or another process has it.
            OSError: it cannot be opened.
        """
        if path is None:
            made = cls(_connected(""))
            made._create(addresses)
            return made
        make_folder(path.parent)
        os.close(open_private(path, os.O_RDWR | os.O_CREAT))
        tighten([path])
        made = cls(_connected(str(path)))
        try:
            made._begin(path, addresses)
        except BaseException:
            made.close()
            raise
        return made

    def _begin(self, path: Path, addresses: tuple[str, str]) -> None:
        try:
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute("COMMIT")
            (application,) = self._database.execute("PRAGMA application_id").fetchone()
            (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            raise StateError(
                f"Another kastor migrate works with {path}. Let it end first."
            ) from error
        except sqlite3.DatabaseError:
            application, tables = 0, 1
        if not tables:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._create(addresses)
        elif application != _APPLICATION or self.fact("format") != FORMAT:
            raise StateError(f"{path} is no state of a migration. Name another file by --state.")
        found = (self.fact("from"), self.fact("to"))
        if found not in (addresses, addresses[::-1]):
            raise StateError(
                f"{path} is the state of a migration from {found[0]} to {found[1]}. Name another "
                "file by --state, or give these addresses to go on with it."
            )

    def _create(self, addresses: tuple[str, str]) -> None:
        with self.change():
            for statement in _SCHEMA.split(";\n"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA application_id = {_APPLICATION}")
            for name, value in (("format", FORMAT), ("from", addresses[0]), ("to", addresses[1])):
                self.note(name, value)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Return a block whose changes are on the disk when it ends, or not made at all."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def fact(self, name: str) -> str | None:
        """Return what was noted under a name."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Note a text under a name."""
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    @property
    def round(self) -> int:
        """The number of the last round; 0 before the first."""
        return int(self.fact("round") or 0)

    def turn_round(self) -> None:
        """Exchange source and target: what is equal on both sides is so the other way as well."""
        source, target = self.fact("from") or "", self.fact("to") or ""
        with self.change():
            self._database.execute(
                "UPDATE things SET from_etag = to_etag, to_etag = from_etag, owned = 1,"
                " problem = NULL"
                " WHERE from_etag IS NOT NULL AND to_etag IS NOT NULL"
            )
            self._database.execute("DELETE FROM things WHERE from_etag IS NULL OR to_etag IS NULL")
            self._database.execute("UPDATE models SET owned = 0")
            self.note("from", target)
            self.note("to", source)
            self.note("whole", "")

    def things(
        self, kind: ThingKind, keys: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], Thing]:
        """Return what is known of some things; those that are new are missing."""
        found = {}
        for source, identifier in keys:
            row = self._database.execute(
                f"SELECT {_COLUMNS} FROM things WHERE kind = ? AND source = ? AND id = ?",
                (kind.value, source, identifier),
            ).fetchone()
            if row is not None:
                found[source, identifier] = _thing(row)
        return found

    def seen(self, kind: ThingKind, keys: Iterable[tuple[str, str]], number: int) -> None:
        """Note that things were at the source in a round."""
        self._database.executemany(
            "INSERT INTO things (kind, source, id, round) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET round = excluded.round",
            [(kind.value, source, identifier, number) for source, identifier in keys],
        )

    def keep(self, things: Iterable[Thing]) -> None:
        """Note what became of things."""
        self._database.executemany(
            "UPDATE things SET from_etag = ?, to_etag = ?, digest = ?, pending = ?, owned = ?,"
            " problem = ? WHERE kind = ? AND source = ? AND id = ?",
            [
                (
                    *(each.from_etag, each.to_etag, each.digest, each.pending, each.owned),
                    *(each.problem, each.kind.value, each.source, each.id),
                )
                for each in things
            ],
        )

    def forget(self, things: Iterable[Thing]) -> None:
        """Let go of things that are on neither side any more, or not ours."""
        self._database.executemany(
            "DELETE FROM things WHERE kind = ? AND source = ? AND id = ?",
            [(each.kind.value, each.source, each.id) for each in things],
        )

    def unseen(self, kind: ThingKind, number: int, size: int) -> Iterator[list[Thing]]:
        """Yield what was not at the source in a round, some at a time."""
        return self._pages(kind, "round < ?", (number,), size)

    def awaiting(self, size: int) -> Iterator[list[Thing]]:
        """Yield relationships whose ends were missing at the target, some at a time."""
        return self._pages(ThingKind.RELATIONSHIP, "problem = ?", (AWAITED,), size)

    def refused(self, kind: ThingKind, code: str, number: int, size: int) -> Iterator[list[Thing]]:
        """Yield what was at the source in a round and was refused with a code, some at a time."""
        return self._pages(kind, "problem GLOB ? AND round = ?", (f"{code}: *", number), size)

    def problems(self, most: int) -> list[Thing]:
        """Return the first things that are not as at the source, with the reason."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM things WHERE problem IS NOT NULL"
            " ORDER BY kind DESC, source, id LIMIT ?",
            (most,),
        )
        return [_thing(row) for row in rows]

    def _pages(
        self, kind: ThingKind, condition: str, values: tuple[object, ...], size: int
    ) -> Iterator[list[Thing]]:
        last = ("", "")
        while True:
            rows = self._database.execute(
                f"SELECT {_COLUMNS} FROM things WHERE kind = ? AND {condition}"
                " AND (source, id) > (?, ?) ORDER BY source, id LIMIT ?",
                (kind.value, *values, *last, size),
            ).fetchall()
            if not rows:
                return
            page = [_thing(row) for row in rows]
            last = page[-1].key
            yield page

    def count(self, condition: str = "") -> int:
        """Return how many things there are; of those in `doubt`, with a `problem`, of a kind.

        A `moved twin` is one that the migration put at the target.
        """
        where = {
            "": "",
            "doubt": " WHERE pending IS NOT NULL",
            "problem": " WHERE problem IS NOT NULL",
            "moved twin": " WHERE kind = 'twin' AND owned AND to_etag IS NOT NULL",
            "twin": " WHERE kind = 'twin'",
            "relationship": " WHERE kind = 'relationship'",
        }[condition]
        row = self._database.execute(f"SELECT count(*) FROM things{where}").fetchone()
        return int(row[0])


def _connected(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=0.5)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    return database


def _thing(row: tuple[str, str, str, str, str, bytes, bytes, int, str]) -> Thing:
    kind, source, identifier, from_etag, to_etag, found, pending, owned, problem = row
    return Thing(
        *(
            ThingKind(kind),
            source,
            identifier,
            from_etag,
            to_etag,
            found,
            pending,
            bool(owned),
            problem,
        )
    )
