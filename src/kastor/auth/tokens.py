"""Static access tokens: a file of their hashes with names and roles.

The tokens are long random strings, so a plain SHA-256 is enough to keep; the file never holds
one. A line is `<sha-256 hex> <role> <name>`; `#` begins a comment.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from kastor.auth.actors import CallerKind, Grant, Principal
from kastor.auth.roles import ROLES
from kastor.errors import CannotStartError
from kastor.private import make_folder, open_private

PREFIX = "kst_"
TOKEN_BYTES = 32

_Stamp: TypeAlias = tuple[int, int, int, int]


class TokenFileError(CannotStartError):
    """The token file cannot be read, or holds a line that is none."""


class TokenStore:
    """Tells callers by the tokens of the file; reads it again when it changes on disk.

    A file that cannot be read changes nothing: who was let in stays, nobody new comes in.
    """

    def __init__(self, path: Path, on_change: Callable[[], None] = lambda: None) -> None:
        """Read the file; raises TokenFileError.

        Args:
            path: of the file.
            on_change: called when other tokens count from now on.
        """
        self._path = path
        self._stamp: _Stamp | None = None
        self._principals: dict[str, Principal] = {}
        self._on_change: Callable[[], None] = lambda: None
        self.refresh()
        self._on_change = on_change

    def takes(self, token: str) -> bool:
        """Whether a token has the form of those that are made here."""
        return token.startswith(PREFIX)

    async def identify(self, token: str) -> Principal | None:
        """Return who holds a token, as `TokenWay` says."""
        return self.principal(token)

    def principal(self, token: str) -> Principal | None:
        """Return who holds a token, or None."""
        digest = _hash(token)
        if digest not in self._principals:
            with contextlib.suppress(TokenFileError):  # who watches the file reports it
                self.refresh()  # it may have been made a moment ago
        return self._principals.get(digest)

    def refresh(self) -> None:
        """Read the file if it changed; a missing file means no tokens.

        Raises:
            TokenFileError: it cannot be read, or a line is none.
        """
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        principals = {} if stamp is None else _read(self._path)
        self._stamp = stamp  # only now: what could not be read is read again
        if principals != self._principals:
            self._principals = principals
            self._on_change()


def create_token(path: Path, role: str, name: str) -> str:
    """Make a token, append its hash to the file and return it; it is not kept anywhere.

    Raises:
        TokenFileError: the name is taken or cannot be written, or there is no such role.
    """
    if role not in ROLES:
        raise TokenFileError(f"There is no role {role}; choose one of {', '.join(sorted(ROLES))}.")
    if name.splitlines() != [name] or name != name.strip():
        raise TokenFileError("A token's name is one line of text without blanks at its ends.")
    taken = {each.name for each in _read(path).values()} if path.exists() else set()
    if name in taken:
        raise TokenFileError(f"There is a token named {name} already; choose another --name.")
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    try:
        _append(path, f"{_hash(token)} {role} {name}\n".encode())
    except OSError as error:
        raise TokenFileError(f"{path} cannot be written: {error.strerror}.") from error
    return token


def revoke_token(path: Path, name: str) -> bool:
    """Remove the token of that name; return whether there was one.

    The file is replaced as a whole, so that whoever reads it finds the tokens before or after.

    Raises:
        TokenFileError: the file cannot be read.
    """
    lines = _lines(path) if path.exists() else []
    kept = [line for line in lines if line.startswith("#") or line.split(" ", 2)[2:] != [name]]
    if kept == lines:
        return False
    _replace(path, "".join(f"{line}\n" for line in kept))
    return True


def list_tokens(path: Path) -> list[tuple[str, str]]:
    """Return (name, role) of every token in the file."""
    if not path.exists():
        return []
    return [(each.name, each.grants[0].role) for each in _read(path).values()]


def read_principals(path: Path) -> list[Principal]:
    """Return who holds the tokens of the file; raises TokenFileError."""
    return list(_read(path).values()) if path.exists() else []


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes with the file's content; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenFileError(f"{path} cannot be read: {error.strerror}.") from error
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(path: Path) -> dict[str, Principal]:
    principals: dict[str, Principal] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        digest, _, rest = line.partition(" ")
        role, _, name = rest.partition(" ")
        if role not in ROLES or len(digest) != hashlib.sha256().digest_size * 2 or not name:
            raise TokenFileError(f"{path}, line {number}: not '<sha-256> <role> <name>'.")
        principals[digest] = _principal(name, role)
    return principals


def _principal(name: str, role: str) -> Principal:
    claims = {"tokens": frozenset({name})}
    grants = (Grant(role, ROLES[role]),)
    return Principal(CallerKind.STATIC, f"token:{name}", name, claims=claims, grants=grants)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TokenFileError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TokenFileError(f"{path} is not UTF-8: {error.reason}.") from error


def _append(path: Path, line: bytes) -> None:
    """Add a line or nothing: half of one would keep every token from being read."""
    make_folder(path.parent)
    handle = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        size = os.fstat(handle).st_size
        if os.write(handle, line) < len(line):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    """Put a text in a file's place in one step; it keeps the file's mode and owner."""
    target = path.resolve()  # a link stays one
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(PermissionError, AttributeError):  # AttributeError: Windows
            found = target.stat()
            os.chown(name, found.st_uid, found.st_gid)
        shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
