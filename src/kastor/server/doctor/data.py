"""Checks of the data folder, its disk, and graphs in SQLite files."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import apsw
import msgspec

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import CannotStartError
from kastor.server.doctor.findings import CheckFinding, bad, ok, warn
from kastor.storage.sqlite import schema
from kastor.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from kastor.types import Document

FULL, NEARLY_FULL = 104_857_600, 1_073_741_824
"""Bytes free."""
FEW_INODES = 1_000
LOOKED_THROUGH_BYTES = 268_435_456
LOOK_SECONDS = 10.0
"""A larger graph, or one that takes longer, is not looked through for damage."""
MOST_GRAPHS = 200
AHEAD_SECONDS = 60
_STEPS = 100_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(slots=True)
class ReachedByGraphs:
    """What is read of graphs for other checks: settings of endpoints and inputs, by their names."""

    outside: dict[str, tuple[str, Document]] = field(default_factory=dict)


def check_folder(folder: Path) -> Iterator[CheckFinding]:
    """Tell whether the folder can be used, and who else can."""
    there = folder if folder.exists() else next(each for each in folder.parents if each.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        yield bad(
            "data folder",
            f"{folder} cannot be written",
            "Give this user the right to write there, or choose another folder with --data.",
        )
        return
    yield ok("data folder", f"{folder}" if folder.exists() else f"{folder}, to be made")
    if folder.exists() and os.name == "posix":
        ours = [folder / name for name in ("tokens", "graphs", "tls", "audit")]
        seen = [each.name for each in ours if each.exists() and each.stat().st_mode & _OTHERS]
        if seen:
            yield warn(
                "data folder",
                f"other users of this machine can use {', '.join(seen)} in it",
                f"Take that from them: chmod -R go= {folder}",
            )


def check_disk(folder: Path) -> Iterator[CheckFinding]:
    """Tell how much room there is where the folder is."""
    there = folder if folder.exists() else next(each for each in folder.parents if each.exists())
    try:
        free = shutil.disk_usage(there).free
        inodes = os.statvfs(there).f_favail if hasattr(os, "statvfs") else 0
        has_inodes = hasattr(os, "statvfs") and os.statvfs(there).f_files > 0
    except OSError as error:
        yield bad("disk", f"it does not answer: {error.strerror}", "See to the disk.")
        return
    told = f"{free / 2**30:.1f} GiB free"
    cure = "Make room, or keep less of the past (version_days, version_bytes, log_bytes)."
    if free < FULL:
        yield bad("disk", told, cure)
    elif free < NEARLY_FULL:
        yield warn("disk", told, cure)
    else:
        yield ok("disk", told)
    if has_inodes and inodes < FEW_INODES:
        yield warn(
            "disk", f"room for {counted(inodes, 'file')} more", "Remove files that nobody needs."
        )


def check_graphs(folder: Path, kept: ReachedByGraphs) -> Iterator[CheckFinding]:
    """Look into each graph's file; nothing is written, and a server may run meanwhile."""
    files = sorted((folder / "graphs").glob("*.sqlite3"))[:MOST_GRAPHS]
    if not files:
        yield ok("graph", "there is none yet; a start makes it")
    for path in files:
        yield from _graph(path, kept)


def _graph(path: Path, kept: ReachedByGraphs) -> Iterator[CheckFinding]:
    name = path.stem
    cure = "Put a backup or a copy of it in its place; see `kastor restore`."
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        yield bad("graph", f"{name} cannot be opened: {error}", "See to the file's permissions.")
        return
    try:
        connection.set_busy_timeout(2_000)
        number = schema.require_ours(connection)
        damage, whole = _damage(connection, path)
        if damage:
            yield bad("graph", f"{name} is damaged: {damage}", cure)
            return
        ahead = _note(connection, name, kept)
    except CannotStartError as error:
        yield bad("graph", f"{name} cannot be served", str(error))
        return
    except apsw.Error as error:
        yield bad("graph", f"{name} cannot be read: {error}", cure)
        return
    finally:
        connection.close()
    older = number < schema.SCHEMA_VERSION
    told = [f"{name}: {path.stat().st_size / 2**20:.1f} MiB, schema {number}"]
    told += ["no damage" if whole else "too large to be looked through here"]
    told += ["to be upgraded by the next start"] if older else []
    yield ok("graph", ", ".join(told))
    if ahead > AHEAD_SECONDS:
        yield warn(
            "clock",
            f"the newest change of {name} is {counted(round(ahead), 'second')} ahead of it",
            "The clock was set back: set it right before the server writes.",
        )


def _damage(connection: apsw.Connection, path: Path) -> tuple[str, bool]:
    """Return what is damaged, and whether all was looked through."""
    if path.stat().st_size > LOOKED_THROUGH_BYTES:
        return "", False
    ends = time.monotonic() + LOOK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except apsw.InterruptError:
        return "", False
    finally:
        connection.set_progress_handler(None)
    text = str(found[0][0]) if found else "ok"
    return ("" if text == "ok" else text.splitlines()[-1][:200]), True


def _note(connection: apsw.Connection, graph: str, kept: ReachedByGraphs) -> float:
    """Take what the graph reaches; return by how many seconds its newest change is ahead."""
    rows = connection.execute("SELECT last_tick FROM meta").fetchall()
    for table, only in (("endpoints", ""), ("inputs", " WHERE paused = 0")):
        for name, kind, settings in connection.execute(
            f"SELECT name, kind, settings FROM {table}{only} LIMIT 100"
        ):
            document: Document = msgspec.json.decode(settings)
            kept.outside[f"{table[:-1]} {name} of {graph}"] = kind, document
    newest = rows[0][0] if rows else 0
    return (newest - now_ticks()) / TICKS_PER_SECOND if isinstance(newest, int) else 0.0
