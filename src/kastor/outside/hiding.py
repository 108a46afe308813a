"""Takes secrets out of texts for people, in every form in which a library may have printed them."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

_LEAST_LINE = 4
"""Characters of a line of a secret that is hidden by itself."""
_LEAST_BASE64 = 6
"""Characters of base64 that tell a secret from chance."""
_KEY_PREFIX = "whsec_"


def hide(text: str, secrets: Iterable[str | None]) -> str:
    """Return a text without secrets and control characters.

    Args:
        text: such as the message of a library, or what a server answered.
        secrets: as they are; also hidden are their lines, and both quoted, escaped, encoded for a
            URL, in hexadecimal and in base64, with whatever stands before them there.
    """
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):  # what contains another one comes first
        text = text.replace(form, "***")
    return "".join(char if char.isprintable() else " " for char in text)


def _forms(secret: str) -> Iterator[str]:
    texts = {secret, secret.strip(), secret.removeprefix(_KEY_PREFIX)}
    texts |= {line.strip() for line in secret.splitlines()}
    for text in texts:
        if text == secret or len(text) >= _LEAST_LINE:
            yield from (form for form in (*_escaped(text), *_encoded(text)) if form)


def _escaped(text: str) -> Iterator[str]:
    yield text
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    yield repr(text.encode("utf-8", "replace"))[2:-1]
    for quotation in "\"'":
        yield text.replace("\\", "\\\\").replace(quotation, f"\\{quotation}")
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield html.escape(text)
    # As control characters are shown here and by others.
    yield "".join(char if char.isprintable() else " " for char in text)
    yield text.encode("utf-8", "replace").decode("latin-1")


def _encoded(text: str) -> Iterator[str]:
    for form in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield form
        yield _with_small_hexadecimals(form)
    raw = text.encode("utf-8", "replace")
    yield raw.hex()
    yield raw.hex().upper()
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    for before in range(3):
        yield from _within_base64(raw, before)


def _within_base64(raw: bytes, before: int) -> Iterator[str]:
    """What base64 has of a secret behind so many bytes more than a multiple of three."""
    first = -(-before * 8 // 6)
    last = (before + len(raw)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        form = encode(bytes(before) + raw).decode()[first:last]
        if len(form) >= _LEAST_BASE64:
            yield form


def _with_small_hexadecimals(form: str) -> str:
    head, *parts = form.split("%")
    return "".join([head, *(f"%{part[:2].lower()}{part[2:]}" for part in parts)])
