"""The data folder: `graphs/default.sqlite3`, `tls/`, `secrets/`, `tokens`, `kastor.lock`.

One process owns a folder; a second one is refused with the first one's process id.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from kastor.errors import CannotStartError
from kastor.logs import get_logger
from kastor.private import make_folder, open_private, tighten

if os.name == "posix":
    import fcntl

SECRETS = "secrets"
"""Folder of secrets that endpoints and inputs may name."""

OWN_NAMES = ("audit", "exchange", "graphs", "spool", "tls", SECRETS, "tokens", "kastor")
"""How the names begin of what the server keeps there: no endpoint may write to these."""

_OURS = ("audit", "events", "exchange", "graphs", "kastor.lock", SECRETS, "spool", "tls", "tokens")
_CERTAINLY = ("graphs", "kastor.lock", "tls", "tokens")
"""Ours also in a folder with other people's files."""
_FOLDERS_LOOKED_AT = 1_000

_log = get_logger("kastor.storage")


class FolderInUseError(CannotStartError):
    """Another Kastor holds this folder."""


class FolderNotWritableError(CannotStartError):
    """The folder cannot be created or written."""


class DataFolder:
    """A locked data folder; `release` lets it go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def graph_file(self) -> Path:
        """The database of the default graph."""
        return self.path / "graphs" / "default.sqlite3"

    @property
    def _lock_file(self) -> Path:
        return self.path / "kastor.lock"

    @property
    def tls(self) -> Path:
        """Where the development certificate lives."""
        return self.path / "tls"

    @property
    def tokens(self) -> Path:
        """The file of hashed access tokens."""
        return self.path / "tokens"

    @property
    def is_held(self) -> bool:
        """Whether this process has the lock."""
        return self._lock is not None

    def is_in_use(self) -> bool:
        """Return whether a process has the lock; nothing is changed."""
        try:
            lock = self._lock_file.open("a+" if os.name == "nt" else "r", encoding="utf-8")
        except OSError:
            return False
        with lock:
            return not _try_lock(lock)

    def acquire(self) -> None:
        """Make the folder and take its lock.

        Raises:
            FolderNotWritableError: with the reason and what to do.
            FolderInUseError: with the other process's id.
        """
        try:
            make_folder(self.graph_file.parent)
            handle = open_private(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            lock = os.fdopen(handle, "a+", encoding="utf-8")
        except OSError as error:
            raise FolderNotWritableError(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Choose another one with --data DIR."
            ) from error
        if not _try_lock(lock):
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise FolderInUseError(
                f"The data folder {self.path} is in use by another Kastor (process {owner}). "
                "Stop that one, or choose another folder with --data DIR."
            )
        with contextlib.suppress(OSError):  # a full disk: only the number is missing then
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), f"{os.getpid()}\n".encode())
        self._lock = lock

    def tighten(self) -> None:
        """Take from everybody but the owner what an earlier version left to them.

        The folder itself is left as it is where somebody else's files are in it.
        """
        inside = sorted(self.path.glob("*"))
        ours = [each for each in inside if each.name in _OURS]
        if inside != ours:
            ours = [each for each in ours if each.name in _CERTAINLY]
        paths = [*ours, *(each for folder in ours if folder.is_dir() for each in _within(folder))]
        if inside == ours:
            paths.insert(0, self.path)
        changed, left = tighten(paths)
        if changed:
            _log.warning(
                "others could use files of Kastor, and cannot any more",
                count=len(changed),
                first=[str(each) for each in changed[:3]],
            )
        if left:
            _log.warning(
                "others can use files of Kastor; their mode cannot be changed",
                count=len(left),
                first=[str(each) for each in left[:3]],
            )

    def release(self) -> None:
        """Let the folder go; the lock file stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _within(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder at any depth, links not followed, within reason."""
    for parent, folders, files in islice(os.walk(folder), _FOLDERS_LOOKED_AT):
        yield from (Path(parent, name) for name in (*folders, *files))


def _try_lock(lock: IO[str]) -> bool:
    if os.name != "posix":  # pragma: no cover - not run on this platform; SQLite still locks
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
