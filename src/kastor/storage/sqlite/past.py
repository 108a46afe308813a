"""Point reads of a state of the past, made as those of the present are (`reads.py`).

A row of now serves while it was written by a change that the state includes. Else it is the first
version that a later change ended, if it had begun by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kastor.clock import twin_time
from kastor.records import (
    AsOf,
    IncomingRow,
    Others,
    RelationshipPage,
    RelationshipRow,
    Since,
    TwinRow,
)
from kastor.storage.history import expired
from kastor.storage.parts import held_last
from kastor.storage.sqlite import past_statements as sql
from kastor.storage.sqlite.positions import time_of
from kastor.storage.sqlite.reads import page_of

if TYPE_CHECKING:
    from collections.abc import Collection

    import apsw

    from kastor.records import Sees
    from kastor.storage.history import Kind


def burial_id(source_key: int, relationship_id: str) -> str:
    """Return what a relationship's tombstone is found by."""
    return f"{source_key}/{relationship_id}"


def require_kept(connection: apsw.Connection, at: AsOf) -> None:
    """Refuse a state that is not kept; to be asked in the transaction of its reads, or later.

    What is kept shrinks from its beginning, so a state that is kept was kept before.

    Raises:
        Gone: it is not kept any more.
    """
    execute: Callable[..., Any] = connection.execute
    oldest: int = execute(sql.FLOOR).fetchall()[0][0]
    if at.change < oldest:
        raise expired(twin_time(at.time), twin_time(time_of(execute, oldest)))


def twin_key(execute: Callable[..., Any], twin_id: str) -> int | None:
    """Return the key of a twin that is there or is deleted; None: nothing is known of it."""
    rows = execute(sql.TWIN_KEY, (twin_id,)).fetchall()
    return rows[0][0] if rows else None


def relationship_key(
    execute: Callable[..., Any], source_id: str, relationship_id: str
) -> int | None:
    """Return the key of a relationship, as `twin_key` does."""
    source = twin_key(execute, source_id)
    if source is None:
        return None
    names = (source, relationship_id, burial_id(source, relationship_id))
    rows = execute(sql.RELATIONSHIP_KEY, names).fetchall()
    return rows[0][0] if rows else None


class SqlitePastReads:
    """Reads of single rows and of short listings of a past state, on the loop's own connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute: Callable[..., Any] = connection.execute

    def require_kept(self, at: AsOf) -> None:
        """Refuse a state that is not kept, see `require_kept`."""
        require_kept(self._connection, at)

    def since(self, at: AsOf) -> Since:
        """Return what became of the twins and relationships of a state until now."""
        more, other, related_more, related_other = self._execute(sql.SINCE).fetchall()[0]
        return Since(_since(at, more, other), _since(at, related_more, related_other))

    def twin(self, twin_id: str, at: AsOf) -> TwinRow | None:
        """Return a twin."""
        with self._connection:
            require_kept(self._connection, at)
            rows = self._execute(sql.TWIN, (twin_id, at.change)).fetchall()
            if not rows:
                key = twin_key(self._execute, twin_id)
                rows = [] if key is None else self._version("twin", key, at)
        return TwinRow(*rows[0]) if rows else None

    def relationship(
        self, source_id: str, relationship_id: str, at: AsOf
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source twin existed, and the relationship."""
        with self._connection:
            require_kept(self._connection, at)
            source, rows = self._there(source_id, at), []
            if source is not None:
                named = (source, relationship_id, at.change)
                rows = self._execute(sql.RELATIONSHIP, named).fetchall()
            if source is not None and not rows:
                key = relationship_key(self._execute, source_id, relationship_id)
                rows = [] if key is None else self._version("relationship", key, at)
        return source is not None, RelationshipRow(*rows[0]) if rows else None

    def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, at: AsOf
    ) -> RelationshipPage | None:
        """Return a page of the relationships that left a twin; None if it did not exist."""
        with self._connection:
            require_kept(self._connection, at)
            source, page = self._there(source_id, at), None
            if source is not None:
                values = (source, after, at.change, name, limit + 1)
                page = page_of(self._execute(sql.OUTGOING, values), limit)
        return page

    def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, at: AsOf
    ) -> list[IncomingRow] | None:
        """Return a page of the relationships that entered a twin; None if it did not exist."""
        with self._connection:
            require_kept(self._connection, at)
            target, found = self._there(target_id, at), None
            if target is not None:
                rows = self._execute(sql.INCOMING, (target, *after, at.change, limit)).fetchall()
                found = [IncomingRow(*row) for row in rows]
        return found

    async def hidden(self, keys: Collection[int], sees: Sees) -> set[int]:
        """Return which of these twins cannot be seen, those that are gone included."""
        seen = held_last("k.value", sees, str)
        text = f"SELECT k.value FROM json_each(?) k WHERE ({seen}) IS NOT TRUE"
        rows: list[Any] = self._execute(text, (json.dumps(list(keys)),)).fetchall()
        return {row[0] for row in rows}

    def _there(self, twin_id: str, at: AsOf) -> int | None:
        """Return the key of a twin; None if it did not exist then."""
        rows = self._execute(sql.THERE, (twin_id, at.change)).fetchall()
        if rows:
            return int(rows[0][0])
        key = twin_key(self._execute, twin_id)
        if key is None:
            return None
        was_there = self._execute(sql.WAS_THERE, (key, at.change)).fetchall()
        return key if was_there else None

    def _version(self, kind: Kind, key: int, at: AsOf) -> list[Any]:
        rows: list[Any] = self._execute(sql.VERSION[kind], (key, at.change)).fetchall()
        return rows


class AwaitedPast:
    """The same reads for who awaits them."""

    def __init__(self, reads: SqlitePastReads) -> None:
        self._reads = reads

    async def twin(self, twin_id: str, at: AsOf) -> TwinRow | None:
        """Return a twin."""
        return self._reads.twin(twin_id, at)

    async def relationship(
        self, source_id: str, relationship_id: str, at: AsOf
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source twin existed, and the relationship."""
        return self._reads.relationship(source_id, relationship_id, at)

    async def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int, at: AsOf
    ) -> RelationshipPage | None:
        """Return a page of the relationships that left a twin; None if it did not exist."""
        return self._reads.outgoing(source_id, name, after, limit, at)

    async def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int, at: AsOf
    ) -> list[IncomingRow] | None:
        """Return a page of the relationships that entered a twin; None if it did not exist."""
        return self._reads.incoming(target_id, after, limit, at)


def _since(at: AsOf, more: int, other: int) -> Others:
    if other > at.change:
        return Others.ANY
    return Others.MORE if more > at.change else Others.NONE
