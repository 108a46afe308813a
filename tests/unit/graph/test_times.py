"""Which times move at which write, in generated sequences of patches."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kastor.errors import JsonPatchInvalid, ValidationFailed

from .times_model import PatchRefusedError, ResultRefusedError, TimesModel
from .world import ROOM, World, room

TEXTS = st.sampled_from(["", "a", "b"])
NUMBERS = st.integers(-2, 2)
BOXES = st.fixed_dictionaries({}, optional={"a": NUMBERS, "b": NUMBERS})
SENSORS = st.fixed_dictionaries({}, optional={"value": NUMBERS, "label": TEXTS})
SOURCE_TIMES = st.sampled_from(["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.123456789+02:00"])
OPS = st.sampled_from(["add", "replace", "remove"])
_PROPERTIES = {
    "name": TEXTS,
    "size": NUMBERS,
    "box": BOXES,
    "tags": st.dictionaries(st.sampled_from(["x", "y"]), NUMBERS, max_size=2),
    "row": st.lists(NUMBERS, max_size=2),
}
_PLACES: dict[str, Any] = {
    **{f"/{name}": values for name, values in _PROPERTIES.items()},
    "/box/a": NUMBERS,
    "/tags/x": NUMBERS,
    "/row/0": NUMBERS,
    "/row/-": NUMBERS,
    "/inside": SENSORS.map(lambda value: {"$metadata": {}, **value}),
    "/inside/value": NUMBERS,
    "/inside/label": TEXTS,
    "/inside/range": st.just({"low": 1}),
    "/inside/range/high": NUMBERS,
    "/outside/value": NUMBERS,
    "/$metadata/name/sourceTime": SOURCE_TIMES,
    "/$metadata/box/sourceTime": SOURCE_TIMES,
    "/inside/$metadata/value/sourceTime": SOURCE_TIMES,
}


@st.composite
def _operations(draw: st.DrawFn) -> dict[str, Any]:
    path = draw(st.sampled_from(sorted(_PLACES)))
    operation = {"op": draw(OPS), "path": path}
    if operation["op"] != "remove":
        operation["value"] = draw(_PLACES[path])
    return operation


PATCHES = st.lists(st.lists(_operations(), max_size=4), max_size=6)
TWINS = st.fixed_dictionaries({}, optional={**_PROPERTIES, "inside": SENSORS})


def _body(values: dict[str, Any]) -> dict[str, Any]:
    body = room(**copy.deepcopy(values))
    body["inside"] = {"$metadata": {}, **body["inside"]}
    return body


def _outcome(action: Any) -> type[Exception] | None:
    try:
        action()
    except (JsonPatchInvalid, ValidationFailed, PatchRefusedError, ResultRefusedError) as error:
        return type(error)
    return None


# A source time that is not there makes the patch invalid, one of an absent property the twin.
_SAME: dict[type[Exception] | None, tuple[type[Exception] | None, ...]] = {
    None: (None,),
    PatchRefusedError: (JsonPatchInvalid,),
    ResultRefusedError: (ValidationFailed, JsonPatchInvalid),
}


@given(TWINS, PATCHES)
@example({"name": "a"}, [[{"op": "add", "path": "/$metadata/name/sourceTime", "value": "2024-02-29T10:00:00Z"}], [{"op": "remove", "path": "/name"}, {"op": "add", "path": "/name", "value": "b"}]])  # fmt: skip
@example({}, [[{"op": "add", "path": "/inside/value", "value": 1}], [{"op": "remove", "path": "/inside/value"}]])  # fmt: skip
@example({}, [[{"op": "remove", "path": "/inside/$metadata/value/sourceTime"}, {"op": "add", "path": "/inside", "value": {"$metadata": {}}}]])  # fmt: skip
@example({"inside": {"value": 1}}, [[{"op": "add", "path": "/inside/$metadata/value/sourceTime", "value": "2024-02-29T10:00:00Z"}, {"op": "replace", "path": "/inside", "value": {"$metadata": {}, "value": 2}}]])  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_times_move_as_the_table_of_the_contract_has_it(
    values: dict[str, Any], patches: list[list[dict[str, Any]]]
) -> None:
    world = World()
    world.put("r", _body(values))
    model = TimesModel(values, world.now)
    etags = [world.twins["r"].etag]
    for patch in patches:
        operations = copy.deepcopy(patch)
        before = world.twins["r"]
        ours = _outcome(lambda operations=operations: world.patch("r", *operations))
        theirs = _outcome(lambda patch=patch: model.patch(patch, world.now))
        assert ours in _SAME[theirs], (patch, world.document("r"))
        assert operations == patch, "a decision changes nothing of the command"
        if ours is None:
            etags.append(world.twins["r"].etag)
        else:
            assert world.twins["r"] is before
        assert world.document("r") == model.as_document({"$dtId": "r"}, ROOM)
    assert len(set(etags)) == len(etags), "every write that succeeds has an etag of its own"


@given(TWINS, TWINS)
@settings(max_examples=60, deadline=None)
def test_a_put_makes_every_time_new_and_forgets_what_it_does_not_name(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    world = World()
    world.put("r", _body(first))
    world.patch("r", {"op": "add", "path": "/name", "value": "n"})
    world.put("r", _body(second))
    expected = TimesModel(second, world.now).as_document({"$dtId": "r"}, ROOM)
    assert world.document("r") == expected


@given(TWINS, PATCHES)
@settings(max_examples=60, deadline=None)
def test_what_is_read_can_be_put_again(
    values: dict[str, Any], patches: list[list[dict[str, Any]]]
) -> None:
    world = World()
    world.put("r", _body(values))
    for patch in patches:
        _outcome(lambda patch=patch: world.patch("r", *copy.deepcopy(patch)))
    read = world.document("r")
    world.put("copy", {**read, "$etag": 'W/"x"'})
    again = world.document("copy")
    assert _without_times(again) == {**_without_times(read), "$dtId": "copy"}


def _without_times(value: Any) -> Any:
    """The document without update times; source times are kept."""
    if not isinstance(value, dict):
        return value
    times = ("$lastUpdateTime", "lastUpdateTime")
    return {name: _without_times(each) for name, each in value.items() if name not in times}
