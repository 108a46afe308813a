"""Whom sinks trust over TLS."""

from __future__ import annotations

import ssl


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that verifies servers, with the system's or the given authorities.

    Raises:
        OSError: the file cannot be read or holds no certificate.
    """
    return ssl.create_default_context(cafile=ca_file)
