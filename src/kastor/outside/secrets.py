"""Secrets of endpoints: settings hold where a secret is, never the secret.

A reference is read when a sink opens, so that a renewed secret is taken without a restart.
"""

from __future__ import annotations

import errno
import os
from typing import TypeAlias

import msgspec

from kastor.outside.beneath import open_file

SECRET_BYTES = 65_536
"""What a file with a secret may have."""


class SecretError(Exception):
    """A secret is not where its reference points to, or may not be read from there."""


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`{"env": "NAME"}` or `{"file": "/path"}`."""

    env: str | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError('a secret is either {"env": "NAME"} or {"file": "/path"}')


TextOrSecret: TypeAlias = str | Secret


def read_secret(reference: Secret) -> str:
    """Return the secret that a reference points to, without a line end after it.

    Raises:
        SecretError: there is none, or it is empty; the message names the reference alone.
    """
    if reference.env is not None:
        value = os.environ.get(reference.env, "")
        where = f"the environment variable {reference.env}"
    else:
        where = f"the file {reference.file}"
        try:
            value = _read_file(str(reference.file)).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SecretError(f"{where} with the secret cannot be read: {reason}") from None
    if not value:
        raise SecretError(f"{where} holds no secret")
    return value


def read_header(name: str, value: TextOrSecret) -> str:
    """Return the value of a header; raises SecretError, also where no header can have it."""
    text = read_text(value)
    if not text.isascii() or not text.isprintable():
        raise SecretError(
            f"the secret of the header {name} has a line break, a control character or one beyond "
            "ASCII, which no header can have"
        )
    return text


def read_text(value: TextOrSecret) -> str:
    """Return a text that may stand in the settings or be a secret; raises SecretError."""
    return value if isinstance(value, str) else read_secret(value)


def read_optional(reference: Secret | None) -> str | None:
    """Return the secret, if there is a reference; raises SecretError."""
    return None if reference is None else read_secret(reference)


def _read_file(path: str) -> str:
    handle = open_file(path, os.O_RDONLY, links=True)
    with os.fdopen(handle, "rb") as file:
        text = file.read(SECRET_BYTES + 1)
    if len(text) > SECRET_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {SECRET_BYTES} bytes")
    return text.decode()
