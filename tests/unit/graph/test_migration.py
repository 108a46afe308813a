"""A twin moves to another model by a patch, and what an orphan may still do."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.errors import KastorError, ValidationFailed
from kastor.records import WriteTwin

from .world import (
    ROOM,
    ROOM_MODEL,
    SENSOR,
    SENSOR_MODEL,
    SMALL,
    World,
    catalog_of,
    component,
    details,
    interface,
    logged,
    op,
    prop,
    room,
)


class TestMigration:
    """`inside` is a component of Room; in these models it is a property, and `name` a component."""

    FLAT = "dtmi:u:Flat;1"
    DEEP = "dtmi:u:Deep;1"

    @pytest.fixture
    def world(self) -> World:
        flat = interface(self.FLAT, prop("inside", "integer"), prop("outside", "integer"))
        deep = interface(self.DEEP, component("name", SENSOR), component("inside", SENSOR))
        made = World(SENSOR_MODEL, ROOM_MODEL, flat, deep)
        made.put("r", room(name="one"))
        return made

    def to(self, model: str) -> dict[str, Any]:
        return op("replace", "/$metadata/$model", model)

    def test_a_twin_moves_to_a_model_that_has_all_it_holds(self) -> None:
        world = World()
        world.put("r", room(name="one"))
        then = world.now
        done = world.patch("r", op("replace", "/$metadata/$model", SMALL), op("add", "/shelf", "s"))
        metadata = world.document("r")["$metadata"]
        assert metadata["$model"] == SMALL
        assert metadata["name"] == {"lastUpdateTime": then}
        assert metadata["shelf"] == {"lastUpdateTime": world.now}
        assert isinstance(done.change, WriteTwin)
        assert done.change.model_key == world.catalog.key_of(SMALL)
        assert logged(done).model_id == SMALL

    def test_what_the_new_model_lacks_must_be_removed_in_the_same_patch(self, world: World) -> None:
        with pytest.raises(ValidationFailed):
            world.patch("r", self.to(self.FLAT))

    def test_a_component_may_become_a_property(self, world: World) -> None:
        world.patch(
            "r",
            self.to(self.FLAT),
            op("remove", "/name"),
            op("replace", "/inside", 5),
            op("remove", "/outside"),
        )
        assert world.document("r") == {
            "$dtId": "r",
            "inside": 5,
            "$metadata": {
                "$model": self.FLAT,
                "$lastUpdateTime": world.now,
                "inside": {"lastUpdateTime": world.now},
            },
        }

    def test_a_property_may_become_a_component(self, world: World) -> None:
        then = world.document("r")["inside"]
        world.patch(
            "r",
            self.to(self.DEEP),
            op("replace", "/name", {"$metadata": {}, "value": 1}),
            op("remove", "/outside"),
        )
        assert world.document("r") == {
            "$dtId": "r",
            "name": {
                "value": 1,
                "$metadata": {
                    "$lastUpdateTime": world.now,
                    "value": {"lastUpdateTime": world.now},
                },
            },
            "inside": then,
            "$metadata": {"$model": self.DEEP, "$lastUpdateTime": world.now},
        }

    @pytest.mark.parametrize("model", [5, None, {}])
    def test_a_model_is_a_string(self, world: World, model: Any) -> None:
        with pytest.raises(ValidationFailed):
            world.patch("r", op("replace", "/$metadata/$model", model))

    def test_a_model_out_of_service_cannot_be_chosen(self, world: World) -> None:
        world.catalog = catalog_of(
            SENSOR_MODEL, ROOM_MODEL, interface(SMALL, extends=ROOM), decommissioned=(SMALL,)
        )
        with pytest.raises(KastorError) as caught:
            world.patch("r", self.to(SMALL))
        assert caught.value.code == "ModelDecommissioned"

    def test_an_orphan_takes_no_values_but_another_model(self, world: World) -> None:
        world.catalog = world.catalog.changed(epoch=2, deletes=[ROOM])
        with pytest.raises(ValidationFailed) as caught:
            world.patch("r", op("replace", "/name", "x"))
        known, hint = details(caught.value)
        assert known == f"{ROOM} or one of its dependencies does not exist."
        assert "The twin r was left without its model" in hint
        steps = [op("remove", f"/{name}") for name in ("name", "inside", "outside")]
        world.patch("r", *steps, self.to(self.FLAT))
        assert set(world.document("r")) == {"$dtId", "$metadata"}
