"""Weather, people, warmth and air of the sample building as functions of the time.

No state and no clock: whoever asks twice gets the same answer twice. What looks random is drawn
from a hash of what is asked for, so that a value does not depend on what was asked before.
All times are local to the building; only their date and their wall clock matter.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kastor.sample.layout import Purpose

FRESH_AIR_CO2 = 420.0
_CO2_AT_CAPACITY = 760.0
"""What a full room adds to fresh air in the long run, with its ventilation at work."""

_AIR_PER_PERSON = 25.0
"""Design air flow in cubic metres per hour and person."""

COMFORT, ECO, FROST = "comfort", "eco", "frostProtection"
_SET_POINTS = {COMFORT: 21.5, ECO: 18.5, FROST: 12.0}

_DAY_FROM, _DAY_TO = 6.5, 19.0
"""Between these hours rooms are kept comfortable."""

_Curve = tuple[tuple[float, float], ...]

_CAFE: _Curve = (
    (7, 0),
    (8.5, 0.18),
    (10, 0.12),
    (11.5, 0.2),
    (12.4, 0.85),
    (13.3, 0.6),
    (14.5, 0.12),
    (15.5, 0.25),
    (17, 0.05),
    (19, 0),
)
_LOUNGE: _Curve = (
    (7.5, 0),
    (9.5, 0.2),
    (12, 0.15),
    (13, 0.5),
    (14, 0.15),
    (15.5, 0.35),
    (18, 0.05),
    (20, 0),
)
_DOORS: _Curve = (
    (6, 0),
    (8.5, 0.4),
    (10, 0.12),
    (12, 0.3),
    (13.5, 0.2),
    (15, 0.1),
    (17, 0.35),
    (20, 0.02),
)
_STAFF: _Curve = ((5.5, 0), (7, 0.7), (11, 1), (14, 1), (16.5, 0.3), (18, 0))
_MEETINGS: _Curve = (
    (7.5, 0),
    (9, 0.6),
    (11.5, 0.7),
    (12.2, 0.15),
    (13.2, 0.3),
    (14, 0.75),
    (16.5, 0.5),
    (18.5, 0),
)

_VENTILATION: _Curve = ((5.5, 0), (7, 0.8), (9, 1), (16, 1), (19, 0.2), (20, 0))

_BY_CURVE: dict[Purpose, _Curve] = {
    "circulation": _DOORS,
    "reception": _DOORS,
    "cafe": _CAFE,
    "lounge": _LOUNGE,
    "kitchen": _STAFF,
}
_WEEKEND = 0.08
"""What is left of a working day's people on a weekend."""

_AWAY = 0.16
"""How much of the day people spend away from their desk."""

_HALL = 50
"""From this capacity on a meeting room is a hall: seldom booked, but for long."""

_SATURDAY = 5


def _digest(key: tuple[object, ...]) -> int:
    """Return 48 bits that belong to this key."""
    return int.from_bytes(blake2b("/".join(map(str, key)).encode(), digest_size=6).digest(), "big")


def draw(*key: object) -> float:
    """Return a number from 0 to 1 (exclusive) that belongs to this key."""
    return _digest(key) / 2**48


def noise(*key: object) -> float:
    """Return a number around 0, mostly within one unit, that belongs to this key."""
    bits = _digest(key)
    return ((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32)) / 2**16 - 1.5


def hour_of(local: datetime) -> float:
    """Return the time of day in hours."""
    return local.hour + local.minute / 60 + local.second / 3600


def is_working_day(local: datetime) -> bool:
    """Return whether it is Monday to Friday."""
    return local.weekday() < _SATURDAY


def _at(curve: _Curve, hour: float) -> float:
    """Return the height of a curve at an hour, by straight lines; 0 outside of it."""
    for (left, low), (right, high) in pairwise(curve):
        if left <= hour < right:
            return low + (high - low) * (hour - left) / (right - left)
    return 0.0


def outside_temperature(local: datetime) -> float:
    """Return the temperature outdoors in degrees Celsius: season, time of day, and weather."""
    hour, day = hour_of(local), local.toordinal()
    season = 10.5 - 9.0 * math.cos(2 * math.pi * (local.timetuple().tm_yday - 20) / 365)
    daily = 4.2 * math.cos(2 * math.pi * (hour - 15) / 24)
    today, tomorrow = noise("weather", day), noise("weather", day + 1)
    return season + daily + 4.0 * (today + (tomorrow - today) * hour / 24)


def people(room: str, purpose: Purpose, capacity: int, local: datetime) -> int:
    """Return how many people are in a room."""
    if purpose in ("office", "openOffice"):
        return sum(_is_seated(room, seat, local) for seat in range(capacity))
    if purpose in ("meeting", "focus"):
        return _attendees(room, capacity, local)
    curve = _BY_CURVE.get(purpose)
    if curve is None:
        return 0
    share = _at(curve, hour_of(local)) * (1.0 if is_working_day(local) else _WEEKEND)
    slot = local.hour * 12 + local.minute // 5
    wobble = 1 + 0.35 * noise(room, local.date(), slot)
    return max(0, min(capacity, round(capacity * share * wobble)))


def _is_seated(room: str, seat: int, local: datetime) -> bool:
    """Return whether the person of this desk is there: everybody has habits and a free will."""
    hour, day = hour_of(local), local.date()
    if draw(room, seat, day, "in") > (0.84 if is_working_day(local) else _WEEKEND):
        return False
    arrives = 8.4 + 0.9 * noise(room, seat, "arrives") + 0.3 * noise(room, seat, day, "late")
    leaves = arrives + 8.7 + 0.8 * noise(room, seat, day, "leaves")
    lunch = 12.4 + 0.6 * noise(room, seat, day, "lunch")
    if not arrives <= hour < leaves or lunch <= hour < lunch + 0.6:
        return False
    return draw(room, seat, day, int(hour * 4), "away") > _AWAY


def _attendees(room: str, capacity: int, local: datetime) -> int:
    """Return how many sit in a meeting: rooms are booked by the half hour, large ones longer."""
    hour = hour_of(local)
    is_hall = capacity > _HALL
    length = 2.0 if is_hall else 0.5
    slot = int(hour / length)
    chance = _at(_MEETINGS, (slot + 0.5) * length) * (1.0 if is_working_day(local) else _WEEKEND)
    if draw(room, local.date(), slot, "booked") >= chance * (0.5 if is_hall else 0.85):
        return 0
    if capacity == 1:
        return 1
    share = 0.3 + 0.65 * draw(room, local.date(), slot, "size")
    return max(2, min(capacity, round(capacity * share)))


def thermostat(purpose: Purpose, local: datetime, *, heated: bool) -> tuple[str, float]:
    """Return mode and set point of a room: comfort by day, eco by night and on weekends."""
    if not heated:
        mode = FROST
    elif is_working_day(local) and _DAY_FROM <= hour_of(local) < _DAY_TO:
        mode = COMFORT
    else:
        mode = ECO
    return mode, _SET_POINTS[mode] + (1.0 if mode == COMFORT and purpose == "lounge" else 0.0)


def warmth_aim(room: str, mode: str, set_point: float, outside: float, crowd: float) -> float:
    """Return the temperature that a room drifts to: control is good, but not perfect.

    By day a room is heated and cooled; else it is only heated, and follows mild weather.

    Args:
        room: id of the room; some are sunny, some have a draught.
        mode: mode of its thermostat.
        set_point: what the thermostat asks for.
        outside: temperature outdoors.
        crowd: people in the room as a share of its capacity.
    """
    heat = 0.16 if outside > set_point else 0.035
    aim = max(set_point + heat * (outside - set_point), set_point - 1.2)
    if mode != COMFORT:
        aim = max(aim, 11.0 + 0.5 * outside)
    return aim + 0.9 * noise(room, "character") + 1.7 * crowd


def co2_aim(crowd: float) -> float:
    """Return the carbon dioxide, in parts per million, that a room drifts to."""
    return FRESH_AIR_CO2 + _CO2_AT_CAPACITY * crowd


def air_minutes(area: float, capacity: int) -> float:
    """Return after how many minutes the ventilation has exchanged the air of a room once."""
    return max(6.0, 60 * area * 2.8 / (max(capacity, 1) * _AIR_PER_PERSON))


def humidity(outside: float, crowd: float) -> float:
    """Return the relative humidity indoors in percent: dry in frost, damp in a crowd."""
    return max(22.0, min(68.0, 38.0 + 0.65 * (outside - 8.0) + 7.0 * crowd))


def drift(value: float, aim: float, minutes: float, inertia: float) -> float:
    """Return a value that has moved towards its aim for some minutes, at its own pace."""
    return aim + (value - aim) * math.exp(-minutes / inertia)


def floor_power(crowd: int, lit_area: float) -> float:
    """Return what a floor draws in kilowatts: standby, people's machines, lamps."""
    return 1.8 + 0.14 * crowd + 0.008 * lit_area


def fan_load(local: datetime) -> float:
    """Return how hard the ventilation works, in percent: by night it only turns over."""
    if not is_working_day(local):
        return 12.0
    return 12.0 + 63.0 * _at(_VENTILATION, hour_of(local))


def fan_power(load: float, rated: float) -> float:
    """Return what a fan draws in kilowatts; the power grows faster than the air it moves."""
    return rated * (0.04 + 0.96 * math.pow(load / 100, 2.2))


def heating_load(outside: float) -> float:
    """Return how hard the heat pump works, in percent."""
    return max(0.0, min(100.0, 4.6 * (17.0 - outside)))


def cooling_load(outside: float) -> float:
    """Return how hard the chiller works, in percent."""
    return max(0.0, min(100.0, 6.5 * (outside - 18.0)))


def plant_power(load: float, rated: float) -> float:
    """Return what the heat pump or the chiller draws in kilowatts, its controls included."""
    return 0.3 + rated * load / 100


def damper_position(crowd: float) -> float:
    """Return how far a VAV box is open for its fullest room, in steps of five percent."""
    return float(5 * round((20 + 80 * min(crowd, 1.0)) / 5))
