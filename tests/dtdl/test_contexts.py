"""`@context`: order, versions, accumulation, limits (dtdl 4.1, 8.1, 8.2)."""

from __future__ import annotations

import pytest

from kastor import dtdl

from .problem_examples import interface, prop

V2, V3, V4 = (f"dtmi:dtdl:context;{version}" for version in (2, 3, 4))
UNITS_1, UNITS_2 = (f"dtmi:dtdl:extension:quantitativeTypes;{n}" for n in (1, 2))
NOTES = "dtmi:dtdl:extension:annotation;1"
CENTRAL = "dtmi:iotcentral:context;2"
FREE = "dtmi:dtdl:context;4#limitless"
AIO = "dtmi:dtdl:limits:aio;1"


def ids(model, **options):
    try:
        dtdl.parse([model], **options)
    except dtdl.DtdlError as error:
        return [problem.id for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (V3, []),
        ([V3], []),
        ([V3, V2], []),
        ("dtmi:dtdl:context;3.7", []),
        ("dtmi:dtdl:context;2.1", ["invalidContextSpecifierForVersion"]),
        ([CENTRAL, V2], []),
        ([V3, NOTES, UNITS_1], []),
        ([V3, "dtmi:dtdl:extension:annotation;1.5"], []),
        (FREE, ["missingLimitContext"]),
        ([FREE, V4], []),
        ([FREE, "dtmi:dtdl:context;4#limits"], []),
        ([FREE, V3], ["missingLimitContext"]),
        ([FREE, NOTES], ["missingLimitContext"]),
        ([FREE, "http://x"], ["nonDtmiContextSpecifier"]),
        ([FREE, "dtmi:dtdl:context;4#x"], ["invalidContextFragment"]),
        ([FREE, AIO], ["disallowedLimitContext"]),
        ([FREE, "dtmi:dtdl:limits:other;1"], ["missingLimitContext"]),
        ([FREE, V4, AIO], ["misplacedLimitContext"]),
        ([V4, "dtmi:dtdl:limits:aio;9"], ["unresolvableContextVersion"]),
        ([V4, "dtmi:x:_y;1"], ["invalidContextSpecifierForVersion"]),
        ([{"a": "x"}, V3], ["missingDtdlContext"]),
        ([V3, {"a": "x"}], ["disallowedLocalContext"]),
        ([V3, {"a": "x"}, NOTES], ["localContextNotLast"]),
        ([V3, "http://x", {"a": "x"}], ["disallowedLocalContext"]),
        ("dtmi:dtdl:context;9#limits", ["disallowedContextFragment"]),
        ("dtmi:dtdl:context", ["missingDtdlContext"]),
        ("dtmi:dtdl:context;3\n", ["invalidContextSpecifier"]),
    ],
)
def test_context_of_a_model(context, expected):
    assert ids(interface(context=context)) == expected


def test_the_last_dtdl_context_wins():
    models = dtdl.parse([interface(context=[V3, V2])])
    assert models.interfaces["dtmi:com:example:Room;1"].dtdl_version == 2


def test_nested_contexts_add_extensions():
    length = prop(unit="metre", **{"@type": ["Property", "Length"]})
    assert ids(interface(length)) == ["typeUndefinedTerm"]
    assert ids(interface(length | {"@context": UNITS_1})) == []
    assert ids(interface(length | {"@context": [V3, UNITS_1]})) == []
    # They can not be taken away again.
    assert ids(interface(length | {"@context": V3}, context=[V3, UNITS_1])) == []


def test_nested_elements_may_be_older_but_not_newer():
    assert ids(interface(prop(**{"@context": V2}))) == []
    assert ids(interface(prop(**{"@context": V4}))) == ["disallowedVersionDefinition"]


def test_the_language_wins_over_extensions():
    # In DTDL 2 the semantic types are built in, whatever extension is active.
    old = prop(unit="percent", **{"@type": ["Property", "RelativeHumidity"], "@context": V2})
    assert ids(interface(old, context=[V3, UNITS_1])) == []


def test_one_version_of_an_extension_is_active():
    length = prop(unit="metre", **{"@type": ["Property", "Length"]})
    assert ids(interface(length, context=[V4, UNITS_1, UNITS_2])) == []
    assert ids(interface(length, context=[V4, UNITS_2, UNITS_1])) == ["invalidCotypeVersion"]


def test_limits_contexts_change_limits():
    deep = "double"
    for _ in range(12):
        deep = {"@type": "Array", "elementSchema": deep}
    model = interface({"@type": "Telemetry", "name": "t", "schema": deep}, context=[FREE, AIO])
    assert ids(model, limit_contexts=["dtmi:dtdl:limits:aio"]) == []
    assert set(ids(model | {"@context": V4})) == {"excessiveDepthWide"}
