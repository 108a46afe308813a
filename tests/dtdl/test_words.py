"""What problems say to people: causes without follow-ups, terms of the fitting kind, extensions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kastor import dtdl

from .problem_examples import V3, V4, interface, prop

V2 = "dtmi:dtdl:context;2"
QUANTITIES = "dtmi:dtdl:extension:quantitativeTypes"


def causes(*documents: Any, **options: Any) -> tuple[dtdl.Problem, ...]:
    with pytest.raises(dtdl.DtdlError) as caught:
        dtdl.parse(documents, **options)
    return caught.value.causes


def cure(*documents: Any, **options: Any) -> str:
    [problem] = causes(*documents, **options)
    return problem.cure


def telemetry(**more: Any) -> dict[str, Any]:
    return {"@type": ["Telemetry", "Temperature"], "name": "t", "schema": "double", **more}


# --- follow-ups --------------------------------------------------------------------------------


def test_one_typo_is_one_cause() -> None:
    enum = {"@type": "Enum", "valueSchema": "integer"}
    several = {"@value": 1, "@type": ["xsd:integer", "xsd:integer"]}
    values = [{"name": "a", "enumValue": several}]
    for schema in ("doubel", 5, {"@type": "Enmu"}, {"@id": "dtmi:x:y;1"}):
        assert len(causes(interface(prop(schema=schema)))) == 1, schema
    found = causes(interface(prop(schema={**enum, "enumValues": values})))
    assert [problem.id for problem in found] == ["literalTypeNotSingular"]


def test_two_typos_are_two_causes() -> None:
    model = interface(prop("a", schema="doubel"), prop("b", schema="doubel"))
    assert [p.pointer for p in causes(model)] == ["/contents/0/schema", "/contents/1/schema"]


def test_what_follows_from_nothing_is_a_cause() -> None:
    assert [p.id for p in causes(interface(prop(schema=[])))] == ["objectCountBelowMin"]
    # Equal pointers of two documents are two places.
    bad = [interface(prop(schema="doubel")), interface(prop(schema=[]), name="Other")]
    found = causes(*bad, keep_going=True)
    assert [p.id for p in found] == ["badDtmiOrTerm", "objectCountBelowMin"]


def test_problems_stay_as_the_reference_parser_has_them() -> None:
    with pytest.raises(dtdl.DtdlError) as caught:
        dtdl.parse([interface(prop(schema="doubel"))])
    assert [p.id for p in caught.value.problems] == ["badDtmiOrTerm", "objectCountBelowMin"]
    assert "too few usable values" not in str(caught.value)


# --- suggestions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        (interface(prop(schema="doubel")), "double"),
        (interface(prop(schema="Double")), "double"),
        (interface(prop(schema="datetime")), "dateTime"),
        (interface(prop(dispalyName="x")), "displayName"),
        (interface({"@type": "Proprety", "name": "a", "schema": "double"}), "Property"),
        (interface({"@type": "Proprety", "name": "a", "schema": "double"}, context=V2), "Property"),
        (interface(telemetry(unit="degreeCelcius"), context=V2), "degreeCelsius"),
        (interface(prop(schema={"@type": "Enum", "valueSchema": "Integer"})), "integer"),
        (interface({"@type": "Command", "name": "c", "commandType": "sync"}), None),
        (interface(prop(foo=1)), None),
        (interface(prop(foo=1), context=V2), None),
        (interface(prop(schema="metr")), None),
        (interface(prop(schema="Proprety")), None),
        (interface(prop(schema={"@type": "dubble"})), None),
    ],
)
def test_a_suggestion_is_of_the_kind_that_may_stand_there(model: Any, meant: str | None) -> None:
    text = " ".join(problem.cure for problem in causes(model))
    if meant is None:
        assert "Did you mean" not in text
    else:
        assert f"Did you mean {meant}?" in text


def test_ids_that_differ_in_case_only_are_suggested() -> None:
    part = {"@type": "Component", "name": "p", "schema": "dtmi:com:example:part;1"}
    found = cure([interface(part), interface(name="Part")])
    assert "Did you mean dtmi:com:example:Part;1?" in found
    assert "Did you mean" not in cure(interface(part))


# --- extensions and versions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (interface(telemetry(unit="kelvin")), f'"{QUANTITIES};1" defines Temperature'),
        (interface(telemetry(unit="kelvin"), context=V4), f'"{QUANTITIES};2" defines Temperature'),
        (interface(prop(unit="kelvin")), f'"{QUANTITIES};1" defines unit'),
        (interface(prop(unit="kelvin"), context=V2), "types such as Acceleration"),
        (interface(prop(unit="kelvin"), context=[V3, f"{QUANTITIES};1"]), "such a type to @type"),
        (interface(prop(schema="TemperatureUnit")), f'"{QUANTITIES};1" defines TemperatureUnit'),
        (
            interface(prop(**{"@type": ["Property", "Historized"]})),
            '"dtmi:dtdl:extension:historization;1" defines Historized',
        ),
        (interface(prop(schema="uuid")), f'from DTDL 4 on: use "@context": "{V4}"'),
        (interface(prop(schema="point"), context=V2), f'"@context": "{V3}"'),
    ],
)
def test_the_cure_names_the_extension_or_version(model: Any, wanted: str) -> None:
    assert wanted in " ".join(problem.cure for problem in causes(model))


def test_the_extension_that_the_cure_names_is_a_cure() -> None:
    model = interface(telemetry(unit="kelvin"))
    dtdl.parse([model | {"@context": [V3, f"{QUANTITIES};1"]}])
    model = interface(telemetry(unit="kelvin"))
    dtdl.parse([model | {"@context": [V4, f"{QUANTITIES};2"]}])
    dtdl.parse([interface(prop(schema="point"))])


# --- both places, marks before the text ----------------------------------------------------------


def test_a_duplicate_knows_both_places() -> None:
    models = [interface(prop("a")), interface(prop("b"))]
    [problem] = causes(json.dumps(models, indent=1))
    assert (problem.id, problem.pointer, problem.line) == ("duplicateDefinition", "/1/@id", 16)
    other = problem.other
    assert other is not None
    assert (other.interface, other.pointer, other.line) == (models[0]["@id"], "/0", 2)
    [problem] = causes(interface(prop("a"), prop("a")))
    assert problem.other is not None
    assert (problem.pointer, problem.other.pointer) == ("/contents/1/name", "/contents/0")


def test_names_of_an_ancestor_know_both_places() -> None:
    above = interface(prop("a"), name="Above")
    [problem] = causes([above, interface(prop("a"), extends=above["@id"])])
    assert problem.other is not None
    assert (problem.pointer, problem.other.pointer) == ("/1/contents/0", "/0/contents/0")
    assert problem.other.interface == above["@id"]


def test_a_byte_order_mark_is_skipped() -> None:
    text = json.dumps(interface(prop()))
    dtdl.parse(["\ufeff" + text])
    dtdl.parse([b"\xef\xbb\xbf" + text.encode()])
    [problem] = causes("\ufeff{")
    assert (problem.id, problem.line, problem.column) == ("notJson", 1, 2)
    [problem] = causes("\ufeff\ufeff{}")
    assert problem.id == "notJson"


def test_interfaces_inside_others_of_a_resolver_pass() -> None:
    inner = interface(name="Inner")
    stored = interface(extends=inner, name="Stored")
    models = dtdl.parse(
        [interface(extends=stored["@id"])], resolver=lambda _: [stored], profile="server"
    )
    assert inner["@id"] in models.interfaces
    [problem] = causes(stored, profile="server")
    assert problem.id == "inlineInterfaceNotSupported"
