"""What the cloud would refuse: limits and newer things under `--profile adt`."""

from __future__ import annotations

from typing import Any

import pytest

from .client import Api, Unchanged, assert_empty, assert_error, assert_json, op
from .models import BUILDING, C, K, M, building, interface, prop, with_component

KB = 1024
T = "/digitaltwins/T"


@pytest.fixture
def filled(adt: Api) -> Api:
    """The twins `T` and `B` of M and the relationship `r` between them."""
    adt.add_models(M)
    adt.add_twin("T", building(AverageTemperature=1))
    adt.add_twin("B", building())
    adt.relate("T", "r", "B")
    return adt


def _models(count: int) -> list[dict[str, Any]]:
    return [interface(f"dtmi:t:limit:m{number};1") for number in range(count)]


def test_M_11_a_request_holds_at_most_250_models(adt: Api) -> None:
    assert_error(adt.post("/models", _models(251)), 400, "LimitExceeded", "250")
    assert assert_json(adt.get("/models"))["value"] == []
    assert len(assert_json(adt.post("/models", _models(250)), 201)) == 250


@pytest.mark.parametrize("context", ["dtmi:dtdl:context;4", "dtmi:dtdl:context;1"])
def test_M_12_other_dtdl_versions_are_not_supported(adt: Api, context: str) -> None:
    newer = interface("dtmi:t:Four;1", **{"@context": context})
    assert_error(adt.post("/models", [M, newer]), 400, "ModelVersionNotSupported")
    assert assert_json(adt.get("/models"))["value"] == []


def test_a_model_document_has_at_most_one_megabyte(adt: Api) -> None:
    contents = [prop(f"p{number}", "string", comment="c" * 500) for number in range(250)]
    assert_json(adt.post("/models", [interface("dtmi:t:Fits;1", *contents)]), 201)
    bases = [f"dtmi:t:b{number};1" for number in range(2)]
    large = interface("dtmi:t:Large;1", extends=bases, description={"en": "d" * 500})
    large["contents"] = [
        prop(
            f"p{number}",
            "string",
            comment="c" * 512,
            description={"en": "d" * 512, "de": "e" * 512},
        )
        for number in range(300)
    ]
    large["displayName"] = {f"x{chr(97 + n // 26)}{chr(97 + n % 26)}": "n" * 64 for n in range(676)}
    large["schemas"] = [
        {
            "@id": f"dtmi:t:s{number};1",
            "@type": "Map",
            "comment": "c" * 512,
            "description": {"en": "d" * 512, "de": "e" * 512},
            "mapKey": {"name": "k", "schema": "string"},
            "mapValue": {"name": "v", "schema": "string"},
        }
        for number in range(400)
    ]
    response = adt.post("/models", [*(interface(base) for base in bases), large])
    assert_error(response, 400, "LimitExceeded")
    assert len(assert_json(adt.get("/models"))["value"]) == 1


def test_dependencies_can_be_asked_for_at_most_250_models(adt: Api) -> None:
    query = "&".join(f"dependenciesFor=dtmi:t:limit:m{number};1" for number in range(251))
    adt.add_models(*_models(250))
    adt.add_models(interface("dtmi:t:limit:m250;1"))
    assert_error(adt.get(f"/models?{query}"), 400, "LimitExceeded")


def test_T_33_a_twin_body_has_at_most_32_kilobytes(filled: Api) -> None:
    padded = b'{"$metadata":{"$model":"%b"}%b}' % (BUILDING.encode(), b" " * (33 * KB))
    with Unchanged(filled, T):
        assert_error(filled.put(T, raw=padded), 413, "PayloadTooLarge")
    assert_json(filled.put(T, raw=padded[: 30 * KB].rstrip(b" ") + b"}"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", T),
        ("PUT", f"{T}/relationships/r"),
        ("PATCH", f"{T}/relationships/r"),
        ("PATCH", f"{T}/components/x"),
        ("POST", f"{T}/telemetry"),
        ("POST", "/query"),
        ("PATCH", f"/models/{BUILDING}"),
    ],
)
def test_T_33_every_other_body_but_models_has_at_most_32_kilobytes(
    filled: Api, method: str, path: str
) -> None:
    kind = "application/json-patch+json" if method == "PATCH" else "application/json"
    with Unchanged(filled, T):
        response = filled.send(method, path, raw=b"[" + b" " * (33 * KB) + b"]", content_type=kind)
        assert_error(response, 413, "PayloadTooLarge")


def test_an_upload_of_models_may_be_larger(adt: Api) -> None:
    contents = [prop(f"p{number}", "string", comment="c" * 500) for number in range(100)]
    assert_json(adt.post("/models", [interface("dtmi:t:Long;1", *contents)]), 201)


@pytest.mark.parametrize("text", ["x" * 4097, "ü" * 2049])
def test_T_34_a_text_has_at_most_four_kilobytes(filled: Api, text: str) -> None:
    with Unchanged(filled, T):
        response = filled.put(T, building(TemperatureUnit=text))
        assert_error(response, 400, "ValidationFailed")
        response = filled.patch(T, [op("add", "/TemperatureUnit", text)])
        assert_error(response, 400, "ValidationFailed")
    assert_json(filled.put(T, building(TemperatureUnit=text[:-1])))


def test_T_34_a_text_of_a_component_has_the_same_limit(adt: Api) -> None:
    adt.add_models(C, K)
    response = adt.put("/digitaltwins/K1", with_component(ComponentProp1="x" * 4097))
    assert_error(response, 400, "ValidationFailed")
    assert_json(adt.put("/digitaltwins/K1", with_component(ComponentProp1="x" * 4096)))


def test_Q_10_a_query_has_at_most_8000_characters(filled: Api) -> None:
    stem = "SELECT * FROM digitaltwins WHERE $dtId = '"
    fits = stem + "x" * (8000 - len(stem) - 1) + "'"
    assert assert_json(filled.query(fits))["value"] == []
    assert_error(filled.query(fits[:-1] + "x'"), 400, "SqlQueryError")


def test_a_condition_has_at_most_fifty_terms(filled: Api) -> None:
    terms = [f"$dtId = 'x{number}'" for number in range(60)]
    few = "SELECT * FROM digitaltwins WHERE " + " OR ".join(terms[:40])
    assert assert_json(filled.query(few))["value"] == []
    many = "SELECT * FROM digitaltwins WHERE " + " OR ".join(terms)
    assert_error(filled.query(many), 400, "SqlQueryError")


def test_a_query_page_is_clamped_to_a_hundred_rows(adt: Api) -> None:
    adt.add_models(M)
    for number in range(101):
        adt.add_twin(f"t{number}", building())
    headers = {"max-items-per-page": "1000"}
    page = assert_json(adt.query("SELECT * FROM digitaltwins", headers=headers))
    assert len(page["value"]) == 100
    assert page["continuationToken"]


def test_ordinary_work_goes_on_as_usual(filled: Api) -> None:
    assert_empty(filled.patch(T, [op("replace", "/AverageTemperature", 2)]), etag=True)
    assert filled.twin("T")["AverageTemperature"] == 2
