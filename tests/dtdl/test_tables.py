"""The tables of the language against the machine-readable definition beside the corpora."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from kastor.dtdl import cotypes, language, metamodel, terms
from kastor.dtdl.messages import MESSAGES, OWN
from kastor.dtdl.standard import aliases, standard_element

from . import corpus

pytestmark = pytest.mark.corpora

LIMITS = {"": "", "aio": "aio_1", "onvif": "onvif_1"}
SPOKEN = [(2, ""), (3, ""), (4, ""), (4, "aio"), (4, "onvif")]


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    found: dict[str, Any] = corpus.document("metamodel.json")
    return found


def limit(values: dict[str, Any], limits: str) -> Any:
    """A limits context without a value of its own has the standard one."""
    return values.get(LIMITS[limits], values.get(""))


@pytest.mark.parametrize(("version", "limits"), SPOKEN)
def test_classes(definition: dict[str, Any], version: int, limits: str) -> None:
    spoken = metamodel.language(version, limits)
    wanted = {n: c for n, c in definition["classes"].items() if version in c["versions"]}
    assert set(spoken.classes) == set(wanted)
    for name, cls in wanted.items():
        own = spoken.classes[name]
        assert own.ancestors == set(cls["ancestors"])
        properties = {n: p for n, p in cls["properties"].items() if str(version) in p["versions"]}
        assert set(own.by_term) == set(properties)
        for term, definition_of in properties.items():
            compare_property(own.by_term[term], definition_of, version, limits, definition)


def compare_property(
    own: metamodel.PropertySpec,
    wanted: dict[str, Any],
    version: int,
    limits: str,
    definition: dict[str, Any],
) -> None:
    of = wanted["versions"][str(version)]
    assert own.low == of.get("min_count", 0)
    assert own.high == of.get("max_count")
    assert own.length == limit(of.get("max_length", {}), limits)
    assert (own.pattern.pattern if own.pattern else None) == of.get("pattern")
    assert (own.minimum, own.maximum) == (of.get("min"), of.get("max"))
    assert own.only == set(of.get("value_uris", ()))
    assert own.segment == wanted.get("dtmi_segment")
    assert own.key == wanted.get("dictionary_key")
    assert list(own.unique) == of.get("unique", [])
    if wanted["kind"] == "object":
        assert own.cls == of["class"]
        assert own.versions == set(of["value_versions"])
        assert own.id_required == of["id_required"]
        assert (own.inferred is None) == of["type_required"]
        names = definition["classes"][of["class"]]["allowed_type_names"][str(version)]
        assert own.names == set(names)


@pytest.mark.parametrize(("version", "limits"), SPOKEN)
def test_identifiers_and_sizes(definition: dict[str, Any], version: int, limits: str) -> None:
    spoken = metamodel.language(version, limits)
    of = definition["identifier_definition"][str(version)]
    assert spoken.id_pattern.pattern == of["pattern"]
    assert spoken.id_length == limit(of["maxLength"], limits)
    of = definition["interface_id_max_length"][str(version)]
    assert spoken.interface_id_length == limit(of, limits)
    of = definition["partition_max_bytes"][str(version)]
    assert spoken.text_length == limit(of, limits)
    assert definition["generic_dtmi_pattern"] == language.DTMI_LOOSE


@pytest.mark.parametrize(("version", "limits"), SPOKEN)
def test_closures(definition: dict[str, Any], version: int, limits: str) -> None:
    def shown(
        rule: str, over: Iterable[str], narrow: bool, most: Any, cycles: bool
    ) -> tuple[str, frozenset[str], bool, Any, bool]:
        return rule, frozenset(over), narrow, most, cycles

    wanted = set()
    for control in definition["structural_limits"]:
        if control["dtdlVersion"] != version:
            continue
        narrow, over, cycles = control["narrow"], control["properties"], control["allowSelf"]
        for rule, key in (("depth", "maxDepth"), ("count", "maxCount")):
            if key in control:
                wanted.add(shown(rule, over, narrow, limit(control[key], limits), cycles))
        if "excludeType" in control:
            wanted.add(shown("excludes", over, narrow, control["excludeType"], cycles))
    got = {
        shown(c.rule, c.over, c.narrow, c.excluded or c.limit, c.cycles)
        for c in metamodel.language(version, limits).closures
    }
    assert got == wanted


def test_cotypes(definition: dict[str, Any]) -> None:
    wanted = definition["supplemental_types"]
    own = cotypes.cotypes()
    assert set(own) == set(wanted)
    for identifier, of in wanted.items():
        compare_cotype(own[identifier], of)


def compare_cotype(own: cotypes.Cotype, of: dict[str, Any]) -> None:
    assert own.abstract == of["abstract"]
    assert own.context == of["context"]
    assert set(own.needs) == set(of.get("required_cocotypes", ()))
    assert set(own.excludes) == set(of.get("disallowed_cocotypes", ()))
    assert own.alternatives == set(of.get("alt_cotypes", ()))
    if not own.abstract and of["cotypes"]:
        assert own.versions == set(of["cotype_versions"])
        # "Any class" leaves a request of another version open in the definition.
        assert own.on == set(of["cotypes"]) or set(of["cotypes"]) <= own.on > {"Uuid"}
    wanted = of.get("properties", {})
    assert {p.id for p in own.properties} == set(wanted)
    for spec in own.properties:
        compare_cotype_property(spec, wanted[spec.id])
    constraints = of.get("constraints", [])
    if own.overrides is None and not own.abstract:
        compare_constraints(own, constraints)


def compare_cotype_property(spec: metamodel.PropertySpec, of: dict[str, Any]) -> None:
    assert spec.name == of["term"]
    assert spec.low == of.get("min_count", 0)
    assert spec.high == of.get("max_count")
    assert spec.length == of.get("max_length")
    assert (spec.pattern.pattern if spec.pattern else None) == of.get("pattern")
    assert spec.minimum == of.get("min")
    assert spec.distinct == of["unique"]
    assert spec.conforms == of.get("instance_property")
    assert spec.parent_enum == of.get("child_of")
    kind = of.get("type", "")
    if kind.startswith("http"):
        assert spec.kind == kind.rpartition("#")[2]
    elif ":class:" in kind and "standard" not in kind:
        assert spec.cls == kind.rpartition(":")[2].partition(";")[0]
    elif "standard" in kind:
        assert spec.value_cotype == kind


def compare_constraints(own: cotypes.Cotype, wanted: list[dict[str, Any]]) -> None:
    got = set()
    for constraint in own.constraints:
        got.add((constraint.property, constraint.inverse, constraint.shown))
        assert constraint.single == (constraint.inverse and constraint.single)
    shown = {
        (
            c["property"],
            c.get("inverse", False),
            c.get("requiredTypesString") or c.get("requiredValuesString"),
        )
        for c in wanted
    }
    # The rule that a semantic type inherits stands on each of ours.
    assert shown <= got
    for rule in wanted:
        own_one = next(c for c in own.constraints if c.inverse == rule.get("inverse", False))
        assert own_one.single == ("noneOtherType" in rule)
        assert own_one.other == rule.get("someOtherType")
        if "requiredValues" in rule:
            assert own_one.values == set(rule["requiredValues"])


def test_contexts(definition: dict[str, Any]) -> None:
    own = terms.contexts()
    for identifier, of in definition["contexts"].items():
        if "limits" in of:
            assert identifier in language.LIMIT_CONTEXTS.values()
            continue
        assert own[identifier].terms == of["terms"]
        assert list(own[identifier].reserved) == of.get("reserved_id_prefixes", [])


def test_version_switches(definition: dict[str, Any]) -> None:
    switches = definition["versions"]
    assert list(language.TOLERANT) == switches["allow_undefined_extensions_by_default"]
    assert list(language.RESTRICTED_KEYWORDS) == switches["restrict_keywords"]
    assert list(language.CUSTOM_LIMITS) == switches["allow_custom_limits"]
    assert definition["affiliate_contexts_implicit_dtdl_version"] == language.LEADING_CONTEXTS


def test_standard_elements(definition: dict[str, Any]) -> None:
    def inner(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "@id" in value:
                yield value
            for part in value.values():
                yield from inner(part)
        elif isinstance(value, list):
            for part in value:
                yield from inner(part)

    for element in inner(definition["standard_elements"]):
        node = standard_element(element["@id"])
        assert node is not None, element["@id"]
        if isinstance(element.get("@type"), str) and element["@type"] in metamodel.material_names():
            assert node.kind == element["@type"]
        if "enumValue" in element:
            assert node.literals["enumValue"] == element["enumValue"]
    assert aliases() == definition["aliases"]


def test_units() -> None:
    levels = {"dtmi:dtdl:context;2": 0} | {
        f"dtmi:dtdl:extension:quantitativeTypes;{at}": at for at in (1, 2, 3)
    }
    for context, of in corpus.document("units.json").items():
        own_types = cotypes.unit_types(levels[context])
        own_semantic = cotypes.semantic_types(levels[context])
        assert own_semantic == {n: t["unit_type"] for n, t in of["semantic_types"].items()}
        wanted = {n: [u["term"] for u in t["units"]] for n, t in of["unit_types"].items()}
        assert {n: [term for term, _ in units] for n, units in own_types.items()} == wanted


def test_every_problem_of_the_reference_parser_that_can_occur_has_its_sentences() -> None:
    known = {error["id"]: error for error in corpus.document("errors.json")}
    assert set(MESSAGES) - set(OWN) <= set(known)
    for identifier, (effect, message, cure) in MESSAGES.items():
        assert message
        assert cure
        if identifier not in OWN:
            assert effect == known[identifier]["effect"], identifier
    seen = {i for i, error in known.items() if error["cases"]}
    assert seen <= set(MESSAGES)
