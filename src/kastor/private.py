"""Files and folders that nobody but their owner may read: 0600 and 0700, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

if os.name == "posix":
    import fcntl

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_OTHERS = 0o077
_POSIX = os.name == "posix"


def open_private(path: Path, flags: int) -> int:
    """Open a file and return its descriptor; one that is made is its owner's alone.

    Raises:
        OSError: as `os.open`.
    """
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), FILE_MODE)


def write_private(path: Path, content: bytes) -> None:
    """Write a whole file, readable for its owner alone also if it was there before."""
    handle = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(handle, "wb") as file:
        if _POSIX:
            os.fchmod(handle, FILE_MODE)
        file.write(content)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; a power cut does not take their names back.

    What was there already keeps its mode.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(FOLDER_MODE, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if not _POSIX:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderLock:
    """Keeps other processes of Kastor from writing into a folder, where the system can do that."""

    def __init__(self, handle: int | None) -> None:
        self._handle = handle

    def release(self) -> None:
        """Let others in."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def lock_folder(folder: Path) -> FolderLock | None:
    """Lock a folder until it is released or the process ends; None where another has it.

    Raises:
        OSError: it cannot be opened.
    """
    if not _POSIX:
        return FolderLock(None)
    handle = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # a file system without locks
        os.close(handle)
        return FolderLock(None)
    return FolderLock(handle)


def tighten(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Take from everybody but the owner what they may do with files and folders.

    Links are left alone, and so is what is somebody else's.

    Returns:
        What was changed, and what others may use still.
    """
    changed: list[Path] = []
    left: list[Path] = []
    if not _POSIX:
        return changed, left
    for path in paths:
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode) or not found.st_mode & _OTHERS:
                continue
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
        except FileNotFoundError:
            continue
        except OSError:
            left.append(path)
        else:
            changed.append(path)
    return changed, left
