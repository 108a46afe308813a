"""All versions of one twin or relationship in order, deletions among them.

A deletion is in no row: it has the number behind the version that it ended, and nothing has that
number. Kept versions of one key are the last ones, without a gap of another kind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.storage.history import Version
from kastor.storage.sqlite import past_statements as sql
from kastor.storage.sqlite.ends import end_of
from kastor.storage.sqlite.past import relationship_key, twin_key
from kastor.storage.transfer import PORTION_BYTES

if TYPE_CHECKING:
    import apsw

    from kastor.storage.history import Kind
    from kastor.types import RelationshipId, TwinId


Identity: TypeAlias = "tuple[TwinId] | tuple[TwinId, RelationshipId]"


def key_of(connection: apsw.Connection, identity: Identity) -> int | None:
    """Return the key of what is or was there; None: nothing is known of it."""
    execute: Callable[..., Any] = connection.execute
    if len(identity) == 1:
        return twin_key(execute, identity[0])
    return relationship_key(execute, *identity)


def versions_between(
    connection: apsw.Connection,
    kind: Kind,
    identity: Identity,
    *,
    start: int,
    end: int,
    limit: int,
    descending: bool,
) -> list[Version] | None:
    """Return what changes from position `start` to `end` made, see `HistoryStore.versions`."""
    with connection:
        key = key_of(connection, identity)
        if key is None:
            return None
        text = (sql.DESCENDING if descending else sql.ASCENDING)[kind]
        found: list[Version] = []
        size = 0
        with contextlib.closing(connection.cursor()) as cursor:
            rows = cursor.execute(text, (key, start, end))
            for each in _entries(rows, descending=descending):
                if start <= each.change <= end:
                    found.append(each)
                    size += len(each.doc or b"")
                if len(found) >= limit or size >= PORTION_BYTES:
                    break
    return found


def version_before(
    connection: apsw.Connection, kind: Kind, identity: Identity, version: int
) -> Version | None:
    """Return the version of a number or the nearest kept one before it."""
    with connection:
        key = key_of(connection, identity)
        if key is None:
            return None
        last = end_of(connection.execute, kind, key, version)
        rows: list[Any] = connection.execute(sql.UP_TO[kind], (key, last, version)).fetchall()
    entries = [each for each in _entries(iter(rows), descending=True) if each.version <= version]
    return entries[0] if entries else None


def _entries(rows: Iterator[Any], *, descending: bool) -> Iterator[Version]:
    for row in rows:
        version, change, start, end, actor, etag, doc, *ending, via, ended_via = row
        ended_by, ended_actor, following, again = ending
        one = [Version(version, change, start, end, actor, etag, doc, via)]
        if end is not None and following != version + 1:
            deletion = (version + 1, ended_by, end, again, ended_actor, "", None, ended_via)
            one.append(Version(*deletion))
        yield from reversed(one) if descending else one
