"""Models with all that they inherit, for clients that know no DTDL."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from kastor.api.description.openapi import build_openapi
from tests.dtdl.corpus import document

from .client import Api, assert_error, assert_json, seg
from .models import V3, V4, interface, prop

PATH = "/kastor/v1/models/resolved"
QUANTITIES = "dtmi:dtdl:extension:quantitativeTypes;1"
BASE, SIDE, LEAF = "dtmi:r:Base;1", "dtmi:r:Side;1", "dtmi:r:Leaf;1"
PRIMITIVES = (
    *("boolean", "date", "dateTime", "double", "duration", "float", "integer", "long", "string"),
    *("time", "byte", "bytes", "decimal", "short", "unsignedByte", "unsignedInteger"),
    *("unsignedLong", "unsignedShort", "uuid"),
)
GEOSPATIAL = ("point", "multiPoint", "lineString", "multiLineString", "polygon", "multiPolygon")
DESCRIBED = Draft202012Validator(
    {**build_openapi("https://x"), "$ref": "#/components/schemas/ResolvedModelPage"}
)
"""The form that the description promises; the explorer's types are compared with it."""


def ask(api: Api, query: str = "", **headers: str) -> Any:
    return api.get(PATH + query, headers=headers, version=None)


def read(api: Api, *ids: str) -> dict[str, dict[str, Any]]:
    query = "&".join(f"id={seg(each)}" for each in ids)
    page = assert_json(ask(api, f"?{query}"))
    DESCRIBED.validate(page)
    found = page["value"]
    while page["nextLink"] is not None:
        page = assert_json(api.follow(page["nextLink"]))
        DESCRIBED.validate(page)
        found += page["value"]
    return {model["id"]: model for model in found}


def contents(model: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in model["contents"]}


def test_what_is_inherited_comes_nearest_first_and_says_from_where(api: Api) -> None:
    v3 = {"@context": [V3, QUANTITIES]}
    warm = {**prop("warm", "double"), "@type": ["Property", "Temperature"], "unit": "degreeCelsius"}
    api.add_models(
        interface(BASE, warm | {"displayName": {"de": "warm", "en": "warmth"}}, **v3),
        interface(SIDE, prop("side", "string"), extends=[BASE], **v3),
        interface(LEAF, prop("leaf", "string"), extends=[SIDE], displayName="Leaf", **v3),
    )
    found = read(api)
    assert list(found) == [BASE, SIDE, LEAF]  # what a model needs comes before it
    leaf = found[LEAF]
    assert (leaf["extends"], leaf["bases"], leaf["displayName"]) == (
        *([SIDE], [SIDE, BASE]),
        {"en": "Leaf"},
    )
    assert [(each["name"], each["definedBy"]) for each in leaf["contents"]] == [
        *(("leaf", LEAF), ("side", SIDE), ("warm", BASE)),
    ]
    warmth = contents(leaf)["warm"]
    assert warmth["displayName"] == {"de": "warm", "en": "warmth"}
    assert warmth["unit"] == {
        "name": "degreeCelsius",
        "symbol": "°C",
        "displayName": "degree Celsius",
    }
    assert (warmth["semanticTypes"], warmth["schema"]) == (["Temperature"], {"kind": "double"})


def test_every_schema_has_its_form(api: Api) -> None:
    level = {
        "@type": "Enum",
        "@id": "dtmi:r:Leaf:level;1",
        "valueSchema": "integer",
        "enumValues": [{"name": "high", "enumValue": 2**31 - 1, "displayName": "High"}],
    }
    held = {
        "@type": "Object",
        "fields": [{"name": "at", "schema": "point"}, {"name": "as", "schema": level["@id"]}],
    }
    mapped = {
        "@type": "Map",
        "mapKey": {"name": "day", "schema": "string"},
        "mapValue": {"name": "hours", "schema": {"@type": "Array", "elementSchema": "double"}},
    }
    tree = {
        "@type": "Object",
        "@id": "dtmi:r:Leaf:tree;1",
        "fields": [
            {"name": "below", "schema": {"@type": "Array", "elementSchema": "dtmi:r:Leaf:tree;1"}}
        ],
    }
    plain = [prop(f"p{name}", name) for name in (*PRIMITIVES, *GEOSPATIAL, "scaledDecimal")]
    own = [prop("held", held), prop("mapped", mapped), prop("tree", tree["@id"])]
    relationship = {
        "@type": "Relationship",
        "name": "to",
        "target": BASE,
        "maxMultiplicity": 3,
        "properties": [prop("since", "date") | {"writable": True}],
    }
    part = {"@type": "Component", "name": "part", "schema": BASE}
    command = {
        "@type": "Command",
        "name": "go",
        "request": {"name": "how", "schema": "string", "nullable": True},
    }
    api.add_models(
        interface(BASE) | {"@context": V4},
        interface(LEAF, *plain, *own, relationship, part, command, schemas=[level, tree])
        | {"@context": V4},
    )
    found = contents(read(api, LEAF)[LEAF])
    for name in (*PRIMITIVES, *GEOSPATIAL):
        assert found[f"p{name}"]["schema"] == {"kind": name}
    assert found["pscaledDecimal"]["schema"]["kind"] == "scaledDecimal"
    at, chosen = found["held"]["schema"]["fields"]
    assert at["schema"] == {"kind": "point"}
    assert (chosen["schema"]["id"], chosen["schema"]["valueSchema"]) == (level["@id"], "integer")
    [value] = chosen["schema"]["values"]
    assert value == {
        "name": "high",
        "value": 2**31 - 1,
        "displayName": {"en": "High"},
        "description": {},
    }
    assert found["mapped"]["schema"]["key"]["name"] == "day"
    assert found["mapped"]["schema"]["value"]["schema"] == {
        "kind": "array",
        "element": {"kind": "double"},
    }
    [below] = found["tree"]["schema"]["fields"]
    assert below["schema"]["element"] == {
        "kind": "ref",
        "id": tree["@id"],
        "because": "recursive",
    }
    assert (found["to"]["target"], found["to"]["maxMultiplicity"]) == (BASE, 3)
    assert [(p["name"], p["writable"]) for p in found["to"]["properties"]] == [("since", True)]
    assert (found["part"]["model"], found["go"]["request"]["nullable"]) == (BASE, True)


def test_a_schema_that_multiplies_is_a_reference_and_costs_nobody_the_rest(api: Api) -> None:
    schemas: list[dict[str, Any]] = []
    inner: Any = "double"
    for depth in range(5):
        identifier = f"dtmi:r:Leaf:s{depth};1"
        fields = [{"name": f"f{n}", "schema": inner} for n in range(30)]
        schemas.append({"@type": "Object", "@id": identifier, "fields": fields})
        inner = identifier
    api.add_models(
        interface(LEAF, prop("wide", inner), prop("name", "string"), schemas=schemas),
    )
    answer = ask(api)
    assert len(answer.content) < 2**21
    assert "large" in answer.text
    assert contents(assert_json(answer)["value"][0])["name"]["schema"] == {"kind": "string"}


def test_the_etag_is_of_the_models(api: Api) -> None:
    api.add_models(interface(BASE))
    first = ask(api)
    assert isinstance(assert_json(first)["epoch"], int)
    tag = first.headers["etag"]
    same = ask(api, **{"If-None-Match": f'"other", {tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert "content-length" not in same.headers
    patch = [{"op": "replace", "path": "/decommissioned", "value": True}]
    assert api.patch(f"/models/{BASE}", patch).status_code == 204
    changed = ask(api, **{"If-None-Match": tag})
    assert assert_json(changed)["value"][0]["decommissioned"] is True
    assert changed.headers["etag"] != tag


def test_pages_are_of_one_state(api: Api) -> None:
    api.add_models(*(interface(f"dtmi:r:N{at};1") for at in range(5)))
    first = assert_json(ask(api, **{"max-items-per-page": "3"}))
    rest = assert_json(api.follow(first["nextLink"], headers={"max-items-per-page": "3"}))
    assert [each["id"] for each in first["value"] + rest["value"]] == [
        f"dtmi:r:N{at};1" for at in range(5)
    ]
    assert rest["nextLink"] is None
    api.add_models(interface(LEAF))
    assert_error(api.follow(first["nextLink"]), 410, "ModelsChanged")


def test_what_is_asked_for_has_to_be_there(api: Api) -> None:
    assert assert_json(ask(api))["value"] == []
    assert_error(ask(api, f"?id={LEAF}"), 404, "ModelNotFound")


def test_of_the_past_it_says_the_models_of_then(api: Api) -> None:
    api.add_models(interface(BASE, prop("name", "string")))
    twin = api.add_twin("one", {"$metadata": {"$model": BASE}, "name": "x"})
    api.add_models(interface(LEAF))
    found = assert_json(ask(api, **{"kastor-as-of": twin["$metadata"]["$lastUpdateTime"]}))
    assert [each["id"] for each in found["value"]] == [BASE]


def test_a_real_ontology_is_there_whole(api: Api) -> None:
    models = document("ontologies/realestatecore-building.json")
    api.add_models(*models)
    found = read(api)
    assert len(found) == len(models)
    known: set[str] = set()
    for identifier, model in found.items():
        assert set(model["bases"]) <= known
        known.add(identifier)
        assert "truncated" not in model
        for base in model["bases"]:
            assert set(contents(found[base])) <= set(contents(model))


def test_under_adt_there_is_none(adt: Api) -> None:
    assert ask(adt).status_code == 404
