"""The certificate that new connections get, and what becomes of it while the server runs.

A new one comes in a context of its own: one that had a key of another kind before would go on
offering that as well. Connections that are open keep theirs.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from uvicorn.config import create_ssl_context

from kastor.errors import CannotStartError
from kastor.logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

    from kastor.config import Settings
    from kastor.server.certificate import DevelopmentCertificate
    from kastor.storage.sqlite.folder import DataFolder

SOON = timedelta(days=7)
"""So long before its end a certificate is warned of, whenever it is read."""
Stamp: TypeAlias = tuple[tuple[int, int, int], ...]
"""What tells that a file was replaced or written: number, time and size of each."""

_log = get_logger("kastor.tls")


class CertificateError(CannotStartError):
    """The certificate or its key cannot be read, or they do not belong together."""


def require_certificate(settings: Settings) -> None:
    """Raise CertificateError unless the configured certificate can be used."""
    cert, key = settings.tls_cert, settings.tls_key
    if cert is not None and key is not None:
        make_context(cert, key)


def development_certificate(
    settings: Settings, folder: DataFolder
) -> DevelopmentCertificate | None:
    """Return the development certificate, made if need be, or None without --tls-dev.

    Raises:
        CertificateError: it cannot be written.
    """
    if not settings.tls_dev:
        return None
    from kastor.server.certificate import ensure_development_certificate  # noqa: PLC0415 - 0.1 s, seldom used

    try:
        return ensure_development_certificate(folder.tls, settings.host)
    except OSError as error:
        raise CertificateError(
            f"The certificate of --tls-dev cannot be written to {folder.tls}: {error.strerror}. "
            "Make room or see to its permissions, or give your own with --tls-cert and --tls-key."
        ) from error


def make_context(cert: Path, key: Path) -> ssl.SSLContext:
    """Return a context with a chain and its key; raises CertificateError."""
    try:
        # A password that opens nothing, so that an encrypted key is refused and not asked for.
        return create_ssl_context(
            cert, key, "-", ssl.PROTOCOL_TLS_SERVER, ssl.CERT_NONE, None, None
        )
    except (OSError, ValueError) as error:  # SSLError is an OSError
        missing = [str(path) for path in (cert, key) if not path.is_file()]
        reason = f"there is no file {missing[0]}" if missing else str(error)
        raise CertificateError(
            f"The certificate {cert} with the key {key} cannot be used: {reason}. "
            "--tls-cert takes a PEM chain, --tls-key its unencrypted PEM key."
        ) from error


class ServedCertificate:
    """Chain and key of new connections, as they were read last.

    Attributes:
        context: that new connections get.
        expiry: when the first certificate of the chain ends; None if that cannot be told.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        """Read them; raises CertificateError."""
        self.cert, self.key = cert, key
        self._stamp = _stamp_of(cert, key)
        self.context = make_context(cert, key)
        self.expiry = _expiry_of(cert)
        if self.expiry is not None and self.expiry < datetime.now(UTC) + SOON:
            _log.warning(
                "the certificate expires soon, or has expired",
                certificate=str(cert),
                expiry=self.expiry.isoformat(),
            )

    def is_stale(self) -> bool:
        """Whether the files are others than those that were read."""
        return _stamp_of(self.cert, self.key) != self._stamp

    def is_another_than(self, other: ServedCertificate) -> bool:
        """Whether it was read from other files, or from the same with another content."""
        return (self.cert, self.key, self._stamp) != (other.cert, other.key, other._stamp)


def served_certificate(
    settings: Settings, made: DevelopmentCertificate | None
) -> ServedCertificate | None:
    """Return what new connections get under these settings, None where they are plain.

    Raises:
        CertificateError: it cannot be used.
    """
    if made is not None:
        return ServedCertificate(made.certificate, made.key)
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return ServedCertificate(settings.tls_cert, settings.tls_key)


def _stamp_of(*paths: Path) -> Stamp:
    """Links are followed: tools that renew certificates often replace only those."""
    found = []
    for path in paths:
        try:
            status = path.stat()
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)


def _expiry_of(cert: Path) -> datetime | None:
    from cryptography import x509  # noqa: PLC0415 - 0.1 s, where there is TLS

    try:
        return x509.load_pem_x509_certificates(cert.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError):  # OpenSSL takes it, and that is who serves it
        return None
