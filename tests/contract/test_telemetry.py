"""Telemetry of twins and components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import Unchanged, assert_empty, assert_error

if TYPE_CHECKING:
    from .client import Api

PATH = "/digitaltwins/K1/telemetry"
PART = "/digitaltwins/K1/components/Component1/telemetry"
HEADERS = {"Message-Id": "m-1"}


@pytest.mark.parametrize(
    "body", [{"undeclared": 1}, {}, {"a": {"b": [1, None, "ü"]}}, [1, 2], "text", 5, True, None]
)
@pytest.mark.parametrize("path", [PATH, PART])
def test_S_01_S_04_any_json_value_is_telemetry(api: Api, twin_k: Any, path: str, body: Any) -> None:
    assert_empty(api.post(path, body, headers=HEADERS))


@pytest.mark.parametrize(
    "time",
    ["01/01/01 0:00:00 +00:00", "2023-06-01T20:30:50.123456789Z", "yesterday", "", "5"],
)
def test_S_02_any_source_time_is_accepted(api: Api, twin_k: Any, time: str) -> None:
    headers = {**HEADERS, "Telemetry-Source-Time": time}
    for path in (PATH, PART):
        assert_empty(api.post(path, {"x": 1}, headers=headers))


def test_S_03_S_06_telemetry_of_an_unknown_twin_is_not_found(api: Api, model_k: Any) -> None:
    text = "There is no digital twin instance that exists with the ID x"
    for path in ("/digitaltwins/x/telemetry", "/digitaltwins/x/components/Component1/telemetry"):
        response = api.post(path, {"x": 1}, headers=HEADERS)
        assert_error(response, 404, "DigitalTwinNotFound", text)


@pytest.mark.parametrize("name", ["nosuch", "component1", "ComponentProp1"])
def test_S_05_telemetry_of_an_unknown_component_is_not_found(
    api: Api, twin_k: Any, name: str
) -> None:
    response = api.post(f"/digitaltwins/K1/components/{name}/telemetry", {}, headers=HEADERS)
    assert_error(response, 404, "ComponentNotFound")


def test_S_07_telemetry_needs_no_message_id(api: Api, twin_k: Any) -> None:
    for path in (PATH, PART):
        assert_empty(api.post(path, {"x": 1}))


def test_a_message_id_may_be_used_twice(api: Api, twin_k: Any) -> None:
    for _ in range(2):
        assert_empty(api.post(PATH, {"x": 1}, headers=HEADERS))


def test_S_08_telemetry_leaves_the_twin_alone(api: Api, twin_k: Any) -> None:
    with Unchanged(api, "/digitaltwins/K1"):
        for path in (PATH, PART):
            assert_empty(api.post(path, {"ComponentProp1": "new"}, headers=HEADERS))


@pytest.mark.parametrize("raw", [b"{", b"x", b"NaN", b"{'a':1}", b'{"a":1,}', b'"\xff"'])
def test_telemetry_that_is_no_json_is_refused(api: Api, twin_k: Any, raw: bytes) -> None:
    for path in (PATH, PART):
        assert_error(api.post(path, raw=raw, headers=HEADERS), 400, "InvalidArgument")


def test_telemetry_without_a_body_is_refused(api: Api, twin_k: Any) -> None:
    for path in (PATH, PART):
        assert_error(api.post(path, headers=HEADERS), 400, "BadRequest")


def test_telemetry_works_for_a_twin_of_a_decommissioned_model(api: Api, twin_t: Any) -> None:
    retire = [{"op": "replace", "path": "/decommissioned", "value": True}]
    assert_empty(api.patch("/models/dtmi:t:Building;1", retire))
    assert_empty(api.post("/digitaltwins/T/telemetry", {"x": 1}, headers=HEADERS))
