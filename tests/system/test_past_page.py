"""The page about the past, run from its first example to its last."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pytest

from kastor.client import KastorClient

from .program import serving
from .test_client_page import run
from .test_pages_run import blocks

PAGE = "how-to/read-the-past"
SENSOR = "temp-0-01"


def make_a_past(url: str) -> None:
    """Wait for as long as the page looks back to, with values in between."""
    with KastorClient(url) as client:
        time.sleep(1.0)
        for value in (30.5, 31.5, 32.5):
            time.sleep(0.2)
            patch = [{"op": "replace", "path": "/temperature", "value": value}]
            client.twins.patch(SENSOR, patch)
        time.sleep(0.6)


def test_the_page_from_its_first_example_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with serving(tmp_path / "data", "--sample", "building") as served:
        make_a_past(served.url)
        told = [
            run(
                each.replace("seconds=30", "seconds=1.5").replace("10s", "200ms"), names, served.url
            )
            for each in blocks(PAGE, "python")
        ]
    graph, twin, value, answer, _ = told
    *pages, model = graph.splitlines()
    assert all("; change=" in line for line in pages)
    assert model.startswith("dtmi:")
    assert "anonymous 32.5\n" in twin
    assert "{'op': 'replace', 'path': '/temperature', 'value': 31.5}" in twin
    for each in ("30.5", "31.5", "32.5"):
        assert value.count(f"Z {each}\n") == 1  # as a value
        assert value.count(f"Z {each} {each}\n") == 1  # and as a bucket's
    warm = [int(line.split()[-1]) for line in answer.splitlines()]
    assert min(warm) < max(warm)
    with Path("temperatures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["time", "change", "id", "value"]
    assert len({row[0] for row in rows}) > 5
