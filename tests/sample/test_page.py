"""The page about the sample building tells the truth about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kastor.sample import QUERIES, models
from kastor.sample.timetable import PERIOD

from .conftest import Building, Ontology

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "sample-building.md"


@pytest.fixture(scope="module")
def page() -> str:
    return " ".join(PAGE.read_text(encoding="utf-8").split())


def test_the_example_queries_stand_on_it(page: str) -> None:
    for title, text in QUERIES:
        assert title in page
        assert f"```sql {text} ```" in page
    assert page.count("```sql") == len(QUERIES)


def test_its_figures_are_right(page: str, building: Building) -> None:
    sensors = {
        edge["$sourceId"]
        for edge in building.graph.relationships
        if edge["$relationshipName"] == "observes"
    }
    assert f"| models (DTDL 3) | {len(models())} |" in page
    assert f"| twins | {len(building.graph.twins)} |" in page
    assert f"| relationships | {len(building.graph.relationships)} |" in page
    assert f"| sensors with live values | {len(sensors)} |" in page
    assert PERIOD == 40
    assert "once in forty seconds" in page


def test_every_model_and_relationship_is_explained(page: str, ontology: Ontology) -> None:
    for interface in ontology.interfaces:
        assert interface.removeprefix("dtmi:kastor:sample:").removesuffix(";1") in page
        for name in ontology.contents(interface, "Relationship"):
            assert name in page


def test_the_chains_in_the_picture_exist(page: str, building: Building) -> None:
    chains = re.findall(r"(\S+) ─(\w+)─▶ (\S+)", page)
    chains += re.findall(r"─▶ (\S+) ─(\w+)─▶ (?=(\S+))", page)
    assert len(chains) >= 12
    for source, name, target in chains:
        assert target in building.targets(source, name)
