"""Interfaces inside interfaces, one id with two definitions, and where a refused model is wrong."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_empty, assert_error, assert_json
from .models import COMP, C, K, component, interface, prop

if TYPE_CHECKING:
    from .client import Api

INNER = "dtmi:t:Inner;1"
SHARED = "dtmi:t:Shared;1"


def inner(**members: Any) -> dict[str, Any]:
    return interface(INNER, prop("p", "string"), **members)


def enum(*names: str, **members: Any) -> dict[str, Any]:
    values = [{"name": name, "enumValue": name} for name in names]
    return {"@type": "Enum", "valueSchema": "string", "enumValues": values, **members}


def with_schema(identifier: str, schema: dict[str, Any], **members: Any) -> dict[str, Any]:
    return interface(identifier, schemas=[{"@id": SHARED, **schema}], **members)


def missing(api: Api, identifier: str) -> None:
    assert_error(api.get(f"/models/{identifier}"), 404, "ModelNotFound")


@pytest.mark.parametrize(
    "model",
    [
        interface("dtmi:t:Outer;1", component("c", inner())),
        interface("dtmi:t:Outer;1", extends=inner()),
        interface("dtmi:t:Outer;1", extends=[[inner()]]),
        interface("dtmi:t:Outer;1", **{"dtmi:dtdl:property:extends;2": inner()}),
    ],
)
def test_an_interface_inside_another_is_refused_with_its_id_and_the_cure(
    api: Api, model: dict[str, Any]
) -> None:
    error = assert_error(api.post("/models", [C, model]), 400, "DTDLParserError", INNER)
    assert "Upload it as a model of its own and refer to it by id" in error["message"]
    assert [each["code"] for each in error["details"]] == ["inlineInterfaceNotSupported"]
    assert error["details"][0]["path"].startswith("/1/")
    missing(api, "dtmi:t:Outer;1")
    missing(api, COMP)


def test_the_cure_works(api: Api) -> None:
    api.add_models(inner(), interface("dtmi:t:Outer;1", component("c", INNER)))
    body = {"$metadata": {"$model": "dtmi:t:Outer;1"}, "c": {"$metadata": {}, "p": "x"}}
    assert api.add_twin("T", body)["c"]["p"] == "x"


def test_one_id_with_two_definitions_is_refused_and_both_models_are_named(api: Api) -> None:
    api.add_models(with_schema("dtmi:t:One;1", enum("a", "b")))
    second = with_schema("dtmi:t:Two;1", enum("a", "c"))
    error = assert_error(api.post("/models", [C, second]), 400, "DTDLParserError")
    for identifier in ("dtmi:t:One;1", "dtmi:t:Two;1", SHARED):
        assert identifier in error["message"]
    [detail] = error["details"]
    assert (detail["code"], detail["path"]) == ("duplicateDefinition", "/1/schemas/0/@id")
    assert (detail["line"], detail["column"] > 0) == (1, True)
    missing(api, "dtmi:t:Two;1")
    missing(api, COMP)


@pytest.mark.parametrize(
    "content",
    [
        prop("q", "string", **{"@id": SHARED}),
        prop("q", enum("b", **{"@id": SHARED})),
        prop("q", {"@type": "Object", "fields": [prop("f", "string", **{"@id": SHARED})]}),
    ],
)
def test_whatever_has_the_id_counts(api: Api, content: dict[str, Any]) -> None:
    if content["schema"] != "string" and "fields" in content["schema"]:
        content["schema"]["fields"][0]["@type"] = "Field"
    api.add_models(with_schema("dtmi:t:One;1", enum("a")))
    second = interface("dtmi:t:Two;1", content)
    assert_error(api.post("/models", [second]), 400, "DTDLParserError", "dtmi:t:One;1")


def test_the_same_definition_may_stand_in_two_models(api: Api) -> None:
    api.add_models(with_schema("dtmi:t:One;1", enum("a", "b")))
    api.add_models(with_schema("dtmi:t:Two;1", enum("b", "a")))
    reordered = dict(reversed(enum("a", "b").items()))
    api.add_models(interface("dtmi:t:Three;1", schemas={**reordered, "@id": SHARED}))
    assert_error(
        api.post("/models", [with_schema("dtmi:t:Four;1", enum("a"))]), 400, "DTDLParserError"
    )


def test_an_id_is_free_again_when_its_model_is_gone(api: Api) -> None:
    api.add_models(with_schema("dtmi:t:One;1", enum("a")))
    assert_empty(api.delete("/models/dtmi:t:One;1"))
    api.add_models(with_schema("dtmi:t:Two;1", enum("b")))


def test_a_model_and_an_element_can_not_share_an_id(api: Api) -> None:
    api.add_models(with_schema("dtmi:t:One;1", enum("a")))
    response = api.post("/models", [interface(SHARED)])
    assert_error(response, 400, "DTDLParserError", "dtmi:t:One;1")
    api.add_models(C)
    second = interface("dtmi:t:Two;1", prop("q", enum("a", **{"@id": COMP})))
    assert_error(api.post("/models", [second]), 400, "DTDLParserError", COMP)


def test_a_stored_id_is_a_conflict_whatever_the_model_defines(api: Api) -> None:
    api.add_models(with_schema("dtmi:t:One;1", enum("a")))
    response = api.post("/models", [with_schema("dtmi:t:One;1", enum("b"))])
    assert_error(response, 409, "ModelIdAlreadyExists")


def test_values_of_unknown_extensions_define_nothing(api: Api) -> None:
    typed = {"@type": ["Property", "X"], "y": {"@id": SHARED, "z": 1}}
    api.add_models(interface("dtmi:t:One;1", prop("p", "string", **typed)))
    typed["y"] = {"@id": SHARED, "z": 2}
    api.add_models(interface("dtmi:t:Two;1", prop("p", "string", **typed)))


def test_of_uploads_at_once_one_definition_wins(api: Api) -> None:
    models = [with_schema(f"dtmi:t:M{n};1", enum(f"v{n}")) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda model: api.post("/models", [model]).status_code, models))
    assert sorted(answers) == [201] + [400] * 7
    assert len(assert_json(api.get("/models"))["value"]) == 1


# --- references to what is inside another model --------------------------------------------------


def test_a_reference_to_what_another_model_defines_inside_says_so(api: Api) -> None:
    api.add_models(with_schema("dtmi:t:One;1", enum("a")))
    user = interface("dtmi:t:Two;1", prop("q", SHARED))
    error = assert_error(api.post("/models", [user]), 400, "DTDLParserError")
    assert f"{SHARED} is defined inside the stored model dtmi:t:One;1" in error["message"]
    assert "neither in the request nor stored" not in error["message"]


def test_a_reference_that_differs_in_case_gets_a_suggestion(api: Api) -> None:
    api.add_models(C)
    other = COMP.swapcase().replace("DTMI", "dtmi")
    error = assert_error(
        api.post("/models", [interface("dtmi:t:Two;1", component("c", other))]),
        400,
        "DTDLParserError",
        "neither in the request nor stored",
    )
    assert f"Did you mean {COMP}?" in error["message"]
    [detail] = error["details"]
    assert (detail["code"], detail["path"]) == ("unresolvedReference", "/0/contents/0/schema")


# --- places ------------------------------------------------------------------------------------


def test_every_problem_has_its_place(api: Api) -> None:
    text = json.dumps(
        [C, interface("dtmi:t:Bad;1", prop("a", "doubel"), prop("b", "strin"))], indent=2
    )
    error = assert_error(api.post("/models", raw=text.encode()), 400, "DTDLParserError")
    lines = text.split("\n")
    assert [each["code"] for each in error["details"]] == ["badDtmiOrTerm"] * 2
    for detail, word in zip(error["details"], ("doubel", "strin"), strict=True):
        assert lines[detail["line"] - 1][detail["column"] :].startswith(f'"schema": "{word}"')
    assert [each["path"] for each in error["details"]] == [
        "/1/contents/0/schema",
        "/1/contents/1/schema",
    ]


def test_a_problem_of_a_stored_model_has_no_place_in_the_request(api: Api) -> None:
    api.add_models(interface("dtmi:t:Above;1", prop("p", "string")))
    below = interface("dtmi:t:Below;1", prop("p", "string"), extends="dtmi:t:Above;1")
    error = assert_error(api.post("/models", [below]), 400, "DTDLParserError")
    [detail] = error["details"]
    assert (detail["code"], detail["path"]) == ("nonUniqueImportedPropertyValue", "/0/contents/0")
    assert "The other one of dtmi:t:Above;1 is stored." in detail["message"]


def test_a_byte_order_mark_before_models_is_skipped(api: Api) -> None:
    text = b"\xef\xbb\xbf" + json.dumps([K, C]).encode()
    assert len(assert_json(api.post("/models", raw=text), 201)) == 2
    assert_error(api.post("/models", raw=b"\xef\xbb\xbf"), 400, "BadRequest")
    shown = assert_json(api.get(f"/models/{COMP}?includeModelDefinition=true"))
    assert shown["model"] == C
