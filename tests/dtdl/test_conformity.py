"""Agreement with the reference parser on the shared corpora (dtdl 14)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kastor import dtdl

from . import corpus

pytestmark = pytest.mark.corpora

FILES = ("cases.jsonl", "mutants.jsonl")
REQUEST = 250


@pytest.mark.parametrize("name", FILES)
def test_verdicts_agree(name):
    found = corpus.score(name)
    assert found.verdict == found.records, found.failures[:10]


@pytest.mark.parametrize("name", FILES)
def test_unresolved_ids_agree(name):
    found = corpus.score(name)
    assert found.unresolved == found.records, found.failures[:10]


@pytest.mark.parametrize("name", FILES)
def test_problems_agree_in_every_field(name):
    found = corpus.score(name)
    assert found.failures == []
    assert found.ids == found.with_errors
    assert found.primaries == found.with_errors
    assert found.fields == found.with_errors


def test_values_conform_as_expected():
    wrong, total = [], 0
    for record in corpus.records("instance_cases.jsonl"):
        models = corpus.run(record).models
        assert models is not None, record["name"]
        for value in record["values"]:
            total += 1
            found = models.validate_json(value["subject"], value["value"])
            if (not found) != value["valid"]:
                wrong.append((record["name"], value, found))
    corpus.VALUES["instance_cases.jsonl"] = (total - len(wrong), total)
    assert wrong == []
    assert total > 700


def test_parsed_elements_are_those_of_the_reference_parser():
    compared = 0
    for record in corpus.records("cases.jsonl"):
        expected = record.get("model")
        if expected is None or "elements" not in expected:
            continue
        models = corpus.run(record).models
        assert models is not None, record["name"]
        for element in expected["elements"]:
            if element["id"] in models.nodes:
                compared += 1
                compare_element(models, element, record["name"])
    assert compared > 500


KINDS = {
    "properties": "Property",
    "telemetries": "Telemetry",
    "relationships": "Relationship",
    "components": "Component",
    "commands": "Command",
}


def compare_element(models: dtdl.ModelSet, expected: dict[str, Any], case: str) -> None:
    node = models.nodes[expected["id"]]
    assert node.kind == expected["kind"], case
    for name, value in expected.get("properties", {}).items():
        if name == "name" and node.kind == "Interface":
            continue  # interfaces have no name; the records show a part of the id
        got = value_of(models, node, name)
        if isinstance(value, list):
            assert sorted(got) == sorted(value), (case, node.id, name)
        else:
            assert (got or None) == (value or None), (case, node.id, name)
    # Records name the co-types of some elements only.
    if "supplemental_types" in expected:
        assert {cotype.id for cotype in node.cotypes} == set(expected["supplemental_types"]), case
    for identifier, value in expected.get("supplemental_properties", {}).items():
        got = node.extra[identifier]
        if not identifier.endswith(":ttl"):  # shown in the notation of another platform
            assert value == (got[0].id if isinstance(got, list) else got), (case, identifier)
    assert set(expected.get("undefined_types", ())) <= set(node.undefined_types), case
    assert set(expected.get("undefined_properties", ())) <= set(node.undefined_properties), case


def value_of(models: dtdl.ModelSet, node: Any, name: str) -> Any:
    if name == "definedIn":
        return node.partition
    if name == "languageMajorVersion":
        return node.language.version
    if name == "extendedBy":
        # Those that extend it directly.
        return [i for i in models.subtypes(node.id) if node in models.nodes[i].linked("extends")]
    if node.kind == "Interface" and name in KINDS:
        return {v.literals["name"]: v.id for v in node.linked("contents") if v.kind == KINDS[name]}
    spec = node.spec.by_term.get(name)
    if spec is None or spec.kind != "object":
        return node.literals.get(name)
    values = node.linked(name)
    if spec.key is not None:
        return {value.literals[spec.key]: value.id for value in values}
    ids = [value.id for value in values]
    return (ids[0] if ids else None) if spec.high == 1 else ids


def ontologies() -> list[str]:
    return sorted(
        p.name for p in (corpus.corpora() / "ontologies").glob("*.json") if p.name != "index.json"
    )


def test_real_ontologies_are_valid_as_one_array():
    for name in ontologies():
        models = corpus.document(f"ontologies/{name}")
        parsed = dtdl.parse([models])
        assert len(parsed.interfaces) == len(models)
        as_text = dtdl.parse([json.dumps(models, indent=1)])
        assert set(as_text.elements) == set(parsed.elements)
        for identifier in parsed.interfaces:
            dtdl.compile_interface(parsed, identifier)
            assert parsed.interfaces[identifier].id == identifier


def test_real_ontologies_are_valid_in_small_requests():
    for name in ontologies():
        models = {m["@id"]: m for m in corpus.document(f"ontologies/{name}")}
        stored: dict[str, Any] = {}
        waiting = dict(models)
        while waiting:
            ready = [
                model
                for model in waiting.values()
                if all(i in stored for i in dtdl.references(model).extends)
            ]
            batch = (ready or list(waiting.values()))[:REQUEST]
            dtdl.parse([batch], resolver=lambda ids: [models[i] for i in ids])  # noqa: B023
            for model in batch:
                stored[model["@id"]] = waiting.pop(model["@id"])


def test_references_agree_with_the_parse():
    for name in ontologies():
        models = corpus.document(f"ontologies/{name}")
        parsed = dtdl.parse([models])
        for model in models:
            found = dtdl.references(model)
            interface = parsed.interfaces[model["@id"]]
            assert set(found.extends) == set(interface.extends)
            own = {
                c.schema_id for c in interface.components.values() if c.defined_in == interface.id
            }
            assert set(found.components) == own
