"""DTDL: parse and resolve a real ontology, memory, and validation of a typical twin.

    python bench/dtdl.py [--json]

KASTOR_CORPORA names the folder of the corpora.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

from kastor import dtdl

ROOT = Path(__file__).resolve().parents[1]
CORPORA = Path(os.environ.get("KASTOR_CORPORA", ROOT / ".." / "shared" / "dtdl"))
ROUNDS = 15

SCHEMAS: list[Any] = [
    "double",
    "double",
    "string",
    "string",
    "integer",
    "boolean",
    "dateTime",
    "long",
    {
        "@type": "Enum",
        "valueSchema": "string",
        "enumValues": [{"name": n, "enumValue": n} for n in ("on", "off")],
    },
    {
        "@type": "Map",
        "mapKey": {"name": "key", "schema": "string"},
        "mapValue": {"name": "value", "schema": "string"},
    },
]
VALUES: list[Any] = [
    21.5,
    3,
    "north",
    "2.17",
    12,
    True,
    "2024-02-29T12:00:00Z",
    5,
    "on",
    {"a": "b", "c": "d"},
]


def model(name: str, schemas: list[Any], *more: Any) -> dict[str, Any]:
    contents = [
        {"@type": "Property", "name": f"p{at}", "schema": schema}
        for at, schema in enumerate(schemas)
    ]
    return {
        "@context": "dtmi:dtdl:context;3",
        "@id": f"dtmi:com:example:{name};1",
        "@type": "Interface",
        "contents": [*contents, *more],
    }


def twin() -> tuple[dtdl.CompiledInterface, dict[str, Any]]:
    part = {"@type": "Component", "name": "part", "schema": "dtmi:com:example:Part;1"}
    models = dtdl.parse([[model("Room", SCHEMAS, part), model("Part", ["double"] * 3)]])
    document = {"$dtId": "room", "$etag": "x", "$metadata": {"$model": "dtmi:com:example:Room;1"}}
    document |= {f"p{at}": value for at, value in enumerate(VALUES)}
    document["part"] = {"$metadata": {}, "p0": 1.0, "p1": 2.0, "p2": 3.0}
    return dtdl.compile_interface(models, "dtmi:com:example:Room;1"), document


def best_pair(first: Any, second: Any) -> tuple[float, float]:
    """Return the best times of two functions that take turns, so that both see the same machine."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for at, function in enumerate((first, second)):
            gc.collect()
            start = time.perf_counter()
            function()
            best[at] = min(best[at], time.perf_counter() - start)
    return best[0], best[1]


def rows() -> list[tuple[str, float, str, str]]:
    text = (CORPORA / "ontologies" / "realestatecore-building.json").read_text(encoding="utf-8")
    objects = json.loads(text)
    dtdl.parse([text])  # the tables are read once per process
    reading, parsing = best_pair(lambda: json.loads(text), lambda: dtdl.parse([text]))
    _, from_objects = best_pair(lambda: json.loads(text), lambda: dtdl.parse([objects]))
    tracemalloc.start()
    models = dtdl.parse([text])
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    start = time.perf_counter()
    for identifier in models.interfaces:
        dtdl.compile_interface(models, identifier)
    compiling = time.perf_counter() - start
    interface, document = twin()
    assert interface.violations(document) == []
    count = 20_000

    def validate() -> None:
        for _ in range(count):
            interface.violations(document)

    validating, _ = best_pair(validate, lambda: None)
    return [
        ("RealEstateCore, 767 models: json.loads", reading * 1e3, "ms", ""),
        ("  parse and resolve the text", parsing * 1e3, "ms", ""),
        ("  ratio to json.loads", parsing / reading, "x", "60"),
        ("  parse and resolve objects, ratio", from_objects / reading, "x", "60"),
        ("  memory at its peak", peak / 1e6, "MB", "60"),
        ("  memory kept", kept / 1e6, "MB", ""),
        ("  compile all 767 interfaces", compiling * 1e3, "ms", ""),
        ("validate a twin, 10 properties, 1 component", validating / count * 1e6, "µs", "15"),
    ]


def main() -> None:
    found = rows()
    if "--json" in sys.argv[1:]:
        print(json.dumps([{"row": r.strip(), "value": v, "unit": u} for r, v, u, _ in found]))
        return
    print(f"{'':46}{'value':>10}      {'at most':>8}")
    for name, value, unit, bound in found:
        print(f"{name:46}{value:>10.2f} {unit:4} {bound:>8}")


if __name__ == "__main__":
    main()
