"""The simulation: seldom, spread, believable, valid, and repeatable."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import pytest

from kastor.dtdl import compile_interface, parse
from kastor.sample import SampleGraph, SimulatedReading, Simulation, graph, models
from kastor.sample.timetable import GAP, PERIOD

from .conftest import Building, Ontology

TUESDAY = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 1, 11, 2, 0, tzinfo=UTC)
JULY_NOON = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
RANGES = {
    "temperature": (-25, 42),
    "co2": (400, 1400),
    "humidity": (15, 80),
    "peopleCount": (0, 90),
    "power": (0.05, 250),
    "currentTemperature": (14, 30),
    "damperPosition": (0, 100),
    "load": (0, 100),
    "brightness": (0, 100),
}
SENSORS = 147

Log = list[tuple[datetime, list[SimulatedReading]]]


@cache
def hour_from(start: datetime, seconds: int = 3600, step: float = 1.0) -> Log:
    simulation = Simulation(graph())
    moments = [start + timedelta(seconds=n * step) for n in range(int(seconds / step))]
    return [(moment, simulation.due(moment)) for moment in moments]


def is_sensor(twin_id: str) -> bool:
    return twin_id.startswith(("temp-", "air-", "occ-", "meter-"))


def values(reading: SimulatedReading) -> dict[str, Any]:
    return {
        operation["path"]: operation["value"]
        for operation in reading.patch
        if "$metadata" not in operation["path"]
    }


def apply(twin: dict[str, Any], reading: SimulatedReading) -> None:
    """Apply a patch as far as the simulation uses JSON Patch."""
    for operation in reading.patch:
        assert operation["op"] == "add"
        *parents, last = operation["path"].removeprefix("/").split("/")
        place = twin
        for step in parents:
            place = place.setdefault(step, {}) if "$metadata" in parents else place[step]
        place[last] = operation["value"]


@pytest.mark.parametrize("start", [TUESDAY, SUNDAY_NIGHT, JULY_NOON])
@pytest.mark.parametrize("step", [0.25, 1.0, 7.3])
def test_no_sensor_speaks_twice_within_30_seconds(start: datetime, step: float) -> None:
    last: dict[str, datetime] = {}
    for moment, readings in hour_from(start, 3600 if step >= 1 else 600, step):
        for reading in readings:
            if is_sensor(reading.twin_id):
                before = last.get(reading.twin_id)
                assert before is None or moment - before >= timedelta(seconds=30)
                last[reading.twin_id] = moment
    assert len(last) == SENSORS


def test_uneven_clocks_do_not_make_them_speak_faster() -> None:
    simulation, last, now = Simulation(graph()), dict[str, datetime](), TUESDAY
    for n in range(2000):
        now += timedelta(seconds=[0.2, 1.0, 1.9, 12.0, 0.0, 95.0][n * n % 6])
        for reading in simulation.due(now):
            if is_sensor(reading.twin_id):
                before = last.get(reading.twin_id)
                assert before is None or now - before >= timedelta(seconds=GAP)
                last[reading.twin_id] = now


def test_a_few_are_due_every_second() -> None:
    counts = [
        sum(is_sensor(reading.twin_id) for reading in readings)
        for _, readings in hour_from(TUESDAY)
    ]
    assert max(counts) <= 5
    assert min(counts[1:]) >= 3
    assert sum(counts) == pytest.approx(3600 * SENSORS / PERIOD, rel=0.02)


def test_after_a_pause_everybody_returns_to_the_own_slot() -> None:
    simulation = Simulation(graph())
    for n in range(80):
        simulation.due(TUESDAY + timedelta(seconds=n))
    later = TUESDAY + timedelta(hours=3)
    assert len([one for one in simulation.due(later) if is_sensor(one.twin_id)]) == SENSORS
    rounds = [simulation.due(later + timedelta(seconds=n)) for n in range(1, 160)]
    sizes = [sum(is_sensor(reading.twin_id) for reading in one) for one in rounds]
    assert max(sizes) <= 5


def test_a_clock_that_was_set_back_does_not_silence_the_building() -> None:
    simulation = Simulation(graph())
    for n in range(60):
        simulation.due(TUESDAY + timedelta(seconds=n))
    back = TUESDAY - timedelta(hours=1)
    spoken = Counter(
        reading.twin_id
        for n in range(90)
        for reading in simulation.due(back + timedelta(seconds=n))
    )
    assert sum(is_sensor(twin_id) for twin_id in spoken) == SENSORS


@pytest.mark.parametrize("start", [TUESDAY, SUNDAY_NIGHT, JULY_NOON])
def test_values_are_in_range_and_rounded(start: datetime) -> None:
    for _, readings in hour_from(start):
        for reading in readings:
            for path, value in values(reading).items():
                low, high = RANGES.get(path.rpartition("/")[2], (None, None))
                if low is not None:
                    assert low <= value <= high, (reading.twin_id, path, value)
                if isinstance(value, float):
                    assert value == round(value, 2)


def test_every_reading_says_when_it_was_taken() -> None:
    for moment, readings in hour_from(TUESDAY):
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for reading in readings:
            assert reading.patch
            times = [one for one in reading.patch if one["path"].endswith("/sourceTime")]
            assert len(times) * 2 == len(reading.patch)
            assert {one["value"] for one in times} == {text}


def test_every_patch_leaves_a_valid_twin(building: Building) -> None:
    twins = copy.deepcopy(building.twins)
    parsed = parse(models())
    for start in (TUESDAY, SUNDAY_NIGHT, JULY_NOON):
        for _, readings in hour_from(start):
            for reading in readings:
                apply(twins[reading.twin_id], reading)
        for twin in twins.values():
            interface = compile_interface(parsed, twin["$metadata"]["$model"])
            assert interface.violations(twin) == [], twin["$dtId"]


def test_patches_touch_only_declared_properties(building: Building, ontology: Ontology) -> None:
    for start in (TUESDAY, SUNDAY_NIGHT, JULY_NOON):
        for _, readings in hour_from(start):
            for reading in readings:
                for path in values(reading):
                    model = building.model(reading.twin_id)
                    *component, name = path.removeprefix("/").split("/")
                    if component:
                        model = ontology.contents(model, "Component")[component[0]]["schema"]
                    assert name in ontology.contents(model, "Property")


def test_telemetry_is_declared_and_comes_now_and_then(
    building: Building, ontology: Ontology
) -> None:
    sent = Counter[str]()
    for _, readings in hour_from(TUESDAY):
        for reading in readings:
            for name in reading.telemetry or {}:
                sent[name] += 1
                assert name in ontology.contents(building.model(reading.twin_id), "Telemetry")
    assert sent["health"] >= SENSORS
    assert sent["presenceChanged"] > 5


def test_the_same_calls_give_the_same_readings() -> None:
    def run() -> list[list[SimulatedReading]]:
        simulation = Simulation(graph())
        return [simulation.due(TUESDAY + timedelta(seconds=n)) for n in range(300)]

    assert run() == run()


def test_another_seed_gives_other_readings() -> None:
    one, other = Simulation(graph(), seed=1), Simulation(graph(), seed=2)
    moments = [TUESDAY + timedelta(seconds=n) for n in range(60)]
    assert [one.due(at) for at in moments] != [other.due(at) for at in moments]


def test_the_graph_is_not_changed() -> None:
    given = graph()
    simulation = Simulation(given)
    for n in range(120):
        simulation.due(SUNDAY_NIGHT + timedelta(seconds=n))
    assert given == graph()


def state_after(start: datetime, hours: int = 3) -> dict[tuple[str, str], Any]:
    """What twins show after some hours."""
    simulation, shown = Simulation(graph()), {}
    for n in range(0, hours * 3600, 10):
        for reading in simulation.due(start + timedelta(seconds=n)):
            for path, value in values(reading).items():
                shown[reading.twin_id, path] = value
    return shown


def test_days_differ_from_nights() -> None:
    day, night = state_after(TUESDAY), state_after(SUNDAY_NIGHT)

    def total(state: dict[tuple[str, str], Any], prefix: str, path: str) -> float:
        return sum(
            float(value)
            for (twin, p), value in state.items()
            if twin.startswith(prefix) and p == path
        )

    assert total(day, "occ-", "/peopleCount") > 150
    assert total(night, "occ-", "/peopleCount") == 0
    assert total(day, "air-", "/co2") > 1.3 * total(night, "air-", "/co2")
    assert total(day, "temp-2", "/temperature") > total(night, "temp-2", "/temperature") + 15
    assert day["meter-floor-2", "/power"] > 2 * night["meter-floor-2", "/power"]
    assert night["room-2-04", "/thermostat/mode"] == "eco"
    assert night["light-2-02-a", "/isOn"] is False


def test_carbon_dioxide_moves_slowly() -> None:
    last: dict[str, int] = {}
    for _, readings in hour_from(TUESDAY):
        for reading in readings:
            if reading.twin_id.startswith("air-"):
                co2 = values(reading)["/co2"]
                assert abs(co2 - last.get(reading.twin_id, co2)) < 60
                last[reading.twin_id] = co2


def test_rooms_say_what_their_sensor_says(building: Building) -> None:
    state = state_after(JULY_NOON, 1)
    for (twin_id, path), people in state.items():
        if twin_id.startswith("occ-") and path == "/peopleCount":
            room = twin_id.replace("occ-", "room-")
            before = building.twins[room]
            assert state.get((room, path), before["peopleCount"]) == people
            assert state.get((room, "/occupied"), before["occupied"]) == (people > 0)


def test_meters_never_run_backwards_not_even_over_a_restart() -> None:
    twins = {twin["$dtId"]: twin for twin in graph().twins}
    relationships = graph().relationships
    last = {name: twin["energyTotal"] for name, twin in twins.items() if "energyTotal" in twin}
    at = TUESDAY
    for _ in range(3):
        simulation = Simulation(SampleGraph(list(twins.values()), relationships))
        for n in range(300):
            for reading in simulation.due(at + timedelta(seconds=n)):
                apply(twins[reading.twin_id], reading)
                if reading.twin_id.startswith("meter-"):
                    total = values(reading)["/energyTotal"]
                    assert total >= last[reading.twin_id]
                    last[reading.twin_id] = total
        at += timedelta(hours=2)


def test_local_time_wakes_the_building() -> None:
    east = TUESDAY.astimezone(timezone(timedelta(hours=9)))
    simulation = Simulation(graph())
    readings = [r for n in range(60) for r in simulation.due(east + timedelta(seconds=n))]
    people = [values(r)["/peopleCount"] for r in readings if r.twin_id.startswith("occ-")]
    assert sum(people) < 20
    assert readings[0].patch[1]["value"] == "2026-03-03T10:00:00.000Z"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Simulation(graph()).due(TUESDAY.replace(tzinfo=None))


@pytest.mark.parametrize(
    "gone", ["room-2-14", "vav-2-05", "light-2-14", "temp-2-14", "ahu-1", "floor-2"]
)
def test_a_graph_with_holes_is_simulated_as_far_as_it_goes(gone: str) -> None:
    given = graph()
    twins = [twin for twin in given.twins if twin["$dtId"] != gone]
    simulation = Simulation(SampleGraph(twins, given.relationships))
    readings = [r for n in range(120) for r in simulation.due(SUNDAY_NIGHT + timedelta(seconds=n))]
    assert readings
    assert gone not in {reading.twin_id for reading in readings}


def test_an_empty_graph_stays_quiet() -> None:
    simulation = Simulation(SampleGraph([], []))
    assert simulation.due(TUESDAY) == []


def test_turns_are_shared_evenly() -> None:
    turns: dict[str, int] = defaultdict(int)
    for _, readings in hour_from(TUESDAY):
        for reading in readings:
            turns[reading.twin_id] += is_sensor(reading.twin_id)
    spoken = {count for twin_id, count in turns.items() if is_sensor(twin_id)}
    assert spoken <= {89, 90}
