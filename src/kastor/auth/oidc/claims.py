"""Makes of a verified token's claims who holds it.

Claims are those of OpenID Connect, of JWT access tokens (RFC 9068) and of Microsoft Entra, whose v1
and v2 tokens name the same things differently. A value that has another shape than it should have
grants nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from kastor.auth.actors import CallerKind, Principal
from kastor.auth.oidc.issuers import Issuer
from kastor.auth.oidc.token_form import TokenRefused
from kastor.types import Document, Json

SKEW_SECONDS = 60
MOST_VALUES = 1_000
"""Of one claim."""
LONGEST_VALUE = 512
_LONGEST_SUBJECT = 255
_LAST_SECOND = 253_402_300_799
"""Of the year 9999."""
_READABLE = ("preferred_username", "upn", "unique_name", "email", "name")
_APPLICATIONS = ("appid", "azp", "client_id")
# Pieces of a name, which has 200 characters at most with what joins them.
_LONGEST_READABLE, _LONGEST_ID, _LONGEST_ISSUER = 60, 64, 70
_BLANKS = re.compile(r" +")


def principal_of(claims: Document, issuer: Issuer, *, alone: bool) -> Principal:
    """Return who holds a token.

    Args:
        claims: of the token, verified.
        issuer: who signed it.
        alone: whether it is the only issuer, so that ids of its callers need no more.

    Raises:
        TokenRefused: it does not say who that is, or has too many values.
    """
    subject = _subject(claims)
    apps = _texts(claims, *_APPLICATIONS)
    name = _name(claims, subject, sorted(apps))
    if not alone:
        name = f"{name[:-1]}, {_short(issuer.name, _LONGEST_ISSUER)})"
    values = {
        "roles": _values(claims.get("roles")),
        "groups": frozenset() if has_group_overage(claims) else _values(claims.get("groups")),
        "scopes": _words(claims.get("scp")) | _words(claims.get("scope")),
        "apps": apps,
        "subjects": _texts(claims, "sub", "oid"),
    }
    return Principal(
        CallerKind.OIDC,
        f"oidc:{issuer.url}|{subject}",
        name,
        expires=float(min(claims["exp"] + SKEW_SECONDS, _LAST_SECOND)),
        issuer=issuer.url,
        claims={claim: found for claim, found in values.items() if found},
    )


def has_group_overage(claims: Document) -> bool:
    """Whether a token tells of more groups than it has room for, as those of Entra do."""
    elsewhere = claims.get("_claim_names")
    named = isinstance(elsewhere, dict) and "groups" in elsewhere
    return named or claims.get("hasgroups") in (True, "true")


def _subject(claims: Document) -> str:
    """Return what tells a caller from all others of its issuer.

    Entra's `sub` is another one for each application, its `oid` is the same in the whole tenant.
    """
    is_entra = isinstance(claims.get("tid"), str) and "oid" in claims
    subject = claims.get("oid" if is_entra else "sub")
    if subject is None:
        subject = claims.get("oid")
    if not isinstance(subject, str) or not _is_plain(subject, _LONGEST_SUBJECT):
        raise TokenRefused("it does not say in `sub` or `oid` for whom it was made")
    return subject


def _name(claims: Document, subject: str, apps: list[str]) -> str:
    """Return a name for people; what is in brackets nobody can choose."""
    readable = ""
    if claims.get("idtyp") != "app":
        found = (claims.get(name) for name in _READABLE)
        readable = next((str(each) for each in found if _is_plain(each, LONGEST_VALUE)), "")
    if not readable:
        readable = f"app:{apps[0]}" if apps else "oidc"
    return f"{_cut(readable)} ({_short(subject, _LONGEST_ID)})"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_READABLE else f"{text[: _LONGEST_READABLE - 1]}…"


def _short(text: str, most: int) -> str:
    """Return a text, or what stands for one that is too long and can be no other's."""
    if len(text) <= most:
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _is_plain(value: Json, most: int) -> bool:
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        return False
    return value.isprintable()


def _texts(claims: Document, *names: str) -> frozenset[str]:
    found = (claims.get(name) for name in names)
    return frozenset(str(each) for each in found if _is_plain(each, LONGEST_VALUE))


def _values(claim: Json) -> frozenset[str]:
    return _bounded([claim] if isinstance(claim, str) else claim)


def _words(claim: Json) -> frozenset[str]:
    """Return scopes: words of a text (RFC 6749, section 3.3), or items of an array."""
    return _bounded(_BLANKS.split(claim) if isinstance(claim, str) else claim)


def _bounded(claim: Json) -> frozenset[str]:
    if not isinstance(claim, list):
        return frozenset()
    if len(claim) > MOST_VALUES:
        raise TokenRefused(f"a claim of it has more than {MOST_VALUES} values")
    return frozenset(_plain(claim))


def _plain(values: list[Json]) -> Iterator[str]:
    for value in values:
        if _is_plain(value, LONGEST_VALUE):
            yield value
