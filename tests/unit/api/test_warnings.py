"""The header `kastor-warning`: quoted, in ASCII, bounded."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kastor.api.http.warnings import LONGEST, MOST, warning_header


def test_one_warning_is_quoted_too() -> None:
    assert warning_header(["a, b"]) == (b"kastor-warning", b'"a, b"')


def test_a_repeated_warning_is_told_once() -> None:
    assert warning_header(["a", "b", "a"])[1] == b'"a", "b"'


@given(st.lists(st.text(max_size=400), min_size=1, max_size=30))
def test_whatever_is_said_fits_a_header_and_can_be_read_back(texts: list[str]) -> None:
    value = warning_header(texts)[1].decode("ascii")
    assert value.isprintable()
    assert len(value) <= MOST * (LONGEST + 2)
    read = json.loads(f"[{value}]")
    different = list(dict.fromkeys(texts))
    assert len(read) == min(MOST, len(different))
    assert read[0] == different[0] or len(json.dumps(different[0])) > LONGEST
