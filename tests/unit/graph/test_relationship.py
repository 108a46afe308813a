"""Decisions about relationships, in the order of the contract."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kastor.errors import (
    InvalidArgument,
    JsonPatchInvalid,
    KastorError,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    ValidationFailed,
)
from kastor.graph.commands import DeleteRelationship, IfMatch, PatchRelationship, PutRelationship
from kastor.graph.documents import with_etag
from kastor.graph.relationship import read_ends
from kastor.records import ChangeKind, EraseRelationship, WriteRelationship

from .world import ROOM, SENSOR, SMALL, World, logged, room

OTHER = IfMatch(frozenset({"another"}))


@pytest.fixture
def world() -> World:
    """Rooms `a` and `b`, a small room `c`, a sensor `s`, and `a` leads to `b` by `r`."""
    made = World()
    for twin_id in ("a", "b"):
        made.put(twin_id, room())
    made.put("c", {**room(), "$metadata": {"$model": SMALL}})
    made.put("s", {"$metadata": {"$model": SENSOR}})
    made.relate("a", "leadsTo", "b", locked=True)
    return made


def _stored(world: World) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(world.relationships["a", "r"].doc)
    return document


def _patch(world: World, *operations: dict[str, Any], if_match: IfMatch | None = None) -> Any:
    return world.run(PatchRelationship("a", "r", operations, if_match))


class TestEnds:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"$relationshipName": "n"},
            {"$targetId": "t"},
            {"$relationshipName": "", "$targetId": "t"},
            {"$relationshipName": "n", "$targetId": ""},
            {"$relationshipName": 5, "$targetId": "t"},
            {"$relationshipName": "n", "$targetId": None},
        ],
    )
    def test_both_are_needed(self, body: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument, match="\\$relationshipName and \\$targetId"):
            read_ends(body)

    def test_another_member_of_the_servers_kind_is_refused(self) -> None:
        with pytest.raises(InvalidArgument, match="\\$metadata is not a member"):
            read_ends({"$relationshipName": "n", "$targetId": "t", "$metadata": {}})

    def test_ids_and_etag_are_ignored_whatever_they_hold(self) -> None:
        ignored = {"$relationshipId": None, "$sourceId": 5, "$etag": None, "$dtId": "x"}
        assert read_ends({"$relationshipName": "n", "$targetId": "t", **ignored}) == ("n", "t")


class TestPut:
    def test_the_stored_form_has_the_ids_of_the_path_and_the_members_in_order(
        self, world: World
    ) -> None:
        ids = {"$relationshipId": "other", "$sourceId": "other", "$etag": "other"}
        world.relate("a", "leadsTo", "b", locked=False, **ids)
        assert list(_stored(world).items()) == [
            ("$relationshipId", "r"),
            ("$sourceId", "a"),
            ("$relationshipName", "leadsTo"),
            ("$targetId", "b"),
            ("locked", False),
        ]

    def test_an_absent_source_comes_first(self, world: World) -> None:
        with pytest.raises(NotFound) as caught:
            world.relate("gone", "leadsTo", "gone")
        assert caught.value.code == "DigitalTwinNotFound"

    def test_the_precondition_comes_before_the_target(self, world: World) -> None:
        body = {"$relationshipName": "leadsTo", "$targetId": "gone"}
        with pytest.raises(PreconditionFailed) as caught:
            world.run(PutRelationship("a", "r", body, only_if_absent=True))
        assert "header was specified but a relationship with the id r" in caught.value.message

    def test_the_target_comes_before_the_name(self, world: World) -> None:
        with pytest.raises(NotFound) as caught:
            world.relate("a", "unknown", "gone")
        assert caught.value.code == "TargetDigitalTwinNotFound"
        assert "The target digital twin is invalid or does not exist" in caught.value.message

    def test_no_relationship_leads_to_its_own_source(self, world: World) -> None:
        with pytest.raises(NotAllowed) as caught:
            world.relate("a", "unknown", "a")
        assert caught.value.code == "OperationNotAllowed"

    def test_a_name_that_the_model_does_not_declare_is_refused(self, world: World) -> None:
        with pytest.raises(KastorError, match=r"does not align .* leadsTo, sees") as caught:
            world.relate("a", "name", "b")
        assert caught.value.code == "InvalidRelationship"

    def test_the_target_must_be_of_the_declared_model_or_derive_from_it(self, world: World) -> None:
        world.relate("a", "leadsTo", "c")
        with pytest.raises(KastorError, match=f"must be a {ROOM} or derive from it") as caught:
            world.relate("a", "leadsTo", "s")
        assert caught.value.code == "InvalidRelationship"
        world.relate("a", "sees", "s")

    def test_a_derived_model_has_the_relationships_of_its_base(self, world: World) -> None:
        world.relate("c", "leadsTo", "a")
        assert ("c", "r") in world.relationships

    def test_all_faults_of_the_properties_are_told_together(self, world: World) -> None:
        with pytest.raises(ValidationFailed) as caught:
            world.relate("a", "leadsTo", "b", locked="yes", colour="red")
        assert caught.value.message == "Invalid relationship specified"
        assert [each.message for each in caught.value.details] == [
            "Expected value of type boolean for locked on leadsTo.",
            "colour does not appear on the DTDL for leadsTo.",
        ]

    def test_a_replacement_forgets_name_target_and_properties(self, world: World) -> None:
        first = world.relationships["a", "r"].etag
        done = world.relate("a", "sees", "s")
        assert done.outcome.etag != first
        assert _stored(world) == {
            "$relationshipId": "r",
            "$sourceId": "a",
            "$relationshipName": "sees",
            "$targetId": "s",
        }
        assert logged(done).kind is ChangeKind.RELATIONSHIP_UPDATE
        assert orjson.loads(logged(done).data)["patch"] == [
            {"value": "sees", "path": "/$relationshipName", "op": "replace"},
            {"value": "s", "path": "/$targetId", "op": "replace"},
            {"path": "/locked", "op": "remove"},
        ]

    def test_a_creation_tells_the_whole_relationship(self, world: World) -> None:
        body = {"$relationshipName": "sees", "$targetId": "s"}
        done = world.run(PutRelationship("b", "new", body))
        assert logged(done).kind is ChangeKind.RELATIONSHIP_CREATE
        assert logged(done).subject == "b/relationships/new"
        assert orjson.loads(logged(done).data)["$etag"] == f'W/"{done.outcome.etag}"'
        assert done.outcome.answer is logged(done).data

    def test_a_replacement_is_answered_with_its_text_and_etag(self, world: World) -> None:
        done = world.relate("a", "sees", "s")
        assert isinstance(done.change, WriteRelationship)
        assert done.outcome.answer == with_etag(done.change.doc, done.change.etag)

    def test_writing_a_relationship_leaves_both_twins_alone(self, world: World) -> None:
        before = dict(world.twins)
        world.relate("a", "sees", "s")
        assert world.twins == before

    def test_an_orphan_source_is_told_so(self, world: World) -> None:
        world.catalog = world.catalog.changed(epoch=2, deletes=[SMALL])
        with pytest.raises(ValidationFailed) as caught:
            world.relate("c", "leadsTo", "a")
        assert caught.value.details[0].message.startswith(f"{SMALL} or one of its dependencies")


class TestPatch:
    @pytest.mark.parametrize(
        ("source", "identifier", "code"),
        [("gone", "r", "DigitalTwinNotFound"), ("a", "gone", "RelationshipNotFound")],
    )
    def test_what_is_absent_comes_first(
        self, world: World, source: str, identifier: str, code: str
    ) -> None:
        with pytest.raises(NotFound) as caught:
            world.run(PatchRelationship(source, identifier, ({},), OTHER))
        assert caught.value.code == code

    def test_another_etag_comes_before_the_patch(self, world: World) -> None:
        with pytest.raises(PreconditionFailed):
            _patch(world, {}, if_match=OTHER)

    @pytest.mark.parametrize(
        "name",
        ["$relationshipId", "$sourceId", "$targetId", "$relationshipName", "$etag", "$metadata"],
    )
    @pytest.mark.parametrize("op", ["add", "replace", "remove"])
    def test_ids_and_ends_cannot_be_patched(self, world: World, name: str, op: str) -> None:
        before = _stored(world)
        with pytest.raises(JsonPatchInvalid, match="cannot be patched"):
            _patch(world, {"op": op, "path": f"/{name}", "value": "b"})
        assert _stored(world) == before

    def test_steps_follow_one_another_and_the_result_is_judged_once(self, world: World) -> None:
        _patch(
            world,
            {"op": "replace", "path": "/locked", "value": "wrong"},
            {"op": "add", "path": "/marks", "value": {}},
            {"op": "add", "path": "/marks/x", "value": 1},
            {"op": "remove", "path": "/locked"},
        )
        assert _stored(world)["marks"] == {"x": 1}
        assert "locked" not in _stored(world)

    def test_a_result_that_breaks_the_model_is_refused(self, world: World) -> None:
        with pytest.raises(ValidationFailed, match="Invalid relationship specified"):
            _patch(world, {"op": "add", "path": "/odd", "value": 1})
        assert "odd" not in _stored(world)

    def test_an_absent_property_cannot_be_removed(self, world: World) -> None:
        with pytest.raises(JsonPatchInvalid, match="'marks' was not found"):
            _patch(world, {"op": "remove", "path": "/marks"})

    def test_an_empty_patch_makes_a_new_etag_alone(self, world: World) -> None:
        before, etag = _stored(world), world.relationships["a", "r"].etag
        done = _patch(world)
        assert _stored(world) == before
        assert done.outcome.etag != etag
        assert not done.change.log.notify

    def test_the_same_patch_decided_twice_gives_the_same(self, world: World) -> None:
        steps = (
            {"op": "add", "path": "/marks", "value": {}},
            {"op": "add", "path": "/marks/x", "value": 1},
        )
        first = _patch(world, *steps).change.log.data
        assert _patch(world, *steps).change.log.data == first


class TestDelete:
    def test_another_etag_is_refused(self, world: World) -> None:
        with pytest.raises(PreconditionFailed):
            world.run(DeleteRelationship("a", "r", OTHER))

    def test_an_absent_one_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound, match="Relationship gone not found on twin a"):
            world.run(DeleteRelationship("a", "gone"))

    def test_the_event_has_what_was_deleted(self, world: World) -> None:
        before, etag = _stored(world), world.relationships["a", "r"].etag
        done = world.run(DeleteRelationship("a", "r", IfMatch(frozenset({etag}))))
        assert isinstance(done.change, EraseRelationship)
        assert orjson.loads(done.change.log.data) == {**before, "$etag": f'W/"{etag}"'}
        assert world.relationships == {}
