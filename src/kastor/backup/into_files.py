"""Restores a backup into a data folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from kastor.backup.manifest import BackupError
from kastor.backup.reading import damaged
from kastor.private import make_folder, open_private, sync_folder
from kastor.query.sql.sqlite import Sqlite
from kastor.storage.sqlite.folder import DataFolder
from kastor.storage.sqlite.replacing import replace_all, unlink
from kastor.storage.sqlite.transfer import SqliteGraphFile
from kastor.storage.transfer import Active

if TYPE_CHECKING:
    from kastor.backup.restoring import Restoring

_COMING = ".restoring"
"""Ends the name of a file that is no graph yet."""


async def restore_into_folder(restoring: Restoring, data: Path) -> dict[str, Active]:
    """Restore all graphs of a backup; return by name what a server will begin to work on.

    Args:
        restoring: the backup.
        data: the data folder; made if it is not there.

    Raises:
        BackupError: the backup is damaged, or there are graphs already; nothing was changed.
        FolderInUseError: a server uses the folder.
        FolderNotWritableError: it cannot be written.
    """
    folder = DataFolder(data)
    with _locked(folder, only_if_there=True):
        _require_free(restoring, folder)
        _require_room(restoring, folder.path)
        await restoring.verify()
        with _locked(folder), _told(folder):
            _require_free(restoring, folder)
            return await _write(restoring, folder)


async def _write(restoring: Restoring, folder: DataFolder) -> dict[str, Active]:
    graphs = folder.graph_file.parent
    coming = {entry.name: graphs / f"{entry.name}{_COMING}" for entry in restoring.manifest.graphs}
    private = {folder.path / each.path: each for each in restoring.manifest.private}
    active: dict[str, Active] = {}
    try:
        for entry in restoring.manifest.graphs:
            unlink(coming[entry.name])
            target = SqliteGraphFile.writing(coming[entry.name])
            try:
                active[entry.name] = await restoring.write(entry, target, Sqlite())
                await target.finish()
            finally:
                await target.close()
        for path, each in private.items():
            _write_private(path, restoring.private(each.file, each.size, each.sha256))
        replace_all({graphs / f"{name}.sqlite3": path for name, path in coming.items()})
        for path in private:
            _coming(path).replace(path)
            sync_folder(path.parent)
    finally:
        for path in (*coming.values(), *map(_coming, private)):
            unlink(path)
    return active


def _require_free(restoring: Restoring, folder: DataFolder) -> None:
    """Raise BackupError where something is that would be replaced, and must not."""
    if restoring.replace:
        return
    graphs = folder.graph_file.parent
    found = sorted(path.name for end in ("", "-wal") for path in graphs.glob(f"*.sqlite3{end}"))
    found += [
        each.path for each in restoring.manifest.private if (folder.path / each.path).exists()
    ]
    if found:
        raise BackupError(
            f"{folder.path} holds {', '.join(found[:5])} already; nothing was changed. Name "
            "another folder, or add --replace, which keeps them until the new ones are whole."
        )


def _require_room(restoring: Restoring, path: Path) -> None:
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    needed = sum(entry.decompressed_bytes for entry in restoring.manifest.graphs)
    if needed > free:
        raise BackupError(
            f"The graphs of the backup have {needed} bytes, and {there} has room for {free}. "
            "Nothing was changed; make room, or name a folder on another disk."
        )


def _write_private(path: Path, content: bytes) -> None:
    """Write a file of tokens, certificates or secrets, under another name yet."""
    make_folder(path.parent)
    if path.parent.is_symlink():
        raise BackupError(f"{path.parent} is a link, and a backup is not restored through one.")
    _coming(path).unlink(missing_ok=True)
    handle = open_private(_coming(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _coming(path: Path) -> Path:
    return path.with_name(f"{path.name}{_COMING}")


@contextmanager
def _locked(folder: DataFolder, *, only_if_there: bool = False) -> Iterator[None]:
    """Have a folder for a block, so that no server can use it."""
    if folder.is_held or (only_if_there and not folder.graph_file.parent.exists()):
        yield
        return
    folder.acquire()
    try:
        yield
    finally:
        folder.release()


@contextmanager
def _told(folder: DataFolder) -> Iterator[None]:
    try:
        yield
    except (apsw.ConstraintError, apsw.MismatchError) as error:
        raise damaged(f"a row of it is none that a graph can have ({error})") from error
    except (apsw.Error, OSError) as error:
        raise BackupError(
            f"The backup cannot be restored into {folder.path} ({error}). Make room there or see "
            "to its permissions, and try again."
        ) from error
