"""Decisions about models and telemetry."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kastor.clock import Stamp
from kastor.errors import Conflict, NotFound
from kastor.graph import models
from kastor.graph.command import State
from kastor.graph.commands import CommissionModel, DeleteModel, SendTelemetry, UploadModels
from kastor.graph.telemetry import decide_telemetry
from kastor.records import ChangeKind, Current

from .world import (
    ROOM,
    ROOM_MODEL,
    SENSOR,
    SENSOR_MODEL,
    SMALL,
    SMALL_MODEL,
    World,
    catalog_of,
    logged,
    of_models,
    room,
)

STAMP = Stamp(1234, "etag", "00000000-0000-4000-8000-000000000000")


def _upload(*documents: dict[str, Any], epoch: int = 1) -> UploadModels:
    return UploadModels(tuple((each["@id"], orjson.dumps(each)) for each in documents), epoch)


class TestUpload:
    def test_the_next_catalog_has_the_models_with_the_keys_they_were_given(self) -> None:
        catalog = catalog_of(SENSOR_MODEL)
        decision = models.decide_upload(_upload(ROOM_MODEL, SMALL_MODEL), Current(catalog), STAMP)
        after = of_models(decision).next_catalog({ROOM: 7, SMALL: 8}, 2)
        assert list(after.models) == [SENSOR, ROOM, SMALL]
        assert (after.key_of(ROOM), after.key_of(SMALL)) == (7, 8)
        assert after.models[SMALL].uploaded == 1234

    def test_each_model_has_a_log_entry_with_an_id_of_its_own_that_is_the_same_on_a_second_try(
        self,
    ) -> None:
        current = Current(catalog_of(SENSOR_MODEL))
        first = of_models(
            models.decide_upload(_upload(ROOM_MODEL, SMALL_MODEL), current, STAMP)
        ).logs
        again = of_models(
            models.decide_upload(_upload(ROOM_MODEL, SMALL_MODEL), current, STAMP)
        ).logs
        assert first == again
        assert [(each.kind, each.subject) for each in first] == [
            (ChangeKind.MODEL_UPLOAD, ROOM),
            (ChangeKind.MODEL_UPLOAD, SMALL),
        ]
        assert len({each.event_id for each in first}) == 2

    def test_models_that_were_parsed_against_an_older_catalog_are_parsed_again(self) -> None:
        with pytest.raises(models.StaleCatalogError):
            models.decide_upload(_upload(ROOM_MODEL, epoch=0), Current(catalog_of()), STAMP)

    def test_an_id_that_is_stored_is_refused_with_all_that_are(self) -> None:
        current = Current(catalog_of(SENSOR_MODEL, ROOM_MODEL))
        upload = _upload(ROOM_MODEL, SMALL_MODEL, SENSOR_MODEL)
        with pytest.raises(Conflict) as caught:
            models.decide_upload(upload, current, STAMP)
        assert caught.value.code == "ModelIdAlreadyExists"
        assert caught.value.message.startswith(
            f"Some of the model ids already exist: {ROOM}, {SENSOR}."
        )


class TestCommission:
    @pytest.mark.parametrize("in_service", [True, False])
    def test_it_may_be_repeated(self, in_service: bool) -> None:
        catalog = catalog_of(SENSOR_MODEL)
        command = CommissionModel(SENSOR, in_service)
        for epoch in (2, 3):
            decision = models.decide_commission(command, Current(catalog), STAMP)
            catalog = of_models(decision).next_catalog({}, epoch)
            assert catalog.models[SENSOR].decommissioned is not in_service

    def test_an_absent_model_is_not_found(self) -> None:
        with pytest.raises(NotFound) as caught:
            models.decide_commission(CommissionModel(ROOM, True), Current(catalog_of()), STAMP)
        assert caught.value.code == "ModelNotFound"
        assert "There is no Model(s) available that matches the provided id(s)" in str(caught.value)


class TestDelete:
    def test_a_model_that_others_need_stays_and_they_are_named(self) -> None:
        current = Current(catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL))
        with pytest.raises(Conflict) as caught:
            models.decide_delete(DeleteModel(ROOM), current, STAMP)
        assert caught.value.code == "ModelReferencesNotDeleted"
        assert f"This model is currently being referenced by {SMALL}." in caught.value.message

    def test_the_next_catalog_lacks_it_and_the_log_has_its_text(self) -> None:
        current = Current(catalog_of(SENSOR_MODEL, ROOM_MODEL, SMALL_MODEL))
        decision = models.decide_delete(DeleteModel(SMALL), current, STAMP)
        assert list(of_models(decision).next_catalog({}, 2).models) == [SENSOR, ROOM]
        assert orjson.loads(of_models(decision).logs[0].data) == SMALL_MODEL

    def test_an_absent_model_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            models.decide_delete(DeleteModel(ROOM), Current(catalog_of()), STAMP)


class TestTelemetry:
    @pytest.fixture
    def current(self) -> State:
        world = World()
        world.put("r", room())
        return Current(world.catalog, world.twins["r"])

    def test_the_body_goes_into_the_log_as_it_was_sent(self, current: State) -> None:
        command = SendTelemetry("r", b'{ "odd" : 1.0 }', "application/json", "mine")
        log = logged(decide_telemetry(command, current, STAMP))
        assert (log.data, log.event_id, log.model_id) == (b'{ "odd" : 1.0 }', "mine", ROOM)
        assert log.notify

    def test_without_a_message_id_the_stamp_has_one(self, current: State) -> None:
        command = SendTelemetry("r", b"1", "application/json")
        assert logged(decide_telemetry(command, current, STAMP)).event_id == STAMP.event_id

    def test_a_components_telemetry_has_the_components_model(self, current: State) -> None:
        command = SendTelemetry("r", b"1", "application/json", None, "inside")
        log = logged(decide_telemetry(command, current, STAMP))
        assert (log.component, log.model_id) == ("inside", SENSOR)

    @pytest.mark.parametrize("name", ["name", "leadsTo", "absent"])
    def test_what_is_no_component_is_not_found(self, current: State, name: str) -> None:
        command = SendTelemetry("r", b"1", "application/json", None, name)
        with pytest.raises(NotFound, match=f"r does not have component {name}") as caught:
            decide_telemetry(command, current, STAMP)
        assert caught.value.code == "ComponentNotFound"

    def test_an_absent_twin_is_not_found(self, current: State) -> None:
        command = SendTelemetry("r", b"1", "application/json", None, "absent")
        with pytest.raises(NotFound) as caught:
            decide_telemetry(command, Current(current.catalog), STAMP)
        assert caught.value.code == "DigitalTwinNotFound"
