"""Fills the rooms of the sample building: machines, lamps, sensors and meters.

Each function adds one kind of thing to a draft in which the spaces exist already. What a device
shows at first are the values of one ordinary morning, taken from `climate`, so that the picture
fits together before the first simulated reading comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kastor.sample import climate
from kastor.sample.draft import component
from kastor.sample.layout import FLOORS, UNHEATED, WITH_AIR_QUALITY, WITH_OCCUPANCY, room_id

if TYPE_CHECKING:
    from kastor.sample.draft import Draft
    from kastor.sample.layout import FloorPlan, RoomPlan
    from kastor.types import Document, TwinId

MORNING = datetime(2026, 3, 3, 10, 20)  # noqa: DTZ001 - the building's own wall clock
"""The Tuesday morning that the graph shows at first."""

PLANT_ROOM: TwinId = "room-0-12"
ELECTRICAL_ROOM: TwinId = "room-0-13"
_STANDBY, _RUNNING = 1, 2
_HEAT_PUMP_KW, _CHILLER_KW, _AHU_KW = 60.0, 45.0, 9.0
_HOURS_SO_FAR = 42_400
_TWO_CIRCUITS_FROM = 120.0


@dataclass(frozen=True, slots=True)
class RoomAir:
    """How it is in a room in the `MORNING`."""

    people: int
    mode: str
    set_point: float
    temperature: float
    co2: int
    humidity: float


def morning_air(room: TwinId, plan: RoomPlan) -> RoomAir:
    """Return the values that everything in a room agrees on at first."""
    people = climate.people(room, plan.purpose, plan.capacity, MORNING)
    mode, set_point = climate.thermostat(plan.purpose, MORNING, heated=plan.purpose not in UNHEATED)
    crowd = people / max(plan.capacity, 1)
    outside = climate.outside_temperature(MORNING)
    warmth = climate.warmth_aim(room, mode, set_point, outside, 0.6 * crowd)
    return RoomAir(
        people=people,
        mode=mode,
        set_point=set_point,
        temperature=round(warmth, 1),
        co2=round(climate.co2_aim(0.8 * crowd)),
        humidity=round(climate.humidity(outside, crowd), 1),
    )


def _day(start: date, days: int, *key: object) -> str:
    """Return a date up to so many days after a start."""
    return (start + timedelta(days=int(days * climate.draw(*key)))).isoformat()


def _equipment(twin_id: TwinId, product: str, rated_kw: float, status: int) -> Document:
    """Return what every machine tells about itself."""
    serviced = _day(date(2025, 9, 1), 150, twin_id, "serviced")
    return {
        "status": status,
        "installedOn": _day(date(2021, 2, 1), 60, twin_id, "installed"),
        "lastServicedAt": f"{serviced}T{8 + int(8 * climate.draw(twin_id, 'hour')):02}:30:00Z",
        "serviceEvery": "P6M" if rated_kw > 1 else "P1Y",
        "runningSeconds": 60_000_000 + int(20_000_000 * climate.draw(twin_id, "running")),
        "nameplate": component(
            manufacturer="Sample Air Works" if rated_kw > 1 else "Sample Light & Control",
            product=product,
            serialNumber=f"S{int(1e8 * climate.draw(twin_id, 'serial')):08}",
            builtOn=_day(date(2020, 9, 1), 120, twin_id, "built"),
            ratedPower=rated_kw,
        ),
    }


def add_plant(draft: Draft, building: TwinId) -> None:
    """Add the heat pump, the chiller, and the air handling units that both feed."""
    outside = climate.outside_temperature(MORNING)
    heat, cold = climate.heating_load(outside), climate.cooling_load(outside)
    plant = (
        ("heatpump-1", "Heat pump 1", "Burrow 60", _HEAT_PUMP_KW, "heating", heat, "hotWater", 9.5),
        (
            "chiller-1",
            "Chiller 1",
            "Icebound 45",
            _CHILLER_KW,
            "cooling",
            cold,
            "chilledWater",
            7.0,
        ),
    )
    units = sorted({plan.air_handling_unit for plan in FLOORS})
    for unit in units:
        _add_air_handling_unit(draft, unit)
    for twin_id, name, product, rated, operation, load, medium, flow in plant:
        draft.twin(
            twin_id,
            "HvacEquipment",
            name,
            operation=operation if load else "idle",
            load=round(load, 1),
            **_equipment(twin_id, product, rated, _RUNNING if load else _STANDBY),
        )
        draft.link(twin_id, "isLocatedIn", PLANT_ROOM)
        draft.link(twin_id, "serves", building, primary=True)
        for unit in units:
            draft.link(twin_id, "feeds", f"ahu-{unit}", medium=medium, flow=flow)


def _add_air_handling_unit(draft: Draft, unit: int) -> None:
    twin_id = draft.twin(
        f"ahu-{unit}",
        "AirHandlingUnit",
        f"Air handling unit {unit}",
        operation="ventilation",
        load=round(climate.fan_load(MORNING), 1),
        supplySetPoint=19.0,
        heatRecovery=True,
        schedule={"start": "05:30:00Z", "stop": "20:00:00Z", "weekend": False},
        filters=[
            {"stage": "outdoor air", "grade": "ePM10 60 %", "changedOn": "2025-11-04"},
            {"stage": "supply air", "grade": "ePM1 55 %", "changedOn": f"2026-01-{8 + unit:02}"},
        ],
        **_equipment(f"ahu-{unit}", "Breeze 12000", _AHU_KW, _RUNNING),
    )
    draft.link(twin_id, "isLocatedIn", PLANT_ROOM)
    for plan in FLOORS:
        if plan.air_handling_unit == unit:
            draft.link(twin_id, "serves", f"floor-{plan.level}", primary=True)


def add_vav_boxes(draft: Draft, plan: FloorPlan) -> None:
    """Add the VAV boxes of a floor, between its air handling unit and its rooms."""
    for number in sorted({room.vav for room in plan.rooms} - {0}):
        fed = [room for room in plan.rooms if room.vav == number]
        flow = float(round(sum(25 * room.capacity + 2 * room.area for room in fed), -1))
        twin_id = f"vav-{plan.level}-{number:02}"
        crowds = [
            morning_air(room_id(plan.level, room.number), room).people / room.capacity
            for room in fed
        ]
        position = climate.damper_position(max(crowds))
        draft.twin(
            twin_id,
            "VavBox",
            f"VAV box {plan.level}.{number:02}",
            operation="ventilation",
            load=position,
            damperPosition=position,
            minimumFlow=round(flow * 0.2, 1),
            maximumFlow=flow,
            **_equipment(twin_id, "Flap 2", 0.02, _RUNNING),
        )
        draft.link(twin_id, "isLocatedIn", room_id(plan.level, 1))
        draft.link(f"ahu-{plan.air_handling_unit}", "feeds", twin_id, medium="air", flow=flow)
        for room in fed:
            share = float(round(25 * room.capacity + 2 * room.area))
            draft.link(twin_id, "feeds", room_id(plan.level, room.number), medium="air", flow=share)


def add_lights(draft: Draft, plan: FloorPlan) -> None:
    """Add one lighting circuit to each room of a floor, two to a large one."""
    for room in plan.rooms:
        space = room_id(plan.level, room.number)
        stem = f"light-{plan.level}-{room.number:02}"
        large = room.area >= _TWO_CIRCUITS_FROM
        lit = morning_air(space, room).people > 0
        circuits = ((f"{stem}-a", "window side"), (f"{stem}-b", "core side"))
        for twin_id, side in circuits if large else ((stem, ""),):
            draft.twin(
                twin_id,
                "Light",
                f"Light {room.name}" + (f", {side}" if side else ""),
                isOn=lit,
                brightness=80 if lit else 0,
                lampCount=max(1, round(room.area / (18 if large else 9))),
                **_equipment(twin_id, "Glow 30", 0.03, _RUNNING if lit else _STANDBY),
            )
            draft.link(twin_id, "isLocatedIn", space)
            draft.link(twin_id, "serves", space, primary=side != "core side")


def _sensor(twin_id: TwinId, *, wired: bool = False) -> Document:
    """Return what every sensor tells about itself."""
    values: Document = {"calibratedOn": _day(date(2025, 10, 1), 120, twin_id, "calibrated")}
    if not wired:
        values["batteryLevel"] = round(55 + 45 * climate.draw(twin_id, "battery"), 1)
    return values


def _mount(draft: Draft, place: TwinId, sensor: TwinId, of: TwinId, mount: str) -> None:
    """Hang a sensor somewhere and say what it watches."""
    height = {"wall": 1.4, "ceiling": 2.8, "duct": 2.6, "cabinet": 1.6, "outdoors": 2.0}[mount]
    draft.link(place, "hasSensor", sensor, mount=mount, height=height)
    draft.link(sensor, "observes", of)


def add_room_sensors(draft: Draft, plan: FloorPlan) -> None:
    """Add temperature, air quality and occupancy sensors to the rooms that need them."""
    for room in plan.rooms:
        space, suffix = room_id(plan.level, room.number), f"{plan.level}-{room.number:02}"
        air = morning_air(space, room)
        kinds: list[tuple[str, str, str, str, Document]] = []
        if room.vav:
            values: Document = {"temperature": air.temperature}
            kinds.append(("temp", "TemperatureSensor", "Temperature", "wall", values))
        if room.purpose in WITH_AIR_QUALITY:
            values = {"co2": air.co2, "humidity": air.humidity}
            kinds.append(("air", "AirQualitySensor", "Air quality", "wall", values))
        if room.purpose in WITH_OCCUPANCY:
            values = {"peopleCount": air.people}
            kinds.append(("occ", "OccupancySensor", "Occupancy", "ceiling", values))
        for prefix, model, title, mount, values in kinds:
            twin_id = f"{prefix}-{suffix}"
            draft.twin(twin_id, model, f"{title} {room.name}", **values, **_sensor(twin_id))
            _mount(draft, space, twin_id, space, mount)


def add_plant_sensors(draft: Draft, site: TwinId) -> None:
    """Add the thermometer outdoors and one in the supply duct of each air handling unit."""
    outside = round(climate.outside_temperature(MORNING), 1)
    draft.twin(
        "temp-outdoor",
        "TemperatureSensor",
        "Outdoor temperature",
        temperature=outside,
        **_sensor("temp-outdoor"),
    )
    _mount(draft, site, "temp-outdoor", site, "outdoors")
    for unit in sorted({plan.air_handling_unit for plan in FLOORS}):
        twin_id = f"temp-ahu-{unit}"
        name = f"Supply air temperature, unit {unit}"
        values = _sensor(twin_id, wired=True)
        draft.twin(twin_id, "TemperatureSensor", name, temperature=19.0, **values)
        _mount(draft, PLANT_ROOM, twin_id, f"ahu-{unit}", "duct")


def _metered() -> list[tuple[TwinId, str, float, float]]:
    """Return what has a meter of its own: id, name, power this morning, mean power so far."""
    outside = climate.outside_temperature(MORNING)
    heat = climate.plant_power(climate.heating_load(outside), _HEAT_PUMP_KW)
    cold = climate.plant_power(climate.cooling_load(outside), _CHILLER_KW)
    fan = climate.fan_power(climate.fan_load(MORNING), _AHU_KW)
    units = sorted({plan.air_handling_unit for plan in FLOORS})
    return [
        *((f"floor-{plan.level}", plan.name, 14.0, 5.2) for plan in FLOORS),
        *((f"ahu-{unit}", f"air handling unit {unit}", fan, 1.9) for unit in units),
        ("heatpump-1", "heat pump 1", heat, 14.5),
        ("chiller-1", "chiller 1", cold, 2.1),
    ]


def add_meters(draft: Draft, building: TwinId) -> None:
    """Add the main meter and, below it, one for each floor and each large machine."""
    metered = _metered()
    power, mean = sum(row[2] for row in metered), sum(row[3] for row in metered)
    for thing, title, now, usual in [(building, "whole building", power, mean), *metered]:
        twin_id = "meter-main" if thing == building else f"meter-{thing}"
        draft.twin(
            twin_id,
            "PowerMeter",
            f"Meter {title}",
            power=round(now, 2),
            energyTotal=round(usual * 1000 * _HOURS_SO_FAR),
            **_sensor(twin_id, wired=True),
        )
        _mount(draft, ELECTRICAL_ROOM, twin_id, thing, "cabinet")
        if thing != building:
            draft.link(twin_id, "isSubmeterOf", "meter-main")
