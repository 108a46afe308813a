"""Bodies and ids that nobody should send: the right refusal, and nothing changed."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest

from .client import (
    PATCH_TYPE,
    Unchanged,
    assert_empty,
    assert_error,
    assert_json,
    op,
    seg,
)
from .models import BUILDING, OBJ, building

if TYPE_CHECKING:
    import httpx2

    from .client import Api

T = "/digitaltwins/T"
R = f"{T}/relationships/r"
MODEL = b'"$metadata":{"$model":"dtmi:t:Building;1"}'

UNPARSABLE = [
    pytest.param(b"{", id="open-object"),
    pytest.param(b"[", id="open-array"),
    pytest.param(b"nul", id="half-literal"),
    pytest.param(b"{'a':1}", id="single-quotes"),
    pytest.param(b'{"a":1,}', id="trailing-comma"),
    pytest.param(b'{"a":1} x', id="trailing-text"),
    pytest.param(b'{"a":1}{"a":1}', id="two-documents"),
    pytest.param(b'// c\n{"a":1}', id="comment"),
    pytest.param(b'{"a":NaN}', id="nan"),
    pytest.param(b'{"a":Infinity}', id="infinity"),
    pytest.param(b'{"a":-Infinity}', id="negative-infinity"),
    pytest.param(b'{"a":01}', id="leading-zero"),
    pytest.param(b'{"a":.5}', id="bare-fraction"),
    pytest.param(b'{"a":0x10}', id="hexadecimal"),
    pytest.param(b'{"a":"\x01"}', id="raw-control-character"),
    pytest.param(b'{"a":"\\x"}', id="unknown-escape"),
    pytest.param(b'{"a":"\\u12"}', id="short-escape"),
    pytest.param(b'{"a":"\xff"}', id="not-utf-8"),
    pytest.param(b'{"a":"\xc3"}', id="half-character"),
    pytest.param(b'{"a":"\xed\xa0\x80"}', id="encoded-surrogate"),
    pytest.param(b'{"\xff":1}', id="not-utf-8-name"),
    pytest.param('{"a":1}'.encode("utf-16"), id="utf-16"),
    pytest.param(b"\x00", id="nul-byte"),
    pytest.param(b" ", id="blank"),
]


@pytest.fixture
def related(api: Api, twin_t: Any) -> Api:
    """The twins `T` and `B` of M and the relationship `r` between them."""
    api.add_twin("B", building())
    api.relate("T", "r", "B", isAccessRestricted=True)
    return api


@pytest.mark.parametrize("raw", UNPARSABLE)
def test_a_body_that_is_no_json_is_refused(related: Api, raw: bytes) -> None:
    blank = raw == b" "
    codes = ("InvalidArgument", "BadRequest") if blank else "InvalidArgument"
    with Unchanged(related, T), Unchanged(related, R):
        for method, path in (
            ("PUT", T),
            ("PATCH", T),
            ("PUT", R),
            ("PATCH", R),
            ("POST", f"{T}/telemetry"),
            ("POST", "/models"),
            ("PATCH", f"/models/{BUILDING}"),
        ):
            kind = PATCH_TYPE if method == "PATCH" else "application/json"
            response = related.send(method, path, raw=raw, content_type=kind)
            assert_error(response, 400, codes)
        assert_error(related.post("/query", raw=raw), 400, "BadRequest")


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"+1", b"1.", b"1e"])
def test_a_literal_that_is_no_number_is_refused(related: Api, literal: bytes) -> None:
    with Unchanged(related, T):
        raw = b'{%b,"AverageTemperature":%b}' % (MODEL, literal)
        assert_error(related.put(T, raw=raw), 400, "InvalidArgument")
        raw = b'[{"op":"replace","path":"/AverageTemperature","value":%b}]' % literal
        assert_error(related.patch(T, raw=raw), 400, "InvalidArgument")


DEEP = {
    "arrays": b"[" * 100_000 + b"]" * 100_000,
    "open-arrays": b"[" * 100_000,
    "objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("raw", DEEP.values(), ids=DEEP)
def test_a_hundred_thousand_levels_are_refused(related: Api, raw: bytes) -> None:
    with Unchanged(related, T), Unchanged(related, R):
        for path in (T, R, "/models", f"{T}/telemetry", "/query"):
            method = "PUT" if path in {T, R} else "POST"
            _refused_or_too_large(related.send(method, path, raw=raw))
        for path in (T, R):
            _refused_or_too_large(related.patch(path, raw=raw))


def _refused_or_too_large(response: httpx2.Response) -> None:
    assert response.status_code in {400, 413}, response.text[:200]
    if response.status_code == 413:
        assert_error(response, 413, "PayloadTooLarge")
    else:
        assert_error(
            response, 400, ("InvalidArgument", "BadRequest", "JsonPatchInvalid", "ValidationFailed")
        )


@pytest.mark.parametrize("depth", [100, 1_000, 5_000])
def test_deep_values_never_break_the_server(api: Api, model_o: Any, depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    raw = b'{"$metadata":{"$model":"%b"},"o":%b}' % (OBJ.encode(), deep)
    _refused_or_too_large(api.put("/digitaltwins/O1", raw=raw))
    patch = b'[{"op":"add","path":"/o","value":%b}]' % deep
    api.add_twin("O1", {"$metadata": {"$model": OBJ}})
    with Unchanged(api, "/digitaltwins/O1"):
        _refused_or_too_large(api.patch("/digitaltwins/O1", raw=patch))


def test_a_path_of_many_segments_is_refused(related: Api) -> None:
    with Unchanged(related, T):
        response = related.patch(T, [op("add", "/a" * 10_000, 1)])
        _refused_or_too_large(response)


def test_a_body_far_beyond_any_limit_never_breaks_the_server(related: Api) -> None:
    raw = b'{%b,"TemperatureUnit":"%b"}' % (MODEL, b"x" * (20 << 20))
    response = related.put(T, raw=raw)
    if response.status_code != 200:
        _refused_or_too_large(response)
    assert related.twin("T")["$dtId"] == "T"


# Texts that cannot be stored.

SURROGATES = [rb"\ud800", rb"\udfff", rb"a\ud83dz", rb"\udc00\ud800"]


@pytest.mark.parametrize("escape", SURROGATES)
def test_a_lone_surrogate_is_refused(related: Api, escape: bytes) -> None:
    with Unchanged(related, T):
        raw = b'{%b,"TemperatureUnit":"%b"}' % (MODEL, escape)
        assert_error(related.put(T, raw=raw), 400, "InvalidArgument")
        raw = b'[{"op":"add","path":"/TemperatureUnit","value":"%b"}]' % escape
        assert_error(related.patch(T, raw=raw), 400, "InvalidArgument")
        raw = b'{"$relationshipName":"has","$targetId":"%b"}' % escape
        assert_error(related.put(R, raw=raw), 400, "InvalidArgument")


def test_a_whole_surrogate_pair_is_a_character(related: Api) -> None:
    raw = rb'{"$metadata":{"$model":"dtmi:t:Building;1"},"TemperatureUnit":"\ud83c\udfe2"}'
    assert assert_json(related.put(T, raw=raw))["TemperatureUnit"] == "🏢"


def test_a_nul_character_is_refused(related: Api) -> None:
    with Unchanged(related, T):
        response = related.put(T, building(TemperatureUnit="a\x00b"))
        assert_error(response, 400, "ValidationFailed")
        response = related.patch(T, [op("add", "/TemperatureUnit", "\x00")])
        assert_error(response, 400, "ValidationFailed")


def test_a_nul_character_in_a_map_key_is_refused(api: Api, twin_o: Any) -> None:
    with Unchanged(api, "/digitaltwins/O1"):
        body = {"$metadata": {"$model": OBJ}, "m": {"a\x00": 1}}
        assert_error(api.put("/digitaltwins/O1", body), 400, "ValidationFailed")


def test_the_last_of_duplicate_members_wins(api: Api, model_m: Any) -> None:
    raw = b'{"TemperatureUnit":5,%b,"TemperatureUnit":"a","TemperatureUnit":"b"}' % MODEL
    twin = assert_json(api.put(T, raw=raw))
    assert twin["TemperatureUnit"] == "b"
    raw = b'[{"op":"move","op":"replace","path":"/x","path":"/TemperatureUnit","value":"c"}]'
    assert_empty(api.patch(T, raw=raw), etag=True)
    text = api.get(T).text
    assert json.loads(text)["TemperatureUnit"] == "c"
    assert text.count('"TemperatureUnit"') == 2


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**64)])
def test_integers_out_of_range_are_refused(api: Api, twin_o: Any, value: int) -> None:
    with Unchanged(api, "/digitaltwins/O1"):
        body = {"$metadata": {"$model": OBJ}, "i": value}
        assert_error(api.put("/digitaltwins/O1", body), 400, "ValidationFailed")
        response = api.patch("/digitaltwins/O1", [op("add", "/i", value)])
        assert_error(response, 400, "ValidationFailed")


@pytest.mark.parametrize("name", ["", "a b", "__proto__", "constructor", "a.b", "ü", "x" * 10_000])
def test_undeclared_members_of_any_name_are_refused(related: Api, name: str) -> None:
    with Unchanged(related, T), Unchanged(related, R):
        assert_error(related.put(T, building(**{name: 1})), 400, "ValidationFailed")
        body = {"$relationshipName": "has", "$targetId": "B", name: 1}
        assert_error(related.put(R, body), 400, "ValidationFailed")


@pytest.mark.parametrize(
    "operations",
    [
        [op("replace", "/$dtId", "X")],
        [op("replace", "/$etag", "X")],
        [op("remove", "/$metadata")],
        [op("add", "/$metadata/x/y/z", 1)],
        [op("add", "/__proto__/x", 1)],
        [op("replace", "/AverageTemperature", {"a": 1})],
        [op("replace", "/AverageTemperature", [1])],
        [op("replace", "/AverageTemperature", "68")],
        [op("replace", "/AverageTemperature", True)],
        [op("replace", "/TemperatureUnit", 1)],
        [op("add", "/nosuch", 1)],
        [op("remove", "/nosuch")],
        [op("add", "/TemperatureUnit/0", "x")],
        [op("add", "/~", 1)],
        [op("add", "/~2", 1)],
        [op("add", "/ü\u0001", 1)],
        [op("replace", "/AverageTemperature", 1)] * 500 + [op("remove", "/nosuch")],
    ],
)
def test_a_patch_of_what_may_not_be_patched_changes_nothing(related: Api, operations: Any) -> None:
    with Unchanged(related, T):
        response = related.patch(T, operations)
        assert_error(response, 400, ("JsonPatchInvalid", "ValidationFailed"))


# Ids.

FORBIDDEN = "/\\?#"
ALLOWED = [character for character in string.punctuation if character not in FORBIDDEN]


def _usable(api: Api, identifier: str) -> None:
    """The id works for a twin and for a relationship, through every way to them."""
    path = f"/digitaltwins/{seg(identifier)}"
    stored = assert_json(api.put(path, building()))
    assert stored["$dtId"] == identifier
    assert assert_json(api.get(path)) == stored
    assert_empty(api.patch(path, [], headers={"If-Match": stored["$etag"]}), etag=True)
    relation = api.relate("T", identifier, identifier)
    assert (relation["$relationshipId"], relation["$targetId"]) == (identifier, identifier)
    listed = assert_json(api.get(f"{path}/incomingrelationships"))["value"]
    assert [item["$relationshipId"] for item in listed] == [identifier]
    rows = assert_json(api.query("SELECT * FROM digitaltwins"))["value"]
    assert identifier in {row["$dtId"] for row in rows}
    assert_empty(api.delete(f"{T}/relationships/{seg(identifier)}"))
    assert_empty(api.delete(path))
    assert_error(api.get(path), 404, "DigitalTwinNotFound")


@pytest.mark.parametrize("character", ALLOWED)
def test_an_id_may_hold_any_other_punctuation(api: Api, twin_t: Any, character: str) -> None:
    _usable(api, f"a{character}b")
    if character != ".":
        _usable(api, character)


@pytest.mark.parametrize(
    "identifier",
    [
        "a b",
        "a  b",
        "ünï",
        "日本語",
        "🏢" * 64,
        "e\u0301",
        "\u00e9",
        "a\u200bb",
        "x" * 128,
        "ü" * 128,
        "0",
        "null",
    ],
)
def test_an_id_may_hold_any_unicode_up_to_128_characters(
    api: Api, twin_t: Any, identifier: str
) -> None:
    _usable(api, identifier)


def test_ids_are_not_normalised(api: Api, model_m: Any) -> None:
    api.add_twin("\u00e9", building(AverageTemperature=1))
    api.add_twin("e\u0301", building(AverageTemperature=2))
    assert api.twin("\u00e9")["AverageTemperature"] == 1
    assert api.twin("e\u0301")["AverageTemperature"] == 2


def test_reserved_characters_may_arrive_raw(api: Api, model_m: Any) -> None:
    raw = "a;b:c@d$e(f)!*,=+'~-._&g"
    stored = assert_json(api.put(f"/digitaltwins/{raw}", building()))
    assert stored["$dtId"] == raw
    assert assert_json(api.get(f"/digitaltwins/{seg(raw)}")) == stored


@pytest.mark.parametrize(
    "encoded",
    [
        *(f"a{seg(character)}b" for character in "\\?#"),
        *(f"a%{code:02X}b" for code in (0, 1, 9, 10, 13, 27, 31, 127)),
        "%C2%85",
        "%20a",
        "a%20",
        "%20",
        "x" * 129,
        seg("ü" * 129),
    ],
)
def test_an_id_that_breaks_the_rules_is_refused_everywhere(related: Api, encoded: str) -> None:
    twin = f"/digitaltwins/{encoded}"
    relation = f"{T}/relationships/{encoded}"
    body = {"$relationshipName": "has", "$targetId": "B"}
    for response in (
        related.get(twin),
        related.put(twin, building()),
        related.patch(twin, []),
        related.delete(twin),
        related.get(f"{twin}/relationships"),
        related.get(f"{twin}/incomingrelationships"),
        related.post(f"{twin}/telemetry", {}),
        related.get(f"{twin}/components/x"),
        related.get(relation),
        related.put(relation, body),
        related.patch(relation, []),
        related.delete(relation),
    ):
        assert_error(response, 400, "InvalidArgument")
    rows = assert_json(related.query("SELECT * FROM digitaltwins"))["value"]
    assert sorted(row["$dtId"] for row in rows) == ["B", "T"]


@pytest.mark.parametrize("target", ["a/b", "\x00", "x" * 129, " ", ""])
def test_a_target_that_cannot_exist_is_not_accepted(related: Api, target: str) -> None:
    body = {"$relationshipName": "has", "$targetId": target}
    with Unchanged(related, R):
        response = related.put(R, body)
        assert response.status_code in {400, 404}
        assert_error(
            response,
            response.status_code,
            ("InvalidArgument", "TargetDigitalTwinNotFound", "ValidationFailed"),
        )


@pytest.mark.parametrize(
    "path", ["%FF", "a%C3", "%", "%zz", "a%2", "%ED%A0%80", "%25%", "a" * 7000]
)
def test_a_path_that_cannot_be_decoded_never_breaks_the_server(related: Api, path: str) -> None:
    for prefix in ("/digitaltwins/", f"{T}/relationships/", f"{T}/components/", "/models/"):
        response = related.get(prefix + path)
        assert response.status_code in {400, 404, 414}, response.status_code


@pytest.mark.parametrize(
    "query",
    [
        "continuationToken=%FF",
        "continuationToken=%00",
        "includeModelDefinition=%FF",
        "dependenciesFor=%00",
        "dependenciesFor=%FF",
    ],
)
def test_a_query_that_cannot_be_decoded_is_refused(related: Api, query: str) -> None:
    response = related.get(f"/models?{query}")
    assert_error(response, 400, "InvalidArgument")


@pytest.mark.parametrize(
    "version", ["%FF", "2023-10-31%00", "'", "2023-10-31,2022-05-31", "x" * 3000]
)
def test_an_api_version_of_any_shape_is_refused(related: Api, version: str) -> None:
    assert_error(related.get(T, version=version), 400, "UnsupportedApiVersion")
