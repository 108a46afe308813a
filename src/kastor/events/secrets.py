"""Secrets of endpoints: settings hold where a secret is, never the secret.

A reference is read when a sink opens, so that a renewed secret is taken without a restart.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

LONGEST_SECRET = 65_536
"""Bytes of a secret in a file."""


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


def _read_file(path: str) -> str:
    """Return a small file's text; a device or a pipe, which might never end, is none."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        data = file.read(LONGEST_SECRET + 1)
    if len(data) > LONGEST_SECRET:
        raise OSError(errno.EFBIG, f"it has more than {LONGEST_SECRET} bytes")
    return data.decode("utf-8")


def read_text(value: TextOrSecret) -> str:
    """Return a text that may stand in the settings or be a secret; raises SecretError."""
    return value if isinstance(value, str) else read_secret(value)


def read_optional(reference: Secret | None) -> str | None:
    """Return the secret, if there is a reference; raises SecretError."""
    return None if reference is None else read_secret(reference)


def hide(text: str, secrets: Iterable[str | None]) -> str:
    """Return a text for people without secrets and control characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return "".join(char if char.isprintable() else " " for char in text)
