"""The data folder: `graphs/default.sqlite3`, `tls/`, `secrets/`, `tokens`, `kastor.lock`.

One process owns a folder; a second one is refused with the first one's process id.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

if os.name == "posix":
    import fcntl

SECRETS = "secrets"
"""Folder of secrets that endpoints and inputs may name."""

OWN_NAMES = ("graphs", "tls", SECRETS, "tokens", "kastor")
"""How the names begin of what the server keeps there: no endpoint may write to these."""


class FolderInUseError(Exception):
    """Another Kastor holds this folder."""


class FolderNotWritableError(Exception):
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
    def tls(self) -> Path:
        """Where the development certificate lives."""
        return self.path / "tls"

    @property
    def tokens(self) -> Path:
        """The file of hashed access tokens."""
        return self.path / "tokens"

    def acquire(self) -> None:
        """Make the folder and take its lock.

        Raises:
            FolderNotWritableError: with the reason and what to do.
            FolderInUseError: with the other process's id.
        """
        try:
            _make(self.graph_file.parent)
            lock = (self.path / "kastor.lock").open("a+", encoding="utf-8")
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
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        """Let the folder go; the lock file stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _make(folder: Path) -> None:
    """Make a folder and its parents; a power cut does not take their names back."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "posix":
        for each in missing:
            parent = os.open(each.parent, os.O_RDONLY)
            try:
                os.fsync(parent)
            finally:
                os.close(parent)


def _try_lock(lock: IO[str]) -> bool:
    if os.name != "posix":  # pragma: no cover - not run on this platform; SQLite still locks
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
