"""What a rehearsal's decisions would have written, kept beside the graph and asked before it.

It lies in a private database of SQLite's, whichever engine has the graph: what does not fit into
a small cache goes into a temporary file without a name, so memory is flat for any number of
writes. Keys of what is made are below zero, where no engine has any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic

import apsw

from kastor.errors import Unavailable
from kastor.records import (
    C,
    Change,
    ChangeModels,
    EraseRelationship,
    EraseTwin,
    LogTelemetry,
    RelationshipRow,
    TwinRow,
    WriteRelationship,
    WriteTwin,
)

if TYPE_CHECKING:
    from kastor.types import ModelId, RelationshipId, TwinId

CACHE_KIB = 2_048
MOST_BYTES = 16 * 2**30
"""Of the temporary file; a graph of ten million twins has less."""
_PAGE_BYTES = 4_096

# `doc` is NULL for what is gone. `ends` counts the relationships at a twin: `based` are those of
# the graph that stand here, whatever became of them, `present` those that stand here and are there.
_TABLES = """
CREATE TABLE twins (id TEXT PRIMARY KEY, key, model_key, etag, version, doc);
CREATE TABLE relationships (source_key INTEGER, id TEXT, key, name, target_key, etag, version, doc,
                            PRIMARY KEY (source_key, id));
CREATE TABLE ends (key INTEGER PRIMARY KEY, based, present);
"""
_TWIN = "SELECT key, id, model_key, etag, version, doc FROM twins WHERE id = ?"
_PUT_TWIN = """
INSERT OR REPLACE INTO twins (key, id, model_key, etag, version, doc) VALUES (?, ?, ?, ?, ?, ?)
"""
_RELATIONSHIP = """
SELECT key, source_key, id, name, target_key, etag, version, doc FROM relationships
WHERE source_key = ? AND id = ?
"""
_PUT_RELATIONSHIP = """
INSERT OR REPLACE INTO relationships (key, source_key, id, name, target_key, etag, version, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ENDS = "SELECT based, present FROM ends WHERE key = ?"
_COUNT = """
INSERT INTO ends (key, based, present) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET based = based + excluded.based, present = present + excluded.present
"""


class RehearsalOverlay(Generic[C]):
    """Rows and models after the changes that were applied here; used by one thread at a time.

    Attributes:
        catalog: of the models, the changes included.
        full: there was no room for a change, so what is here is not what was decided.
    """

    def __init__(self, catalog: C) -> None:
        self.catalog = catalog
        self.full = False
        self._key = 0
        self._connection = connection = apsw.Connection("")
        for pragma in (
            f"page_size = {_PAGE_BYTES}",
            f"max_page_count = {MOST_BYTES // _PAGE_BYTES}",
            f"cache_size = -{CACHE_KIB}",
            "journal_mode = OFF",  # nothing is ever taken back
            "synchronous = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute(_TABLES).fetchall()
        self._execute: Callable[..., Any] = connection.cursor().execute

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()

    def begin(self) -> None:
        """Begin a portion of changes; they cost less together."""
        self._execute("BEGIN").fetchall()

    def end(self) -> None:
        """End the portion; where there was no room the engine has done so."""
        if self._connection.in_transaction:
            self._execute("COMMIT").fetchall()

    def twin(self, twin_id: TwinId) -> tuple[bool, TwinRow | None]:
        """Return whether the twin was written or deleted here, and how it is then."""
        rows = self._execute(_TWIN, (twin_id,)).fetchall()
        if not rows:
            return False, None
        return True, None if rows[0][5] is None else TwinRow(*rows[0])

    def relationship(
        self, source_key: int, relationship_id: RelationshipId
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the relationship was written or deleted here, and how it is then."""
        rows = self._execute(_RELATIONSHIP, (source_key, relationship_id)).fetchall()
        if not rows:
            return False, None
        return True, None if rows[0][7] is None else RelationshipRow(*rows[0])

    def ends(self, twin_key: int) -> tuple[int, int]:
        """Return how many relationships at a twin stand here.

        Returns:
            Those that the graph has, though here they may be gone or lead elsewhere; and those
            that are at the twin now.
        """
        rows = self._execute(_ENDS, (twin_key,)).fetchall()
        return (rows[0][0], rows[0][1]) if rows else (0, 0)

    def apply(self, change: Change[C]) -> None:
        """Take over a change.

        Raises:
            Unavailable: there is no room for it.
        """
        try:
            self._apply(change)
        except apsw.FullError:
            self.full = True
            raise Unavailable(
                "There is no room on the disk for what this dry run has to remember. Nothing was "
                "changed; try fewer writes at once."
            ) from None

    def _apply(self, change: Change[C]) -> None:
        match change:
            case WriteTwin():
                self._write_twin(change)
            case EraseTwin(before, _):
                row = (before.key, before.id, before.model_key, before.etag, before.version + 1)
                self._execute(_PUT_TWIN, (*row, None)).fetchall()
            case WriteRelationship():
                self._write_relationship(change)
            case EraseRelationship(before, _):
                self._lay_hold_of(before.source_key, before.id, before)
                self._put_relationship(before, None)
            case ChangeModels():
                self._change_models(change)
            case LogTelemetry():
                pass

    def _write_twin(self, change: WriteTwin) -> None:
        if change.before is not None:
            key, version = change.before.key, change.before.version + 1
        else:
            key, version = self._revive(_TWIN, (change.id,), version_at=4)
        row = (key, change.id, change.model_key, change.etag, version, change.doc)
        self._execute(_PUT_TWIN, row).fetchall()

    def _write_relationship(self, change: WriteRelationship) -> None:
        before, source = change.before, change.source.key
        if before is not None:
            key, version = before.key, before.version + 1
        else:
            key, version = self._revive(_RELATIONSHIP, (source, change.id), version_at=6)
        self._lay_hold_of(source, change.id, before)
        ends = (key, source, change.id, change.name, change.target_key)
        self._put_relationship(RelationshipRow(*ends, change.etag, version, b""), change.doc)
        self._count_at(source, change.target_key, present=1)

    def _lay_hold_of(
        self, source_key: int, relationship_id: RelationshipId, before: RelationshipRow | None
    ) -> None:
        """Count a relationship that is about to be written or deleted no more where it was."""
        here, row = self.relationship(source_key, relationship_id)
        if not here:
            if before is not None:
                self._count_at(source_key, before.target_key, based=1)
        elif row is not None:
            self._count_at(source_key, row.target_key, present=-1)

    def _put_relationship(self, row: RelationshipRow, doc: bytes | None) -> None:
        values = (row.key, row.source_key, row.id, row.name, row.target_key, row.etag, row.version)
        self._execute(_PUT_RELATIONSHIP, (*values, doc)).fetchall()

    def _count_at(
        self, source_key: int, target_key: int, *, based: int = 0, present: int = 0
    ) -> None:
        for key in {source_key, target_key}:
            self._execute(_COUNT, (key, based, present)).fetchall()

    def _revive(self, text: str, values: tuple[object, ...], *, version_at: int) -> tuple[int, int]:
        """Return key and version of what is made; what was deleted here gets its key again."""
        rows = self._execute(text, values).fetchall()
        if rows:
            return rows[0][0], rows[0][version_at] + 1
        return self._new_key(), 1

    def _new_key(self) -> int:
        self._key -= 1
        return self._key

    def _change_models(self, change: ChangeModels[C]) -> None:
        known = self.catalog.keys
        keys: dict[ModelId, int] = {}
        for model_id, _ in change.uploads:
            key = known.get(model_id)  # also of one that was deleted: its twins are there yet
            keys[model_id] = self._new_key() if key is None else key
        self.catalog = change.next_catalog(keys, self.catalog.epoch + 1)
