"""Decisions about twins: order of checks, words of refusals, etags, events, migration."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kastor.errors import (
    JsonPatchInvalid,
    KastorError,
    NotFound,
    PreconditionFailed,
    ValidationFailed,
)
from kastor.graph.commands import DeleteTwin, IfMatch, PatchTwin, PutTwin
from kastor.graph.documents import with_etag
from kastor.records import ChangeKind, EraseTwin, WriteTwin

from .world import (
    ROOM,
    ROOM_MODEL,
    SENSOR,
    SENSOR_MODEL,
    World,
    catalog_of,
    details,
    logged,
    op,
    room,
)

OTHER = IfMatch(frozenset({"another"}))
ANY = IfMatch(frozenset(), any=True)
NULL = "A null is no value: leave the member out, or unset it by a patch with remove."


@pytest.fixture
def world() -> World:
    """A world with one room, `r`."""
    made = World()
    made.put("r", room(name="one", size=4, box={"a": 1}, tags={"x": 1}, row=[1, 2]))
    return made


class TestPut:
    def test_the_first_put_creates_and_the_second_replaces(self) -> None:
        world = World()
        first = world.put("r", room(name="one"))
        second = world.put("r", room(size=1))
        assert isinstance(first.change, WriteTwin)
        assert first.change.before is None
        assert isinstance(second.change, WriteTwin)
        assert second.change.before is not None
        assert second.change.before.etag == first.outcome.etag
        assert second.outcome.etag != first.outcome.etag
        assert [logged(each).kind for each in (first, second)] == [
            ChangeKind.TWIN_CREATE,
            ChangeKind.TWIN_UPDATE,
        ]

    def test_a_creation_is_answered_with_the_bytes_of_its_event(self) -> None:
        world = World()
        first = world.put("r", room(name="one"))
        second = world.put("r", room(size=1))
        assert first.outcome.answer is logged(first).data
        for each in (first, second):
            assert isinstance(each.change, WriteTwin)
            assert each.outcome.answer == with_etag(each.change.doc, each.change.etag)

    def test_only_if_absent_refuses_a_twin_that_is_there_before_looking_at_the_body(
        self, world: World
    ) -> None:
        with pytest.raises(PreconditionFailed) as caught:
            world.run(PutTwin("r", {"nonsense": 1}, only_if_absent=True))
        assert caught.value.message == (
            "If-None-Match: * header was specified but a twin with the id r was found. "
            "Please specify a different twin id."
        )

    def test_only_if_absent_creates_a_twin_that_is_not_there(self) -> None:
        world = World()
        world.run(PutTwin("r", room(), only_if_absent=True))
        assert world.document("r")["$metadata"]["$model"] == ROOM

    @pytest.mark.parametrize("metadata", [None, {}, [], "x", {"$model": None}, {"$model": 5}])
    def test_a_body_without_a_model_is_refused(self, metadata: Any) -> None:
        with pytest.raises(ValidationFailed) as caught:
            World().put("r", {"$metadata": metadata})
        assert details(caught.value) == [
            "Twin is missing $metadata with $model, the id of its model (a string)."
        ]

    def test_an_unknown_model_is_a_fault_of_the_content(self) -> None:
        with pytest.raises(ValidationFailed) as caught:
            World().put("r", {"$metadata": {"$model": "dtmi:u:None;1"}})
        assert caught.value.message == "Invalid twin specified"
        assert details(caught.value) == ["dtmi:u:None;1 or one of its dependencies does not exist."]

    def test_a_model_whose_component_model_is_gone_is_a_fault_too(self) -> None:
        world = World(ROOM_MODEL)
        with pytest.raises(ValidationFailed, match="Invalid twin specified") as caught:
            world.put("r", room())
        assert details(caught.value) == [f"{ROOM} or one of its dependencies does not exist."]

    def test_a_decommissioned_model_takes_no_new_twins_but_keeps_its_own(
        self, world: World
    ) -> None:
        world.catalog = catalog_of(SENSOR_MODEL, ROOM_MODEL, decommissioned=(ROOM,))
        world.twins["r"] = _with_key(world, "r")
        world.put("r", room(name="still"))
        world.patch("r", op("replace", "/name", "mine"))
        with pytest.raises(KastorError) as caught:
            world.put("new", room())
        assert caught.value.code == "ModelDecommissioned"
        assert set(world.twins) == {"r"}

    def test_all_faults_are_told_together(self) -> None:
        body = {
            "$metadata": {"$model": ROOM, "size": {"sourceTime": "yesterday"}},
            "$odd": 1,
            "name": 5,
            "size": None,
            "colour": "red",
            "leadsTo": "x",
            "noise": 1.0,
            "clean": {},
            "inside": {"value": "hot", "wrong": 1},
        }
        with pytest.raises(ValidationFailed) as caught:
            World().put("r", body)
        assert sorted(details(caught.value)) == sorted(
            [
                "$odd does not appear on the DTDL for Twin.",
                "colour does not appear on the DTDL for Twin.",
                "Expected value of type string for name on Twin.",
                f"Expected value of type double for size on Twin. {NULL}",
                "leadsTo is not a property - it is a Relationship.",
                "noise is not a property - it is a Telemetry.",
                "clean is not a property - it is a Command.",
                "Twin is missing the component outside.",
                'Twin is missing $metadata in the component inside; give "$metadata": {}.',
                "Expected value of type double for value on inside.",
                "wrong does not appear on the DTDL for inside.",
                "The sourceTime of size is not an ISO 8601 date-time.",
            ]
        )
        assert {each.code for each in caught.value.details} == {"ValidationFailed"}

    def test_what_the_server_keeps_is_ignored_in_a_body(self) -> None:
        world = World()
        body = room(name="n", **{"$dtId": "another", "$etag": None, "$relationships": {"a": 1}})
        body["$metadata"] |= {
            "$lastUpdateTime": "then",
            "name": {
                "lastUpdateTime": "then",
                "desiredValue": 1,
                "sourceTime": "2024-01-01T00:00Z",
            },
            "size": {"sourceTime": "of a property that is not set"},
            "other": 5,
        }
        body["$metadata"]["name"]["sourceTime"] = "2024-01-01T00:00:00.123456789Z"
        body["inside"] = {"$metadata": {"$model": SENSOR, "$lastUpdateTime": "then"}}
        world.put("r", body)
        now = world.now
        assert world.document("r") == {
            "$dtId": "r",
            "name": "n",
            "inside": {"$metadata": {"$lastUpdateTime": now}},
            "outside": {"$metadata": {"$lastUpdateTime": now}},
            "$metadata": {
                "$model": ROOM,
                "$lastUpdateTime": now,
                "name": {"lastUpdateTime": now, "sourceTime": "2024-01-01T00:00:00.123456789Z"},
            },
        }

    def test_entries_for_what_is_no_property_are_ignored_whatever_they_hold(self) -> None:
        world = World()
        body = room(**{"$dtId": "r", "$etag": "x"})
        body["$metadata"] |= {
            "inside": {"sourceTime": "of a component"},
            "$dtId": {"sourceTime": 5},
            "$etag": {"sourceTime": None},
        }
        world.put("r", body)
        assert set(world.document("r")["$metadata"]) == {"$model", "$lastUpdateTime"}

    @pytest.mark.parametrize(
        "time",
        [
            "2024-02-29T10:00:00Z",
            "2024-02-29T10:00:00+14:00",
            "2024-02-29T23:59:59.999999999-14:00",
        ],
    )
    def test_a_source_time_is_kept_as_it_was_sent(self, time: str) -> None:
        world = World()
        body = room(name="n")
        body["$metadata"]["name"] = {"sourceTime": time}
        world.put("r", body)
        assert world.document("r")["$metadata"]["name"]["sourceTime"] == time

    @pytest.mark.parametrize(
        "time",
        ["2023-02-29T10:00:00Z", "2024-02-29", "10:00", "", 5, "2024-02-29T10:00:00"],
    )
    def test_a_source_time_that_is_none_is_refused(self, time: Any) -> None:
        body = room(name="n")
        body["$metadata"]["name"] = {"sourceTime": time}
        with pytest.raises(ValidationFailed) as caught:
            World().put("r", body)
        [text] = details(caught.value)
        assert text.startswith("The sourceTime of name is not an ISO 8601 date-time.")
        assert caught.value.details[0].place == {
            "path": "/$metadata/name/sourceTime",
            "kind": "source_time",
        }

    def test_a_source_time_of_null_is_none(self) -> None:
        world, body = World(), room(name="n")
        body["$metadata"]["name"] = {"lastUpdateTime": "x", "sourceTime": None}
        body["inside"]["$metadata"]["x"] = {"sourceTime": None}
        world.put("r", body)
        assert set(world.document("r")["$metadata"]["name"]) == {"lastUpdateTime"}

    def test_the_event_of_a_creation_is_the_twin_and_of_a_replacement_the_difference(self) -> None:
        world = World()
        created = world.put("r", room(name="one", size=1))
        assert orjson.loads(logged(created).data) == {
            **world.document("r"),
            "$etag": f'W/"{created.outcome.etag}"',
        }
        replaced = world.put("r", room(name="two", row=[1]))
        assert logged(replaced).notify
        assert orjson.loads(logged(replaced).data) == {
            "modelId": ROOM,
            "patch": [
                {"value": "two", "path": "/name", "op": "replace"},
                {"value": [1], "path": "/row", "op": "add"},
                {"path": "/size", "op": "remove"},
            ],
        }

    def test_a_put_that_changes_nothing_has_a_new_etag_but_notifies_nobody(self) -> None:
        world = World()
        first = world.put("r", room(name="one"))
        second = world.put("r", room(name="one"))
        assert second.outcome.etag != first.outcome.etag
        assert not logged(second).notify


class TestPatch:
    def test_an_absent_twin_comes_before_everything_else(self) -> None:
        with pytest.raises(NotFound) as caught:
            World().run(PatchTwin("gone", ({},), OTHER))
        assert caught.value.code == "DigitalTwinNotFound"
        assert caught.value.message.startswith(
            "There is no digital twin instance that exists with the ID gone"
        )

    def test_another_etag_comes_before_the_patch(self, world: World) -> None:
        with pytest.raises(PreconditionFailed):
            world.run(PatchTwin("r", ({},), OTHER))

    @pytest.mark.parametrize("current", [True, False])
    def test_the_current_etag_or_any_lets_the_patch_through(
        self, world: World, current: bool
    ) -> None:
        known = IfMatch(frozenset({"x", world.twins["r"].etag}))
        world.run(PatchTwin("r", (op("replace", "/name", "new"),), known if current else ANY))
        assert world.document("r")["name"] == "new"

    def test_a_patch_error_comes_before_a_validation_error(self, world: World) -> None:
        with pytest.raises(JsonPatchInvalid):
            world.patch("r", op("add", "/name", 5), op("remove", "/absent"))

    def test_the_result_is_judged_once_at_the_end(self, world: World) -> None:
        world.patch("r", op("add", "/name", 5), op("add", "/odd", 1), op("remove", "/odd"), op("add", "/name", "fine"))  # fmt: skip
        assert world.document("r")["name"] == "fine"
        assert "odd" not in world.document("r")

    @pytest.mark.parametrize(
        "path",
        [
            "/$dtId",
            "/$etag",
            "/$metadata",
            "/$metadata/$lastUpdateTime",
            "/$metadata/name",
            "/$metadata/name/lastUpdateTime",
            "/$metadata/name/sourceTime/deeper",
            "/$metadata/$model/sourceTime",
            "/inside/$metadata",
            "/inside/$metadata/$model",
            "/inside/$metadata/$lastUpdateTime",
            "/inside/$metadata/value/lastUpdateTime",
            "/inside/$model",
            "/inside/$dtId",
            "/inside/$etag",
        ],
    )
    @pytest.mark.parametrize("kind", ["add", "replace", "remove"])
    def test_what_the_server_keeps_cannot_be_patched(
        self, world: World, path: str, kind: str
    ) -> None:
        value = () if kind == "remove" else ("2024-01-01T00:00:00Z",)
        before = world.twins["r"]
        with pytest.raises(JsonPatchInvalid):
            world.patch("r", op(kind, path, *value))
        assert world.twins["r"] is before

    def test_the_model_cannot_be_removed(self, world: World) -> None:
        with pytest.raises(JsonPatchInvalid):
            world.patch("r", op("remove", "/$metadata/$model"))

    @pytest.mark.parametrize("path", ["/$other", "/inside/$other"])
    def test_another_member_of_the_servers_kind_appears_on_no_model(
        self, world: World, path: str
    ) -> None:
        with pytest.raises(ValidationFailed, match="Invalid twin specified") as caught:
            world.patch("r", op("add", path, 1))
        assert details(caught.value)[0].startswith("$other does not appear on the DTDL for ")

    def test_dots_separate_nothing(self, world: World) -> None:
        with pytest.raises(ValidationFailed) as caught:
            world.patch("r", op("add", "/box.a", 1))
        assert details(caught.value) == ["box.a does not appear on the DTDL for Twin."]

    def test_a_component_cannot_go(self, world: World) -> None:
        with pytest.raises(ValidationFailed) as caught:
            world.patch("r", op("remove", "/inside"))
        assert details(caught.value) == ["Twin is missing the component inside."]

    def test_a_component_is_replaced_with_its_metadata(self, world: World) -> None:
        time = "2024-01-01T00:00:00Z"
        given = {"value": 1, "$metadata": {"value": {"sourceTime": time}, "label": 5}}
        world.patch("r", op("replace", "/inside", given))
        assert world.document("r")["inside"] == {
            "value": 1,
            "$metadata": {
                "$lastUpdateTime": world.now,
                "value": {"lastUpdateTime": world.now, "sourceTime": time},
            },
        }

    @pytest.mark.parametrize("given", [{}, {"value": 1}, {"$metadata": 5}, 5, [], None])
    def test_a_component_without_metadata_is_refused(self, world: World, given: Any) -> None:
        with pytest.raises(ValidationFailed):
            world.patch("r", op("replace", "/inside", given))

    def test_a_source_time_may_come_before_its_value(self, world: World) -> None:
        time = "2024-01-01T00:00:00Z"
        world.put("r", room())
        world.patch("r", op("add", "/$metadata/name/sourceTime", time), op("add", "/name", "late"))
        entry = world.document("r")["$metadata"]["name"]
        assert entry == {"lastUpdateTime": world.now, "sourceTime": time}

    def test_a_later_value_keeps_the_source_time_and_a_removal_takes_it_away(
        self, world: World
    ) -> None:
        world.patch("r", op("add", "/$metadata/name/sourceTime", "2024-01-01T00:00:00Z"))
        world.patch("r", op("replace", "/name", "next"))
        assert "sourceTime" in world.document("r")["$metadata"]["name"]
        world.patch("r", op("remove", "/name"), op("add", "/name", "fresh"))
        assert world.document("r")["$metadata"]["name"] == {"lastUpdateTime": world.now}

    def test_removing_an_entry_of_a_map_with_the_maps_own_name_keeps_the_source_time(
        self, world: World
    ) -> None:
        world.patch("r", op("add", "/tags/tags", 1))
        world.patch("r", op("add", "/$metadata/tags/sourceTime", "2024-01-01T00:00:00Z"))
        world.patch("r", op("remove", "/tags/tags"))
        assert world.document("r")["$metadata"]["tags"]["sourceTime"] == "2024-01-01T00:00:00Z"

    @pytest.mark.parametrize("holder", ["", "/inside"])
    def test_a_source_time_needs_a_property_that_is_set(self, world: World, holder: str) -> None:
        name = "value" if holder else "shelf"
        path = f"{holder}/$metadata/{name}/sourceTime"
        with pytest.raises(ValidationFailed) as caught:
            world.patch("r", op("add", path, "2024-01-01T00:00:00Z"))
        assert details(caught.value) == [f"{name} is not set, so it can have no sourceTime."]

    def test_a_source_time_that_is_not_there_cannot_be_removed(self, world: World) -> None:
        with pytest.raises(JsonPatchInvalid, match="sourceTime"):
            world.patch("r", op("remove", "/$metadata/name/sourceTime"))

    @pytest.mark.parametrize("time", ["soon", 5, {}])
    def test_a_source_time_that_is_none_is_refused(self, world: World, time: Any) -> None:
        with pytest.raises(ValidationFailed):
            world.patch("r", op("add", "/$metadata/name/sourceTime", time))

    def test_an_empty_patch_makes_a_new_etag_and_notifies_nobody(self, world: World) -> None:
        before = world.document("r")
        etag = world.twins["r"].etag
        done = world.patch("r")
        after = world.document("r")
        assert done.outcome.etag != etag
        assert not logged(done).notify
        assert after["$metadata"].pop("$lastUpdateTime") == world.now
        assert before["$metadata"].pop("$lastUpdateTime") != world.now
        assert after == before

    def test_the_event_has_the_steps_as_they_were_sent(self, world: World) -> None:
        steps = [op("add", "/box", {"a": 1}), op("ADD", "box/b", 2), op("remove", "/tags")]
        done = world.patch("r", *steps)
        assert orjson.loads(logged(done).data) == {
            "modelId": ROOM,
            "patch": [
                {"value": {"a": 1}, "path": "/box", "op": "add"},
                {"value": 2, "path": "/box/b", "op": "add"},
                {"path": "/tags", "op": "remove"},
            ],
        }


class TestComponentPatch:
    def test_its_paths_begin_at_the_component(self, world: World) -> None:
        done = world.patch("r", op("add", "/value", 2.5), component="inside")
        assert world.document("r")["inside"]["value"] == 2.5
        (step,) = orjson.loads(logged(done).data)["patch"]
        assert step["path"] == "/inside/value"

    @pytest.mark.parametrize("operations", [(), (op("add", "/value", 1),)])
    @pytest.mark.parametrize("name", ["absent", "name", "box", "leadsTo"])
    def test_what_is_no_component_makes_the_patch_invalid(
        self, world: World, name: str, operations: tuple[dict[str, Any], ...]
    ) -> None:
        with pytest.raises(JsonPatchInvalid, match=f"/{name}{'/value' if operations else ''}"):
            world.patch("r", *operations, component=name)

    @pytest.mark.parametrize(
        "path", ["/$dtId", "/$etag", "/$model", "/$metadata", "/$metadata/$model"]
    )
    def test_what_the_server_keeps_cannot_be_patched(self, world: World, path: str) -> None:
        with pytest.raises(JsonPatchInvalid):
            world.patch("r", op("add", path, "x"), component="inside")

    def test_unknown_names_and_wrong_types_name_the_component(self, world: World) -> None:
        with pytest.raises(ValidationFailed) as caught:
            world.patch("r", op("add", "/odd", 1), op("add", "/label", 5), component="inside")
        assert sorted(details(caught.value)) == [
            "Expected value of type string for label on inside.",
            "odd does not appear on the DTDL for inside.",
        ]


class TestDelete:
    def test_an_absent_twin_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            World().run(DeleteTwin("gone", OTHER))

    def test_another_etag_comes_before_the_relationships(self, world: World) -> None:
        world.put("s", room())
        world.relate("r", "sees", "s")
        with pytest.raises(PreconditionFailed):
            world.run(DeleteTwin("r", OTHER))

    @pytest.mark.parametrize("twin_id", ["r", "s"])
    def test_a_twin_with_relationships_stays(self, world: World, twin_id: str) -> None:
        world.put("s", room())
        world.relate("r", "sees", "s")
        with pytest.raises(KastorError, match="has active relationships") as caught:
            world.run(DeleteTwin(twin_id))
        assert caught.value.code == "RelationshipsNotDeleted"
        assert twin_id in world.twins

    def test_the_event_of_a_deletion_is_the_twin_as_it_was(self, world: World) -> None:
        before, etag = world.document("r"), world.twins["r"].etag
        done = world.run(DeleteTwin("r", ANY))
        assert isinstance(done.change, EraseTwin)
        assert orjson.loads(done.change.log.data) == {**before, "$etag": f'W/"{etag}"'}
        assert "r" not in world.twins


def _with_key(world: World, twin_id: str) -> Any:
    """The twin's row with its model's key in the world's present catalog."""
    from msgspec.structs import replace

    return replace(world.twins[twin_id], model_key=world.catalog.key_of(ROOM))
