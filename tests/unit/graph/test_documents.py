"""The form in which documents are kept: numbers, strings, the place of the etag."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kastor.errors import ValidationFailed
from kastor.graph.documents import decode, encode, with_etag

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from([-(2**63), 2**63 - 1, 2**63, 2**64 - 1, -0.0, 0.0, 1e300, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.just("\\u0000")
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def _settled(value: Any) -> Any:
    """The rules said again: integers of 64 bits stay, zero has no sign."""
    if isinstance(value, dict):
        return {key: _settled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_settled(each) for each in value]
    if isinstance(value, float):
        return 0.0 if value == 0 else value
    return value


def _has_nul(value: Any) -> bool:
    return "\\u0000" in json.dumps(value).replace("\\\\", "")


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
@example({"a": -0.0})
@example({"a": "-0.0 in a text"})
@example({"a": "\0"})
@example({"a\0": 1})
@example({"a": [{"b": "x\0"}]})
@example({"a": 2**64 - 1, "b": -(2**63)})
@settings(max_examples=400, deadline=None)
def test_a_document_is_kept_with_its_numbers_and_strings_settled(document: dict[str, Any]) -> None:
    if _has_nul(document):
        with pytest.raises(ValidationFailed, match="U\\+0000"):
            encode(document)
        return
    assert json.dumps(decode(encode(document))) == json.dumps(_settled(document))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("68", "68"),
        ("68.0", "68.0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775809", "-9.223372036854775808e18"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("1e2", "100.0"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("-0e7", "0.0"),
        ("0.1", "0.1"),
        ("1e-400", "0.0"),
        ("-1e-400", "0.0"),
    ],
)
def test_a_number_of_a_body_is_kept_in_this_form(sent: str, kept: str) -> None:
    text = encode(orjson.loads(f'{{"n":{sent}}}')).decode()
    value = json.loads(text)["n"]
    assert value == json.loads(kept)
    assert type(value) is type(json.loads(kept))
    assert math.copysign(1, value) == math.copysign(1, json.loads(kept))


def test_a_nul_is_refused_with_the_place_where_it_stands() -> None:
    with pytest.raises(ValidationFailed) as caught:
        encode({"$dtId": "a", "list": [{"deep": "x\0y"}]})
    assert "$.list[0].deep" in caught.value.message


@given(TEXTS.filter(lambda text: "\0" not in text), TEXTS)
@example('a"b', "")
@example("a\\", "")
@example('a\\",', "")
@settings(max_examples=150, deadline=None)
def test_the_etag_goes_in_after_the_id_whatever_the_id_is(identifier: str, value: str) -> None:
    for name in ("$dtId", "$relationshipId"):
        doc = orjson.dumps({name: identifier, "a": value, "$metadata": {}})
        text = with_etag(doc, "the-etag")
        assert list(json.loads(text)) == [name, "$etag", "a", "$metadata"]
        assert json.loads(text)["$etag"] == 'W/"the-etag"'
        assert {**json.loads(doc), "$etag": 'W/"the-etag"'} == json.loads(text)


def test_the_etag_leads_where_no_id_does() -> None:
    assert list(json.loads(with_etag(b'{"a":1}', "e"))) == ["$etag", "a"]
