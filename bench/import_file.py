"""A large import file: twins of RealEstateCore and of three models of other shapes, 5 % bad lines.

`python bench/import_file.py FILE [SCALE]` writes one; at scale 1.0 it holds 330,000 twins and
450,000 relationships that can be imported. The same scale always gives the same file.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from startup import ontology

TWINS, RELATIONSHIPS = 330_000, 450_000
BAD = 0.05
_REC = "dtmi:digitaltwins:rec_3_3"
ROOM, EQUIPMENT = f"{_REC}:core:Room;1", f"{_REC}:asset:Equipment;1"
SENSOR = f"{_REC}:device:TemperatureSensor;1"
PUMP, TANK, METER = "dtmi:bench:Pump;1", "dtmi:bench:Tank;1", "dtmi:bench:Meter;1"
MOTOR = "dtmi:bench:Motor;1"
_ROOM_PARTS = ("CO2", "area", "capacity", "humidity", "occupancy", "temperature")
_TIME = "2026-01-01T00:00:00Z"

Document = dict[str, Any]


class Counts(NamedTuple):
    """What can be imported of a file, and what cannot."""

    models: int
    twins: int
    relationships: int
    bad: int


def write(path: Path, scale: float = 1.0) -> Counts:
    """Write a file; raises FileNotFoundError where the corpora are not at hand."""
    rec = ontology()
    if rec is None:
        raise FileNotFoundError("RealEstateCore: set KASTOR_CORPORA to the folder of the corpora")
    models = [*rec, *_models()]
    twins, relationships = round(TWINS * scale), round(RELATIONSHIPS * scale)
    chance = random.Random(20)
    bad = 0
    with path.open("wb") as file:

        def put(document: Document | bytes) -> None:
            file.write(document if isinstance(document, bytes) else orjson.dumps(document))
            file.write(b"\n")

        put({"Section": "Header"})
        put({"fileVersion": "1.0.0", "author": "bench", "organization": "kastor"})
        put({"Section": "Models"})
        for model in models:
            put(model)
        for section, lines in (
            ("Twins", _twins(twins, chance)),
            ("Relationships", _relationships(twins, relationships, chance)),
        ):
            put({"Section": section})
            for document in lines:
                put(document)
                if chance.random() < BAD / (1 - BAD):
                    put(_spoiled(document, chance))
                    bad += 1
    return Counts(len(models), twins, relationships, bad)


def _models() -> Iterator[Document]:
    def model(model_id: str, *contents: Document) -> Document:
        kind = {"@context": "dtmi:dtdl:context;3", "@id": model_id, "@type": "Interface"}
        return {**kind, "contents": list(contents)}

    def prop(name: str, schema: Any) -> Document:
        return {"@type": "Property", "name": name, "schema": schema}

    def edge(name: str, *properties: Document) -> Document:
        return {"@type": "Relationship", "name": name, "properties": list(properties)}

    labels = {
        "@type": "Map",
        "mapKey": {"name": "key", "schema": "string"},
        "mapValue": {"name": "value", "schema": "string"},
    }
    states = {
        "@type": "Enum",
        "valueSchema": "string",
        "enumValues": [{"name": each, "enumValue": each} for each in ("on", "off", "fault")],
    }
    size = {
        "@type": "Object",
        "fields": [{"name": each, "schema": "double"} for each in ("width", "height", "depth")],
    }
    yield model(MOTOR, prop("power", "double"), prop("state", states))
    yield model(
        PUMP,
        *(prop(f"value{number}", "double") for number in range(12)),
        *({"@type": "Component", "name": each, "schema": MOTOR} for each in ("main", "spare")),
        edge("feeds", prop("flow", "double"), prop("since", "dateTime")),
    )
    yield model(TANK, prop("size", size), prop("labels", labels), edge("feeds"))
    yield model(
        METER,
        prop("serial", "string"),
        prop("readings", {"@type": "Array", "elementSchema": "double"}),
    )


def _twins(count: int, chance: random.Random) -> Iterator[Document]:
    for number in range(count):
        yield _twin(number, chance)


def _twin(number: int, chance: random.Random) -> Document:
    def twin(model: str, **members: Any) -> Document:
        return {"$dtId": _id(number), "$metadata": {"$model": model}, **members}

    match number % 10:
        case 0:
            parts: Document = {each: {"$metadata": {}} for each in _ROOM_PARTS}
            return twin(ROOM, name=f"Room {number}", personCapacity=number % 40, **parts)
        case 1 | 2 | 3:
            return twin(
                EQUIPMENT,
                name=f"Unit {number}",
                serialNumber=f"SN-{number:08d}",
                modelNumber=f"M{number % 97}",
                physicalTagNumber=f"T{number}",
                maintenanceInterval=f"P{number % 30 + 1}D",
            )
        case 4 | 5 | 6:
            body = twin(SENSOR, name=f"Sensor {number}", lastValue=round(chance.uniform(15, 30), 2))
            body["$metadata"]["lastValue"] = {"sourceTime": _TIME}
            return {**body, "categorizationProperties": {"$metadata": {}}}
        case 7:
            values = {f"value{each}": chance.random() for each in range(12)}
            motor = {"power": 1.5, "state": "on", "$metadata": {}}
            return twin(PUMP, **values, main=motor, spare={"state": "off", "$metadata": {}})
        case 8:
            size = {"width": 1.0, "height": 2.5, "depth": chance.random()}
            return twin(TANK, size=size, labels={"site": f"s{number % 10}", "line": "a"})
        case _:
            return twin(METER, serial=f"{number:x}", readings=[number, number + 1.5])


def _relationships(twins: int, count: int, chance: random.Random) -> Iterator[Document]:
    for number in range(count):
        block = 10 * chance.randrange(twins // 10)
        kind = number % 5
        pairs = {
            0: (1 + number % 3, 0, "locatedIn"),
            1: (1 + number % 3, 4 + number % 3, "hasCapability"),
            2: (4 + number % 3, 1 + number % 3, "isCapabilityOf"),
            3: (7, 8, "feeds"),
            4: (8, 9, "feeds"),
        }
        source, target, name = pairs[kind]
        body: Document = {
            "$dtId": _id(block + source),
            "$relationshipId": f"r{number}",
            "$targetId": _id(block + target),
            "$relationshipName": name,
        }
        if kind == 3:
            body |= {"flow": chance.random(), "since": _TIME}
        yield body


def _spoiled(document: Document, chance: random.Random) -> Document | bytes:
    """Return a line like another one that no import takes."""
    body = {**document, "$dtId": f"bad-{document['$dtId']}"}
    match chance.randrange(3):
        case 0:
            return orjson.dumps(body)[:-9]
        case 1 if "$metadata" in body:
            return {**body, "noSuchProperty": 1}
        case 2 if "$metadata" in body:
            return {**body, "$metadata": {"$model": "dtmi:bench:Unknown;1"}}
        case _:
            return {**body, "$relationshipId": "bad"}  # of a relationship: no such source


def _id(number: int) -> str:
    return f"bench-{number:07d}"


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0))
