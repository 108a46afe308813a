"""Secrets are taken out of texts in every form that a library may print."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kastor.outside.hiding import hide

SECRETS = [
    "plain-s3cret",
    "first line\nsecond line",
    "first line\r\nsecond line\r\n",
    "tab\tand\x00nul and \x1b[31m",
    "quotes ' and \" and \\ backslash",
    "ünïcödé-πασσ-\U0001f511",
    "a b&c=d/e?f%g+h<i>",
    "whsec_c2VjcmV0LWtleS1vZi1hLWhvb2s=",
]


def printed(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        repr(secret),
        ascii(secret),
        repr(raw),
        f"Illegal header value {raw!r}",
        str({"password": secret}),
        json.dumps({"a": secret}),
        json.dumps({"a": secret}, ensure_ascii=False),
        quote(secret),
        quote(secret, safe=""),
        re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
        quote_plus(secret),
        html.escape(secret),
        raw.hex(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        *(base64.b64encode(f"{user}:{secret}".encode()).decode() for user in ("u", "us", "usr")),
        raw.decode("latin-1"),
        *secret.splitlines(),
        f"{secret.splitlines()[0]} was too long",
    ]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_form_of_a_secret_is_left(secret: str) -> None:
    pieces = [each for each in secret.split() if len(each) > 3] + [secret]
    for text in printed(secret):
        shown = hide(f"before {text} after", ["other", None, "", secret])
        assert "***" in shown, text
        assert shown.startswith("before ")
        assert shown.endswith(" after")
        for piece in pieces:
            for form in (piece, quote(piece, safe=""), piece.encode().hex()):
                assert form not in shown, (text, shown)
        for user in ("u", "us", "usr"):
            # What base64 shares with neighbours is at most a byte on each side.
            form = base64.b64encode(f"{user}:{secret}".encode()).decode()
            assert form[8:-8] not in shown


@given(st.text(min_size=1, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_never_stands_in_what_is_shown(secret: str, before: str, after: str) -> None:
    shown = hide(f"{before}{secret}{after}", [secret])
    assert all(char.isprintable() for char in shown)
    if len(secret) > 3 and secret not in "*" * 9 and "*" not in secret:
        assert secret not in shown


def test_what_is_no_secret_stays() -> None:
    text = "POST https://hooks.example.org answered 503: busy"
    assert hide(text, ["s3cret-value", "first\nx\ny"]) == text
