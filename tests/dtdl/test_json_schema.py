"""JSON Schemas of values judge as the checks of values do, but where they cannot."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kastor import dtdl
from kastor.dtdl import STRICT, ValueRules
from kastor.dtdl.documents import Malformed, read_text
from kastor.dtdl.values import FLOAT_OVERFLOW, LARGEST_DOUBLE, RANGES

from . import corpus, generated
from .json_schemas import Judge, of_element, whole_numbers
from .problem_examples import V4, fields, interface, prop
from .test_values import BAD, EMPTY, GOOD, mapping, schema_id

SETTINGS = settings(
    max_examples=100,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SERVER = ValueRules(zone_optional=True, dollar_keys=False, empty_keys=False)
ADT = ValueRules(dollar_keys=False, empty_keys=False, max_string_bytes=4096)
_TEXTS = {
    "date": "0123456789-",
    "time": "0123456789:.Z+-",
    "dateTime": "0123456789:.Z+-T",
    "duration": "0123456789PTYMWDHS.",
    "decimal": "0123456789.+-",
    "uuid": "0123456789abcdefABCDEFg-",
    "bytes": "ABCDz09+/=",
}


def assert_same(judge: Judge, element: str, value: Any, rules: ValueRules = STRICT) -> None:
    """A schema and the checks agree, if numbers are seen as JSON Schema sees them."""
    models = EMPTY
    wanted = not models.validate_value(element, value, rules)
    plain = not models.validate_value(element, whole_numbers(value), rules)
    assert judge.accepts(value) == (wanted or plain), (element, value, judge.problems(value))


@pytest.mark.parametrize("rules", [STRICT, SERVER, ADT], ids=["strict", "server", "adt"])
@pytest.mark.parametrize("name", sorted(GOOD))
def test_values_of_primitive_schemas(name: str, rules: ValueRules) -> None:
    judge = Judge(of_element(EMPTY, schema_id(name), rules))
    for value in [*GOOD[name], *BAD[name], None, True, 0, "", [], {}, "x\n"]:
        if value == value:  # JSON has no NaN  # noqa: PLR0124
            assert_same(judge, schema_id(name), value, rules)


def test_the_ends_of_ranges() -> None:
    for name, ends in [*RANGES.items(), ("float", (-FLOAT_OVERFLOW, FLOAT_OVERFLOW)),
                       ("double", (-LARGEST_DOUBLE, LARGEST_DOUBLE))]:  # fmt: skip
        judge = Judge(of_element(EMPTY, schema_id(name), STRICT))
        for end in ends:
            near = (end - 1, end, end + 1) if name in RANGES else (end, math.nextafter(end, 0))
            for value in near:
                assert_same(judge, schema_id(name), value)


@pytest.mark.parametrize("name", sorted(_TEXTS))
def test_texts_near_those_of_primitive_schemas(name: str) -> None:
    judges = [
        (rules, Judge(of_element(EMPTY, schema_id(name), rules))) for rules in (STRICT, SERVER)
    ]
    alphabet = _TEXTS[name]

    @st.composite
    def near(draw: Any) -> str:
        """A good text with a few characters changed."""
        text = list(draw(generated.VALUES[name]))
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(text)))
            text[at : at + draw(st.integers(0, 1))] = draw(st.text(alphabet, max_size=1))
        return "".join(text)

    @settings(SETTINGS, max_examples=400)
    @given(near() | st.text(alphabet, max_size=12))
    def agree(text: str) -> None:
        for rules, judge in judges:
            assert_same(judge, schema_id(name), text, rules)

    agree()


def test_every_day_of_the_calendar_and_no_other() -> None:
    judge = Judge(of_element(EMPTY, schema_id("date"), STRICT))
    for year in (0, 1, 4, 96, 100, 400, 1900, 1996, 2000, 2023, 2024, 2100, 2400, 9996, 9999):
        for month in (0, 1, 2, 4, 9, 11, 12, 13):
            for day in (0, 1, 28, 29, 30, 31, 32):
                text = f"{year:04}-{month:02}-{day:02}"
                assert_same(judge, schema_id("date"), text)


def test_values_of_the_corpora() -> None:
    counts: Counter[str] = Counter()
    for record in corpus.records("instance_cases.jsonl"):
        models = corpus.run(record).models
        assert models is not None
        for case in record["values"]:
            try:
                value = read_text(case["value"])
            except Malformed:
                counts["no JSON"] += 1
                continue
            plain = json.dumps(whole_numbers(json.loads(case["value"])))
            counts["accepted" if case["valid"] else "refused"] += 1
            seen = case["valid"] or not models.validate_json(case["subject"], plain)
            counts["unseen"] += seen != case["valid"]
            judge = Judge(of_element(models, case["subject"], STRICT))
            assert judge.accepts(json.loads(case["value"])) == seen, (record["name"], case, value)
    assert counts["accepted"] > 150
    assert counts["refused"] > 300
    assert counts["unseen"] < 30


@SETTINGS
@given(st.data())
def test_values_of_generated_models(data: st.DataObject) -> None:
    models = dtdl.parse([data.draw(generated.models())])
    for each in models.interfaces[generated.ROOM].properties.values():
        good = generated.value_of(data.draw, each.schema)
        for value in (good, data.draw(generated.junk), _changed(data.draw, good)):
            for rules in (STRICT, SERVER):
                judge = Judge(of_element(models, each.id, rules))
                found = models.validate_value(each.id, value, rules)
                plain = models.validate_value(each.id, whole_numbers(value), rules)
                assert judge.accepts(value) == (not found or not plain), (value, found)


def _changed(draw: Any, value: Any) -> Any:
    """A value with another somewhere inside it."""
    holder: list[Any] = json.loads(json.dumps([value]))
    container, key = draw(st.sampled_from(generated.places(holder)))
    container[key] = draw(generated.junk)
    return holder[0]


def test_keys_of_maps_by_the_rules() -> None:
    models = dtdl.parse([interface(schemas=[mapping("string", **{"@id": "dtmi:a:m;1"})])])
    for dollar in (True, False):
        for empty in (True, False):
            rules = ValueRules(dollar_keys=dollar, empty_keys=empty)
            judge = Judge(of_element(models, "dtmi:a:m;1", rules))
            for key in ("", "$", "$a", "a", "a$", "\n", " "):
                wanted = not models.validate_value("dtmi:a:m;1", {key: "x"}, rules)
                assert judge.accepts({key: "x"}) == wanted, (key, rules)


def test_a_schema_that_contains_itself() -> None:
    tree = fields(
        {"name": "label", "schema": "string"},
        {"name": "children", "schema": {"@type": "Array", "elementSchema": "dtmi:a:tree;1"}},
        **{"@id": "dtmi:a:tree;1"},
    )
    models = dtdl.parse([interface(prop("root", "dtmi:a:tree;1"), schemas=[tree], context=V4)])
    judge = Judge(of_element(models, "dtmi:a:tree;1", STRICT))
    assert judge.accepts({"children": [{"label": "a", "children": [{}]}]})
    assert not judge.accepts({"children": [{"label": "a", "children": [{"label": 1}]}]})
