"""What is exported and imported elsewhere is exported as the same bytes again."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.store.graphs import edge, room

from .import_files import (
    ALL_MODELS,
    HEADER,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    relationship,
    text_of,
    twin,
)

PATH = "/kastor/v1/jobs/imports"
TIME = "2026-01-02T03:04:05.1234567Z"


def file() -> bytes:
    """A file with values and ids of many kinds, in no order."""
    bodies: dict[str, dict[str, Any]] = {
        "z": room(temperature=1e-7, name="a \u2028 'quoted' \"one\"", labels={"k": "v", "": "w"}),
        "ö:1;2": room(name="\U0001f3e0"),
        "a": room(temperature=-0.5),
        "B": {**room(temperature=2), "thermostat": {"setPoint": 1e300, "$metadata": {}}},
    }
    del bodies["z"]["labels"][""]
    bodies["a"]["$metadata"]["temperature"] = {"sourceTime": TIME}
    edges = [
        relationship("z", "r", edge("a", door="1")),
        relationship("a", "r", edge("z")),
        relationship("B", "q", edge("ö:1;2", "above")),
    ]
    twins = [twin(each, body) for each, body in bodies.items()]
    return text_of(*HEADER, MODELS, *ALL_MODELS, TWINS, *twins, RELATIONSHIPS, *edges)


def imported(server: KastorServer, data: bytes) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    answer = httpx2.post(server.url + PATH, content=data, headers=headers)
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = httpx2.get(answer.headers["location"]).json()
        if job["status"] not in ("notstarted", "running"):
            break
        time.sleep(0.05)
    assert job["status"] == "succeeded", job


def exported(server: KastorServer) -> bytes:
    answer = httpx2.get(f"{server.url}/kastor/v1/export")
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.timeout(120)
def test_export_import_export_is_equal_byte_for_byte() -> None:
    with KastorServer() as one, KastorServer() as other:
        imported(one, file())
        first = exported(one)
        imported(other, first)
        second = exported(other)
        imported(one, first)  # onto what is there

        assert first.count(b"\n") > 10
        assert second == first
        assert exported(one) == first
