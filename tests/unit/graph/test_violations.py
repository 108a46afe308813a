"""The sentences in which a broken model is told."""

from __future__ import annotations

from typing import Any

import pytest

from kastor.dtdl import CompiledInterface
from kastor.errors import Detail
from kastor.graph.violations import refuse, sentence

from .world import array_of, catalog_of, component, interface, map_of, object_of, prop, relation

PART, ALL = "dtmi:w:Part;1", "dtmi:w:All;1"
COLOURS = {
    "@type": "Enum",
    "valueSchema": "string",
    "enumValues": [{"name": "Red", "enumValue": "r"}, {"name": "Blue", "enumValue": "b"}],
}


@pytest.fixture(scope="module")
def compiled() -> CompiledInterface:
    found = catalog_of(
        interface(PART, prop("label", "string"), prop("box", object_of(a="integer"))),
        interface(
            ALL,
            *(prop(name, name) for name in ("boolean", "integer", "double", "string", "date")),
            prop("colour", COLOURS),
            prop("box", object_of(a="integer", b=object_of(c="string"))),
            prop("tags", map_of("integer")),
            prop("row", array_of(object_of(a="integer"))),
            component("part", PART),
            relation("to"),
        ),
    ).compiled(ALL)
    assert found is not None
    return found


def _sentences(compiled: CompiledInterface, document: dict[str, Any]) -> list[str]:
    body = {"part": {}, **document}
    return [sentence(each, body, "Twin", compiled.components) for each in compiled.violations(body)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"odd": 1}, "odd does not appear on the DTDL for Twin."),
        ({"to": 1}, "to is not a property - it is a Relationship."),
        ({"part": 5}, "Expected value of type object for part on Twin."),
        ({"part": {"odd": 1}}, "odd does not appear on the DTDL for part."),
        ({"part": {"label": 1}}, "Expected value of type string for label on part."),
        ({"string": 1}, "Expected value of type string for string on Twin."),
        ({"boolean": 0}, "Expected value of type boolean for boolean on Twin."),
        ({"double": "1"}, "Expected value of type double for double on Twin."),
        ({"double": True}, "Expected value of type double for double on Twin."),
        ({"integer": "5"}, "Expected value of type integer for integer on Twin."),
        ({"date": 5}, "Expected value of type date for date on Twin."),
    ],
)
def test_a_plain_fault_has_the_recorded_form_and_nothing_more(
    compiled: CompiledInterface, document: dict[str, Any], expected: str
) -> None:
    assert _sentences(compiled, document) == [expected]


@pytest.mark.parametrize(
    ("document", "start", "hint"),
    [
        ({"integer": 5.5}, "Expected value of type integer for integer on Twin. ", "fraction"),
        ({"integer": 2**31}, "Expected value of type integer for integer on Twin. ", "range"),
        ({"date": "2023-02-29"}, "Expected value of type date for date on Twin. ", "calendar"),
        ({"colour": "Red"}, "Expected value of type enum for colour on Twin. ", "b, r"),
        ({"box": {"a": 5.5}}, "Expected value of type integer for box.a on Twin. ", "integer"),
        ({"box": {"b": {"d": 1}}}, "Expected value of type object for box.b.d on Twin. ", "field"),
        ({"tags": {"$x": 1}}, "Expected value of type map for tags.$x on Twin. ", "$"),
        ({"row": [{}, {"a": 0.5}]}, "Expected value of type integer for row[1].a on Twin. ", ""),
        ({"part": {"box": {"a": 0.5}}}, "Expected value of type integer for box.a on part. ", ""),
    ],
)
def test_a_fault_that_the_type_alone_does_not_explain_has_a_second_sentence(
    compiled: CompiledInterface, document: dict[str, Any], start: str, hint: str
) -> None:
    (text,) = _sentences(compiled, document)
    assert text.startswith(start)
    assert hint in text[len(start) :]
    assert text.endswith(".")
    assert not text.endswith("..")


def test_a_component_that_is_missing_is_told_in_the_recorded_words(
    compiled: CompiledInterface,
) -> None:
    (violation,) = compiled.violations({})
    assert sentence(violation, {}, "Twin", compiled.components).startswith("Twin is missing")


def test_the_error_has_one_detail_for_each_fault() -> None:
    error = refuse(["one.", "two."], "Invalid relationship specified")
    assert error.code == "ValidationFailed"
    assert error.message == "Invalid relationship specified"
    assert error.details == (Detail("ValidationFailed", "one."), Detail("ValidationFailed", "two."))
