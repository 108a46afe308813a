"""Patches between two documents, and the form in which documents are compared."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kastor.moving.migration.canonical import body_of, digest
from kastor.moving.migration.patches import patch_between
from kastor.moving.writing.spread import PER_SECOND, TwinSpread

VALUES = some.one_of(
    some.booleans(),
    some.integers(-3, 3),
    some.sampled_from([0.5, 1.0, "", "a", "~/"]),
    some.lists(some.integers(0, 2), max_size=2),
    some.dictionaries(some.sampled_from("ab~/"), some.integers(0, 1), min_size=1, max_size=2),
)
NAMES = some.sampled_from(["size", "label", "a~b", "c/d"])
TIMES = some.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])


@some.composite
def bodies(draw: some.DrawFn, *, component: bool = True) -> dict[str, Any]:
    """Bodies of twins, with times of some of their properties and a component."""
    values = draw(some.dictionaries(NAMES, VALUES, max_size=3))
    timed = draw(some.sets(some.sampled_from(sorted(values)))) if values else ()
    metadata: dict[str, Any] = {name: {"sourceTime": draw(TIMES)} for name in sorted(timed)}
    if component:
        part = draw(bodies(component=False))
        return {**values, "part": part, "$metadata": {"$model": "dtmi:a;1", **metadata}}
    return {**values, "$metadata": metadata}


@given(bodies(), bodies())
def test_a_patch_makes_of_one_what_the_other_is(one: dict[str, Any], other: dict[str, Any]) -> None:
    patch = patch_between(one, other)
    if patch is None:
        assert _loses_a_time(one, other) or _loses_a_time(one["part"], other["part"])
        return
    made = deepcopy(one)
    for each in patch:
        _apply(made, each)
    assert digest(body_of(made)) == digest(body_of(other))
    assert bool(patch) == (digest(one) != digest(other)) or _differs_in_form(one, other)


def _loses_a_time(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a property stays without the time that it had, which no patch does."""
    return any(
        name in other and name not in other["$metadata"] for name in one["$metadata"]
    )  # fmt: skip


def _differs_in_form(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(patch_between(one, other)) and digest(one) == digest(other)  # 1 and 1.0


def _apply(document: dict[str, Any], operation: dict[str, Any]) -> None:
    """An operation of a patch, with what a server does to the times of what is removed."""
    *way, last = [
        each.replace("~1", "/").replace("~0", "~") for each in operation["path"].split("/")[1:]
    ]
    place = document
    for each in way:
        place = place.setdefault(each, {})
    if operation["op"] == "remove":
        del place[last]
        place["$metadata"].pop(last, None)
    else:
        assert (operation["op"] == "add") == (last not in place) or "$metadata" in way
        place[last] = operation["value"]


def test_other_ends_and_another_model_are_no_patch() -> None:
    one = {"$relationshipName": "next", "$targetId": "a", "metres": 1}
    assert patch_between(one, {**one, "$targetId": "b"}) is None
    assert patch_between(one, {**one, "$relationshipName": "other"}) is None
    assert patch_between(one, {**one, "metres": 2}) == [
        {"op": "replace", "path": "/metres", "value": 2}
    ]
    twin = {"$metadata": {"$model": "dtmi:a;1"}}
    assert patch_between(twin, {"$metadata": {"$model": "dtmi:a;2"}}) is None


def test_what_a_server_adds_is_not_compared_and_what_people_wrote_is() -> None:
    stored = {
        "$dtId": "t",
        "$etag": 'W/"1"',
        "size": 1.0,
        "flag": True,
        "nothing": None,
        "part": {"$metadata": {"$lastUpdateTime": "x", "s": {"lastUpdateTime": "x"}}, "s": "on"},
        "$metadata": {
            "$model": "dtmi:a;1",
            "$lastUpdateTime": "x",
            "size": {"lastUpdateTime": "x", "sourceTime": "y"},
            "flag": {"lastUpdateTime": "x", "sourceTime": None},
        },
    }
    said = {
        "$metadata": {"size": {"sourceTime": "y"}, "$model": "dtmi:a;1"},
        "part": {"s": "on", "$metadata": {}},
        "flag": True,
        "size": 1,
    }
    assert digest(body_of(stored)) == digest(said)
    assert body_of(stored)["size"] == 1.0
    for name, value in (("size", 2), ("flag", 1), ("part", {"$metadata": {}, "s": "off"})):
        assert digest({**said, name: value}) != digest(said)
    assert body_of(stored, {"part": 0, "more": 0})["more"] == {"$metadata": {}}
    assert digest({"a": 2**53 + 1}) != digest({"a": float(2**53)})


def test_writes_of_one_twin_are_spread_once_a_server_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, waits = [0.0], list[float]()

    async def go() -> None:
        spread = TwinSpread(lambda: now[0])
        for _ in range(20):
            await spread.turn("hub")
        assert not waits
        now[0] += 100
        spread.begin()
        for _ in range(20):
            await spread.turn("hub")
        await spread.turn("other")

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(go())
    assert len([each for each in waits if each > 0.001]) == 15
    assert max(waits) == pytest.approx((20 - 5) / PER_SECOND)
