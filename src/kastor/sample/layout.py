"""What stands where in the sample building: a table of floors, rooms and tenants.

Only data and the few rules that read it. Names and numbers can be changed freely; everything
else (devices, sensors, relationships, simulated values) follows from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Purpose: TypeAlias = Literal[
    "circulation",
    "reception",
    "cafe",
    "kitchen",
    "lounge",
    "office",
    "openOffice",
    "focus",
    "meeting",
    "storage",
    "washroom",
    "technical",
]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

WITH_OCCUPANCY: frozenset[Purpose] = frozenset(
    {"reception", "cafe", "lounge", "office", "openOffice", "focus", "meeting"}
)
WITH_AIR_QUALITY: frozenset[Purpose] = frozenset(
    {"reception", "cafe", "lounge", "openOffice", "meeting"}
)
UNHEATED: frozenset[Purpose] = frozenset({"storage", "technical"})


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """One room: its number on the floor, and the VAV box that gives it air (0: none)."""

    number: int
    name: str
    purpose: Purpose
    area: float
    capacity: int
    vav: int


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """One floor, the air handling unit that supplies it, and its rooms.

    The first room of a floor is its hall or corridor: every other room has a door to it.
    """

    level: int
    name: str
    ceiling_height: float
    air_handling_unit: int
    rooms: tuple[RoomPlan, ...]


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """One tenant and what it rents: (id of a floor or room, first day, desks)."""

    key: str
    name: str
    business: str
    headcount: int
    lease_ends_on: str
    rents: tuple[tuple[str, str, int], ...]


_Row: TypeAlias = tuple[str, Purpose, float, int, int]

_GROUND: tuple[_Row, ...] = (
    ("Entrance hall", "circulation", 124.0, 40, 1),
    ("Reception", "reception", 48.5, 10, 1),
    ("Auditorium Millpond", "meeting", 165.0, 90, 2),
    ("Café Driftwood", "cafe", 182.0, 80, 3),
    ("Kitchen", "kitchen", 42.5, 6, 3),
    ("Visitor room Reed", "meeting", 18.0, 6, 4),
    ("Visitor room Sedge", "meeting", 24.0, 8, 4),
    ("Concierge", "office", 16.5, 2, 4),
    ("Post room", "storage", 19.5, 2, 0),
    ("Bicycle store", "storage", 76.0, 10, 0),
    ("Washrooms", "washroom", 28.5, 8, 0),
    ("Plant room", "technical", 142.0, 4, 0),
    ("Electrical room", "technical", 18.0, 2, 0),
)


def _standard(large: str, middle: str, small: str) -> tuple[_Row, ...]:
    """Return the rows of an ordinary office floor with these three meeting rooms."""
    return (
        ("Corridor", "circulation", 96.0, 20, 1),
        ("Open office north", "openOffice", 212.0, 32, 1),
        ("Open office south", "openOffice", 188.5, 28, 2),
        ("Office east", "office", 18.0, 2, 3),
        ("Office south-east", "office", 18.5, 2, 3),
        ("Corner office", "office", 24.0, 3, 3),
        (f"Meeting room {large}", "meeting", 42.0, 14, 4),
        (f"Meeting room {middle}", "meeting", 26.5, 8, 5),
        ("Focus booth left", "focus", 6.0, 1, 6),
        ("Focus booth right", "focus", 6.0, 1, 6),
        ("Lounge", "lounge", 38.0, 16, 7),
        ("Washrooms", "washroom", 26.0, 8, 0),
        ("Copy and storage", "storage", 12.5, 2, 0),
        (f"Meeting room {small}", "meeting", 16.0, 4, 5),
    )


_TOP: tuple[_Row, ...] = (
    ("Gallery", "circulation", 82.0, 20, 1),
    ("Boardroom Lodge", "meeting", 68.0, 20, 1),
    ("Open office river", "openOffice", 152.5, 22, 2),
    ("Office 4.04", "office", 18.0, 2, 3),
    ("Office 4.05", "office", 18.0, 2, 3),
    ("Office 4.06", "office", 19.5, 2, 4),
    ("Office 4.07", "office", 26.0, 3, 4),
    ("Meeting room Rowan", "meeting", 30.0, 10, 5),
    ("Meeting room Juniper", "meeting", 17.0, 4, 5),
    ("Focus booth", "focus", 6.0, 1, 6),
    ("Library", "lounge", 54.0, 18, 6),
    ("Washrooms", "washroom", 24.0, 6, 0),
    ("Lift machine room", "technical", 22.0, 2, 0),
)


def _rooms(rows: tuple[_Row, ...]) -> tuple[RoomPlan, ...]:
    return tuple(RoomPlan(number, *row) for number, row in enumerate(rows, start=1))


FLOORS: tuple[FloorPlan, ...] = (
    FloorPlan(0, "Ground floor", 3.8, 1, _rooms(_GROUND)),
    FloorPlan(1, "First floor", 2.9, 1, _rooms(_standard("Willow", "Alder", "Aspen"))),
    FloorPlan(2, "Second floor", 2.9, 2, _rooms(_standard("Poplar", "Birch", "Hazel"))),
    FloorPlan(3, "Third floor", 2.9, 2, _rooms(_standard("Maple", "Cherry", "Elder"))),
    FloorPlan(4, "Top floor", 3.2, 3, _rooms(_TOP)),
)

TENANTS: tuple[TenantPlan, ...] = (
    TenantPlan(
        "tenant-a",
        "Tenant A",
        "Software for ferry companies",
        118,
        "2031-12-31",
        (("floor-1", "2021-05-01", 70), ("floor-2", "2023-01-01", 70)),
    ),
    TenantPlan(
        "tenant-b",
        "Tenant B",
        "Engineering office",
        61,
        "2029-06-30",
        (("floor-3", "2021-07-01", 70),),
    ),
    TenantPlan(
        "tenant-c",
        "Tenant C",
        "Law firm for water rights",
        9,
        "2028-03-31",
        (
            ("room-4-04", "2022-04-01", 2),
            ("room-4-05", "2022-04-01", 2),
            ("room-4-06", "2022-04-01", 2),
            ("room-4-07", "2024-02-01", 3),
        ),
    ),
    TenantPlan(
        "tenant-d",
        "Tenant D",
        "Design studio",
        21,
        "2030-09-30",
        (("room-4-03", "2024-10-01", 22),),
    ),
    TenantPlan(
        "tenant-e",
        "Tenant E",
        "Runs the café and the kitchen",
        7,
        "2027-12-31",
        (("room-0-04", "2021-05-01", 0), ("room-0-05", "2021-05-01", 0)),
    ),
)


def room_id(level: int, number: int) -> str:
    """Return the twin id of a room, such as ``room-2-14``."""
    return f"room-{level}-{number:02}"
