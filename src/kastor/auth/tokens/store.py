"""Tells callers by the tokens of the file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from kastor.auth.actors import CallerKind, Principal
from kastor.auth.tokens.file import read_file
from kastor.auth.tokens.lines import PREFIX, StaticToken, TokenFileError, hash_of

_Stamp: TypeAlias = tuple[int, int, int, int]


class TokenStore:
    """Tells callers by the tokens of the file; reads it again when it changes on disk.

    A file that cannot be read changes nothing: who was let in stays, nobody new comes in.
    """

    def __init__(
        self,
        path: Path,
        on_change: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the file; raises TokenFileError.

        Args:
            path: of the file.
            on_change: called when other tokens count from now on.
            clock: what tells the time by which they end.
        """
        self._path = path
        self._clock = clock
        self._stamp: _Stamp | None = None
        self._broken: tuple[_Stamp, TokenFileError] | None = None
        self._tokens: dict[str, StaticToken] = {}
        self._on_change: Callable[[], None] = lambda: None
        self.refresh()
        self._on_change = on_change

    @property
    def tokens(self) -> Sequence[StaticToken]:
        """What stands in the file, also what has ended."""
        return tuple(self._tokens.values())

    def principals(self) -> Sequence[Principal]:
        """Return whom the file names, whether their tokens have ended or not."""
        return [_principal(each) for each in self._tokens.values()]

    def takes(self, token: str) -> bool:
        """Whether a token has the form of those that are made here."""
        return token.startswith(PREFIX)

    async def identify(self, token: str) -> Principal | None:
        """Return who holds a token, as `TokenWay` says."""
        return self.principal(token)

    def principal(self, token: str) -> Principal | None:
        """Return who holds a token, or None; one that has ended is as one that never was."""
        digest = hash_of(token)
        if digest not in self._tokens:
            with contextlib.suppress(TokenFileError):  # who watches the file reports it
                self.refresh()  # it may have been made a moment ago
        found = self._tokens.get(digest)
        if found is None or found.has_ended(self._clock()):
            return None
        return _principal(found)

    def refresh(self) -> None:
        """Read the file if it changed; a missing file means no tokens.

        Raises:
            TokenFileError: it cannot be read, or a line is none.
        """
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        if self._broken is not None and self._broken[0] == stamp:
            raise self._broken[1]  # whoever guesses tokens does not have it read each time
        tokens = {} if stamp is None else self._read(stamp)
        self._stamp, self._broken = stamp, None  # only now: what could not be read is read again
        if tokens != self._tokens:
            self._tokens = tokens
            self._on_change()

    def _read(self, stamp: _Stamp) -> dict[str, StaticToken]:
        try:
            lines = read_file(self._path)
        except TokenFileError as error:
            if not isinstance(error.__cause__, OSError):  # its content is at fault
                self._broken = stamp, error
            raise
        return {each.token.sha256: each.token for each in lines if each.token is not None}


def read_principals(path: Path) -> list[Principal]:
    """Return whom the file names, whether their tokens have ended or not; raises TokenFileError."""
    return [_principal(each.token) for each in read_file(path) if each.token is not None]


def _principal(token: StaticToken) -> Principal:
    return Principal(
        CallerKind.STATIC,
        f"token:{token.name}",
        token.name,
        expires=None if token.expires is None else token.expires.timestamp(),
        claims={"tokens": frozenset({token.name})},
        roles=((token.role, token.graphs),),
    )


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes with the file's content; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenFileError(f"{path} cannot be read: {error.strerror}.") from error
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
