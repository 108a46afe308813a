"""`parse`: phases, positions, options, resolver, profile, limits."""

from __future__ import annotations

import json

import pytest

from kastor import dtdl
from kastor.errors import ModelRefused

from .problem_examples import V3, V4, chain, interface, long_text, prop

V2 = "dtmi:dtdl:context;2"


def problems(*documents, **options):
    with pytest.raises(dtdl.DtdlError) as caught:
        dtdl.parse(documents, **options)
    assert not isinstance(caught.value, dtdl.UnresolvedReferenceError)
    return caught.value.problems


def ids(*documents, **options):
    return [problem.id for problem in problems(*documents, **options)]


def test_texts_bytes_and_objects_give_the_same_models():
    model = interface(prop())
    for document in (model, [model], json.dumps(model), json.dumps([[model]]).encode()):
        models = dtdl.parse([document])
        assert list(models.interfaces) == ["dtmi:com:example:Room;1"]


def test_no_documents_and_empty_arrays_are_an_empty_set():
    assert len(dtdl.parse([]).elements) == 0
    assert len(dtdl.parse([[], "[]"]).elements) == 0


def test_the_error_is_one_that_the_server_knows():
    with pytest.raises(ModelRefused) as caught:
        dtdl.parse([interface(prop(schema="doubel"))])
    assert caught.value.code == "DTDLParserError"
    assert "doubel" in caught.value.message


def test_a_bad_document_hides_later_ones():
    bad, worse = interface(prop(schema="a")), interface(prop(schema="b"), name="Other")
    assert {p.value for p in problems(bad, worse)} == {"a", None}
    assert {p.value for p in problems([bad, worse])} == {"a", "b", None}


def test_keep_going_shows_the_problems_of_all_documents():
    bad, worse = interface(prop(schema="a")), interface(prop(schema="b"), name="Other")
    found = problems(bad, "{", worse, keep_going=True)
    assert [(p.document, p.value) for p in found if p.value] == [
        (0, "a"),
        (1, found[2].value),
        (2, "b"),
    ]


def test_positions_are_those_of_the_text():
    text = json.dumps([interface(prop(), prop("other", schema="doubel"))], indent=2)
    problem = problems(text)[0]
    assert problem.pointer == "/0/contents/1/schema"
    line = text.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith('"schema": "doubel"')


def test_objects_have_pointers_but_no_lines():
    problem = problems(interface(prop(schema="doubel")))[0]
    assert (problem.pointer, problem.line, problem.column) == ("/contents/0/schema", None, None)


def test_pointers_are_escaped():
    assert problems(interface(**{"a/b~c": 1}))[0].pointer == "/a~1b~0c"


def test_positions_of_members_with_escapes_in_their_names():
    text = f'{{"@context": "{V3}", "@id": "dtmi:a:b;1", "@type": "Interface",\n "\\u0061b": 1}}'
    problem = problems(text)[0]
    assert (problem.id, problem.property) == ("propertyUndefinedTerm", "ab")
    assert (problem.line, problem.column) == (2, 2)


def test_broken_json_tells_where():
    [problem] = problems('{"a": 1,\n "b" 2}')
    assert (problem.id, problem.line, problem.column) == ("notJson", 2, 6)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", "{'a': 1}", '{"a": NaN}', '{"a": -Infinity}', "// x\n{}", '{"a": 1} {}',
     '"\\ud800"', b'"\xff"', "1" * 5000, '"a\tb"'],
)  # fmt: skip
def test_what_is_no_json(text):
    assert ids(text) == ["notJson"]


def test_misspelt_terms_get_a_suggestion():
    assert "Did you mean double?" in problems(interface(prop(schema="doubel")))[0].cure
    found = problems(interface(prop(dispalyName="x")))[0]
    assert "Did you mean displayName?" in found.cure


def test_undefined_references_are_named_and_counted():
    with pytest.raises(dtdl.UnresolvedReferenceError) as caught:
        dtdl.parse([[interface(extends="dtmi:x:a;1", name=n) for n in "AB"]])
    assert caught.value.ids == ("dtmi:x:a;1",)
    assert caught.value.counts == {"dtmi:x:a;1": 2}
    assert "dtmi:x:a;1" in caught.value.message
    [problem] = caught.value.problems
    assert (problem.id, problem.value) == ("unresolvedReference", "dtmi:x:a;1")
    assert problem.pointer == "/0/extends"


def test_problems_come_before_undefined_references():
    assert ids(interface(prop(schema="doubel"), extends="dtmi:x:a;1"))[0] == "badDtmiOrTerm"


def test_the_resolver_is_asked_for_all_ids_at_once_and_again():
    stored = {f"dtmi:com:example:{n};1": n for n in "ABC"}
    asked = []

    def resolver(wanted):
        asked.append(sorted(wanted))
        return [
            interface(
                name=stored[i],
                **({"extends": "dtmi:com:example:C;1"} if i < "dtmi:com:example:B;1" else {}),
            )
            for i in wanted
        ]

    models = dtdl.parse(
        [interface(extends=["dtmi:com:example:A;1", "dtmi:com:example:B;1"])], resolver=resolver
    )
    assert asked == [["dtmi:com:example:A;1", "dtmi:com:example:B;1"], ["dtmi:com:example:C;1"]]
    assert models.supertypes("dtmi:com:example:Room;1") == {*stored, "dtmi:com:example:Room;1"}


@pytest.mark.parametrize("answer", [None, [], [interface(name="Other")]])
def test_a_resolver_without_the_answer_leaves_ids_undefined(answer):
    with pytest.raises(dtdl.UnresolvedReferenceError) as caught:
        dtdl.parse([interface(extends="dtmi:x:a;1")], resolver=lambda _: answer)
    assert caught.value.ids == ("dtmi:x:a;1",)


def test_what_the_resolver_returns_is_checked():
    answer = [interface(prop(schema="doubel"), name="A")]
    found = problems(interface(extends="dtmi:com:example:A;1"), resolver=lambda _: answer)
    assert found[0].id == "badDtmiOrTerm"
    assert found[0].document == 1


def test_the_target_of_a_relationship_is_not_resolved():
    dtdl.parse([interface({"@type": "Relationship", "name": "r", "target": "dtmi:x:a;1"})])


def test_max_version():
    assert ids(interface(context=V4), max_version=3) == ["disallowedContextVersion"]
    dtdl.parse([interface(context=V4)])


@pytest.mark.parametrize(
    ("context", "tolerance", "passes"),
    [(V2, "default", True), (V2, "never", False), (V3, "default", False), (V3, "always", True)],
)
def test_unknown_extensions(context, tolerance, passes):
    model = interface(context=[context, "dtmi:x:ext;1"], **{"@type": ["Interface", "X"], "y": 1})
    if passes:
        models = dtdl.parse([model], allow_undefined_extensions=tolerance)
        element = models.interfaces["dtmi:com:example:Room;1"]
        assert (element.undefined_types, element.undefined_properties) == (("X",), {"y": 1})
    else:
        found = ids(model, allow_undefined_extensions=tolerance)
        assert found == ["unresolvableContextSpecifier"]


def test_limit_contexts():
    model = interface(
        context=["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:onvif;1"],
        description="x" * 4000,
    )
    dtdl.parse([model], limit_contexts=["dtmi:dtdl:limits:onvif;1"])
    dtdl.parse([model], limit_contexts=["dtmi:dtdl:limits:onvif"])
    assert ids(model) == ["disallowedLimitContext"]


def test_the_adt_profile_refuses_inline_interfaces():
    inline = {"@id": "dtmi:com:example:Part;1", "@type": "Interface"}
    component = {"@type": "Component", "name": "c", "schema": inline}
    for model in (interface(component), interface(extends=inline)):
        dtdl.parse([model])
        assert ids(model, profile="adt") == ["inlineInterfaceNotSupported"]


def test_tolerance_of_old_models():
    twice = interface(prop(), prop(schema="string"), context=V2)
    assert ids(twice) == ["nonUniquePropertyValue"]
    models = dtdl.parse([twice], tolerate_solecisms=["parse"])
    assert models.interfaces["dtmi:com:example:Room;1"].properties["size"].schema.name == "double"
    # Only DTDL 2 has it, and only where it was asked for.
    assert ids(interface(prop(), prop()), tolerate_solecisms=["parse"]) != []
    assert ids(twice, tolerate_solecisms=["resolve"]) != []


# --- limits (dtdl 14) ---------------------------------------------------------------------


def test_an_interface_whose_text_is_too_long():
    for context in (V3, V4):
        model = long_text() | {"@context": context}
        for document in (model, json.dumps(model), json.dumps(model, indent=4)):
            assert ids(document) == ["partitionTooLarge"]
    short = interface(*(prop(f"p{n}", comment="x" * 100) for n in range(2000)))
    dtdl.parse([short])
    # White space counts in a text.
    assert ids(json.dumps(short, indent=100)) == ["partitionTooLarge"]


def test_dtdl_2_limits_numbers_instead_of_text():
    dtdl.parse([interface(*(prop(f"p{n}", comment="x" * 500) for n in range(300)), context=V2)])
    assert ids(interface(*(prop(f"p{n}") for n in range(301)), context=V2)) == [
        "objectCountAboveMax"
    ]


def test_inherited_contents_count_in_dtdl_2():
    above = interface(*(prop(f"a{n}") for n in range(200)), context=V2, name="Above")
    own = interface(
        *(prop(f"b{n}") for n in range(101)), context=V2, extends="dtmi:com:example:Above;1"
    )
    assert ids([above, own]) == ["objectCountAboveMax"]


@pytest.mark.parametrize(("count", "passes"), [(1024, True), (1025, False)])
def test_number_of_ancestors(count, passes):
    models = [interface(name=f"A{n}") for n in range(count)]
    models.append(interface(extends=[m["@id"] for m in models]))
    if passes:
        dtdl.parse([models])
    else:
        assert ids(models) == ["excessiveCount"]


def test_ancestors_count_once_per_way():
    def rung(level, side):
        above = [f"dtmi:com:example:L{level + 1}{s};1" for s in "ab"] if level < 10 else []
        return interface(name=f"L{level}{side}", extends=above)

    models = [rung(level, side) for level in range(11) for side in "ab"]
    found = problems(models)
    assert {p.id for p in found} == {"excessiveCount"}
    assert {p.primary for p in found} == {"dtmi:com:example:L0a;1", "dtmi:com:example:L0b;1"}


@pytest.mark.parametrize(("parts", "passes"), [(120, True), (260, False)])
def test_components_count_with_all_they_have(parts, passes):
    part = interface(*(prop(f"p{n}") for n in range(400)), name="Part")
    whole = interface(
        *(
            {"@type": "Component", "name": f"c{n}", "schema": "dtmi:com:example:Part;1"}
            for n in range(parts)
        )
    )
    if passes:
        dtdl.parse([[part, whole]])
    else:
        assert ids([part, whole]) == ["excessiveCount"]


def test_depth_of_inheritance():
    models = chain()
    assert "excessiveDepthNarrow" in ids(models)
    dtdl.parse([models[2:]])


# --- contents over inheritance ----------------------------------------------------------------


def test_a_diamond_has_its_top_once():
    top = interface(prop(), name="Top")
    sides = [interface(name=n, extends="dtmi:com:example:Top;1") for n in ("Left", "Right")]
    bottom = interface(extends=[s["@id"] for s in sides])
    models = dtdl.parse([[bottom, *sides, top]])
    assert models.interfaces[bottom["@id"]].properties["size"].defined_in == top["@id"]


def test_redefinition_is_refused_even_when_equal():
    above = interface(prop(), name="Above")
    assert ids([above, interface(prop(), extends=above["@id"])]) == [
        "nonUniqueImportedPropertyValue"
    ]


def test_names_are_case_sensitive():
    dtdl.parse([interface(prop("a"), prop("A"))])


def test_the_newest_version_above_may_not_be_newer():
    assert ids(
        [interface(context=V4, name="Above"), interface(extends="dtmi:com:example:Above;1")]
    ) == ["disallowedVersionReference"]
    dtdl.parse(
        [[interface(name="Above"), interface(context=V4, extends="dtmi:com:example:Above;1")]]
    )
