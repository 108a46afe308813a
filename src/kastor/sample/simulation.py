"""Brings the sample building to life: what its sensors read while time goes by.

No clock and no I/O: the caller passes the time and writes what comes back. The physics are in
`climate`, the turns in `timetable`; here both meet the twins. People come and go by the hour,
carbon dioxide and warmth follow them slowly, lamps and VAV boxes at once, and meters count what
all that costs. The same graph, seed and calls give the same readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from kastor.sample import climate, draft
from kastor.sample.rooms import Room, rooms_of
from kastor.sample.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kastor.sample.draft import SampleGraph
    from kastor.types import Document, TwinId

HEALTH_EVERY = 20
"""A sensor reports its health with every so many readings."""

_STANDBY, _RUNNING = 1, 2
_DEFAULT_SEED = 7


@dataclass(frozen=True, slots=True)
class SimulatedReading:
    """What is to be written to one twin.

    Attributes:
        twin_id: the twin: a sensor, or what follows from its reading (a room, a lamp, a machine).
        patch: JSON Patch operations, never empty; a value and, after it, its ``sourceTime``.
        telemetry: a body to be published for the twin besides.
    """

    twin_id: TwinId
    patch: list[Document]
    telemetry: Document | None = None


class Simulation:
    """The living building.

    It carries on from the values that it finds in the twins, so it may be made from a stored graph
    as well as from a fresh one: a restarted server has no meter that runs backwards. Twins that are
    missing, and ones that it does not know, are left alone.
    """

    def __init__(self, graph: SampleGraph, seed: int = _DEFAULT_SEED) -> None:
        self._seed = seed
        self._twins: dict[TwinId, Document] = {twin["$dtId"]: twin for twin in graph.twins}
        self._rooms: dict[TwinId, Room] = rooms_of(graph)
        self._observed: dict[TwinId, TwinId] = {
            edge["$sourceId"]: edge["$targetId"]
            for edge in graph.relationships
            if edge["$relationshipName"] == "observes" and edge["$targetId"] in self._twins
        }
        self._readers: dict[str, Callable[[TwinId, datetime], list[SimulatedReading]]] = {
            draft.TEMPERATURE_SENSOR: self._read_temperature,
            draft.AIR_QUALITY_SENSOR: self._read_air,
            draft.OCCUPANCY_SENSOR: self._read_people,
            draft.POWER_METER: self._read_power,
        }
        sensors = [
            twin_id
            for twin_id in self._observed
            if twin_id in self._twins and self._model(twin_id) in self._readers
        ]
        self._timetable = Timetable(sensors, seed)
        self._turns: dict[TwinId, int] = dict.fromkeys(sensors, 0)
        self._cooling = {
            edge["$sourceId"]
            for edge in graph.relationships
            if edge["$relationshipName"] == "feeds" and edge.get("medium") == "chilledWater"
        }
        self._power: dict[TwinId, float] = {
            self._observed[sensor]: float(self._twins[sensor].get("power", 0.0))
            for sensor in sensors
            if self._model(sensor) == draft.POWER_METER
        }
        self._energy: dict[TwinId, float] = {}
        self._metered_at: dict[TwinId, datetime] = {}
        self._shown: dict[tuple[TwinId, str], Any] = {}

    def due(self, now: datetime) -> list[SimulatedReading]:
        """Return what has to be written now; call it about once a second.

        The building keeps the wall clock of `now`: pass a local time and it wakes when you do. The
        ``sourceTime`` of every value is written in UTC. Raises ValueError for a time without zone.
        """
        if now.tzinfo is None:
            raise ValueError("the simulation needs a time with a zone")
        readings = []
        for sensor in self._timetable.due(now.timestamp()):
            self._turns[sensor] += 1
            readings += self._readers[self._model(sensor)](sensor, now)
        return readings

    def _model(self, twin_id: TwinId) -> str:
        return str(self._twins[twin_id]["$metadata"]["$model"])

    def _wobble(self, sensor: TwinId, size: float) -> float:
        return size * climate.noise(self._seed, sensor, self._turns[sensor])

    def _read_temperature(self, sensor: TwinId, now: datetime) -> list[SimulatedReading]:
        """Return the reading of a thermometer: of a room, of supply air, or of the weather."""
        thing = self._observed[sensor]
        room = self._rooms.get(thing)
        if room is None:
            aim = self._twins[thing].get("supplySetPoint")
            value = climate.outside_temperature(now) if aim is None else aim
            value = round(value + self._wobble(sensor, 0.15), 1)
            return [self._reading(sensor, {"temperature": value}, now)]
        room.drift(now)
        value = round(room.warmth + self._wobble(sensor, 0.1), 1)
        shown: dict[str, Any] = {"thermostat/currentTemperature": value}
        mode, set_point = climate.thermostat(room.purpose, now, heated=room.heated)
        if mode != room.mode:
            room.mode, room.set_point = mode, set_point
            shown |= {"thermostat/mode": mode, "thermostat/setPoint": set_point}
        return [
            self._reading(sensor, {"temperature": value}, now),
            *self._follow(room.twin_id, shown, now),
        ]

    def _read_air(self, sensor: TwinId, now: datetime) -> list[SimulatedReading]:
        """Return the reading of an air quality sensor."""
        room = self._rooms.get(self._observed[sensor])
        if room is None:
            return []
        room.drift(now)
        damp = climate.humidity(climate.outside_temperature(now), room.crowd)
        values = {
            "co2": max(400, round(room.co2 + self._wobble(sensor, 6))),
            "humidity": round(damp + self._wobble(sensor, 0.6), 1),
        }
        return [self._reading(sensor, values, now)]

    def _read_people(self, sensor: TwinId, now: datetime) -> list[SimulatedReading]:
        """Return the reading of an occupancy sensor, and what follows where it changed."""
        room = self._rooms.get(self._observed[sensor])
        if room is None:
            return []
        before = room.people
        room.drift(now)
        room.people = climate.people(room.twin_id, room.purpose, room.capacity, now)
        telemetry: Document = {}
        readings: list[SimulatedReading] = []
        if room.people != before:
            values: Document = {"peopleCount": room.people}
            if (room.people > 0) != (before > 0):
                values["occupied"] = room.people > 0
                telemetry = {"presenceChanged": {**values}}
                readings += self._switch_lights(room, now)
            readings += self._follow(room.twin_id, values, now)
            readings += self._move_damper(room, now)
        own = self._reading(sensor, {"peopleCount": room.people}, now, telemetry)
        return [own, *readings]

    def _switch_lights(self, room: Room, now: datetime) -> list[SimulatedReading]:
        lit = room.people > 0
        values = {
            "isOn": lit,
            "brightness": 80 if lit else 0,
            "status": _RUNNING if lit else _STANDBY,
        }
        return [reading for light in room.lights for reading in self._follow(light, values, now)]

    def _move_damper(self, room: Room, now: datetime) -> list[SimulatedReading]:
        """Return the answer of the VAV box: as much air as the fullest of its rooms needs."""
        if room.vav is None:
            return []
        crowd = max(other.crowd for other in self._rooms.values() if other.vav == room.vav)
        position = climate.damper_position(crowd)
        return self._follow(room.vav, {"damperPosition": position, "load": position}, now)

    def _read_power(self, sensor: TwinId, now: datetime) -> list[SimulatedReading]:
        """Return the reading of a meter, and the load of the machine behind it."""
        thing = self._observed[sensor]
        power, follow = self._draw_of(thing, now)
        power = max(0.05, power * (1 + self._wobble(sensor, 0.02)))
        self._power[thing] = power
        energy = self._energy.get(sensor, float(self._twins[sensor].get("energyTotal", 0)))
        since = now - self._metered_at.get(sensor, now)
        energy += max(0.0, since.total_seconds()) / 3600 * power * 1000
        self._energy[sensor], self._metered_at[sensor] = energy, now
        values = {"power": round(power, 2), "energyTotal": int(energy)}
        return [self._reading(sensor, values, now), *self._follow(thing, follow, now)]

    def _draw_of(self, thing: TwinId, now: datetime) -> tuple[float, Document]:
        """Return the power in kilowatts that something draws, and what it shows of that itself."""
        model = self._model(thing)
        rated = float(self._twins[thing].get("nameplate", {}).get("ratedPower", 1.0))
        if model == draft.FLOOR:
            rooms = [room for room in self._rooms.values() if room.floor == thing]
            lit = sum(room.area for room in rooms if room.people > 0)
            return climate.floor_power(sum(room.people for room in rooms), lit), {}
        if model == draft.AIR_HANDLING_UNIT:
            load = climate.fan_load(now)
            return climate.fan_power(load, rated), {"load": float(round(load))}
        if model == draft.HVAC_EQUIPMENT:
            return self._plant_draw(thing, rated, climate.outside_temperature(now))
        others = (power for other, power in self._power.items() if other != thing)
        return sum(others, start=0.0), {}

    def _plant_draw(self, thing: TwinId, rated: float, outside: float) -> tuple[float, Document]:
        """Return the same for the heat pump and the chiller, which follow the weather."""
        cools = thing in self._cooling
        load = climate.cooling_load(outside) if cools else climate.heating_load(outside)
        operation = "cooling" if cools else "heating"
        shows = {
            "load": float(round(load)),
            "operation": operation if load else "idle",
            "status": _RUNNING if load else _STANDBY,
        }
        return climate.plant_power(load, rated), shows

    def _follow(self, twin_id: TwinId, values: Document, now: datetime) -> list[SimulatedReading]:
        """Return a reading of those values that differ from what the twin shows, if any."""
        twin = self._twins.get(twin_id)
        if twin is None:
            return []
        changed = {}
        for path, value in values.items():
            if self._shown.get((twin_id, path), _lookup(twin, path)) != value:
                self._shown[twin_id, path] = changed[path] = value
        return [SimulatedReading(twin_id, _patch(changed, now))] if changed else []

    def _reading(
        self, sensor: TwinId, values: Document, now: datetime, telemetry: Document | None = None
    ) -> SimulatedReading:
        """Return the reading of a sensor, with a word about its health now and then."""
        body = dict(telemetry or {})
        if self._turns[sensor] % HEALTH_EVERY == 0:
            health: Document = {"signal": round(-58 + self._wobble(sensor, 6))}
            if "batteryLevel" in self._twins[sensor]:
                health["batteryLevel"] = self._twins[sensor]["batteryLevel"]
            body["health"] = health
        return SimulatedReading(sensor, _patch(values, now), body or None)


def _lookup(twin: Document, path: str) -> Any:
    """Return the value of a twin at a path such as ``thermostat/mode``, or None."""
    value: Any = twin
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _patch(values: Document, now: datetime) -> list[Document]:
    """Return the operations that set these values and say when they were measured."""
    moment = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    operations: list[Document] = []
    for path, value in values.items():
        owner, _, name = path.rpartition("/")
        prefix = f"/{owner}" if owner else ""
        operations += [
            {"op": "add", "path": f"{prefix}/{name}", "value": value},
            {"op": "add", "path": f"{prefix}/$metadata/{name}/sourceTime", "value": moment},
        ]
    return operations
