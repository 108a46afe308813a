"""Page sizes, signed tokens and the links to the next page."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.api.http.paging import max_items, next_link, read_token
from kastor.errors import InvalidArgument
from kastor.signing import MAX_TOKEN, sign, unsign

from .wire import KEY, request_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class TestSigning:
    @given(JSON)
    @settings(max_examples=100, deadline=None)
    def test_a_token_gives_back_what_was_signed_and_needs_no_escaping(self, value: Any) -> None:
        token = sign(value, KEY)
        assert unsign(token, KEY) == value
        assert set(token) <= set(ALPHABET)

    @given(JSON, st.data())
    @settings(max_examples=200, deadline=None)
    def test_a_token_with_another_byte_is_none(self, value: Any, data: st.DataObject) -> None:
        token = sign(value, KEY)
        raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        tampered = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
        assert unsign(tampered, KEY) is None

    @given(JSON, st.integers(1, 30))
    @settings(max_examples=60, deadline=None)
    def test_a_token_cut_short_or_lengthened_is_none(self, value: Any, count: int) -> None:
        token = sign(value, KEY)
        assert unsign(token[:-count], KEY) is None
        assert unsign(token + "AAAA" * count, KEY) is None

    @given(st.text(max_size=60))
    @settings(max_examples=150, deadline=None)
    def test_any_other_text_is_none(self, text: str) -> None:
        assert unsign(text, KEY) is None

    def test_a_token_of_another_graph_is_none(self) -> None:
        assert unsign(sign(["models"], b"another key"), KEY) is None

    def test_a_token_that_is_too_long_is_none_and_costs_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = sign("x" * MAX_TOKEN, KEY)
        monkeypatch.setattr(base64, "b64decode", None)
        assert unsign(token, KEY) is None


class TestReadToken:
    def _read(self, token: str, kind: str = "models") -> list[Any] | None:
        return read_token(request_of(query=f"continuationToken={token}"), kind, KEY)

    def test_it_gives_what_follows_the_kind(self) -> None:
        assert self._read(sign(["models", 1, "a"], KEY)) == [1, "a"]

    def test_without_one_there_is_nothing(self) -> None:
        assert read_token(request_of(), "models", KEY) is None
        assert self._read("") is None

    @pytest.mark.parametrize(
        "token",
        [
            "nonsense",
            "%C3%A9",
            sign(["outgoing", 1], KEY),
            sign([], KEY),
            sign({"models": 1}, KEY),
            sign("models", KEY),
            sign(["models"], b"another"),
        ],
    )
    def test_one_of_another_kind_or_graph_is_refused(self, token: str) -> None:
        with pytest.raises(InvalidArgument, match="continuationToken is invalid"):
            self._read(token)


class TestNextLink:
    def test_it_is_absolute_and_carries_token_filters_and_version(self) -> None:
        link = next_link(request_of(), "/models", ["models", 2], KEY, (("a b", "c&d+e"),))
        parts = urlsplit(link)
        assert link.startswith("http://here:8080/models?")
        query = parse_qs(parts.query)
        assert query["a b"] == ["c&d+e"]
        assert query["api-version"] == ["2023-10-31"]
        assert unsign(query["continuationToken"][0], KEY) == ["models", 2]
        assert "+" not in parts.query


class TestMaxItems:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("1", 1),
            ("7", 7),
            ("100", 100),
            ("101", 100),
            ("9" * 400, 100),
            ("007", 7),
            ("0" * 40 + "7", 7),
            ("0" * 40 + "7000", 100),
        ],
    )
    def test_it_is_clamped_to_the_maximum(self, value: str, expected: int) -> None:
        request = request_of(headers={"max-items-per-page": value})
        assert max_items(request, 10, 100) == expected

    def test_without_the_header_it_is_the_default(self) -> None:
        assert max_items(request_of(), 10, 100) == 10

    @pytest.mark.parametrize(
        "value", ["0", "000", "-1", "1.5", "ten", "", "1e3", "+5", "0x10", "²"]
    )
    def test_what_is_no_positive_integer_is_refused(self, value: str) -> None:
        with pytest.raises(InvalidArgument, match="must be a positive integer"):
            max_items(request_of(headers={"max-items-per-page": value}), 10, 100)
