"""The sample building, made once, and a plain reading of its ontology."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from kastor.sample import SampleGraph, graph, models

Document = dict[str, Any]


@dataclass(frozen=True)
class Ontology:
    """The interfaces by id, with what they inherit; knows no schemas."""

    interfaces: dict[str, Document]

    def parents(self, interface: str) -> list[str]:
        extends = self.interfaces[interface].get("extends", [])
        return [extends] if isinstance(extends, str) else extends

    def ancestry(self, interface: str) -> list[str]:
        """The interface and all that it extends."""
        found = [interface]
        for parent in self.parents(interface):
            found += [one for one in self.ancestry(parent) if one not in found]
        return found

    def contents(self, interface: str, kind: str) -> dict[str, Document]:
        """The contents of one kind, own and inherited."""
        return {
            content["name"]: content
            for one in self.ancestry(interface)
            for content in self.interfaces[one].get("contents", [])
            if kind in as_list(content["@type"])
        }


@dataclass(frozen=True)
class Building:
    graph: SampleGraph

    @cached_property
    def twins(self) -> dict[str, Document]:
        return {twin["$dtId"]: twin for twin in self.graph.twins}

    def model(self, twin_id: str) -> str:
        return str(self.twins[twin_id]["$metadata"]["$model"])

    def targets(self, source: str, name: str) -> set[str]:
        return {
            edge["$targetId"]
            for edge in self.graph.relationships
            if (edge["$sourceId"], edge["$relationshipName"]) == (source, name)
        }

    def sources(self, target: str, name: str) -> set[str]:
        return {
            edge["$sourceId"]
            for edge in self.graph.relationships
            if (edge["$targetId"], edge["$relationshipName"]) == (target, name)
        }


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="session")
def ontology() -> Ontology:
    return Ontology({document["@id"]: document for document in models()})


@pytest.fixture(scope="session")
def building() -> Building:
    return Building(graph())
