"""Twins whose model was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_empty, assert_error, assert_json, assert_page
from .models import BUILDING, OBJ, M, O, building, interface, prop, relationship, twin_of

if TYPE_CHECKING:
    from .client import Api

T = "/digitaltwins/T"


@pytest.fixture
def orphan(api: Api, twin_t: dict[str, Any]) -> dict[str, Any]:
    """`T` without its model, with `B` of another model beside it."""
    api.add_models(O)
    api.add_twin("B", twin_of(OBJ))
    assert_empty(api.delete(f"/models/{BUILDING}"))
    return twin_t


def test_an_orphan_is_read_queried_and_deleted(api: Api, orphan: dict[str, Any]) -> None:
    assert api.twin("T") == orphan
    rows = assert_json(api.query("SELECT * FROM digitaltwins WHERE $dtId = 'T'"))["value"]
    assert rows == [orphan]
    assert_empty(api.delete(T))


def test_an_orphan_takes_no_property_writes(api: Api, orphan: dict[str, Any]) -> None:
    change = [{"op": "replace", "path": "/AverageTemperature", "value": 1}]
    text = "or one of its dependencies does not exist."
    assert_error(api.patch(T, change), 400, "ValidationFailed", text)
    assert_error(api.put(T, building()), 400, "ValidationFailed", text)
    assert api.twin("T") == orphan


def test_an_orphan_takes_incoming_but_no_outgoing_relationships(api: Api, orphan: Any) -> None:
    linked = interface("dtmi:t:Linked;1", relationship("to"))
    api.add_models(linked)
    api.add_twin("L", twin_of("dtmi:t:Linked;1"))
    api.relate("L", "r", "T", "to")
    assert_empty(api.delete("/digitaltwins/L/relationships/r"))
    body = {"$relationshipName": "has", "$targetId": "B"}
    response = api.put(f"{T}/relationships/r", body)
    assert response.status_code == 400
    assert_error(response, 400, ("InvalidRelationship", "ValidationFailed"))
    assert_error(api.get(f"{T}/relationships/r"), 404, "RelationshipNotFound")


def test_an_orphan_can_be_moved_to_a_stored_model(api: Api, orphan: Any) -> None:
    api.add_models(interface("dtmi:t:New;1", prop("AverageTemperature", "double")))
    move = [
        {"op": "replace", "path": "/$metadata/$model", "value": "dtmi:t:New;1"},
        {"op": "remove", "path": "/TemperatureUnit"},
    ]
    assert_empty(api.patch(T, move), etag=True)
    assert api.twin("T")["$metadata"]["$model"] == "dtmi:t:New;1"


def test_an_orphan_is_adopted_when_its_model_returns(api: Api, orphan: dict[str, Any]) -> None:
    api.add_models(M)
    assert api.twin("T") == orphan
    change = [{"op": "replace", "path": "/AverageTemperature", "value": 1}]
    assert_empty(api.patch(T, change), etag=True)


def test_R_30_an_orphan_lists_and_loses_its_relationships(api: Api, twin_t: Any) -> None:
    api.add_twin("B", building())
    outgoing = api.relate("T", "out", "B")
    api.relate("B", "in", "T")
    assert_empty(api.delete(f"/models/{BUILDING}"))
    assert assert_page(api.get(f"{T}/relationships"))["value"] == [outgoing]
    incoming = assert_page(api.get(f"{T}/incomingrelationships"))["value"]
    assert [item["$relationshipId"] for item in incoming] == ["in"]
    assert_error(api.delete(T), 400, "RelationshipsNotDeleted")
    assert_empty(api.delete(f"{T}/relationships/out"))
    assert_empty(api.delete("/digitaltwins/B/relationships/in"))
    assert_empty(api.delete(T))
