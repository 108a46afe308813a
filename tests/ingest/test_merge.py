"""Many readings of one twin: the last by source time wins, whatever way they come."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from kastor.clock import job_time
from kastor.graph.patch import apply_operation, read_operations
from kastor.ingest.mapping import read_time
from kastor.ingest.merge import Outcome, merge
from kastor.ingest.rules import TwinReading

TICK = 10_000_000
START = 638_000_000_000_000_000


def reading(time: int | None, band: float | None = None, **values: Any) -> TwinReading:
    paths = {tuple(name.split("__")): value for name, value in values.items()}
    bands = {} if band is None else dict.fromkeys(paths, band)
    instant = None if time is None else START + time * TICK
    return TwinReading("t", paths, bands, instant, None, None, None, None)


def twin(**values: Any) -> dict[str, Any]:
    part = {"$metadata": {"$lastUpdateTime": "now"}}
    return {"$dtId": "t", "$metadata": {"$model": "m"}, "part": part, **values}


def applied(document: dict[str, Any], readings: list[TwinReading], floors: Any = None) -> Any:
    """The twin after a merge; its metadata is kept as the server would."""
    merged = merge(document, readings, floors or {})
    for operation in read_operations(merged.operations):
        holder = document
        path = operation.path
        if path[0] == "part":
            holder, path = document["part"], path[1:]
        if path[0] == "$metadata":
            holder["$metadata"].setdefault(path[1], {})
        elif operation.op == "add":
            assert path[0] not in holder or len(path) > 1
        apply_operation(document, operation)
    return merged


def by_time(readings: list[TwinReading]) -> list[TwinReading]:
    return sorted(readings, key=lambda each: each.source_time or 0)


def test_a_value_is_added_then_replaced_with_its_time() -> None:
    document = twin()
    first = applied(document, [reading(1, a=1)])
    assert [(each["op"], each["path"]) for each in first.operations] == [
        ("add", "/a"),
        ("add", "/$metadata/a/sourceTime"),
    ]
    assert first.operations[1]["value"] == job_time(START + TICK)
    second = applied(document, [reading(2, a=2)])
    assert [each["op"] for each in second.operations] == ["replace", "replace"]
    assert document["a"] == 2


def test_components_have_times_of_their_own() -> None:
    document = twin()
    merged = applied(document, [reading(1, part__a=1, a=2)])
    assert [each["path"] for each in merged.operations] == [
        "/part/a",
        "/a",
        "/part/$metadata/a/sourceTime",
        "/$metadata/a/sourceTime",
    ]


def test_older_is_stale_and_the_same_again_too() -> None:
    document = twin()
    applied(document, [reading(5, a=1)])
    merged = applied(document, [reading(4, a=9), reading(5, a=1)])
    assert merged.outcomes == (Outcome.STALE, Outcome.STALE)
    assert merged.operations == ()
    assert applied(document, [reading(5, a=2)]).outcomes == (Outcome.WRITTEN,)
    assert applied(document, [reading(5, a=True)]).outcomes == (Outcome.WRITTEN,)


def test_without_a_time_it_is_written_as_it_comes() -> None:
    document = twin()
    applied(document, [reading(5, a=1)])
    merged = applied(document, [reading(None, a=2)])
    assert [each["path"] for each in merged.operations] == ["/a"]


def test_a_burst_is_one_patch_of_the_last_values() -> None:
    document = twin()
    merged = applied(document, [reading(1, a=1, b=1), reading(2, a=2), reading(3, a=3, c=1)])
    assert merged.outcomes == (Outcome.WRITTEN, Outcome.MERGED, Outcome.WRITTEN)
    assert (document["a"], document["b"], document["c"]) == (3, 1, 1)


def test_deadband_keeps_back_small_changes_and_remembers_when() -> None:
    document = twin(a=20.0)
    merged = applied(document, [reading(2, 0.5, a=20.4)])
    assert (merged.outcomes, merged.operations) == ((Outcome.DEADBAND,), ())
    assert merged.unwritten == {("a",): START + 2 * TICK}
    late = applied(document, [reading(1, 0.5, a=25)], merged.unwritten)
    assert late.outcomes == (Outcome.STALE,)
    assert applied(document, [reading(3, 0.5, a=20.5)]).outcomes == (Outcome.WRITTEN,)
    assert applied(document, [reading(4, 0.5, a="text")]).outcomes == (Outcome.WRITTEN,)
    assert applied(twin(), [reading(4, 0.5, a=0)]).outcomes == (Outcome.WRITTEN,)


def test_a_property_written_in_parts_has_the_latest_of_their_times() -> None:
    document = twin(a={"x": 1, "y": 1})
    merged = applied(document, [reading(1, a__x=2), reading(3, a__y=3)])
    assert document["a"] == {"x": 2, "y": 3}
    assert merged.operations[-1] == {
        "op": "replace" if len(merged.operations) > 3 else "add",
        "path": "/$metadata/a/sourceTime",
        "value": job_time(START + 3 * TICK),
    }


READINGS = st.lists(
    st.builds(
        lambda time, values: reading(time, **values),
        st.integers(0, 20),
        st.dictionaries(
            st.sampled_from(["a", "b", "part__a"]), st.integers(0, 9), min_size=1, max_size=3
        ),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda each: each.source_time,
)


def values_of(document: dict[str, Any]) -> dict[str, Any]:
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    result: dict[str, Any] = orjson.loads(text)
    return result


@given(READINGS, st.lists(st.integers(0, 11), max_size=4), st.randoms())
def test_order_and_grouping_of_arrival_change_nothing(
    readings: list[TwinReading], cuts: list[int], random: Any
) -> None:
    in_order = twin()
    for each in by_time(readings):
        applied(in_order, [each])
    shuffled = readings[:]
    random.shuffle(shuffled)
    as_it_came = twin()
    bounds = sorted({0, len(shuffled), *(cut for cut in cuts if cut < len(shuffled))})
    for start, end in pairwise(bounds):
        merged = applied(as_it_came, by_time(shuffled[start:end]))
        assert len(merged.outcomes) == end - start
    assert values_of(as_it_came) == values_of(in_order)


@given(READINGS)
def test_the_stored_time_is_the_latest_of_each_value(readings: list[TwinReading]) -> None:
    document = twin()
    applied(document, by_time(readings))
    for name in ("a", "b"):
        times = [each.source_time for each in readings if (name,) in each.values]
        if times:
            assert read_time(document["$metadata"][name]["sourceTime"]) == max(times)
