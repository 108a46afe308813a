"""Writing: every kind of value, nothing but what was touched, and others who write as well."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from tests.explorer.browser import Page

EVERY = "dtmi:kastor:test:Every;1"
TYPED: dict[str, tuple[object, str, object]] = {
    # By name: schema, what is typed, and what the twin holds then.
    "byte": ("byte", "-128", -128),
    "bytes": ("bytes", "a2FzdG9y", "a2FzdG9y"),
    "date": ("date", "2026-02-28", "2026-02-28"),
    "dateTime": ("dateTime", "2026-02-28T12:30:00.1234567Z", "2026-02-28T12:30:00.1234567Z"),
    "decimal": ("decimal", "12.50", "12.50"),
    "double": ("double", "1.5", 1.5),
    "duration": ("duration", "P1DT2H", "P1DT2H"),
    "float": ("float", "2.25", 2.25),
    "integer": ("integer", "-7", -7),
    "long": ("long", "9223372036854775807", 9223372036854775807),
    "short": ("short", "32767", 32767),
    "string": ("string", "Käse & Brot", "Käse & Brot"),
    "time": ("time", "23:59:59", "23:59:59"),
    "unsignedByte": ("unsignedByte", "255", 255),
    "unsignedInteger": ("unsignedInteger", "4294967295", 4294967295),
    "unsignedLong": ("unsignedLong", "18446744073709551615", 18446744073709551615),
    "unsignedShort": ("unsignedShort", "65535", 65535),
    "uuid": (
        "uuid",
        "7b7e3f2c-3f4e-4a55-9a52-1c0a4b0b8f11",
        "7b7e3f2c-3f4e-4a55-9a52-1c0a4b0b8f11",
    ),
}
SHAPES = ("point", "multiPoint", "lineString", "multiLineString", "polygon", "multiPolygon")
LARGE: dict[str, object] = {
    "boolean": "boolean",
    "enum": {
        "@type": "Enum",
        "valueSchema": "integer",
        "enumValues": [{"name": "low", "enumValue": 1}, {"name": "high", "enumValue": 2}],
    },
    "object": {
        "@type": "Object",
        "fields": [{"name": "inner", "schema": "string"}, {"name": "depth", "schema": "integer"}],
    },
    "array": {"@type": "Array", "elementSchema": "integer"},
    "map": {
        "@type": "Map",
        "mapKey": {"name": "key", "schema": "string"},
        "mapValue": {"name": "value", "schema": "double"},
    },
    "scaled": "scaledDecimal",
    **{shape: shape for shape in SHAPES},
}
NAMES = [*TYPED, *LARGE]


def _get(api: httpx2.Client, twin: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(api.get(f"/digitaltwins/{twin}").text)
    return document


def _patch(api: httpx2.Client, twin: str, path: str, value: object) -> None:
    operations = [{"op": "replace", "path": path, "value": value}]
    assert api.patch(f"/digitaltwins/{twin}", json=operations).status_code == 204


def _open(page: Page, twin: str) -> None:
    page.open(f"g/default/twins/{twin}")
    page.get("inspector.twin").wait_for()


def _preview(page: Page) -> list[dict[str, Any]]:
    page.get("inspector.preview").click()
    operations: list[dict[str, Any]] = json.loads(page.get("inspector.patch").inner_text())
    return operations


@pytest.fixture
def every(api: httpx2.Client) -> str:
    """A twin without a value, of a model that has one property of every schema."""
    schemas = {name: schema for name, (schema, _, _) in TYPED.items()} | LARGE
    model = {
        "@context": "dtmi:dtdl:context;4",
        "@id": EVERY,
        "@type": "Interface",
        "contents": [
            {"@type": "Property", "name": name, "schema": schema, "writable": True}
            for name, schema in schemas.items()
        ],
    }
    answer = api.post("/models", json=[model])
    assert answer.status_code == 201, answer.text
    assert api.put("/digitaltwins/every", json={"$metadata": {"$model": EVERY}}).is_success
    return "every"


def _set_large(page: Page) -> dict[str, object]:
    """Set what is more than a line of text; return what it is then."""
    for name in LARGE:
        page.get(f"inspector.set.{name}").click()
    page.get("inspector.input.boolean").click()
    page.get("inspector.input.enum").click()
    page.raw.get_by_role("option", name="high").click()
    page.get("inspector.set.object.inner").click()
    page.get("inspector.input.object.inner").fill("within")
    for number, text in enumerate(("3", "5")):
        page.get("inspector.add.array").click()
        page.get(f"inspector.input.array.{number}").fill(text)
    page.get("inspector.new-key.map").fill("north")
    page.get("inspector.add.map").click()
    page.get("inspector.input.map.north").fill("0.5")
    page.get("inspector.input.scaled.scale").fill("2")
    page.get("inspector.input.scaled.value").fill("12.50")
    point = page.get("inspector.geo.point").get_by_role("textbox")
    point.nth(0).fill("13.4")
    point.nth(1).fill("52.5")
    return {
        "boolean": True,
        "enum": 2,
        "object": {"inner": "within"},
        "array": [3, 5],
        "map": {"north": 0.5},
        "scaled": {"value": "12.50", "scale": 2},
        "point": {"type": "Point", "coordinates": [13.4, 52.5]},
    }


def test_story_17_every_schema(page: Page, api: httpx2.Client, every: str) -> None:
    _open(page, every)
    for name, (_, text, _) in TYPED.items():
        page.get(f"inspector.set.{name}").click()
        page.get(f"inspector.input.{name}").fill(text)
    expected = {name: value for name, (_, _, value) in TYPED.items()} | _set_large(page)
    page.check()
    operations = _preview(page)
    assert {each["path"].split("/")[1] for each in operations} == set(NAMES)
    assert {each["op"] for each in operations} == {"add"}
    page.check()
    page.get("inspector.preview-save").click()
    expect(page.get("inspector.bar")).to_have_count(0)
    held = _get(api, every)
    assert {name: held[name] for name in expected} == expected
    assert {held[shape]["type"].lower() for shape in SHAPES} == {each.lower() for each in SHAPES}
    expect(page.get("inspector.input.long")).to_have_value("9223372036854775807")

    for name in NAMES:
        page.get(f"inspector.unset.{name}").click()
    removed = _preview(page)
    assert sorted((each["op"], each["path"]) for each in removed) == sorted(
        ("remove", f"/{name}") for name in NAMES
    )
    page.get("inspector.preview-save").click()
    expect(page.get("inspector.bar")).to_have_count(0)
    assert not set(_get(api, every)) & set(NAMES)
    page.check()


def test_story_18_nothing_else_touched(page: Page, api: httpx2.Client) -> None:
    twin = "room-2-14"
    tags = [{"op": "add", "path": "/tags", "value": {"wing": "north", "tier": "2"}}]
    assert api.patch(f"/digitaltwins/{twin}", json=tags).status_code == 204
    before = _get(api, twin)
    assert len(before["amenities"]) > 1
    _open(page, twin)
    page.get("inspector.input.name").fill("Hazel 2")
    assert _preview(page) == [{"op": "add", "path": "/name", "value": "Hazel 2"}]
    page.get("inspector.preview-save").click()
    expect(page.get("inspector.bar")).to_have_count(0)
    after = _get(api, twin)
    assert after.pop("name") == "Hazel 2"
    del before["name"]
    for document in (before, after):
        del document["$etag"]
        del document["$metadata"]["name"]
        del document["$metadata"]["$lastUpdateTime"]
    assert after == before
    page.check()


def _set_point(api: httpx2.Client, twin: str) -> float:
    value: float = _get(api, twin)["thermostat"]["setPoint"]
    return value


def test_story_19_conflict(page: Page, api: httpx2.Client) -> None:
    twin, path = "room-2-08", "/thermostat/setPoint"
    field, choice = "inspector.input.thermostat.setPoint", "thermostat.setPoint"
    _patch(api, twin, path, 21.0)
    _open(page, twin)
    with page.expect_trouble("412"):
        page.get(field).fill("18.5")
        expect(page.get("inspector.bar")).to_be_visible()
        # At once: what has been read anew meanwhile is no newer version any more.
        _patch(api, twin, "/name", "Renamed meanwhile")
        page.get("inspector.save").click()
        expect(page.get("toast").filter(has_text="Saved over a newer version")).to_be_visible()
        expect(page.get("inspector.name")).to_have_text("Renamed meanwhile")
        expect(page.get("inspector.bar")).to_have_count(0)
        expect(page.get("inspector.conflict")).to_have_count(0)
        assert _set_point(api, twin) == 18.5
        assert _get(api, twin)["name"] == "Renamed meanwhile"

        page.get(field).fill("19.5")
        _patch(api, twin, path, 23.0)
        page.get("inspector.save").click()
        page.get("inspector.conflict").wait_for()
        page.check()
        page.get(f"inspector.conflict.theirs.{choice}").check()
        theirs = _get(api, twin)["$etag"]
        page.get("inspector.conflict.save").click()
        expect(page.get("inspector.bar")).to_have_count(0)
        expect(page.get(field)).to_have_value(re.compile(r"^23(\.0)?$"))
        assert _get(api, twin)["$etag"] == theirs

        page.get(field).fill("17.5")
        _patch(api, twin, path, 24.0)
        page.get("inspector.save").click()
        page.get(f"inspector.conflict.mine.{choice}").check()
        page.get("inspector.conflict.save").click()
        expect(page.get("inspector.bar")).to_have_count(0)
        assert _set_point(api, twin) == 17.5
        expect(page.get(field)).to_have_value("17.5")
    page.check()
