"""Tells callers by tokens that an issuer has signed.

Signatures are verified on the event loop: with RSA of 2,048 bits that takes 70 µs, with the curves
P-256 and P-521 110 and 570 µs, and once for each token that counts, since verdicts are kept.
This module and `key_set` import PyJWT and what it needs, which takes a while: who needs them
imports them late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import jwt

from kastor.auth.actors import Principal
from kastor.auth.oidc.claims import SKEW_SECONDS, has_group_overage, principal_of
from kastor.auth.oidc.documents import FetchDocument
from kastor.auth.oidc.issuer_keys import IssuerKeys
from kastor.auth.oidc.issuers import Issuer
from kastor.auth.oidc.key_set import VerificationKey
from kastor.auth.oidc.refusals import RefusalLog
from kastor.auth.oidc.token_form import TokenForm, TokenRefused, read_claims, read_form
from kastor.logs import get_logger
from kastor.types import Document

_DOTS = 2
_SHOWN = 200
_OTHER_USES = ("ID", "Refresh", "Offline", "Logout")
"""What Keycloak names in `typ` what it makes besides access tokens."""

_log = get_logger("kastor.auth")


class _SignatureWrong(TokenRefused):
    pass


class OidcTokens:
    """A `TokenWay` for signed tokens."""

    def __init__(
        self,
        issuers: Iterable[tuple[Issuer, FetchDocument]],
        on_change: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know the issuers; none is asked before `refresh` or the first token.

        Args:
            issuers: each with what fetches its documents.
            on_change: called when other keys count from now on.
            clock: seconds that go on steadily, for when issuers are asked.
        """
        self._keys = {
            issuer.url: (issuer, IssuerKeys(issuer, fetch, on_change, clock))
            for issuer, fetch in issuers
        }
        self._refusals = RefusalLog(clock)
        self._overage_told: set[str] = set()

    @property
    def issuers(self) -> tuple[str, ...]:
        """Those who are known, as their tokens name them."""
        return tuple(self._keys)

    def takes(self, token: str) -> bool:
        """Whether a token has three parts."""
        return token.count(".") == _DOTS

    async def identify(self, token: str) -> Principal | None:
        """Return who holds a token, as `TokenWay` says."""
        issuer = ""
        try:
            form = self._read_form(token)
            issuer = form.issuer
            return await self._identify(token, form)
        except TokenRefused as refused:
            self._refusals.note(issuer, str(refused), **refused.values)
            return None

    async def refresh(self) -> None:
        """Ask those issuers again that have not been asked for long; raises nothing."""
        await asyncio.gather(*(keys.refresh_if_due() for _, keys in self._keys.values()))

    def trouble(self) -> str | None:
        """Return what is wrong with an issuer's keys; None while all is well."""
        found = (f"{url}: {keys.trouble}" for url, (_, keys) in self._keys.items() if keys.trouble)
        return next(found, None)

    def _read_form(self, token: str) -> TokenForm:
        form = read_form(token)
        if form.issuer not in self._keys:
            raise TokenRefused("its issuer is none that is set", said=_shown(form.issuer))
        return form

    async def _identify(self, token: str, form: TokenForm) -> Principal:
        issuer, keys = self._keys[form.issuer]
        key = await keys.find(form)
        if key is None:
            raise TokenRefused("its issuer has no such key")
        try:
            claims = _verified(token, form.algorithm, key, issuer)
        except _SignatureWrong:
            other = await keys.find_again(form)
            if other is None or other == key:
                raise
            claims = _verified(token, form.algorithm, other, issuer)
        _check_use(claims)
        if has_group_overage(claims) and issuer.url not in self._overage_told:
            self._overage_told.add(issuer.url)
            _log.warning(
                "an issuer's tokens have no room for all groups of a caller: such callers count as "
                "in none",
                issuer=issuer.url,
            )
        return principal_of(claims, issuer, alone=len(self._keys) == 1)


def _verified(token: str, algorithm: str, key: VerificationKey, issuer: Issuer) -> Document:
    """Return the claims of a token; raises TokenRefused.

    The algorithm is one of those that the key is for, so that none can be played off against
    another (RFC 8725, section 3.1).
    """
    try:
        jwt.decode(
            token,
            key.public,
            algorithms=[algorithm],
            audience=issuer.taken_audiences,
            issuer=issuer.url,
            leeway=SKEW_SECONDS,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenRefused("it has expired") from None
    except jwt.ImmatureSignatureError:
        raise TokenRefused("it is not valid yet") from None
    except jwt.InvalidAudienceError:
        raise TokenRefused("it is meant for another audience", **_audience(token)) from None
    except jwt.MissingRequiredClaimError as error:
        raise TokenRefused(f"it has no {error.claim}") from None
    except jwt.InvalidSignatureError:
        raise _SignatureWrong("its signature is wrong") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise TokenRefused("it is not well formed") from None
    return read_claims(token)


def _check_use(claims: Document) -> None:
    """Refuse tokens that are no access tokens, or none that a header alone may show."""
    if "at_hash" in claims or "c_hash" in claims or claims.get("typ") in _OTHER_USES:
        raise TokenRefused("it is an ID token or another one that is no access token")
    if "cnf" in claims:
        raise TokenRefused("it is bound to a key of its holder, which is not supported")


def _audience(token: str) -> dict[str, str]:
    """Return for the log whom a token was meant for, once its signature has proved right."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return {"audience": _shown(str(claims.get("aud")))}


def _shown(text: str) -> str:
    return ascii(text[:_SHOWN])[1:-1]
