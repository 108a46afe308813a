"""The sample graph: valid against its models, whole, believable, and always the same."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest

from kastor.dtdl import ModelSet, ValueRules, compile_interface, parse
from kastor.sample import graph, models
from kastor.sample.layout import FLOORS

from .conftest import Building, Ontology

SERVER_RULES = ValueRules(dollar_keys=False, empty_keys=False, closed_rings=True)


@cache
def parsed() -> ModelSet:
    return parse(models())


@pytest.mark.parametrize("rules", [ValueRules(), SERVER_RULES], ids=["strict", "server"])
def test_every_twin_conforms_to_its_model(building: Building, rules: ValueRules) -> None:
    for twin in building.graph.twins:
        interface = compile_interface(parsed(), twin["$metadata"]["$model"], rules)
        assert interface.violations(twin) == [], twin["$dtId"]


def test_every_relationship_conforms_to_the_model_of_its_source(building: Building) -> None:
    for edge in building.graph.relationships:
        interface = compile_interface(parsed(), building.model(edge["$sourceId"]))
        relationship = interface.relationships[edge["$relationshipName"]]
        assert relationship.violations(edge) == [], edge["$relationshipId"]


def test_members_of_twins_are_declared_and_components_complete(
    building: Building, ontology: Ontology
) -> None:
    for twin in building.graph.twins:
        model = twin["$metadata"]["$model"]
        components = set(ontology.contents(model, "Component"))
        members = {name for name in twin if not name.startswith("$")}
        assert components <= members
        assert members - components <= set(ontology.contents(model, "Property"))
        assert all("$metadata" in twin[component] for component in components)


def test_relationships_are_declared_and_lead_to_twins_of_the_target_model(
    building: Building, ontology: Ontology
) -> None:
    for edge in building.graph.relationships:
        declared = ontology.contents(building.model(edge["$sourceId"]), "Relationship")
        relationship = declared[edge["$relationshipName"]]
        assert relationship["target"] in ontology.ancestry(building.model(edge["$targetId"]))
        assert edge["$sourceId"] != edge["$targetId"]
        properties = {one["name"] for one in relationship.get("properties", [])}
        assert {name for name in edge if not name.startswith("$")} <= properties


def test_ids_are_unique_and_plain(building: Building) -> None:
    twins = [twin["$dtId"] for twin in building.graph.twins]
    edges = [edge["$relationshipId"] for edge in building.graph.relationships]
    for ids in (twins, edges):
        assert len(set(ids)) == len(ids)
        assert all(len(one) <= 128 for one in ids)
        assert all(one.replace("-", "").isalnum() for one in ids)
        assert all(one.isascii() for one in ids)


def test_it_is_of_the_promised_size(building: Building) -> None:
    assert 250 <= len(building.graph.twins) <= 450
    models_used = Counter(twin["$metadata"]["$model"] for twin in building.graph.twins)
    names = {model.removeprefix("dtmi:kastor:sample:").removesuffix(";1") for model in models_used}
    assert names == {
        "Site", "Building", "Floor", "Room", "MeetingRoom", "HvacEquipment", "AirHandlingUnit",
        "VavBox", "Light", "TemperatureSensor", "AirQualitySensor", "OccupancySensor",
        "PowerMeter", "Tenant",
    }  # fmt: skip
    assert models_used["dtmi:kastor:sample:Floor;1"] == 5


def test_every_relationship_of_the_ontology_is_used(building: Building, ontology: Ontology) -> None:
    declared = {
        name
        for interface in ontology.interfaces
        for name in ontology.contents(interface, "Relationship")
    }
    assert {edge["$relationshipName"] for edge in building.graph.relationships} == declared


def test_every_property_of_the_ontology_is_set_somewhere(
    building: Building, ontology: Ontology
) -> None:
    used = {name for twin in building.graph.twins for name in twin}
    for twin in building.graph.twins:
        for component in ontology.contents(twin["$metadata"]["$model"], "Component"):
            used |= set(twin[component])
    declared = {
        name
        for interface in ontology.interfaces
        for name in ontology.contents(interface, "Property")
    }
    assert declared <= used


def test_familiar_ids_are_there(building: Building) -> None:
    expected = [
        "building-1",
        "floor-2",
        "room-2-14",
        "temp-2-14",
        "vav-2-05",
        "ahu-1",
        "meter-main",
    ]
    assert all(twin_id in building.twins for twin_id in expected)


def test_every_space_hangs_below_the_site(building: Building) -> None:
    reached, waiting = set(), {"site-1"}
    while waiting:
        reached |= waiting
        waiting = {part for one in waiting for part in building.targets(one, "hasPart")} - reached
    assert len(reached) == 2 + len(FLOORS) + sum(len(plan.rooms) for plan in FLOORS)


def test_no_twin_is_alone(building: Building) -> None:
    joined = {edge["$sourceId"] for edge in building.graph.relationships}
    joined |= {edge["$targetId"] for edge in building.graph.relationships}
    assert joined == set(building.twins)


def test_air_comes_from_the_plant_over_three_hops(building: Building) -> None:
    boxes = building.sources("room-2-14", "feeds")
    units = {unit for box in boxes for unit in building.sources(box, "feeds")}
    plant = {machine for unit in units for machine in building.sources(unit, "feeds")}
    assert (boxes, units, plant) == ({"vav-2-05"}, {"ahu-2"}, {"heatpump-1", "chiller-1"})


def test_every_sensor_hangs_somewhere_and_observes_one_thing(
    building: Building, ontology: Ontology
) -> None:
    for twin_id in building.twins:
        if "dtmi:kastor:sample:Sensor;1" in ontology.ancestry(building.model(twin_id)):
            assert len(building.sources(twin_id, "hasSensor")) == 1
            assert len(building.targets(twin_id, "observes")) == 1


def test_areas_add_up_and_rooms_are_not_overfull(building: Building) -> None:
    for plan in FLOORS:
        rooms = building.targets(f"floor-{plan.level}", "hasPart")
        total = sum(building.twins[room]["area"] for room in rooms)
        assert building.twins[f"floor-{plan.level}"]["area"] == pytest.approx(total)
        for room in rooms:
            twin = building.twins[room]
            assert 0 <= twin["peopleCount"] <= twin["capacity"]
            assert twin["occupied"] == (twin["peopleCount"] > 0)


def test_submeters_add_up_to_the_main_meter(building: Building) -> None:
    parts = building.sources("meter-main", "isSubmeterOf")
    for name, tolerance in (("power", 0.1), ("energyTotal", 10)):
        total = sum(building.twins[part][name] for part in parts)
        assert building.twins["meter-main"][name] == pytest.approx(total, abs=tolerance)


def test_it_is_the_same_each_time_and_fresh(building: Building) -> None:
    again = graph()
    assert again == building.graph
    again.twins[0]["name"] = "changed"
    assert graph() == building.graph


def test_it_is_plain_json(building: Building) -> None:
    documents = [building.graph.twins, building.graph.relationships]
    assert json.loads(json.dumps(documents, allow_nan=False)) == documents
    assert all(len(json.dumps(twin).encode()) < 4096 for twin in building.graph.twins)
