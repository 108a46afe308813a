"""Opens the audit log of a server process, and tells it of start and stop."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kastor import __version__
from kastor.audit import install, note
from kastor.audit.file import AuditFile
from kastor.audit.log import AuditLog
from kastor.errors import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from kastor.config import Settings
    from kastor.vital import Vitals

_ABOUT_ACCESS = (
    *("auth", "allow_anonymous", "oidc_issuer", "oidc_audience", "oidc_client_id", "policy"),
    *("profile", "allow_reset", "cors_origin", "trusted_proxies", "public_url", "graph_domain"),
)
"""Settings that say who comes in; none of them is a secret."""


class AuditLogError(CannotStartError):
    """The audit log cannot be written."""


@contextmanager
def audited(settings: Settings, vitals: Vitals) -> Iterator[AuditLog | None]:
    """Have an audit log while a server runs; None where the settings want none.

    Args:
        settings: of the server.
        vitals: where its thread is shown.

    Raises:
        AuditLogError: its file cannot be made.
    """
    path = settings.audit_file
    if path is None:
        yield None
        return
    file = AuditFile(path, settings.audit_log_bytes, settings.audit_log_files)
    try:
        file.open()
    except OSError as error:
        raise AuditLogError(
            f"The audit log {path} cannot be written: {error.strerror}. Name another file with "
            "--audit-log, or do without by --audit-log off."
        ) from error
    log = AuditLog(file)
    part = vitals.watch("audit", log.trouble)
    install(log)
    try:
        yield log
    finally:
        install(None)
        log.close()
        part.close()


def note_start(settings: Settings, url: str, worker: int) -> None:
    """Add the line of a server that serves from now on, with what says who comes in."""
    given = {name: getattr(settings, name, None) for name in _ABOUT_ACCESS}  # those there are
    issuers = [str(each) for each in _issuers(settings)]
    values = {name: _told(each) for name, each in given.items() if each not in (None, (), False)}
    if settings.policy is not None:
        values["policy_sha256"] = digest_of(settings.policy)
    if issuers:
        values["issuers"] = issuers
    note("started", version=__version__, worker=worker, address=url, **values)


def note_reload(settings: Settings, changed: Collection[str]) -> None:
    """Add the line of a reload that gave settings other values, with those that say who comes in.

    Args:
        settings: in force from now on.
        changed: names of those that are others.
    """
    values = {name: _told(getattr(settings, name)) for name in _ABOUT_ACCESS if name in changed}
    note("reloaded", changed=sorted(changed), **values)


def note_stop(worker: int) -> None:
    """Add the line of a server that serves no more."""
    note("stopped", worker=worker)


def _issuers(settings: Settings) -> Iterator[object]:
    for each in getattr(settings, "issuers", ()):
        yield each["issuer"] if isinstance(each, dict) else getattr(each, "issuer", each)


def _told(value: object) -> object:
    return list(map(str, value)) if isinstance(value, tuple) else value


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits, or why there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"
