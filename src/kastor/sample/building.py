"""The sample building itself: its models and its graph.

`models` and `graph` are all that a server needs to load it. Both return fresh values at each call,
the same ones every time. Ids are readable and stable: ``floor-2``, ``room-2-14``, ``temp-2-14``,
``vav-2-05``, ``ahu-1``.
"""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

from kastor.sample import furnishing
from kastor.sample.draft import Draft, SampleGraph, component
from kastor.sample.furnishing import morning_air
from kastor.sample.layout import FLOORS, TENANTS, room_id

if TYPE_CHECKING:
    from kastor.sample.layout import FloorPlan, RoomPlan
    from kastor.types import Document, TwinId

SITE: TwinId = "site-1"
BUILDING: TwinId = "building-1"

_WEST, _SOUTH = 0.0010, 0.0010
_EAST, _NORTH = 0.0016, 0.0012
_HALL_FROM = 50
_BOARDROOM_FROM = 12


def models() -> list[Document]:
    """Return the interfaces of the ontology, ordered by id, ready to be uploaded in one request."""
    folder = resources.files("kastor.sample").joinpath("ontology")
    documents = [
        json.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".json")
    ]
    return sorted(documents, key=lambda document: str(document["@id"]))


def graph() -> SampleGraph:
    """Return the twins and relationships of the building.

    Write all twins first, in their order or any other, and the relationships after them.
    """
    draft = Draft()
    _add_spaces(draft)
    furnishing.add_plant(draft, BUILDING)
    for plan in FLOORS:
        furnishing.add_vav_boxes(draft, plan)
        furnishing.add_lights(draft, plan)
        furnishing.add_room_sensors(draft, plan)
    furnishing.add_plant_sensors(draft, SITE)
    furnishing.add_meters(draft, BUILDING)
    _add_tenants(draft)
    return draft.finish()


def _add_spaces(draft: Draft) -> None:
    """Add site, building, floors and rooms, and what joins them."""
    draft.twin(
        SITE,
        "Site",
        "Millpond Quay",
        area=9200.0,
        parkingSpaces=64,
        location={"type": "Point", "coordinates": [_WEST - 0.0002, _SOUTH]},
        tags={"landscape": "Quay with willows on the south side"},
    )
    draft.twin(BUILDING, "Building", "Castor House", **_building_values())
    draft.link(SITE, "hasPart", BUILDING, position=1)
    for position, plan in enumerate(FLOORS, start=1):
        _add_floor(draft, plan)
        draft.link(BUILDING, "hasPart", f"floor-{plan.level}", position=position)


def _building_values() -> Document:
    """Return the properties of the building. It stands where no real one does: at 0° N, 0° E."""
    ring = [[_WEST, _SOUTH], [_EAST, _SOUTH], [_EAST, _NORTH], [_WEST, _NORTH], [_WEST, _SOUTH]]
    return {
        "area": round(sum(room.area for plan in FLOORS for room in plan.rooms), 1),
        "address": {
            "street": "1 Millpond Quay",
            "postalCode": "00001",
            "city": "Lodgeford",
            "country": "Null Island",
        },
        "footprint": {"type": "Polygon", "coordinates": [ring]},
        "openedOn": "2021-05-01",
        "opensAt": "06:30:00Z",
        "closesAt": "20:30:00Z",
        "energyClass": "B",
        "contacts": {"reception": "100", "security": "112", "facility management": "140"},
        "tags": {"material": "Timber on a concrete base", "key": "Reception, day and night"},
    }


def _add_floor(draft: Draft, plan: FloorPlan) -> None:
    floor = draft.twin(
        f"floor-{plan.level}",
        "Floor",
        plan.name,
        area=round(sum(room.area for room in plan.rooms), 1),
        level=plan.level,
        ceilingHeight=plan.ceiling_height,
    )
    for room in plan.rooms:
        _add_room(draft, plan, room)
        draft.link(floor, "hasPart", room_id(plan.level, room.number), position=room.number)
    _add_neighbours(draft, plan)


def _add_room(draft: Draft, plan: FloorPlan, room: RoomPlan) -> None:
    twin_id = room_id(plan.level, room.number)
    air = morning_air(twin_id, room)
    is_meeting = room.purpose == "meeting"
    draft.twin(
        twin_id,
        "MeetingRoom" if is_meeting else "Room",
        room.name,
        area=room.area,
        purpose=room.purpose,
        capacity=room.capacity,
        occupied=air.people > 0,
        peopleCount=air.people,
        thermostat=component(
            setPoint=air.set_point,
            currentTemperature=air.temperature,
            mode=air.mode,
            locked=room.purpose in ("circulation", "technical", "storage"),
        ),
        **(_meeting_values(room) if is_meeting else {}),
    )


def _meeting_values(room: RoomPlan) -> Document:
    """Return what only a room for meetings has: the larger, the more of it."""
    seatings = [{"style": "table", "seats": min(room.capacity, 24)}]
    amenities = ["screen", "whiteboard"]
    if room.capacity >= _BOARDROOM_FROM:
        amenities.append("video conference")
        seatings.append({"style": "u-shape", "seats": min(room.capacity, 32) - 2})
    if room.capacity >= _HALL_FROM:
        amenities += ["stage", "microphones"]
        seatings.append({"style": "theatre", "seats": room.capacity})
    return {
        "bookable": True,
        "longestBooking": "PT8H" if room.capacity >= _HALL_FROM else "PT2H30M",
        "amenities": amenities,
        "seatings": seatings,
    }


def _add_neighbours(draft: Draft, plan: FloorPlan) -> None:
    """Join rooms: each has a door to the hall of its floor and a wall to the next room."""
    hall, *others = plan.rooms
    for room in others:
        via = "opening" if room.purpose in ("lounge", "cafe", "reception") else "door"
        here = room_id(plan.level, room.number)
        draft.link(room_id(plan.level, hall.number), "adjacentTo", here, via=via)
    for room, following in pairwise(others):
        via = "door" if (room.purpose, following.purpose) == ("cafe", "kitchen") else "wall"
        here, there = room_id(plan.level, room.number), room_id(plan.level, following.number)
        draft.link(here, "adjacentTo", there, via=via)


def _add_tenants(draft: Draft) -> None:
    for tenant in TENANTS:
        draft.twin(
            tenant.key,
            "Tenant",
            tenant.name,
            business=tenant.business,
            headcount=tenant.headcount,
            leaseEndsOn=tenant.lease_ends_on,
        )
        for place, since, desks in tenant.rents:
            draft.link(tenant.key, "occupies", place, since=since, desks=desks)
