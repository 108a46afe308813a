"""Series of one property: values as they were written, and what buckets of time hold of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from .client import assert_error, assert_json, seg
from .models import C, K, M, building, interface, map_of, prop, with_component
from .past import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .client import Api

SERIES = "/kastor/v1/digitaltwins/T/series"
PATH = "path=/AverageTemperature"
VALUES = [20.5, 21, 21, 19.25, -3]


@pytest.fixture
def measured(api: Api) -> Api:
    """A twin whose temperature was written five times, its unit in between."""
    api.add_models(M)
    api.add_twin("T", building(AverageTemperature=VALUES[0]))
    for number, value in enumerate(VALUES[1:]):
        write(api, "T", TemperatureUnit=f"unit {number}")
        write(api, "T", AverageTemperature=value)
    return api


def series(api: Api, query: str, path: str = SERIES) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    response = api.get(f"{path}?{query}")
    while True:
        page = assert_json(response)
        assert set(page) == {"path", "value", "nextLink"}
        found += page["value"]
        if page["nextLink"] is None:
            return found
        response = api.follow(page["nextLink"])


def history(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = assert_json(api.get("/kastor/v1/digitaltwins/T/history"))["value"]
    return found


def at(time: str) -> datetime:
    return datetime.fromisoformat(time)


def test_each_write_of_the_property_is_a_value(measured: Api) -> None:
    found = series(measured, PATH)
    assert [each["value"] for each in found] == VALUES
    written = [
        each["from"]
        for each in history(measured)
        if each["document"]["$metadata"]["AverageTemperature"]["lastUpdateTime"] == each["from"]
    ]
    assert [each["time"] for each in found] == written
    assert series(measured, PATH.replace("/", "")) == found
    for limit in (1, 2, 5):
        assert series(measured, f"{PATH}&limit={limit}") == found


def test_a_range_cuts_it_and_what_stood_before_is_no_value(measured: Api) -> None:
    found = series(measured, PATH)
    some = series(measured, f"{PATH}&from={found[1]['time']}&to={found[3]['time']}")
    assert some == found[1:4]
    entries = history(measured)
    assert series(measured, f"{PATH}&from=change:{entries[1]['change']}") == found[1:]
    assert series(measured, f"{PATH}&to=change:{entries[1]['change']}") == found[:1]


def test_what_was_removed_or_deleted_has_no_value(measured: Api) -> None:
    write(measured, "T", AverageTemperature=None)
    assert measured.delete("/digitaltwins/T").status_code == 204
    measured.add_twin("T", building(AverageTemperature=-3))
    assert [each["value"] for each in series(measured, PATH)] == [*VALUES, -3]
    assert series(measured, "path=/Nothing") == []
    assert_error(
        measured.get("/kastor/v1/digitaltwins/no/series?path=/a"), 404, "DigitalTwinNotFound"
    )


def test_buckets_hold_what_was_written_in_them(measured: Api) -> None:
    values = series(measured, PATH)
    for width, seconds in (("1ms", 0.001), ("20ms", 0.02), ("1h", 3600), ("7d", 7 * 86_400)):
        found = series(measured, f"{PATH}&bucket={width}")
        inside = [
            [each for each in values if bucket["from"] <= each["time"] < bucket["to"]]
            for bucket in found
        ]
        assert sum(map(len, inside)) == len(values)
        for bucket, points in zip(found, inside, strict=True):
            numbers = [each["value"] for each in points]
            assert bucket["count"] == len(numbers)
            assert bucket["avg"] == pytest.approx(fmean(numbers))
            assert (bucket["min"], bucket["max"]) == (min(numbers), max(numbers))
            assert bucket["last"] == numbers[-1]
            length = at(bucket["to"][:26]) - at(bucket["from"][:26])
            assert length == timedelta(seconds=seconds)
        for limit in (1, 2):
            assert series(measured, f"{PATH}&bucket={width}&limit={limit}") == found
    day = at(series(measured, f"{PATH}&bucket=7d")[0]["from"][:26] + "+00:00")
    assert (day.weekday(), day.hour, day.minute) == (0, 0, 0)


def test_only_the_aggregates_that_are_asked_for_are_told(measured: Api) -> None:
    (bucket,) = series(measured, f"{PATH}&bucket=100d&agg=count,last")
    assert set(bucket) == {"from", "to", "last", "count"}
    texts = series(measured, "path=/TemperatureUnit&bucket=100d")
    assert texts[0]["avg"] is texts[0]["min"] is texts[0]["max"] is None
    assert (texts[0]["last"], texts[0]["count"]) == ("unit 3", 4)


def test_components_maps_and_relationships_have_series(api: Api) -> None:
    api.add_models(C, K, M, interface("dtmi:t:Mapped;1", prop("m", map_of("double"))))
    api.add_twin("K1", with_component(ComponentProp1="old"))
    step = [{"op": "replace", "path": "/ComponentProp1", "value": "new"}]
    for _ in range(2):
        assert api.patch("/digitaltwins/K1/components/Component1", step).status_code == 204
    path = "/kastor/v1/digitaltwins/K1/series"
    found = series(api, "path=/Component1/ComponentProp1", path)
    assert [each["value"] for each in found] == ["old", "new", "new"]
    mapped = {"$metadata": {"$model": "dtmi:t:Mapped;1"}, "m": {"a/b": 1}}
    api.add_twin("M1", mapped)
    replace = [{"op": "replace", "path": "/m/a~1b", "value": 2}]
    assert api.patch("/digitaltwins/M1", replace).status_code == 204
    found = series(api, f"path={seg('/m/a~1b')}", "/kastor/v1/digitaltwins/M1/series")
    assert [each["value"] for each in found] == [1, 2]
    api.add_twin("A", building())
    api.add_twin("B", building())
    api.relate("A", "r", "B", isAccessRestricted=True)
    for value in (True, False):
        patch = [{"op": "replace", "path": "/isAccessRestricted", "value": value}]
        assert api.patch("/digitaltwins/A/relationships/r", patch).status_code == 204
    relationship = "/kastor/v1/digitaltwins/A/relationships/r/series"
    found = series(api, "path=/isAccessRestricted", relationship)
    assert [each["value"] for each in found] == [True, False]


def test_the_time_of_the_source_may_count(api: Api) -> None:
    api.add_models(M)
    api.add_twin("T", building())
    begin = datetime.now(UTC) - timedelta(hours=6)
    minutes = [30, 10, 20, 200, 70]
    for number, minute in enumerate(minutes):
        time = (begin + timedelta(minutes=minute)).isoformat()
        steps = [
            {"op": "add", "path": "/AverageTemperature", "value": number},
            {"op": "add", "path": "/$metadata/AverageTemperature/sourceTime", "value": time},
        ]
        assert api.patch("/digitaltwins/T", steps).status_code == 204
    by_source = f"{PATH}&time=source"
    found = series(api, by_source)
    assert [each["value"] for each in found] == [1, 2, 0, 4, 3]
    assert [each["time"][:26] for each in found] == [
        (begin + timedelta(minutes=each)).strftime("%Y-%m-%dT%H:%M:%S.%f")
        for each in sorted(minutes)
    ]
    assert [each["value"] for each in series(api, PATH)] == [0, 1, 2, 3, 4]
    for limit in (1, 2):
        assert series(api, f"{by_source}&limit={limit}") == found
    some = f"{by_source}&from={found[1]['time']}&to={found[3]['time']}"
    assert series(api, some) == found[1:4]
    buckets = series(api, f"{by_source}&bucket=1m&agg=last,count")
    assert [each["last"] for each in buckets] == [1, 2, 0, 4, 3]
    assert series(api, f"{by_source}&bucket=1m&agg=last,count&limit=2") == buckets


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "path is missing"),
        ("path=/a&bucket=1y", "ms, s, m, h or d"),
        ("path=/a&bucket=0h", "ms, s, m, h or d"),
        ("path=/a&bucket=999999999d", "ms, s, m, h or d"),
        ("path=/a&bucket=1h&agg=median", "avg, min, max, last, count"),
        ("path=/a&agg=avg", "give bucket too"),
        ("path=/a&time=now", "time is change or source"),
        ("path=/a&component=c", "is of telemetry"),
        ("path=/a&telemetry=yes", "telemetry is false or true"),
        ("path=/a&limit=10001", "from 1 to 10000"),
        ("path=" + "/a" * 70, "deeper than"),
        ("path=/a&from=2999-01-01T00:00:00Z", "future"),
    ],
)
def test_what_cannot_be_asked_is_refused(measured: Api, query: str, said: str) -> None:
    assert_error(measured.get(f"{SERIES}?{query}"), 400, "InvalidArgument", said)


@pytest.fixture
def keeping(measured: Api) -> Iterator[Api]:
    """The graph keeps telemetry."""
    settings = "/kastor/v1/history"
    kept = measured.put(settings, {"telemetry": {"seconds": 86_400}})
    assert kept.status_code == 200, kept.text
    yield measured
    assert measured.put(settings, {}).status_code == 200


def send(api: Api, message: Any, path: str = "T", **headers: str) -> None:
    headers = {"Message-Id": uuid4().hex, **headers}
    response = api.post(f"/digitaltwins/{path}/telemetry", message, headers=headers)
    assert response.status_code == 204, response.text


def test_kept_telemetry_has_series(keeping: Api) -> None:
    for watts in (5, 7.5, "none"):
        send(keeping, {"power": {"watts": watts}, "phase": ["a", watts]})
    send(keeping, {"other": 1})
    send(keeping, [1, 2])
    found = series(keeping, "telemetry=true&path=/power/watts")
    assert [each["value"] for each in found] == [5, 7.5, "none"]
    for limit in (1, 2):
        assert series(keeping, f"telemetry=true&path=/power/watts&limit={limit}") == found
    assert [each["value"] for each in series(keeping, "telemetry=true&path=/phase/1")] == [
        *(5, 7.5, "none")
    ]
    whole = series(keeping, "telemetry=true")
    assert [each["value"] for each in whole][3:] == [{"other": 1}, [1, 2]]
    (bucket,) = series(keeping, "telemetry=true&path=/power/watts&bucket=100d")
    assert [bucket[name] for name in ("avg", "min", "max", "last", "count")] == [
        *(6.25, 5, 7.5, "none", 3)
    ]
    some = f"telemetry=true&path=/power/watts&from={found[1]['time']}&to={found[1]['time']}"
    assert series(keeping, some) == found[1:2]
    assert keeping.delete("/digitaltwins/T").status_code == 204
    assert series(keeping, "telemetry=true&path=/power/watts") == found


def test_telemetry_of_components_and_by_the_time_of_its_source(keeping: Api) -> None:
    keeping.add_models(C, K)
    keeping.add_twin("K1", with_component(ComponentProp1="x"))
    begin = datetime.now(UTC) - timedelta(hours=3)
    for number, minute in enumerate((30, 10, 20)):
        time = (begin + timedelta(minutes=minute)).isoformat()
        message = {"n": number}
        send(keeping, message, "K1/components/Component1", **{"Telemetry-Source-Time": time})
    path = "/kastor/v1/digitaltwins/K1/series"
    of_component = "telemetry=true&component=Component1&path=n"
    assert [each["value"] for each in series(keeping, of_component, path)] == [0, 1, 2]
    found = series(keeping, f"{of_component}&time=source", path)
    assert [each["value"] for each in found] == [1, 2, 0]
    assert series(keeping, f"{of_component}&time=source&limit=1", path) == found
    assert series(keeping, "telemetry=true&path=n", path) == []
    refused = keeping.get("/kastor/v1/digitaltwins/A/relationships/r/series?telemetry=true")
    assert_error(refused, 400, "InvalidArgument", "telemetry")
