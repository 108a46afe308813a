"""Models made from the tables of the language, and what must hold for them and for mutants."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kastor import dtdl
from kastor.dtdl import report
from kastor.dtdl.describe import describe
from kastor.dtdl.messages import MESSAGES

from . import generated

SETTINGS = settings(
    max_examples=150,
    # Without shrinking: models are large, and a failure is plain enough as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


def problems(documents: list[Any]) -> tuple[dtdl.Problem, ...]:
    try:
        dtdl.parse(documents)
    except dtdl.DtdlError as error:
        return error.problems
    return ()


def fields(found: Iterable[dtdl.Problem]) -> list[str]:
    return sorted(
        str((p.id, p.primary, p.secondary, p.property, p.aux, p.type, p.value, p.pointer))
        for p in found
    )


@SETTINGS
@given(generated.models())
def test_what_the_tables_allow_is_valid(models: list[Any]) -> None:
    parsed = dtdl.parse([models])
    assert set(parsed.interfaces) == {generated.PART, generated.ABOVE, generated.ROOM}
    for identifier in parsed.elements:
        assert parsed.elements[identifier].id == identifier
        assert describe(parsed, identifier)
    for identifier in parsed.interfaces:
        compiled = dtdl.compile_interface(parsed, identifier)
        interface = parsed.interfaces[identifier]
        assert set(compiled.properties) == set(interface.properties)
    again = dtdl.parse([json.dumps(models, ensure_ascii=False)])
    assert list(again.elements) == list(parsed.elements)


@SETTINGS
@given(generated.models(), st.randoms(use_true_random=False))
def test_order_does_not_matter(models: list[Any], random: Random) -> None:
    shuffled = list(models)
    random.shuffle(shuffled)
    first, second = dtdl.parse([models]), dtdl.parse(shuffled)
    assert set(first.elements) == set(second.elements)


@SETTINGS
@given(generated.mutants())
def test_mutants_give_problems_and_never_anything_else(document: list[Any]) -> None:
    found = problems([document])
    text = json.dumps(document, indent=1, ensure_ascii=False)
    from_text = problems([text])
    assert fields(found) == fields(from_text)
    lines = text.split("\n")
    for problem in from_text:
        assert problem.id in MESSAGES
        assert problem.message
        assert problem.cure
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    if from_text:
        assert report.as_text(from_text, ["a.json"], [text])
        json.loads(report.as_json(from_text, ["a.json"]))
        json.loads(report.as_sarif(from_text, ["a.json"], "0"))


@SETTINGS
@given(generated.mutants())
def test_problems_point_at_something_that_is_there(document: list[Any]) -> None:
    for problem in problems([document]):
        value: Any = document
        for key in problem.pointer.split("/")[1:]:
            key = key.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901
            if isinstance(value, list):
                assert int(key) < len(value), problem
                value = value[int(key)]
            elif key in value:
                value = value[key]
            else:
                break  # a member that should be there


@SETTINGS
@given(generated.mutants(), generated.models())
def test_valid_documents_stay_valid_beside_bad_ones(document: list[Any], models: list[Any]) -> None:
    found = problems([models, document])
    assert (
        all(p.document == 1 or p.id == "duplicateDefinition" for p in found)
        or found[0].id in MESSAGES
    )


@SETTINGS
@given(st.data())
def test_values_made_from_a_schema_conform_to_it(data: st.DataObject) -> None:
    parsed = dtdl.parse([data.draw(generated.models())])
    interface = parsed.interfaces[generated.ROOM]
    twin = {
        name: generated.value_of(data.draw, content.schema)
        for name, content in interface.properties.items()
        if data.draw(st.booleans())
    }
    twin |= {name: {} for name in interface.components}
    compiled = dtdl.compile_interface(parsed, generated.ROOM)
    assert compiled.violations(twin) == []


@SETTINGS
@given(st.data())
def test_a_value_is_explained_exactly_when_it_does_not_conform(data: st.DataObject) -> None:
    parsed = dtdl.parse([data.draw(generated.models())])
    compiled = dtdl.compile_interface(parsed, generated.ROOM)
    for name, check in compiled.properties.items():
        value = data.draw(generated.junk)
        found = check.explain(value, (name,))
        assert check(value) == (not found)
        assert all(v.path[0] == name and v.detail for v in found)
        assert bool(
            compiled.violations({name: value} | {key: {} for key in compiled.components})
        ) == bool(found)


@pytest.mark.fuzz
@settings(SETTINGS, max_examples=5000)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_at_all(text: str | bytes) -> None:
    problems([text])
