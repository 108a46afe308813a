"""Callers as people name them who ask what somebody may do: by a token's name, or what it says."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from kastor.auth.actors import CallerKind, Principal

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN = "token:"  # noqa: S105 - what a name begins with
_CLAIMS = {
    "role": "roles",
    "group": "groups",
    "scope": "scopes",
    "app": "apps",
    "subject": "subjects",
    "issuer": "",
}
_PARTS = re.compile(rf",(?=(?:{'|'.join(_CLAIMS)})=)")
_FORMS = (
    "Write token:NAME, or what a token says, such as role=NAME, group=ID, scope=NAME, app=ID, "
    "subject=ID or issuer=URL, several joined by commas."
)


def whoever_says(who: str) -> Principal:
    """Return the caller whose token says `role=NAME,group=ID` and the like.

    Raises:
        ValueError: it names nobody; the text says so to people.
    """
    claims: dict[str, set[str]] = {}
    issuer = ""
    for part in _PARTS.split(who):
        name, equals, value = part.partition("=")
        if not equals or not value or name not in _CLAIMS:
            raise ValueError(f"{part[:80]!r} names nobody. {_FORMS}")
        if name == "issuer":
            issuer = value
        else:
            claims.setdefault(_CLAIMS[name], set()).add(value)
    kept = {name: frozenset(values) for name, values in claims.items()}
    return Principal(CallerKind.OIDC, who, who, issuer=issuer, claims=kept)


def holder_of(name: str, holders: Iterable[Principal]) -> Principal | None:
    """Return who holds the static token of a name: the last one, which counts."""
    found = [each for each in holders if each.name == name]
    return found[-1] if found else None


def has_ended(principal: Principal) -> bool:
    """Whether the token of a caller lets nobody in any more."""
    return principal.expires is not None and principal.expires <= time.time()
