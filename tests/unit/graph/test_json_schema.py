"""JSON Schemas of bodies judge as the decisions do."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from kastor import dtdl
from kastor.dtdl.json_schema import all_bodies, bodies_of
from kastor.errors import KastorError
from tests.dtdl import generated
from tests.dtdl.json_schemas import Judge, whole_numbers

from .world import (
    ROOM,
    ROOM_MODEL,
    RULES,
    SENSOR,
    SENSOR_MODEL,
    SMALL,
    SMALL_MODEL,
    World,
    room,
)

SETTINGS = settings(
    max_examples=80,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
MODELS = dtdl.parse([SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL])
ALL = all_bodies(MODELS, MODELS.interfaces, RULES)
TIME = "2024-02-29T12:00:00Z"


def takes_twin(world: World, body: Any) -> bool:
    try:
        world.put("other", body)
    except KastorError:
        return False
    return True


def storable(body: Any) -> bool:
    """Whether it has no U+0000, which is refused wherever it stands and is no matter of schemas."""
    return "\\u0000" not in json.dumps(body)


def takes_relationship(world: World, name: str, body: Any) -> bool:
    try:
        world.relate("source", name, "target", **body)
    except KastorError:
        return False
    return True


def definition(key: str, schema: dict[str, Any] = ALL) -> Judge:
    return Judge({"$ref": f"#/$defs/{key}", "$defs": schema["$defs"]})


EMPTY: dict[str, Any] = {"$metadata": {}}
BODIES: list[Any] = [
    room(),
    room(name="a", size=1, box={"a": 1}, tags={"x": 1}, row=[1]),
    room(name=1),
    room(name=None),
    room(unknown=1),
    room(noise=1.0),
    room(clean={}),
    room(leadsTo={}),
    room(tags={"": 1}),
    room(tags={"$a": 1}),
    room(inside={}),
    room(inside=[]),
    room(inside=None),
    room(inside={"value": 1}),
    room(inside={"$metadata": 1}),
    room(inside={"$metadata": {}, "value": "x"}),
    room(inside={"$metadata": {}, "value": 1, "$etag": "e", "$dtId": "d", "$relationships": 1}),
    room(inside={"$metadata": {}, "$other": 1}),
    room(inside={"$metadata": {"$model": "whatever", "value": {"sourceTime": TIME}}, "value": 1}),
    room(inside={"$metadata": {"value": {"sourceTime": "noon"}}, "value": 1}),
    room(**{"$dtId": "x", "$etag": "e", "$relationships": {"a": 1}}),
    room(**{"$dtId": None, "$etag": None}),
    room(**{"$other": 1}),
    {"$metadata": {"$model": ROOM}},
    {**room(), "$metadata": {}},
    {**room(), "$metadata": {"$model": 1}},
    {**room(), "$metadata": None},
    {**room(), "$metadata": {"$model": ROOM, "x": 1, "name": {}, "$lastUpdateTime": TIME}},
    {**room(name="a"), "$metadata": {"$model": ROOM, "name": {"sourceTime": None}}},
    {**room(name="a"), "$metadata": {"$model": ROOM, "name": {"sourceTime": TIME}}},
    *(
        {**room(name="a"), "$metadata": {"$model": ROOM, "name": {"sourceTime": time}}}
        for time in (
            1, "", "2024-02-30T12:00:00Z", "2024-02-29T12:00:00", "2024-02-29T12:00:00+14:01",
            "2024-02-29T12:00:00+14:00", "2024-02-29T24:00:00Z", "2024-02-29 12:00:00Z",
            "2024-02-29T12:00:00.1234567891Z", "0000-01-01T00:00:00Z",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=json.dumps)
def test_bodies_of_twins(body: Any) -> None:
    judge = definition(ROOM)
    assert judge.accepts(body) == takes_twin(World(), body), judge.problems(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"locked": True},
        {"locked": 1},
        {"locked": None},
        {"marks": {"a": 1}},
        {"marks": {"$a": 1}},
        {"unknown": 1},
        {"$etag": "e", "$sourceId": "s", "$relationshipId": "r", "$dtId": None},
        {"$metadata": {}},
        {"$targetId": ""},
        {"$targetId": 1},
        {"$targetId": "a/b"},
        {"$relationshipName": "sees"},
    ],
    ids=json.dumps,
)
def test_bodies_of_relationships(body: dict[str, Any]) -> None:
    world = World()
    world.put("source", room())
    world.put("target", room())
    whole = {"$relationshipName": "leadsTo", "$targetId": "target", **body}
    name, target = whole.pop("$relationshipName"), whole.pop("$targetId")
    sent = {"$relationshipName": name, "$targetId": target, **whole}
    try:
        world.relate("source", name, target, **whole)
        taken = name == "leadsTo"
    except KastorError:
        taken = False
    assert definition(f"{ROOM}.relationship.leadsTo").accepts(sent) == taken
    assert definition(f"{SMALL}.relationship.leadsTo").accepts(sent) == taken


def test_a_model_that_inherits() -> None:
    judge = Judge(bodies_of(MODELS, SMALL, RULES))
    body = {**room(shelf="s", name="n"), "$metadata": {"$model": SMALL}}
    assert takes_twin(World(), body)
    assert judge.accepts(body)
    # The body of another model is not of this one, though one extends the other.
    assert not judge.accepts(room())


def test_the_whole_takes_twins_of_any_of_the_models() -> None:
    judge = Judge(ALL)
    assert judge.accepts(room())
    assert judge.accepts({"$metadata": {"$model": SENSOR}, "value": 1})
    assert not judge.accepts({"$metadata": {"$model": SENSOR}, "name": "a"})
    assert not judge.accepts({"$metadata": {"$model": "dtmi:u:Other;1"}})


# What a server passes over is described as it writes it, and so is refused in other forms.
@pytest.mark.parametrize(
    "body",
    [
        room(**{"$etag": 1}),
        room(**{"$dtId": 1}),
        {**room(), "$metadata": {"$model": ROOM, "name": {"sourceTime": "noon"}}},
        {**room(name="a"), "$metadata": {"$model": ROOM, "name": 1}},
        {**room(), "$metadata": {"$model": ROOM, "$lastUpdateTime": 1}},
    ],
    ids=json.dumps,
)
def test_what_a_server_passes_over(body: Any) -> None:
    assert takes_twin(World(), body)
    assert not definition(ROOM).accepts(body)


@SETTINGS
@given(st.data())
def test_bodies_of_generated_models(data: st.DataObject) -> None:
    documents = data.draw(generated.models())
    models = dtdl.parse([documents])
    world = World(*documents)
    counts: Counter[bool] = Counter()
    judge = Judge(bodies_of(models, generated.ROOM, RULES))
    for _ in range(4):
        body = data.draw(twins(models))
        assume(storable(body))
        taken = takes_twin(world, body)
        seen = taken or takes_twin(world, whole_numbers(body))
        assert judge.accepts(body) == seen, (body, judge.problems(body))
        counts[seen] += 1


@st.composite
def twins(draw: Any, models: dtdl.ModelSet) -> dict[str, Any]:
    """Draw a body of a twin, perhaps with one thing changed somewhere in its values."""
    found = models.interfaces[generated.ROOM]
    values = {
        name: generated.value_of(draw, each.schema)
        for name, each in found.properties.items()
        if draw(st.booleans())
    }
    parts: dict[str, Any] = {name: {"$metadata": {}} for name in found.components}
    holder: dict[str, Any] = json.loads(json.dumps({**values, **parts}))
    if holder and draw(st.booleans()):
        container, key = draw(st.sampled_from(generated.places(holder)))
        if draw(st.booleans()):
            container[key] = draw(generated.junk)
        else:
            del container[key]
    if draw(st.integers(0, 5)) == 0:
        holder[draw(st.sampled_from([*found.contents, "$etag", "$x", "unknown"]))] = "x"
    metadata: dict[str, Any] = {"$model": generated.ROOM}
    timed = [name for name in found.properties if name in holder]
    if timed and draw(st.booleans()):
        entry = {"sourceTime": draw(st.sampled_from([TIME, "noon", None]))}
        metadata[draw(st.sampled_from(timed))] = entry
    return {"$metadata": metadata, **holder}


@SETTINGS
@given(st.data())
def test_relationships_of_generated_models(data: st.DataObject) -> None:
    documents = data.draw(generated.models())
    models = dtdl.parse([documents])
    world = World(*documents)
    schema = all_bodies(models, models.interfaces, RULES)
    part = {"$metadata": {"$model": generated.PART}}
    parts: dict[str, Any] = {
        name: dict(EMPTY) for name in models.interfaces[generated.ROOM].components
    }
    world.put("target", part)
    world.put("source", {"$metadata": {"$model": generated.ROOM}, **parts})
    for name, each in models.interfaces[generated.ROOM].relationships.items():
        if each.target not in (None, generated.PART):
            continue
        judge = definition(f"{generated.ROOM}.relationship.{name}", schema)
        values = {
            key: data.draw(generated.junk)
            if data.draw(st.integers(0, 3)) == 0
            else generated.value_of(data.draw, of.schema)
            for key, of in each.properties.items()
        }
        body = {"$relationshipName": name, "$targetId": "target", **values}
        assume(storable(body))
        taken = takes_relationship(world, name, values)
        seen = taken or takes_relationship(world, name, whole_numbers(values))
        assert judge.accepts(body) == seen, (body, judge.problems(body))
