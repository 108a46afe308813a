"""Secrets of endpoints: settings hold where a secret is, never the secret.

A reference is read when a sink opens, so that a renewed secret is taken without a restart.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import msgspec


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
            value = Path(str(reference.file)).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SecretError(f"{where} with the secret cannot be read: {reason}") from None
    if not value:
        raise SecretError(f"{where} holds no secret")
    return value


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
