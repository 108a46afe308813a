"""The form of the file of tokens, line by line.

A line is an object of JSON with the members of `StaticToken`. Those that earlier versions wrote,
`<sha-256 hex> <role> <name>`, begin with a digit of the hash, so that neither can be taken for the
other whatever a name looks like. `#` begins a comment.

The tokens are long random strings, so a plain SHA-256 is enough to keep; the file never holds one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from kastor.auth.actors import EVERY_GRAPH
from kastor.auth.roles import ROLES
from kastor.errors import CannotStartError

PREFIX = "kst_"
MOST_LINES = 10_000
LONGEST_NAME = 200
LONGEST_ROLE = 100
MOST_GRAPHS = 100
"""Of one token; each may stand for many."""
GRAPHS = r"(?!.*\*\*)[a-z0-9*-]{1,63}"
"""The form of a name of graphs: as a graph's own, with `*` for any characters."""
_DIGITS = hashlib.sha256().digest_size * 2

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]


class TokenFileError(CannotStartError):
    """The token file cannot be read or changed, or holds a line that is none; says what to do."""


class StaticToken(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line: the hash of a token, who it is for, and what it lets do until when.

    Attributes:
        sha256: of the token, hexadecimal.
        role: built in, or of the policy.
        name: stands in the history of each change; a rotated token has it twice for a while.
        graphs: where the role counts; names in which `*` stands for any characters.
        created: when it was made; None: nobody noted that.
        expires: from when on it is refused; None: never.
        rotated: when another took its place; it is no longer given to anybody then.
    """

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    role: Annotated[str, Meta(min_length=1, max_length=LONGEST_ROLE)]
    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
    graphs: Annotated[
        tuple[Annotated[str, Meta(pattern=rf"^{GRAPHS}\Z")], ...],
        Meta(min_length=1, max_length=MOST_GRAPHS),
    ] = EVERY_GRAPH
    created: Instant | None = None
    expires: Instant | None = None
    rotated: Instant | None = None

    def has_ended(self, now: float) -> bool:
        """Whether it is refused at a time, in seconds since 1970."""
        return self.expires is not None and self.expires.timestamp() <= now


class TokenLine(NamedTuple):
    """A line as it stands in the file; `token` is None for comments and empty lines."""

    text: str
    token: StaticToken | None


_DECODER = msgspec.json.Decoder(StaticToken)
_ENCODER = msgspec.json.Encoder()


def hash_of(token: str) -> str:
    """Return what the file keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def line_of(token: StaticToken) -> TokenLine:
    """Return the line of a token."""
    return TokenLine(_ENCODER.encode(token).decode(), token)


def read_lines(text: str, place: object) -> list[TokenLine]:
    """Return the lines of a file.

    Args:
        text: of the file.
        place: its path, for errors.

    Raises:
        TokenFileError: there are too many, or one is none; with its number.
    """
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise TokenFileError(
            f"{place} has more than {MOST_LINES:,} lines. Revoke tokens that nobody uses."
        )
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(TokenLine(line, _token_of(line)))
        except ValueError as error:
            raise TokenFileError(f"{place}, line {number}: {error}") from None
    return found


def is_legal_name(name: str) -> bool:
    """Whether a new token may have a name: printable, without blanks at its ends, not too long."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()


def _token_of(line: str) -> StaticToken | None:
    if line.startswith("{"):
        return _object_of(line)
    if not line.strip() or line.startswith("#"):
        return None
    digest, _, rest = line.partition(" ")
    role, _, name = rest.partition(" ")
    if role not in ROLES or len(digest) != _DIGITS or not name:
        raise ValueError(
            "neither an object of JSON nor '<sha-256> <role> <name>'. Remove the line, or run the "
            "version of Kastor that wrote it."
        )
    return StaticToken(digest, role, name)


def _object_of(line: str) -> StaticToken:
    try:
        token = _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ValueError(_trouble_with(line, error)) from None
    if not is_legal_name(token.name) or not token.role.isprintable():
        raise ValueError(
            "name or role is not printable text without blanks at its ends. Remove the line, and "
            "make the token again."
        )
    return token


def _trouble_with(line: str, error: Exception) -> str:
    """Say what is wrong with an object that is no token."""
    try:
        members = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).keys()
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return f"no object of JSON ({error}). Remove the line, and make the token again."
    unknown = ", ".join(sorted(members - set(StaticToken.__struct_fields__)))
    if unknown:
        return (
            f"the members {unknown[:200]} are not known to this version: a newer Kastor wrote the "
            "line. Run that one, or remove the line and make the token again."
        )
    return f"no token ({error}). Correct the line, or remove it and make the token again."
