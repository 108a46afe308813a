"""What the command line does to the file of tokens: make, rotate, revoke and list them.

Every change reads and replaces the file under a lock. Rotated tokens whose time is up are left out
whenever it is written.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from kastor.auth.actors import EVERY_GRAPH
from kastor.auth.roles import ROLES
from kastor.auth.tokens.file import changing, read_file, replace_file
from kastor.auth.tokens.lines import (
    GRAPHS,
    LONGEST_NAME,
    LONGEST_ROLE,
    MOST_GRAPHS,
    PREFIX,
    StaticToken,
    TokenFileError,
    TokenLine,
    hash_of,
    is_legal_name,
    line_of,
)

TOKEN_BYTES = 32
DAY_SECONDS = 86_400
MOST_DAYS = 3_660
"""Until a new token ends, where it does; ten years."""
MOST_GRACE_DAYS = 90


class MadeToken(NamedTuple):
    """A new token.

    Attributes:
        secret: the token itself, which is not kept anywhere.
        kept: what the file has of it.
        old_ends: when the one ends whose place it took, in seconds since 1970; None: there is
            none, or it has ended.
    """

    secret: str
    kept: StaticToken
    old_ends: float | None = None


def create_token(
    path: Path,
    role: str,
    name: str | None = None,
    *,
    graphs: Sequence[str] = EVERY_GRAPH,
    expires: float | None = None,
    roles: Collection[str] = ROLES,
    clock: Callable[[], float] = time.time,
) -> str:
    """Return the secret of `make_token`, which says the rest."""
    made = make_token(path, role, name, graphs=graphs, expires=expires, roles=roles, clock=clock)
    return made.secret


def make_token(
    path: Path,
    role: str,
    name: str | None = None,
    *,
    graphs: Sequence[str] = EVERY_GRAPH,
    expires: float | None = None,
    roles: Collection[str] = ROLES,
    clock: Callable[[], float] = time.time,
) -> MadeToken:
    """Make a token and write its hash into the file.

    Args:
        path: of the file.
        role: its name.
        name: who it is for; None: the role with a number.
        graphs: where the role counts; names in which `*` stands for any characters.
        expires: from when on it is refused, in seconds since 1970; None: never.
        roles: those there are.
        clock: what tells the time.

    Raises:
        TokenFileError: the name is taken or cannot be written, there is no such role, or it is
            over already.
    """
    now = clock()
    _require_role(role, roles)
    if name is not None:
        _require_name(name)
    _require_graphs(graphs)
    _require_end(expires, now)
    token = _new_secret()
    with changing(path) as target:
        lines = _current(target, now)
        taken = {each.token.name for each in lines if each.token is not None}
        if name in taken:
            raise TokenFileError(
                f"There is a token named {name} already; choose another --name, or give that one a "
                "new secret with `kastor token rotate`."
            )
        free = (each for n in count(1) if (each := f"{role}-{n}") not in taken)
        made = StaticToken(
            hash_of(token),
            role,
            next(free) if name is None else name,
            tuple(graphs),
            _to_the_second(now),
            _instant(expires),
        )
        replace_file(target, [*lines, line_of(made)])
    return MadeToken(token, made)


def rotate_token(
    path: Path,
    name: str,
    *,
    grace: float,
    expires: float | Literal["same"] | None = "same",
    clock: Callable[[], float] = time.time,
) -> MadeToken | None:
    """Give a name another secret, with the same role and graphs; None: there is no such token.

    Args:
        path: of the file.
        name: of the token.
        grace: seconds for which the secrets before go on working, unless they end sooner.
        expires: from when on the new one is refused, in seconds since 1970; None: never; `same`:
            after as much time as the one before was made for.
        clock: what tells the time.

    Raises:
        TokenFileError: the file cannot be read or written, or it would be over already.
    """
    now = clock()
    if not path.exists():
        return None
    if not 0 <= grace <= MOST_GRACE_DAYS * DAY_SECONDS:
        raise TokenFileError(f"The grace is 0 to {MOST_GRACE_DAYS} days.")
    token = _new_secret()
    with changing(path) as target:
        lines = _current(target, now)
        held = [each.token for each in lines if each.token and each.token.name == name]
        if not held:
            return None
        before = next((each for each in reversed(held) if each.rotated is None), held[-1])
        _require_writable(before)
        end = _end_like(before, int(now)) if expires == "same" else expires
        _require_end(end, now)
        made = msgspec.structs.replace(
            before,
            sha256=hash_of(token),
            created=_to_the_second(now),
            expires=_instant(end),
            rotated=None,
        )
        ended = [_ended(each, name, now, now + grace) for each in lines]
        kept = [each for each in ended if each.token is None or not _is_done(each.token, now)]
        replace_file(target, [*kept, line_of(made)])
    ends = [_seconds(each.token.expires) for each in kept if each.token and each.token.name == name]
    return MadeToken(token, made, max((each for each in ends if each is not None), default=None))


def revoke_token(path: Path, name: str, *, clock: Callable[[], float] = time.time) -> bool:
    """Remove what has a name, rotated tokens as well; return whether there was anything.

    Raises:
        TokenFileError: the file cannot be read or written.
    """
    if not path.exists():
        return False
    with changing(path) as target:
        lines = _current(target, clock())
        kept = [each for each in lines if each.token is None or each.token.name != name]
        if len(kept) == len(lines):
            return False
        replace_file(target, kept)
    return True


def list_tokens(path: Path, *, clock: Callable[[], float] = time.time) -> list[StaticToken]:
    """Return the tokens of the file, without rotated ones whose time is up; raises TokenFileError.

    Those that have expired are among them until they are revoked.
    """
    return [each.token for each in _current(path, clock()) if each.token is not None]


def _current(path: Path, now: float) -> list[TokenLine]:
    lines = read_file(path)
    return [each for each in lines if each.token is None or not _is_done(each.token, now)]


def _is_done(token: StaticToken, now: float) -> bool:
    """Whether nobody misses it: another has taken its place, and it is refused."""
    return token.rotated is not None and token.has_ended(now)


def _ended(line: TokenLine, name: str, now: float, end: float) -> TokenLine:
    """Return the line with an end, where it is of the name whose secret another takes the place of.

    Of those that were rotated before as well: who shortens the grace means all of them.
    """
    token = line.token
    if token is None or token.name != name:
        return line
    _require_writable(token)
    sooner = end if token.expires is None else min(end, token.expires.timestamp())
    rotated = token.rotated or _to_the_second(now)
    changed = msgspec.structs.replace(token, expires=_instant(sooner), rotated=rotated)
    return line_of(changed)


def _end_like(token: StaticToken, now: float) -> float | None:
    if token.expires is None:
        return None
    if token.created is None:
        raise TokenFileError(
            f"For how long {token.name} was made is not noted: say with --expires when the new "
            "token ends."
        )
    return now + (token.expires - token.created).total_seconds()


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def _require_role(role: str, roles: Collection[str]) -> None:
    if role not in roles:
        raise TokenFileError(f"There is no role {role}; choose one of {', '.join(sorted(roles))}.")
    if not (0 < len(role) <= LONGEST_ROLE and role.isprintable()):
        raise TokenFileError(f"A role has 1 to {LONGEST_ROLE} printable characters.")


def _require_name(name: str) -> None:
    if not is_legal_name(name):
        raise TokenFileError(
            f"A token's name is one line of 1 to {LONGEST_NAME} printable characters, without "
            "blanks at its ends."
        )


def _require_writable(token: StaticToken) -> None:
    """Refuse names and hashes that earlier versions took, and new lines do not."""
    if not is_legal_name(token.name) or not re.fullmatch("[0-9a-f]{64}", token.sha256):
        raise TokenFileError(
            f"{token.name} stands in the file as no new line may: make another token and revoke "
            "this one."
        )


def _require_graphs(graphs: Sequence[str]) -> None:
    if not 0 < len(graphs) <= MOST_GRAPHS:
        raise TokenFileError(f"A token is for 1 to {MOST_GRAPHS} names of graphs; use `*` in them.")
    for each in graphs:
        if re.fullmatch(GRAPHS, each) is None:
            raise TokenFileError(
                f"{each[:100]!r} names no graph: a name has up to 63 lower-case letters, digits "
                "and hyphens, with `*` for any of them."
            )


def _require_end(expires: float | None, now: float) -> None:
    if expires is None:
        return
    if expires <= now:
        raise TokenFileError("The token would be over already; give a later --expires.")
    if expires > now + MOST_DAYS * DAY_SECONDS:
        raise TokenFileError(
            f"A token ends within {MOST_DAYS:,} days, or never; give an earlier --expires."
        )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else _to_the_second(seconds)


def _to_the_second(seconds: float) -> datetime:
    """Return a time without its fraction, so that what ends now has ended."""
    return datetime.fromtimestamp(int(seconds), UTC)


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()
