"""Which operation a raw path leads to."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kastor.api.http.matcher import Matcher
from kastor.api.http.operation import Operation
from kastor.api.operations import OPERATIONS
from kastor.errors import KastorError, MethodNotAllowed, NotFound

MATCHER: Matcher[Operation] = Matcher((each.method, each.path, each) for each in OPERATIONS)
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
CASES = st.sampled_from([str.lower, str.upper, str.title, str.swapcase])


def _encoded(identifier: str) -> str:
    return quote(identifier.replace("/", ""), safe="") or "x"


@given(st.sampled_from(OPERATIONS), st.lists(IDS, min_size=2, max_size=2), CASES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_operation_is_found_whatever_its_letters_and_its_ids(
    operation: Operation, ids: list[str], case: Callable[[str], str], slash: bool
) -> None:
    left = list(ids)
    segments = [
        _encoded(left.pop(0)) if each.startswith("{") else case(each)
        for each in operation.path.strip("/").split("/")
    ]
    raw = ("/" + "/".join(segments) + ("/" if slash and operation.path != "/" else "")).encode()
    found, parameters = MATCHER.find(operation.method, raw)
    assert found is operation
    used = ids[: len(ids) - len(left)]
    assert parameters == tuple(each.replace("/", "") or "x" for each in used)


@given(st.binary(max_size=40))
@example(b"/digitaltwins/%FF")
@example(b"/digitaltwins/%2F%2f")
@example(b"*")
@example(b"")
@settings(max_examples=300, deadline=None)
def test_any_bytes_lead_to_an_operation_or_to_an_error_of_ours(path: bytes) -> None:
    for raw in (path, b"/digitaltwins/" + path, b"/models/" + path):
        try:
            operation, parameters = MATCHER.find("GET", raw)
        except KastorError:
            continue
        assert len(parameters) == operation.path.count("{")
        assert all(parameters)


@pytest.mark.parametrize(
    "path",
    [
        b"//",
        b"/nothing",
        b"//models",
        b"/models//",
        b"/digitaltwins//relationships",
        b"/digitaltwins/a/components",
        b"/digitaltwins/a/components/b/c",
        b"/digitaltwins/a/nothing",
        b"/models/a/b",
        b"/jobs/exports",
        b"/digitaltwins/",
    ],
)
def test_other_paths_have_no_operation(path: bytes) -> None:
    with pytest.raises(NotFound) as caught:
        MATCHER.find("GET", path)
    assert caught.value.code == "NotFound"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", b"/query", ("POST",)),
        ("GET", b"/query", ("POST",)),
        ("GET", b"/digitaltwins", ("POST",)),
        ("HEAD", b"/models", ("DELETE", "GET", "POST")),
        ("POST", b"/digitaltwins/a", ("DELETE", "GET", "PATCH", "PUT")),
        ("get", b"/models", ("DELETE", "GET", "POST")),
    ],
)
def test_another_method_is_told_which_there_are(
    method: str, path: bytes, allowed: tuple[str, ...]
) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        MATCHER.find(method, path)
    assert caught.value.allowed == allowed


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        (b"a%2Fb", "a/b"),
        (b"a%2fb", "a/b"),
        (b"10%25B2H6_H2", "10%B2H6_H2"),
        (b"%252F", "%2F"),
        (b"dtmi%3Aa%3B1", "dtmi:a;1"),
        (b"a+b", "a+b"),
        (b"%C3%A9", "é"),
        ("é".encode(), "é"),
        (b"models", "models"),
        (b"RELATIONSHIPS", "RELATIONSHIPS"),
        (b"%2e%2e", ".."),
        (b"..", ".."),
        (b"100%", "100%"),
    ],
)
def test_an_id_is_decoded_once_and_keeps_its_letters(raw: bytes, decoded: str) -> None:
    _, parameters = MATCHER.find("GET", b"/digitaltwins/" + raw)
    assert parameters == (decoded,)


def test_a_fixed_segment_wins_over_an_id_of_the_same_name() -> None:
    matcher = Matcher([("GET", "/a/{id}", "id"), ("GET", "/a/fixed", "fixed")])
    assert matcher.find("GET", b"/a/FIXED") == ("fixed", ())
    assert matcher.find("GET", b"/a/other") == ("id", ("other",))
