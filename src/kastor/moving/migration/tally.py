"""What the state holds of a verification: the hash of every document as each side has it now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from kastor.moving.migration.report import SHOWN, SidesTally
from kastor.moving.migration.state import Thing
from kastor.moving.writing.operations import ThingKind

if TYPE_CHECKING:
    from kastor.moving.migration.state import MigrationState

MEANWHILE = "the source was written to meanwhile"
"""Why something differs that has no problem."""
Digests = Mapping[tuple[str, str], bytes]
_DIFFERS = "from_digest IS NOT to_digest"


class SideHashes:
    """Hashes of both sides, in the state, where they may be millions."""

    def __init__(self, state: MigrationState) -> None:
        self._state, self._database = state, state.database

    def begin(self) -> None:
        """Forget an earlier one."""
        with self._state.change():
            self._database.execute("UPDATE things SET from_digest = NULL, to_digest = NULL")
            self._database.execute("DELETE FROM strangers")

    def at_source(self, kind: ThingKind, digests: Digests) -> None:
        """Note documents of the source."""
        with self._state.change():
            self._database.executemany(
                "INSERT INTO things (kind, source, id, round, from_digest) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET from_digest = excluded.from_digest",
                [(kind.value, *key, self._state.round, found) for key, found in digests.items()],
            )

    def at_target(self, kind: ThingKind, digests: Digests) -> None:
        """Note documents of the target, after all of the source."""
        with self._state.change():
            for key, found in digests.items():
                changed = self._database.execute(
                    "UPDATE things SET to_digest = ? WHERE kind = ? AND source = ? AND id = ?",
                    (found, kind.value, *key),
                )
                if not changed.rowcount:
                    self._database.execute(
                        "INSERT OR REPLACE INTO strangers VALUES (?, ?, ?, ?)",
                        (kind.value, *key, found),
                    )

    def stranger(self, kind: ThingKind, key: tuple[str, str]) -> bytes | None:
        """Return the hash of something that is at the target alone."""
        row = self._database.execute(
            "SELECT digest FROM strangers WHERE kind = ? AND source = ? AND id = ?",
            (kind.value, *key),
        ).fetchone()
        return None if row is None else row[0]

    def models(self, models: Mapping[str, str]) -> None:
        """Note the models of twins, for a migration that is only tried."""
        self._database.executemany("INSERT OR REPLACE INTO kinds VALUES (?, ?)", models.items())

    def model_of(self, twin: str) -> str | None:
        """Return the model of a twin; None where there is none of that id."""
        row = self._database.execute("SELECT model FROM kinds WHERE id = ?", (twin,)).fetchone()
        return None if row is None else str(row[0])

    def of(self, kind: ThingKind) -> SidesTally:
        """Return counts and hashes of a kind; a hash is over all documents in order of ids."""
        made = SidesTally()
        source, target = blake2b(digest_size=16), blake2b(digest_size=16)
        rows = self._database.execute(
            "SELECT source, id, from_digest, to_digest FROM things WHERE kind = ?"
            " ORDER BY source, id",
            (kind.value,),
        )
        for origin, identifier, one, other in rows:
            key = f"{origin}\n{identifier}\n".encode("utf-8", "surrogatepass")
            if one is not None:
                made.at_source += 1
                source.update(key + one)
            if other is not None:
                made.at_target += 1
                target.update(key + other)
        made.source_hash, made.target_hash = source.hexdigest(), target.hexdigest()
        (made.others,) = self._database.execute(
            "SELECT count(*) FROM strangers WHERE kind = ?", (kind.value,)
        ).fetchone()
        return made

    def different(self) -> tuple[int, int]:
        """Return how many differ, and how many of them without a known problem."""
        row = self._database.execute(
            f"SELECT count(*), count(*) FILTER (WHERE problem IS NULL) FROM things WHERE {_DIFFERS}"
        ).fetchone()
        return int(row[0]), int(row[1])

    def differences(self) -> Iterator[tuple[Thing, str]]:
        """Yield the first that differ, with what is so."""
        rows = self._database.execute(
            "SELECT kind, source, id, problem, from_digest IS NULL, to_digest IS NULL"
            f" FROM things WHERE {_DIFFERS} ORDER BY kind DESC, source, id LIMIT {SHOWN}"
        ).fetchall()
        for kind, source, identifier, problem, not_there, not_here in rows:
            thing = Thing(ThingKind(kind), source, identifier, problem=problem)
            if not_there:
                what = "is at the target alone"
            elif not_here:
                what = "is missing at the target"
            else:
                what = "has other content at the target"
            yield thing, f"{what}: {problem or MEANWHILE}"

    def note_changed_at_target(self, changed: str, removed: str) -> None:
        """Give what others changed or deleted at the target its problem.

        That is what differs although the source is as it was when it was written.
        """
        with self._state.change():
            for problem, condition in (
                (changed, "to_digest IS NOT NULL AND to_digest IS NOT digest"),
                (removed, "to_digest IS NULL"),
            ):
                self._database.execute(
                    f"UPDATE things SET problem = ? WHERE {_DIFFERS} AND problem IS NULL"
                    f" AND from_digest IS digest AND {condition}",
                    (problem,),
                )
