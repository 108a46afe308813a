"""What is kept of texts and taken of tokens has a bound in bytes."""

from __future__ import annotations

import base64

import pytest

from kastor.dtdl import ValueRules
from kastor.errors import BadRequest
from kastor.graph.catalog import catalog_builder
from kastor.query.compiled import KEPT_CHARACTERS, Compiler
from kastor.query.settings import QuerySettings
from kastor.query.token import MAX_TOKEN, Position, decode, encode

KEY = b"k" * 32
MODELS = catalog_builder(ValueRules())((), (), 1)


def test_plans_that_are_kept_have_a_bound_in_bytes() -> None:
    compiler = Compiler(QuerySettings())
    for number in range(60):
        text = f"SELECT * FROM DIGITALTWINS T WHERE T.x = '{number}{'a' * 50_000}'"
        compiler.compile(text, MODELS, strict=False)
    kept = sum(len(text) for text, *_ in compiler._kept)
    assert 0 < kept <= KEPT_CHARACTERS
    assert kept == compiler._characters
    assert text in [each for each, *_ in compiler._kept]
    for number in range(1_000):
        compiler.compile(f"SELECT * FROM DIGITALTWINS T WHERE T.x = {number}", MODELS, strict=False)
    assert len(compiler._kept) <= QuerySettings().cache_size
    assert compiler._characters == sum(len(text) for text, *_ in compiler._kept)


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
