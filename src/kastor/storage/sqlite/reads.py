"""Point reads, made directly on the event loop.

One statement, or one transaction without an await in between, its cursor read to the end or closed:
an open one would go on showing the past and hold back checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import apsw

from kastor.records import Context, IncomingRow, RelationshipPage, RelationshipRow, TwinRow
from kastor.storage.limits import PAGE_BYTES, impossible, too_large
from kastor.storage.parts import limited
from kastor.storage.sqlite import statements as sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.records import Sees


class SqlitePointReads:
    """Reads of single rows and of short listings on the loop's own connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute: Callable[..., Any] = connection.execute

    def limited_to(self, sees: Sees) -> SqlitePointReads:
        """Return the same reads of what can be seen alone; `look_up` is none of them."""
        made, execute = SqlitePointReads(self._connection), self._execute

        def execute_limited(text: str, values: Sequence[object]) -> Any:
            return execute(limited(text, sees), values)

        made._execute = execute_limited
        return made

    def twin(self, twin_id: str) -> TwinRow | None:
        """Return a twin."""
        rows = self._execute(sql.TWIN, (twin_id,)).fetchall()
        return TwinRow(*rows[0]) if rows else None

    def relationship(
        self, source_id: str, relationship_id: str
    ) -> tuple[bool, RelationshipRow | None]:
        """Return whether the source twin exists, and the relationship."""
        rows = self._execute(sql.RELATIONSHIP_OF, (relationship_id, source_id)).fetchall()
        if not rows:
            return False, None
        return True, None if rows[0][1] is None else RelationshipRow(*rows[0][1:])

    def look_up(
        self, statement: str, params: Sequence[object], context: Context
    ) -> tuple[Any, ...] | None:
        """Return the row of a query that is one look-up; None if there is none.

        Raises:
            QueryError: the engine cannot run it.
            QueryTooLarge: it makes a value that is too large.
        """
        del context  # a file is the one source, and the statement knows the rest
        try:
            rows = self._execute(statement, params).fetchall()
        except apsw.TooBigError:
            raise too_large() from None
        except apsw.SQLError as error:
            raise impossible(error) from error
        return rows[0] if rows else None

    def outgoing(
        self, source_id: str, name: str | None, after: str, limit: int
    ) -> RelationshipPage | None:
        """Return a page of the relationships that leave a twin; None if it does not exist."""
        with self._connection:
            keys = self._execute(sql.TWIN_KEY, (source_id,)).fetchall()
            page = None
            if keys and name is None:
                page = page_of(self._execute(sql.OUTGOING, (keys[0][0], after, limit + 1)), limit)
            elif keys:
                named = (keys[0][0], after, name, limit + 1)
                page = page_of(self._execute(sql.OUTGOING_NAMED, named), limit)
        return page

    def incoming(
        self, target_id: str, after: tuple[int, int, int], limit: int
    ) -> list[IncomingRow] | None:
        """Return a page of the relationships that enter a twin; None if it does not exist."""
        with self._connection:
            keys = self._execute(sql.TWIN_KEY, (target_id,)).fetchall()
            if keys:
                rows = self._execute(sql.INCOMING, (keys[0][0], *after, limit)).fetchall()
        return [IncomingRow(*row) for row in rows] if keys else None


class RowCursor(Protocol):
    """What gives rows one by one, and ends when it is closed."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Return the rows that are left."""

    def close(self) -> None:
        """Give no more."""


def page_of(found: RowCursor, limit: int) -> RelationshipPage:
    """Take rows from a cursor, which makes each only when it is asked for, and close it."""
    rows: list[RelationshipRow] = []
    size = 0
    try:
        for row in found:
            if len(rows) == limit or size >= PAGE_BYTES:
                return RelationshipPage(rows, more=True)
            rows.append(RelationshipRow(*row))
            size += len(rows[-1].doc)
    finally:
        found.close()
    return RelationshipPage(rows, more=False)
