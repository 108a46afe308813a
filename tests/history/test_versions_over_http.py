"""History and series of one twin or relationship over sockets, against plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from statistics import fmean
from typing import Any

import pytest

from kastor.clock import TICKS_PER_SECOND, from_iso, twin_time
from tests.contract.client import Api, assert_error, assert_json, op
from tests.store.graphs import ROOM_MODEL, THERMOSTAT_MODEL, room

from .wire import apply_patch, newest, patch, remove

HISTORY = "/kastor/v1/digitaltwins/{}/history"
SERIES = "/kastor/v1/digitaltwins/a/series?path=/temperature"
HOUR = 3_600 * TICKS_PER_SECOND


@pytest.fixture
def graph(api: Api) -> Api:
    api.add_models(THERMOSTAT_MODEL, ROOM_MODEL)
    return api


def ticks(text: str) -> int:
    found = from_iso(text)
    assert found is not None
    return found


def all_of(api: Api, path: str) -> list[dict[str, Any]]:
    """The items of all pages, by their links."""
    page = assert_json(api.get(path))
    found: list[dict[str, Any]] = page["value"]
    while page["nextLink"] is not None:
        page = assert_json(api.follow(page["nextLink"]))
        assert page["value"]
        found += page["value"]
    return found


def lived(api: Api) -> list[dict[str, Any] | None]:
    """The documents of `a`, one after another; None where it was deleted."""
    seen: list[dict[str, Any] | None] = [
        api.add_twin("a", room(temperature=1, name="x/y~z", labels={"a/b": "1", "c~d": "2"}))
    ]
    for operations in (
        [op("replace", "/temperature", 1)],
        [op("remove", "/name"), op("add", "/labels/e", "3")],
        [op("remove", "/labels/a~1b"), op("replace", "/labels/c~0d", "4")],
        [op("add", "/thermostat/setPoint", 2.5)],
    ):
        patch(api, "/digitaltwins/a", *operations)
        seen.append(api.twin("a"))
    patch(api, "/digitaltwins/a/components/thermostat", op("replace", "/setPoint", -0.5))
    seen.append(api.twin("a"))
    remove(api, "/digitaltwins/a")
    seen.append(None)
    seen.append(api.add_twin("a", room(name="again")))
    operations = [
        {"op": "patch", "kind": "twin", "id": "a", "body": [op("add", "/temperature", n)]}
        for n in (7, 8)
    ]
    batch = api.post("/kastor/v1/batch", {"atomic": True, "operations": operations})
    assert batch.status_code == 200, batch.text
    newer = api.twin("a")
    older = assert_json(api.get(f"/digitaltwins/a?asOf=change:{newest(api) - 1}"))
    assert older["temperature"] == 7
    seen += [older, newer]
    remove(api, "/digitaltwins/a")
    seen.append(None)
    return seen


def test_history_has_every_version_and_every_deletion_in_order(graph: Api) -> None:
    seen = lived(graph)
    entries = all_of(graph, HISTORY.format("a"))
    assert [each["version"] for each in entries] == list(range(1, len(seen) + 1))
    assert [each.get("document") for each in entries] == seen
    assert [each.get("deleted", False) for each in entries] == [each is None for each in seen]
    assert all({"version", "change", "from", "actor"} <= set(each) for each in entries)
    changes = [each["change"] for each in entries]
    assert changes == sorted(set(changes))
    ends = [each.get("to") for each in entries]
    assert ends == [*(each["from"] for each in entries[1:]), None]
    for each in entries:
        answer = graph.get(f"/digitaltwins/a?asOf=change:{each['change']}")
        if each.get("deleted"):
            assert_error(answer, 404, "DigitalTwinNotFound")
        else:
            assert assert_json(answer) == each["document"]
            times = each["document"]["$metadata"]["$lastUpdateTime"]
            assert times == each["from"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("form", ["document", "patch"])
def test_pages_of_history_are_what_the_whole_is(graph: Api, order: str, form: str) -> None:
    lived(graph)
    path = f"{HISTORY.format('a')}?as={form}"
    whole = all_of(graph, path)
    for limit in (1, 3):
        found = all_of(graph, f"{path}&order={order}&limit={limit}")
        assert found == (whole if order == "asc" else whole[::-1])


def test_patches_make_every_document_from_the_one_before(graph: Api) -> None:
    seen = lived(graph)
    entries = all_of(graph, f"{HISTORY.format('a')}?as=patch&limit=4")
    document: Any = {}
    for entry, wanted in zip(entries, seen, strict=True):
        if wanted is None:
            assert entry["deleted"] is True
            assert not {"patch", "document"} & set(entry)
            document = {}
        else:
            document = apply_patch(document, entry["patch"])
            assert document == wanted


def test_history_between_two_instants_includes_both(graph: Api) -> None:
    lived(graph)
    whole = all_of(graph, HISTORY.format("a"))
    for first, last in ((0, 0), (1, 4), (3, len(whole) - 1)):
        between = whole[first : last + 1]
        for begin, end in (
            (between[0]["from"], between[-1]["from"]),
            (f"change:{between[0]['change']}", f"change:{between[-1]['change']}"),
        ):
            found = all_of(graph, f"{HISTORY.format('a')}?from={begin}&to={end}")
            assert found == between, (begin, end)


def test_a_relationship_has_a_history_of_its_own(graph: Api) -> None:
    for each in "ab":
        graph.add_twin(each, room())
    seen: list[Any] = [graph.relate("a", "r", "b", "nextTo", door="open")]
    patch(graph, "/digitaltwins/a/relationships/r", op("replace", "/door", "shut"))
    seen.append(graph.get("/digitaltwins/a/relationships/r").json())
    remove(graph, "/digitaltwins/a/relationships/r")
    seen.append(None)
    seen.append(graph.relate("a", "r", "b", "above"))
    path = "/kastor/v1/digitaltwins/a/relationships/r/history"
    assert [each.get("document") for each in all_of(graph, path)] == seen
    document: Any = {}
    for entry, wanted in zip(all_of(graph, f"{path}?as=patch"), seen, strict=True):
        document = {} if wanted is None else apply_patch(document, entry["patch"])
        assert document == (wanted or {})


@pytest.mark.parametrize(
    "query", ["as=diff", "order=up", "limit=0", "limit=1001", "from=yesterday", "form=1"]
)
def test_what_history_does_not_take_is_refused(graph: Api, query: str) -> None:
    graph.add_twin("a", room())
    assert_error(graph.get(f"{HISTORY.format('a')}?{query}"), 400, "InvalidArgument")


def test_what_never_was_has_no_history(graph: Api) -> None:
    assert_error(graph.get(HISTORY.format("never")), 404, "DigitalTwinNotFound")


def measured(api: Api, number: int, seed: int) -> list[tuple[int, int, Any]]:
    """Values of `a`: (time of the change, of the source, value), in order of the changes."""
    draw = random.Random(seed)
    begin = ticks("2026-03-01T00:00:00Z")
    api.add_twin("a", room())
    found = []
    for _ in range(number):
        source = begin + draw.randrange(6 * HOUR)
        value = draw.choice((draw.randrange(5), round(draw.uniform(-5, 5), 3), 3))
        operations = [
            op("add", "/temperature", value),
            op("add", "/$metadata/temperature/sourceTime", twin_time(source)),
        ]
        patch(api, "/digitaltwins/a", *operations)
        time = api.twin("a")["$metadata"]["temperature"]["lastUpdateTime"]
        found.append((ticks(time), source, value))
    return found


def buckets(points: list[tuple[int, Any]], width: int) -> list[dict[str, Any]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for time, value in sorted(points, key=lambda each: each[0]):
        grouped[time - time % width].append(value)
    return [
        {
            "from": twin_time(start),
            "to": twin_time(start + width),
            "avg": pytest.approx(fmean(values)),
            "min": min(values),
            "max": max(values),
            "last": values[-1],
            "count": len(values),
        }
        for start, values in sorted(grouped.items())
    ]


def test_a_series_has_each_value_that_was_written(graph: Api) -> None:
    values = measured(graph, 25, 1)
    body = assert_json(graph.get(SERIES))
    assert body["path"] == "/temperature"
    wanted = [{"time": twin_time(time), "value": value} for time, _, value in values]
    assert body["value"] == wanted
    assert all_of(graph, f"{SERIES}&limit=4") == wanted
    by_source = sorted(((source, value) for _, source, value in values), key=lambda each: each[0])
    sources = [{"time": twin_time(time), "value": value} for time, value in by_source]
    assert all_of(graph, f"{SERIES}&time=source&limit=7") == sources
    begin, end = wanted[5]["time"], wanted[9]["time"]
    assert all_of(graph, f"{SERIES}&from={begin}&to={end}") == wanted[5:10]


def test_buckets_tell_what_plain_arithmetic_does(graph: Api) -> None:
    values = measured(graph, 40, 2)
    by_change = [(time, value) for time, _, value in values]
    by_source = [(source, value) for _, source, value in values]
    for bucket, width in (("20ms", TICKS_PER_SECOND // 50), ("1h", HOUR)):
        found = all_of(graph, f"{SERIES}&bucket={bucket}&limit=3")
        assert found == buckets(by_change, width)
    found = all_of(graph, f"{SERIES}&bucket=1h&time=source&limit=2")
    assert found == buckets(by_source, HOUR)
    some = all_of(graph, f"{SERIES}&bucket=30m&time=source&agg=max,count")
    members = ("from", "to", "max", "count")
    wanted = [{name: each[name] for name in members} for each in buckets(by_source, HOUR // 2)]
    assert some == wanted


def test_a_series_goes_on_over_removals_deletions_and_recreations(graph: Api) -> None:
    graph.add_twin("a", room(temperature=1))
    patch(graph, "/digitaltwins/a", op("add", "/name", "x"))
    patch(graph, "/digitaltwins/a", op("remove", "/temperature"))
    patch(graph, "/digitaltwins/a", op("add", "/temperature", 2))
    remove(graph, "/digitaltwins/a")
    graph.add_twin("a", room(temperature=3))
    remove(graph, "/digitaltwins/a")
    assert [each["value"] for each in all_of(graph, SERIES)] == [1, 2, 3]


@pytest.mark.parametrize(
    "query",
    ["bucket=0s", "bucket=1x", "bucket=1h&agg=median", "time=now", "limit=0", "agg=avg"],
)
def test_what_a_series_does_not_take_is_refused(graph: Api, query: str) -> None:
    graph.add_twin("a", room())
    assert_error(graph.get(f"{SERIES}&{query}"), 400, "InvalidArgument")
