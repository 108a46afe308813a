"""Whom sinks trust over TLS."""

from __future__ import annotations

import ssl
from typing import Any

from kastor.types import override


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that verifies servers, with the system's or the given authorities.

    Raises:
        OSError: the file cannot be read or holds no certificate.
    """
    return ssl.create_default_context(cafile=ca_file)


def named_context(ca_file: str | None, name: str) -> ssl.SSLContext:
    """Return a context that verifies a server by a name, whatever address is connected to.

    For libraries that take the name from the address. Raises as `tls_context`.
    """
    usual = tls_context(ca_file)
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = name
    context.verify_flags = usual.verify_flags
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca_file)
    return context


class _NamedContext(ssl.SSLContext):
    name: str

    @override
    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Wrap, as event loops do for each connection."""
        return super().wrap_bio(*arguments, **{**named, "server_hostname": self.name})
