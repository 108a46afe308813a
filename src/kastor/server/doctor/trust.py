"""Checks of certificates, tokens and policy, and of who reaches what without them."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kastor.auth.policy_file import read_policy
from kastor.auth.tokens import list_tokens
from kastor.config import is_loopback
from kastor.errors import CannotStartError
from kastor.server.doctor.findings import CheckFinding, bad, ok, warn
from kastor.server.tls import make_context
from kastor.words import counted

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate

    from kastor.config import Settings

SOON = timedelta(days=14)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_tls(settings: Settings) -> Iterator[CheckFinding]:
    """Tell whether the certificate can be served, and for how long."""
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None or key is None:
        yield from _without(settings)
        return
    try:
        make_context(cert, key)
    except CannotStartError as error:
        yield bad("tls", f"{cert} cannot be served", str(error))
        return
    if os.name == "posix" and key.stat().st_mode & _OTHERS & ~stat.S_IRGRP:
        yield warn("tls", f"other users of this machine can use {key}", f"chmod go= {key}")
    found = _certificate(cert)
    if found is None:
        yield ok("tls", f"{cert} can be served")
        return
    now, cure = datetime.now(UTC), "Renew it; a running server takes the new files by itself."
    left = found.not_valid_after_utc - now
    if left <= timedelta(0):
        yield bad("tls", f"{cert} ended {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", cure)
    elif found.not_valid_before_utc > now:
        told = f"{cert} begins only {found.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        yield bad("tls", told, "See to the clock, or to the certificate.")
    elif left < SOON:
        yield warn("tls", f"{cert} ends in {counted(left.days, 'day')}", cure)
    else:
        yield ok("tls", f"{cert} is good for {counted(left.days, 'day')}")
    yield from _named(settings, found)


def _without(settings: Settings) -> Iterator[CheckFinding]:
    if settings.tls_dev:
        yield ok("tls", "a development certificate is made by the start")
    elif is_loopback(settings.host) or settings.trusted_proxies:
        yield ok("tls", "none: this machine or a proxy is the client")
    else:
        yield warn(
            "tls",
            f"{settings.host} is served without: others on the way read tokens and twins",
            "Give --tls-cert and --tls-key, or have a proxy do it and name it with "
            "--trusted-proxy.",
        )


def _certificate(cert: Path) -> Certificate | None:
    from cryptography import x509  # noqa: PLC0415 - 0.1 s, where there is TLS

    try:
        return x509.load_pem_x509_certificates(cert.read_bytes())[0]
    except (OSError, ValueError):
        return None


def _named(settings: Settings, found: Certificate) -> Iterator[CheckFinding]:
    """Tell where the certificate does not name the server that clients ask for."""
    from cryptography import x509  # noqa: PLC0415

    host = urlsplit(settings.public_url or "").hostname
    if host is None:
        return
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        names = None
    known = (
        [] if names is None else [each.lower() for each in names.get_values_for_type(x509.DNSName)]
    )
    known += [] if names is None else [str(e) for e in names.get_values_for_type(x509.IPAddress)]
    wild = f"*.{host.partition('.')[2]}"
    if host not in known and wild not in known:
        yield warn(
            "tls",
            f"the certificate does not name {host}, which public_url does",
            "Have it made for that name, or set public_url right.",
        )


def check_access(settings: Settings) -> Iterator[CheckFinding]:
    """Tell who is let in, and whether tokens and policy can be read."""
    if not settings.asks_who:
        if settings.allow_anonymous:
            yield warn(
                "access",
                "everybody who reaches the server may do everything",
                "Give --auth tokens or --auth oidc, unless something before it asks who they are.",
            )
        else:
            yield ok("access", "no tokens: only this machine reaches the server")
    if "tokens" in settings.auth:
        yield from _tokens(settings)
    if settings.policy is not None:
        try:
            read_policy(settings.policy)
        except CannotStartError as error:
            yield bad("access", f"the policy {settings.policy} is wrong", str(error))
        else:
            yield ok("access", f"the policy {settings.policy} can be used")


def _tokens(settings: Settings) -> Iterator[CheckFinding]:
    file = settings.data / "tokens"
    try:
        tokens = list_tokens(file) if file.exists() else []
    except (CannotStartError, OSError) as error:
        yield bad("access", f"the token file {file} cannot be used", str(error))
        return
    now = time.time()
    ends = [each.expires.timestamp() for each in tokens if each.expires is not None]
    living = len(tokens) - sum(end <= now for end in ends)
    if not living and settings.auth == ("tokens",):
        cure = "Make one: kastor token create --role owner"
        yield warn("access", "there is no token yet, so that nobody is let in", cure)
    else:
        yield ok("access", f"{counted(living, 'token')} in {file}")
