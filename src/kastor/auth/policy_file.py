"""The policy of a file, kept in step with it; a file that is wrong leaves the policy before."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kastor.auth.policy_form import parse_policy
from kastor.errors import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kastor.auth.policy import Policy

MOST_BYTES = 1_048_576
SETTLING_SECONDS = 0.2
"""A file that was written so lately is looked at once more before it counts: it may be a half."""

_Stamp: TypeAlias = tuple[int, int, int, int]
_OTHERS_MAY_WRITE = 0o002
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""A pipe without a writer must not hold up whoever looks."""


class PolicyFileError(CannotStartError):
    """A policy file that is none; the message has a line for each fault.

    Attributes:
        faults: what is wrong, each with where.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class _Found(NamedTuple):
    """What was read: a policy or faults; and what changes with the file (None: look again)."""

    stamp: _Stamp | None
    policy: Policy | None
    faults: tuple[str, ...] = ()


def read_policy(path: Path) -> Policy:
    """Return the policy of a file (docs/reference/policy.md).

    Raises:
        PolicyFileError: it cannot be read, or is wrong; with every fault.
    """
    found = _read(path)
    if found.policy is None:
        raise PolicyFileError(found.faults)
    return found.policy


class PolicyFile:
    """The policy of a file, read again when the file changes.

    A file that is missing or wrong changes nothing.
    """

    def __init__(self, path: Path, on_change: Callable[[Policy], None]) -> None:
        """Read the file.

        Args:
            path: of the file.
            on_change: told of every policy after the first.

        Raises:
            PolicyFileError: it is no policy.
        """
        self._path = path
        self._on_change = on_change
        found = _read(path)
        if found.policy is None:
            raise PolicyFileError(found.faults)
        self._policy = found.policy
        self._stamp, self._faults = found.stamp, found.faults

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @property
    def policy(self) -> Policy:
        """What counts."""
        return self._policy

    def trouble(self) -> str | None:
        """Return what is wrong with the file as it was last seen; None: its policy counts."""
        return "; ".join(self._faults) or None

    def refresh(self) -> None:
        """Read the file if it has changed, at once.

        Raises:
            PolicyFileError: it is no policy; the one before counts.
        """
        if self._has_changed(0.0):
            self._take(_read(self._path))
        self._tell()

    async def look(self) -> None:
        """Do as `refresh`, in a thread, once the file has come to rest.

        Raises:
            PolicyFileError: it is no policy; the one before counts.
        """
        if self._has_changed(SETTLING_SECONDS):
            before = self._stamp
            found = await asyncio.to_thread(_read, self._path)
            if self._stamp == before:  # else `refresh` has read it meanwhile
                self._take(found)
        self._tell()

    def _has_changed(self, rest: float) -> bool:
        """Whether the file is another one, and has been for `rest` seconds."""
        try:
            found = self._path.stat()
        except OSError:
            return True  # reading it says why
        age = time.time() - found.st_mtime  # below 0 by the clock of another machine
        return _stamp_of(found) != self._stamp and not 0 <= age < rest

    def _take(self, found: _Found) -> None:
        self._stamp, self._faults = found.stamp, found.faults
        if found.policy is not None and found.policy != self._policy:
            self._policy = found.policy
            self._on_change(found.policy)

    def _tell(self) -> None:
        if self._faults:
            raise PolicyFileError(self._faults)


def _read(path: Path) -> _Found:
    try:
        stamp, content = _content(path)
    except OSError as error:
        return _Found(None, None, (f"{path} cannot be read: {error.strerror or error}.",))
    if isinstance(content, str):
        return _Found(stamp, None, (f"{path} {content}",))
    policy, faults = parse_policy(content)
    return _Found(stamp, policy, tuple(f"{path}, {each}" for each in faults))


def _content(path: Path) -> tuple[_Stamp, bytes | str]:
    """Return what the file holds, or what keeps it from being read, for people."""
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        found = os.fstat(file.fileno())
        stamp = _stamp_of(found)
        if not stat.S_ISREG(found.st_mode):
            return stamp, "is no plain file."
        if os.name == "posix" and found.st_mode & _OTHERS_MAY_WRITE:
            return stamp, "can be written by every user of this machine: chmod o-w it."
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return stamp, f"has more than {MOST_BYTES} bytes; make rules of groups instead of people."
    return stamp, content


def _stamp_of(found: os.stat_result) -> _Stamp:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
