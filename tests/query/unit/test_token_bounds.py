"""What is taken of tokens has a bound in bytes."""

from __future__ import annotations

import base64

import pytest

from kastor.errors import BadRequest
from kastor.query.settings import QuerySettings
from kastor.query.token import MAX_TOKEN, Position, decode, encode

KEY = b"k" * 32


def test_a_token_that_is_too_long_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base64, "b64decode", None)
    with pytest.raises(BadRequest):
        decode("x" * (MAX_TOKEN + 1), KEY)


def test_the_longest_query_has_a_token() -> None:
    text = "\N{CUNEIFORM SIGN A}" * QuerySettings().max_text
    position = Position(text, 10, None, ("y" * 4_096, 1.5))
    token = encode(position, KEY)
    assert len(token) <= MAX_TOKEN
    assert decode(token, KEY) == position
