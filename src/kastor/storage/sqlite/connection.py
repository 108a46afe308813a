"""Opens SQLite connections with the settings that the promises rest on.

WAL with `synchronous=FULL`: a commit that returned is on disk, also after a power cut.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from kastor.storage.sqlite.distances import add_distances
from kastor.storage.sqlite.documents import add_unpacking
from kastor.storage.sqlite.letters import add_letters

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 16_384


def keep_temporary_files_in(folder: Path) -> None:
    """Let large sorts use a folder that can be written for certain, unless another one is named.

    The usual folders for temporary files may be read-only, or be memory.
    """
    os.environ.setdefault("SQLITE_TMPDIR", str(folder))


def open_writer(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """Open (or create) the file for the one writer; `make_durable` comes before its first write.

    Raises:
        apsw.CantOpenError: the folder is missing or not writable.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    return apsw.Connection(str(path), flags=flags, vfs=vfs)


def make_durable(connection: apsw.Connection) -> None:
    """Set up the writer; changes the file, so it has to be known as one of Kastor's."""
    _prepare(connection)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL").fetchall()
    connection.execute("PRAGMA foreign_keys = ON").fetchall()


def open_reader(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """Open a connection that can only read."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    _prepare(connection)
    connection.execute("PRAGMA query_only = ON").fetchall()
    return connection


@contextmanager
def writing(connection: apsw.Connection) -> Iterator[None]:
    """Write what a block writes in one transaction.

    Other threads run while it is committed: the driver's own block would let none of them.
    """
    connection.execute("BEGIN IMMEDIATE").fetchall()
    try:
        yield
        connection.execute("COMMIT").fetchall()
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK").fetchall()
        raise


def open_immutable(path: Path) -> apsw.Connection:
    """Open a file that nobody writes to, without locks and without files beside it.

    Once open it can be read although its name is gone.
    """
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=flags)
    _prepare(connection)
    return connection


def _prepare(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}").fetchall()
    connection.execute("PRAGMA temp_store = MEMORY").fetchall()
    connection.execute("PRAGMA trusted_schema = OFF").fetchall()
    add_unpacking(connection)
    add_distances(connection)
    add_letters(connection)
