"""Puts graphs' files in the place of others: at no moment is there no whole file of a graph's name.

The files that go are kept beside, under another name, until all of the new ones are there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import apsw

from kastor.private import sync_folder
from kastor.storage.sqlite.connection import open_writer
from kastor.storage.sqlite.search_index import remove_index

ASIDE = ".replaced"
"""Ends the name of a file that gives way; with it, it is a graph's file as it was."""
_SIDE_FILES = ("-wal", "-shm", "-journal")


def replace_all(files: Mapping[Path, Path]) -> None:
    """Give new files the names of graphs, whose own are removed when all is done.

    Whoever is killed meanwhile leaves each graph whole, the old or the new one, and the old ones
    beside; doing the same again ends it.

    Args:
        files: graph's file -> the new one, closed and in the same folder.

    Raises:
        OSError: a name cannot be given; what was not replaced yet is as it was.
    """
    for path, new in files.items():
        _put_aside(path)
        remove_index(path)
        new.replace(path)
        sync_folder(path.parent)
    for path in files:
        unlink(_aside(path))
    for folder in {path.parent for path in files}:
        sync_folder(folder)


def unlink(path: Path) -> None:
    """Remove a graph's file with those that SQLite has beside it."""
    for suffix in ("", *_SIDE_FILES):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _put_aside(path: Path) -> None:
    _work_in_log(path)
    for suffix in ("", *_SIDE_FILES):
        file, aside = Path(f"{path}{suffix}"), Path(f"{_aside(path)}{suffix}")
        if file.exists() and not aside.exists():  # else one that was killed has put it there
            try:
                os.link(file, aside)
            except OSError:  # a file system without second names
                file.rename(aside)
        if suffix:
            file.unlink(missing_ok=True)


def _work_in_log(path: Path) -> None:
    """Have a graph be one file, if it can be read at all; a log must not meet another file."""
    if not path.exists():
        return
    with contextlib.suppress(apsw.Error), contextlib.closing(open_writer(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ASIDE)
