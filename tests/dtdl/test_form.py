"""What is judged where it stands: `@id` that is no text, units written as objects, `@type` of values.

The right answers are those of the reference parser, release 1.1.3 (repository
digitaltwinconsortium/DTDLParser): it reads an `@id` that is no text as an empty one, and looks at
it only where an element is expected.
"""

from __future__ import annotations

from typing import Any

import pytest

from kastor import dtdl

from .problem_examples import V3, interface, prop

V2 = "dtmi:dtdl:context;2"


def ids(*documents: Any, **options: Any) -> list[str]:
    with pytest.raises(dtdl.DtdlError) as caught:
        dtdl.parse(documents, **options)
    return [problem.id for problem in caught.value.problems]


NO_TEXT = [5, None, True, ["dtmi:a:b;1"], {"@value": "dtmi:a:b;1"}]


@pytest.mark.parametrize("identifier", NO_TEXT)
def test_an_id_that_is_no_text_counts_where_an_element_stands(identifier: Any) -> None:
    assert ids(interface(**{"@id": identifier})) == ["idNotString"]
    assert ids(interface(prop(**{"@id": identifier}))) == ["idNotString"]


@pytest.mark.parametrize("identifier", [*NO_TEXT, "", "x"])
def test_values_of_undefined_extensions_are_not_looked_into(identifier: Any) -> None:
    value = {"@id": identifier, "more": [{"@id": identifier}]}
    dtdl.parse([interface(prop(**{"@type": ["Property", "X"], "y": value}), context=V2)])
    extended = interface(**{"@type": ["Interface", "X"], "y": value})
    extended["@context"] = [V3, "dtmi:x:ext;1"]
    dtdl.parse([extended], allow_undefined_extensions="always")


@pytest.mark.parametrize("identifier", [*NO_TEXT, "x"])
def test_objects_that_are_no_elements_say_what_is_wrong_with_them(identifier: Any) -> None:
    at = {"@id": identifier}
    assert ids(interface(displayName={"en": "a", **at})) == ["langMapObjKeyword"]
    assert ids(interface(displayName=[{"@value": "a", **at}])) == ["langStringElementId"]
    assert ids(interface(comment={"@value": "a", **at})) == ["valueObjectId"]
    assert ids(interface(prop(name={"@value": "a", **at}))) == ["valueObjectId"]


@pytest.mark.parametrize("identifier", NO_TEXT)
def test_an_object_with_nothing_but_an_id_is_a_reference(identifier: Any) -> None:
    assert ids(interface(prop(schema={"@id": identifier}))) == [
        "idReference",
        "objectCountBelowMin",
    ]


def test_an_id_that_is_no_text_hides_no_earlier_problem() -> None:
    bad = prop("first", schema="doubel")
    found = ids(interface(bad, prop(**{"@id": 5})))
    assert found == ["badDtmiOrTerm", "objectCountBelowMin", "idNotString"]
    assert ids([{"@id": "dtmi:a:b;1"}, interface(prop(**{"@id": 5}))]) == ["missingContext"]
    assert ids([interface(bad), 5]) == ["badDtmiOrTerm", "objectCountBelowMin", "notJsonObject"]
    assert ids(interface(**{"@id": 5, "@type": "Property"})) == ["typeNotRootable"]


def test_keywords_that_mean_nothing_are_not_looked_into() -> None:
    repeated = '{"@id": 1, "@id": 2, "": 3, "@context": 4}'
    for keyword in ("@foo", "@language"):
        text = (
            f'{{"@context": "{V2}", "@id": "dtmi:a:b;1", "@type": "Interface", '
            f'"{keyword}": {repeated}}}'
        )
        dtdl.parse([text])
    assert ids(f'{{"@context": "{V2}", "@id": "dtmi:a:b;1", "@type": "Interface", '
               f'"foo": {repeated}}}') == ["repeatedIdProperty"]  # fmt: skip


def telemetry(**more: Any) -> dict[str, Any]:
    return {"@type": ["Telemetry", "Temperature"], "name": "t", "schema": "double", **more}


def test_a_wrong_schema_and_a_wrong_unit_are_told_together() -> None:
    with pytest.raises(dtdl.DtdlError) as caught:
        dtdl.parse([interface(telemetry(schema="string", unit="metre"), context=V2)])
    found = [(p.id, p.property, p.type) for p in caught.value.problems]
    assert found == [
        ("notRequiredType", "schema", "NumericSchema"),
        ("notRequiredType", "dtmi:dtdl:property:unit;2", "TemperatureUnit"),
    ]
    [problem] = _problems(interface(telemetry(unit="metre"), context=V2))
    assert (problem.id, problem.pointer) == ("notRequiredType", "/contents/0/unit")


def _problems(document: Any) -> tuple[dtdl.Problem, ...]:
    with pytest.raises(dtdl.DtdlError) as caught:
        dtdl.parse([document])
    return caught.value.problems


@pytest.mark.parametrize("unit", [{"a": 1}, {}, {"@type": "Unit"}, {"@id": "dtmi:x:y;1", "a": 1}])
def test_a_unit_written_as_an_object_is_an_element_of_the_wrong_type_in_dtdl_2(
    unit: dict[str, Any],
) -> None:
    found = _problems(interface(telemetry(unit=unit), context=V2))
    assert [p.id for p in found] == ["badType", "objectCountBelowMin"]
    assert found[0].value == unit.get("@type")
    assert found[0].property == "dtmi:dtdl:property:unit;2"
    automatic = "dtmi:com:example:Room:_contents:__t:_dtmi:dtdl:property:unit;1"
    assert found[0].secondary == unit.get("@id", automatic)
    assert "unit of dtmi:com:example:Room:_contents:__t;1" in found[0].message


def test_units_as_objects_elsewhere() -> None:
    assert ids(interface(telemetry(unit={"@id": "dtmi:x:y;1"}), context=V2))[0] == "idReference"
    extended = interface(telemetry(unit={"a": 1}))
    extended["@context"] = [V3, "dtmi:dtdl:extension:quantitativeTypes;1"]
    assert ids(extended) == ["refObjectNotAllowed", "objectCountBelowMin"]


def enum(value: Any) -> Any:
    values = [{"name": "a", "enumValue": value}]
    return interface(prop(schema={"@type": "Enum", "valueSchema": "integer", "enumValues": values}))


def test_a_free_literal_is_tried_as_four_types() -> None:
    several = ["xsd:integer", "xsd:integer"]
    for types in (several, 626, None, []):
        found = ids(enum({"@value": 1, "@type": types}))
        assert found == ["literalTypeNotSingular"] * 4 + ["literalNotValid"]
    assert ids(enum({"@value": 1, "@type": [626]})) == ["literalNotValid"]


def test_a_single_type_that_is_no_text_is_the_wrong_type() -> None:
    value = {"@value": True, "@type": [626]}
    assert ids(interface(prop(writable=value))) == ["booleanTypeNotBoolean"]


def test_a_language_and_a_value_that_is_no_text_are_two_keywords() -> None:
    value = {"@language": "en", "@value": 5}
    assert ids(interface(displayName=value)) == ["langMapObjKeyword"] * 2
    assert ids(interface(displayName={"@language": "en", "@value": "x"})) == [
        "langTagValueInLangMap"
    ]
