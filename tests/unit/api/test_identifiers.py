"""What may be an id, and how ids come out of and go into paths."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kastor.api.http.identifiers import decode_segment, require_dtmi
from kastor.api.http.paging import segment
from kastor.errors import InvalidArgument, NotFound
from kastor.graph.ids import require_id, require_new_id

IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=130)


def _is_id(text: str) -> bool:
    """The rule said again."""
    if not 1 <= len(text) <= 128 or text[0] == " " or text[-1] == " ":
        return False
    control = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"}
    return not set(text) & {*control, "/", "\\", "?", "#"}


@given(IDS)
@example("x" * 128)
@example("x" * 129)
@example(" x")
@example("x ")
@example(" ")
@example("a b")
@example("a\n")
@settings(max_examples=400, deadline=None)
def test_an_id_is_what_the_rule_says(text: str) -> None:
    if _is_id(text):
        assert require_id(text, "twin") == text
    else:
        wanted = NotFound if "/" in text else InvalidArgument
        with pytest.raises(wanted, match="cannot hold a slash" if "/" in text else "is invalid"):
            require_id(text, "twin")
        with pytest.raises(InvalidArgument, match="The twin id is invalid"):
            require_new_id(text, "twin")


@pytest.mark.parametrize(
    "text",
    ["r1", "a-contains->b", "10%B2H6_H2", "%2F", "é", "𝄞", "..", "{id}", "'", '"', "a;b:c@d"],
)
def test_odd_but_allowed_ids_pass(text: str) -> None:
    assert require_id(text, "twin") == text


def test_the_empty_id_is_none() -> None:
    with pytest.raises(InvalidArgument):
        require_id("", "twin")


@given(IDS.filter(_is_id))
@example("%2F")
@example("%2f%25")
@example("100%")
@settings(max_examples=300, deadline=None)
def test_an_id_that_stands_in_a_link_comes_back_from_it(text: str) -> None:
    assert decode_segment(segment(text).encode("ascii")) == text


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    for raw in (b"%FF", b"\xff", b"%C3", b"%ED%A0%80"):
        with pytest.raises(InvalidArgument, match="not UTF-8"):
            decode_segment(raw)


@pytest.mark.parametrize(
    "text",
    [
        "dtmi:a;1",
        "dtmi:a:b_c:D9;999999999",
        "dtmi:a",
        "dtmi:a;1.5",
        "dtmi:com:example:Thermostat;1",
        "dtmi:a:" + "b" * 2_000 + ";1",
    ],
)
def test_a_dtmi_passes(text: str) -> None:
    assert require_dtmi(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dtmi:",
        "dtmi:a;",
        "dtmi:a;0",
        "dtmi:a;01",
        "dtmi:a;1.0",
        "dtmi:a;1.2.3",
        "dtmi:a;1234567890",
        "dtmi:a;-1",
        "dtmi:1a;1",
        "dtmi:a_;1",
        "dtmi:a::b;1",
        "dtmi:a b;1",
        "DTMI:a;1",
        "dtmi:é;1",
        "dtmi:a;1\n",
        "dtmi:a;\u0661",
        "urn:a;1",
        "dtmi:a:" + "b" * 2_048 + ";1",
    ],
)
def test_what_is_no_dtmi_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a DTMI"):
        require_dtmi(text)
