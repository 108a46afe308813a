"""The shapes of api-version 2020-10-31."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from kastor.api.contract.legacy import strip_rows, strip_twin, without_source_times

TIME = "2024-01-01T00:00:00.0000000Z"
ENTRY = {"lastUpdateTime": TIME, "sourceTime": "2024"}
TWIN = {
    "$dtId": "a",
    "$etag": 'W/"x"',
    "size": 1,
    "box": {"sourceTime": "a field", "$lastUpdateTime": 5},
    "part": {"value": 1, "$metadata": {"$lastUpdateTime": TIME, "value": ENTRY}},
    "$metadata": {"$model": "dtmi:a;1", "$lastUpdateTime": TIME, "size": ENTRY},
}
STRIPPED = {
    "$dtId": "a",
    "$etag": 'W/"x"',
    "size": 1,
    "box": {"sourceTime": "a field", "$lastUpdateTime": 5},
    "part": {"value": 1, "$metadata": {"value": {"lastUpdateTime": TIME}}},
    "$metadata": {"$model": "dtmi:a;1", "size": {"lastUpdateTime": TIME}},
}
EDGE = {"$relationshipId": "r", "$sourceId": "a", "note": {"sourceTime": 1}}


def test_a_twin_loses_update_and_source_times_and_nothing_else() -> None:
    assert json.loads(strip_twin(json.dumps(TWIN).encode())) == STRIPPED


def test_a_component_is_stripped_by_itself() -> None:
    text = json.dumps(TWIN["part"]).encode()
    assert json.loads(strip_twin(text)) == STRIPPED["part"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (TWIN, STRIPPED),
        ({"T": TWIN, "n": 1, "R": EDGE}, {"T": STRIPPED, "n": 1, "R": EDGE}),
        (EDGE, EDGE),
        ({"COUNT": 3}, {"COUNT": 3}),
        ({"part": TWIN["part"]}, {"part": STRIPPED["part"]}),
        ({}, {}),
        ({"a": None, "b": [1]}, {"a": None, "b": [1]}),
    ],
)
def test_every_twin_in_a_row_is_stripped(row: dict[str, Any], expected: dict[str, Any]) -> None:
    text = json.dumps([row, row]).encode()
    assert json.loads(strip_rows(text)) == [expected, expected]


def test_source_times_of_a_body_are_dropped_and_the_body_stays_as_it_was() -> None:
    body = copy.deepcopy(TWIN)
    kept = without_source_times(body)
    assert body == TWIN
    assert kept["$metadata"]["size"] == {"lastUpdateTime": TIME}
    assert kept["part"]["$metadata"]["value"] == {"lastUpdateTime": TIME}
    assert kept["box"] == TWIN["box"]


@pytest.mark.parametrize(
    "body",
    [{}, {"$metadata": 5}, {"$metadata": {"a": 5}}, {"part": {"$metadata": None}}, {"a": []}],
)
def test_a_body_that_is_wrong_anyway_passes_as_it_is(body: dict[str, Any]) -> None:
    assert without_source_times(body) == body
