"""Models that want to hurt: a clear problem in bounded time and memory, never a crash."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from kastor import dtdl

from .problem_examples import V3, V4, fields, interface, prop

SECONDS = 20  # on a slow machine under load; most need a fraction of one


def outcome(*documents: Any, **options: Any) -> set[str]:
    start = time.perf_counter()
    try:
        dtdl.parse(documents, **options)
        found = set()
    except dtdl.DtdlError as error:
        found = {problem.id for problem in error.problems}
    assert time.perf_counter() - start < SECONDS
    return found


def nested(depth: int, make: Callable[[Any], Any], innermost: Any = 1) -> Any:
    value = innermost
    for _ in range(depth):
        value = make(value)
    return value


@pytest.mark.parametrize("depth", [65, 1_000, 10_000, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_deep_texts(depth: int, left: str, right: str) -> None:
    assert outcome(left * depth + "1" + right * depth) == {"notJson"}
    assert outcome(left * depth) == {"notJson"}


@pytest.mark.parametrize("make", [lambda v: [v], lambda v: {"schema": v}])
def test_deep_objects(make: Callable[[Any], Any]) -> None:
    assert outcome(nested(10_000, make)) == {"notJson"}
    assert outcome(interface(prop(schema=nested(10_000, make)))) == {"notJson"}


def test_the_deepest_allowed() -> None:
    array = nested(50, lambda v: {"@type": "Array", "elementSchema": v}, "double")
    assert outcome(interface(prop(schema=array))) == {"excessiveDepthWide"}
    assert outcome(json.dumps(nested(60, lambda v: [v], interface()))) == set()


def test_many_contents() -> None:
    many = interface(*(prop(f"p{n}") for n in range(100_000)))
    assert outcome(json.dumps(many)) == {"excessiveCount", "partitionTooLarge"}


def test_many_bad_contents() -> None:
    many = interface(*(prop(f"p{n}", f"doubel{n}") for n in range(30_000)))
    assert outcome(json.dumps(many)) == {"badDtmiOrTerm", "objectCountBelowMin"}


def test_a_cycle_through_a_thousand_interfaces() -> None:
    ring = [
        interface(name=f"A{n}", extends=f"dtmi:com:example:A{(n + 1) % 1000};1")
        for n in range(1000)
    ]
    assert "recursiveStructureNarrow" in outcome(ring)


def test_everything_extends_everything() -> None:
    ids = [f"dtmi:com:example:A{n};1" for n in range(200)]
    assert "recursiveStructureNarrow" in outcome(
        [interface(name=f"A{n}", extends=ids) for n in range(200)]
    )
    ladder = [interface(name=f"A{n}", extends=ids[:n]) for n in range(200)]
    assert outcome(ladder) == {"excessiveCount", "excessiveDepthNarrow"}


@pytest.mark.parametrize("context", [V3, V4])
def test_everything_contains_everything(context: str) -> None:
    ids = [f"dtmi:com:example:s{n};1" for n in range(120)]
    schemas = [
        fields(*({"name": f"f{n}", "schema": i} for n, i in enumerate(ids)), **{"@id": own})
        for own in ids
    ]
    found = outcome(json.dumps(interface(schemas=schemas, context=context)))
    assert found & {"recursiveStructureWide", "excessiveDepthWide"}


def test_components_of_components_of_components() -> None:
    ids = [f"dtmi:com:example:A{n};1" for n in range(150)]
    models = [
        interface(
            *({"@type": "Component", "name": f"c{m}", "schema": i} for m, i in enumerate(ids)),
            name=f"A{n}",
        )
        for n in range(150)
    ]
    assert {"excludedType", "recursiveStructureNarrow"} <= outcome(models)


MEGA = 1_000_000


def test_ids_of_a_megabyte() -> None:
    assert outcome(interface(name="a" * MEGA)) == {"idTooLong"}
    assert outcome(interface(extends="dtmi:" + "a:" * (MEGA // 2) + "b;1")) == {"badDtmiOrTerm"}
    assert outcome(interface(**{"k" * MEGA: 1})) == {"propertyUndefinedTerm"}
    assert outcome(interface(prop(**{"@type": ["Property", "T" * MEGA]}))) == {"typeUndefinedTerm"}
    digits = "3" * 5000
    for context in (
        f"dtmi:dtdl:context;{digits}",
        [V3, f"dtmi:dtdl:context;{digits}"],
        [V3, f"dtmi:dtdl:extension:annotation;{digits}"],
        ["dtmi:dtdl:context;4#limitless", f"dtmi:dtdl:context;{digits}"],
    ):
        assert len(outcome(interface(context=context))) == 1


def test_a_name_of_a_megabyte_is_not_multiplied() -> None:
    schema = fields(*({"name": f"f{n}", "schema": "double"} for n in range(5_000)))
    text = json.dumps(interface({"@type": "Telemetry", "name": "n" * MEGA, "schema": schema}))
    tracemalloc.start()
    assert outcome(text) == {"stringTooLong"}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * MEGA


def test_many_contexts_are_not_multiplied() -> None:
    many = interface(
        *(prop(f"p{n}", **{"@context": f"dtmi:x:e{n};1"}) for n in range(10_000)),
        context=["dtmi:dtdl:context;2", *(f"dtmi:x:f{n};1" for n in range(10_000))],
    )
    tracemalloc.start()
    assert outcome(json.dumps(many)) == {"objectCountAboveMax"}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * MEGA


def test_repeated_members() -> None:
    head = f'"@context": "{V3}", "@id": "dtmi:com:example:Room;1", "@type": "Interface"'
    repeated = ", ".join('"comment": "x"' for _ in range(50_000))
    assert outcome(f"{{{head}, {repeated}}}") == {"duplicatePropertyName"}
    assert outcome(f"{{{head}, {head}}}") == {"repeatedContextProperty"}


@pytest.mark.parametrize(
    "members",
    [
        {"@graph": [interface()]},
        {"@reverse": {"extends": "x"}},
        {"@included": []},
        {"@nest": {}},
        {"@context": {"@import": "https://example.com"}},
        {"@context": {"@vocab": "https://example.com/"}},
        {"@context": [V3, {"@base": "dtmi:x"}]},
        {"@context": "https://example.com/context.jsonld"},
        {"@type": {"@id": "Interface"}},
        {"@id": {"@value": "dtmi:a:b;1"}},
        {"contents": {"@list": [prop()]}},
        {"contents": {"@set": [prop()]}},
        {"extends": {"@value": "dtmi:a:b;1"}},
        {"displayName": {"@list": []}},
        {"dtmi:dtdl:property:contents;3": [prop()], "contents": []},
    ],
)
def test_json_ld_tricks(members: dict[str, Any]) -> None:
    assert outcome(interface() | members) != set()


@pytest.mark.parametrize(
    "value", [None, True, 5, 1.5, "x", [], {}, [[]], [{}], {"@id": "x"}, 10**400]
)
@pytest.mark.parametrize(
    "member",
    [
        "@context",
        "@type",
        "@id",
        "contents",
        "extends",
        "schemas",
        "displayName",
        "comment",
        "@graph",
    ],
)
def test_any_value_anywhere(member: str, value: Any) -> None:
    outcome(interface(prop()) | {member: value})
    for inner in ("@context", "@type", "name", "schema", "writable", "unit", "@id"):
        outcome(interface(prop() | {inner: value}))


def test_objects_that_no_json_has() -> None:
    for value in (object(), {1, 2}, (1, 2), b"x", float("nan"), float("inf")):
        outcome(interface(prop(schema=value)))
        outcome(interface(comment=value))
        outcome(interface(displayName=value))
        outcome(interface(**{"@type": value}))
