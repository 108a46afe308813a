"""The order of models: needs first, cycles together, requests within bounds."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kastor.moving.model_order import UploadBounds, in_order, levels, portions

FREE = UploadBounds(1_000, 10**9, 10**9)


def model(name: str, *, extends: object = (), parts: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;3",
        "extends": extends,
        "contents": [
            {"@type": "Component", "name": f"p{at}", "schema": part}
            for at, part in enumerate(parts)
        ],
    }


def ids(groups: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[each["@id"] for each in group] for group in groups]


def test_what_a_model_needs_comes_first() -> None:
    models = [
        model("dtmi:c;1", extends=["dtmi:b;1"]),
        model("dtmi:b;1", parts=("dtmi:a;1",)),
        model("dtmi:a;1"),
    ]
    assert ids(in_order(models)) == [["dtmi:a;1"], ["dtmi:b;1"], ["dtmi:c;1"]]
    assert levels(models) == [["dtmi:c;1"], ["dtmi:b;1"], ["dtmi:a;1"]]


def test_what_is_not_among_them_and_targets_of_relationships_count_for_nothing() -> None:
    first = model("dtmi:a;1", extends="dtmi:elsewhere;1")
    first["contents"] = [
        {"@type": "Relationship", "name": "to", "target": "dtmi:b;1"},
        {"@type": "Relationship", "name": "r", "dtmi:dtdl:property:target;2": "dtmi:b;1"},
    ]
    assert ids(in_order([first, model("dtmi:b;1")])) == [["dtmi:a;1"], ["dtmi:b;1"]]


def test_a_schema_that_another_model_defines_comes_first() -> None:
    user = model("dtmi:a;1")
    user["contents"] = [
        {
            "@type": "Property",
            "name": "p",
            "schema": {"@type": "Array", "elementSchema": "dtmi:s;1"},
        }
    ]
    owner = model("dtmi:b;1")
    owner["schemas"] = [{"@id": "dtmi:s;1", "@type": "Enum", "valueSchema": "string"}]
    assert ids(in_order([user, owner])) == [["dtmi:b;1"], ["dtmi:a;1"]]
    assert levels([user, owner]) == [["dtmi:a;1"], ["dtmi:b;1"]]


def test_models_that_need_each_other_stay_together() -> None:
    models = [
        model("dtmi:user;1", extends="dtmi:a;1"),
        model("dtmi:a;1", parts=("dtmi:b;1",)),
        model("dtmi:b;1", extends="dtmi:c;1"),
        model("dtmi:c;1", parts=("dtmi:a;1", "dtmi:base;1")),
        model("dtmi:base;1"),
    ]
    first, cycle, last = ids(in_order(models))
    assert (first, last) == (["dtmi:base;1"], ["dtmi:user;1"])
    assert sorted(cycle) == ["dtmi:a;1", "dtmi:b;1", "dtmi:c;1"]
    two = UploadBounds(2, 10**9, 10**9)
    assert [len(each) for each in portions(in_order(models), two)] == [1, 3, 1]
    assert [sorted(each) for each in levels(models)] == [
        ["dtmi:user;1"],
        ["dtmi:a;1", "dtmi:b;1", "dtmi:c;1"],
        ["dtmi:base;1"],
    ]


def test_a_chain_that_is_deeper_than_any_stack() -> None:
    chain = [model("dtmi:m0;1")]
    chain += [model(f"dtmi:m{at};1", extends=f"dtmi:m{at - 1};1") for at in range(1, 5_000)]
    shuffled = random.Random(1).sample(chain, len(chain))
    assert [each for (each,) in in_order(shuffled)] == chain
    assert len(levels(shuffled)) == 5_000


@pytest.mark.parametrize(
    ("bounds", "requests"),
    [
        (UploadBounds(4, 10**9, 10**9), [4, 4, 2]),
        (UploadBounds(100, 430, 10**9), [4, 4, 2]),
        (UploadBounds(100, 10**9, 35), [4, 4, 2]),
        (UploadBounds(100, 1, 10**9), [1] * 10),
        (FREE, [10]),
    ],
)
def test_requests_keep_to_bounds(bounds: UploadBounds, requests: list[int]) -> None:
    models = [model(f"dtmi:m{at};1") for at in range(10)]
    found = list(portions(in_order(models), bounds))
    assert [len(each) for each in found] == requests
    assert [each for request in found for each in request] == models


def test_nothing_is_no_request() -> None:
    assert list(portions(in_order([]), FREE)) == []
    assert levels([]) == []
