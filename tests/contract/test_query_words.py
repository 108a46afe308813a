"""Queries as people write them, parameters and warnings, over HTTP; and what adt makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_error, assert_json
from .models import M, building

if TYPE_CHECKING:
    import httpx2

    from .client import Api

STRICT = {"kastor-adt-strict": "true"}
LENIENT = [
    "SELECT\u00a0T.$dtId FROM DIGITALTWINS AS T\u200bWHERE T.AverageTemperature == 1\ufeff",
    "SELECT $dtId FROM DIGITALTWINS WHERE !IS_DEFINED(TemperatureUnit)",
    "SELECT $dtId FROM DIGITALTWINS T WHERE T['AverageTemperature'] BETWEEN 0 AND 1",
    "SELECT $dtId FROM DIGITALTWINS WHERE AverageTemperature = 1 AND $dtId != 'it''s'",
]


def fill(api: Api) -> Api:
    api.add_models(M)
    api.add_twin("T", building(AverageTemperature=1))
    api.add_twin("U", building(AverageTemperature=2, TemperatureUnit="C"))
    api.add_twin("V", building(AverageTemperature=3, TemperatureUnit="C"))
    api.relate("T", "r", "U")
    return api


def told(response: httpx2.Response) -> list[str]:
    value = response.headers.get("kastor-warning")
    return [] if value is None else json.loads(f"[{value}]")


def ask(api: Api, text: str, parameters: Any = None, **more: Any) -> list[Any]:
    body = {"query": text, "parameters": parameters}
    rows: list[Any] = assert_json(api.post("/query", body, **more))["value"]
    return rows


@pytest.mark.parametrize("text", LENIENT)
def test_synonyms_and_blanks_work_unless_strict(api: Api, text: str) -> None:
    fill(api)
    assert ask(api, text) == [{"$dtId": "T"}]
    assert_error(api.query(text, headers=STRICT), 400, "SqlQueryError", "strict")


@pytest.mark.parametrize("text", LENIENT)
def test_adt_refuses_them(adt: Api, text: str) -> None:
    fill(adt)
    assert_error(adt.query(text), 400, "SqlQueryError", "strict")


def test_an_error_tells_its_place_as_data(api: Api) -> None:
    error = assert_error(api.query("SELECT *\n FROM nosuch"), 400, "SqlQueryError")
    (detail,) = error["details"]
    assert (detail["line"], detail["column"], detail["length"]) == (2, 6, 6)
    assert detail["code"] == "SqlQueryError"
    assert detail["message"] in error["message"]
    path = "/kastor/v1/events?format=ndjson&filter=type%20%3D%3D%20'x'"
    error = assert_error(api.get(path, version=None), 400, "EventRouteFilterInvalid", "write =")
    (detail,) = error["details"]
    assert (detail["line"], detail["column"], detail["length"]) == (1, 6, 1)


def test_an_unknown_alias_is_refused_where_models_tell(api: Api, adt: Api) -> None:
    text = "SELECT * FROM DIGITALTWINS room WHERE rom.AverageTemperature = 1"
    assert "is read as a property" in told(api.query(text))[0]
    fill(api)
    assert_error(api.query(text), 400, "SqlQueryError", "Did you mean room?")
    assert_json(api.query(text, headers=STRICT))
    fill(adt)
    assert_json(adt.query(text))


def test_names_that_no_model_knows_are_told(api: Api) -> None:
    text = "SELECT AverageTemprature FROM DIGITALTWINS"
    assert told(api.query(text)) == []
    fill(api)
    told_text = "no model declares a property AverageTemprature. Did you mean AverageTemperature?"
    for _ in range(2):
        assert told(api.query(text)) == [told_text]
    (row,) = ask(api, f"EXPLAIN {text} WHERE AverageTemprature > 5")
    assert row["warnings"] == [told_text]
    assert row["advice"] == []
    known = "SELECT TemperatureUnit, isAccessRestricted FROM DIGITALTWINS"
    assert told(api.query(known)) == []
    # A model that declares it ends the warning, though the plan was kept.
    more = {**M, "@id": "dtmi:t:More;1", "contents": [dict(M["contents"][0])]}
    more["contents"][0]["name"] = "AverageTemprature"
    api.add_models(more)
    assert told(api.query(text)) == []


def test_parameters_stand_for_literals(api: Api) -> None:
    fill(api)
    text = "SELECT TOP($n) $dtId FROM DIGITALTWINS WHERE AverageTemperature >= $low AND TemperatureUnit IN $units"
    parameters: dict[str, Any] = {"n": 1, "low": 2, "units": ["C", "F"]}
    assert ask(api, text, parameters) == [{"$dtId": "U"}]
    assert ask(api, text, parameters | {"n": 5, "low": 2.5}) == [{"$dtId": "V"}]
    (row,) = ask(api, f"EXPLAIN {text}", parameters)
    assert row["rows"] >= 1
    missing = {"query": text, "parameters": {"n": 1}}
    assert_error(api.post("/query", missing), 400, "SqlQueryError", "$low is not given")
    given = {"query": text, "parameters": parameters | {"low": {"a": 1}}}
    assert_error(api.post("/query", given), 400, "SqlQueryError", "$low is a map; a string or")
    many = {f"p{n}": n for n in range(101)}
    wrongs: tuple[Any, ...] = ([], {"$n": 1}, {"dtId": 1}, {"n": [1] * 10_001}, many)
    for wrong in wrongs:
        assert_error(api.post("/query", {"query": text, "parameters": wrong}), 400, "BadRequest")


def test_pages_go_on_with_the_values_of_the_first(api: Api) -> None:
    fill(api)
    one = {"max-items-per-page": "1"}
    for more in ([], ["x" * 2_000]):
        body = {
            "query": "SELECT $dtId FROM DIGITALTWINS WHERE AverageTemperature IN $l",
            "parameters": {"l": [1, 3, *more]},
        }
        page = assert_json(api.post("/query", body, headers=one))
        body["continuationToken"] = page["continuationToken"]
        rest = assert_json(api.post("/query", body))
        assert page["value"] + rest["value"] == [{"$dtId": "T"}, {"$dtId": "V"}]
        token = {"continuationToken": page["continuationToken"]}
        alone = api.post("/query", token)
        if more:
            assert_error(alone, 400, "BadRequest", "repeat parameters")
        else:
            assert assert_json(alone)["value"] == rest["value"]


def test_adt_has_no_parameters(adt: Api) -> None:
    fill(adt)
    tried: tuple[Any, ...] = ({"v": 1}, {"$v": {}}, "nonsense")
    for parameters in tried:
        assert ask(adt, "SELECT COUNT() FROM DIGITALTWINS", parameters) == [{"COUNT": 3}]
        for place in ("x = $v", "x IN $v", "x IN [$v]"):
            body = {"query": f"SELECT * FROM DIGITALTWINS WHERE {place}", "parameters": parameters}
            assert_error(adt.post("/query", body), 400, "SqlQueryError", "strict")
    description = adt.get("/openapi.json", version=None).json()
    fields = description["components"]["schemas"]["QuerySpecification"]["properties"]
    assert "parameters" not in fields


def test_the_description_knows_parameters(api: Api) -> None:
    schemas = api.get("/openapi.json", version=None).json()["components"]["schemas"]
    for name in ("QuerySpecification", "LiveQuerySpecification"):
        assert schemas[name]["properties"]["parameters"]["$ref"].endswith("/QueryParameters")
