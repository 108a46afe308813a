"""A graph's file as a file: made whole or not at all, and looked at before it is served.

SQLite makes an empty database of an empty file, and does not find out that a file was cut short
until it reads the missing page. So nothing is opened that the file's header or size speaks against.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import apsw

from kastor.logs import get_logger
from kastor.private import open_private, sync_folder
from kastor.storage.refusals import DamagedGraphError, NotAGraphError
from kastor.storage.sqlite import schema

CHECK_SECONDS = 1.0
"""How long a start may look for damage inside the file; larger files are looked at in part."""

_MAKING = ".making"
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\0"
_CURE = (
    "Put a backup or a copy of it in its place; "
    "`sqlite3 FILE .recover` shows what of it can be read"
)
_FAULTS_TOLD = 3
_CHECK_STEPS = 1_000

_log = get_logger("kastor.storage")


def make(path: Path, *, unfinished: bool = False) -> None:
    """Make an empty graph under another name; it has its own once the schema is committed.

    Args:
        path: where nothing is yet.
        unfinished: whether it may be served only when `schema.mark` says so.

    Raises:
        DamagedGraphError: a log is there whose file is missing.
        apsw.Error: the disk is full, or the file cannot be made.
    """
    if _size(Path(f"{path}-wal")):
        raise DamagedGraphError(
            f"{path}-wal holds writes of a graph whose file {path.name} is missing. Put the file "
            "back, or move the log away."
        )
    making = path.with_name(path.name + _MAKING)
    try:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{making}{suffix}").unlink(missing_ok=True)
        os.close(open_private(making, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        connection = apsw.Connection(str(making), flags=apsw.SQLITE_OPEN_READWRITE)
        with contextlib.closing(connection):
            connection.execute("PRAGMA synchronous = FULL").fetchall()
            schema.prepare(connection, unfinished=unfinished)
        making.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise apsw.CantOpenError(f"{error.strerror}: {path}") from error
    except BaseException:
        making.unlink(missing_ok=True)
        raise


def require_whole(path: Path) -> None:
    """Look at a file's header and size; changes nothing.

    Raises:
        NotAGraphError: it is no database.
        DamagedGraphError: it is empty, or shorter than it says.
        apsw.CantOpenError: it cannot be read, or is no plain file.
    """
    try:
        size, header = _beginning(path)
    except OSError as error:
        raise apsw.CantOpenError(f"{error.strerror}: {path}") from error
    if size == 0:
        raise DamagedGraphError(
            f"{path} is empty. Kastor makes no such file: something has emptied it, or an earlier "
            f"version was stopped while it made the graph. {_CURE}; if there was nothing in it, "
            "delete it."
        )
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise NotAGraphError(f"{path} is not a SQLite database.")
    if _size(Path(f"{path}-wal")) or _size(Path(f"{path}-journal")):
        return  # a crash left them; the file is whole when they are worked in
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65_536 if page_bytes == 1 else page_bytes
    expected = page_bytes * int.from_bytes(header[28:32], "big")
    if header[24:28] == header[92:96] and size < expected:
        raise DamagedGraphError(
            f"{path} is cut short: {size} of {expected} bytes are there. {_CURE}."
        )


def _beginning(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, file.read(_HEADER_BYTES)


def require_sound(connection: apsw.Connection, path: Path) -> None:
    """Work in what a crash left, then look for damage inside for as long as a start may take.

    Raises:
        DamagedGraphError: some is found.
    """
    with contextlib.suppress(apsw.FullError, apsw.IOError, apsw.BusyError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    require_whole(path)
    deadline = time.monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _CHECK_STEPS)
    try:
        found = connection.execute(f"PRAGMA quick_check({_FAULTS_TOLD})").fetchall()
    except apsw.InterruptError:
        _log.info("the file was checked in part only", file=str(path), seconds=CHECK_SECONDS)
        return
    finally:
        connection.set_progress_handler(None)
    if found != [("ok",)]:
        raise damaged(path, "; ".join(str(row[0]) for row in found))


def damaged(path: Path, reason: object) -> DamagedGraphError:
    """Return what a person is told of a file that SQLite finds damaged."""
    text = " ".join(str(reason).split())
    return DamagedGraphError(f"{path} is damaged ({text}). {_CURE}.")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
