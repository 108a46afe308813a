"""The openCypher subset over HTTP: the first word and `language` decide; what adt makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .client import assert_error, assert_json
from .models import M, building

if TYPE_CHECKING:
    from .client import Api

TWINS = "MATCH (t) WHERE t.TemperatureUnit = $unit RETURN t.`$dtId` AS id ORDER BY id"


def fill(api: Api) -> Api:
    api.add_models(M)
    api.add_twin("T", building(AverageTemperature=1))
    api.add_twin("U", building(AverageTemperature=2, TemperatureUnit="C"))
    api.add_twin("V", building(AverageTemperature=3, TemperatureUnit="C"))
    api.relate("T", "r", "U")
    return api


def ask(api: Api, text: str, **more: Any) -> list[Any]:
    rows: list[Any] = assert_json(api.post("/query", {"query": text, **more}))["value"]
    return rows


def test_rows_keep_null_and_hold_documents(api: Api) -> None:
    fill(api)
    (row,) = ask(
        api, "MATCH (a)-[x]->(b) RETURN a, x, b.`$dtId`, a.TemperatureUnit, type(x) = 'has'"
    )
    assert row["a"] == assert_json(api.get("/digitaltwins/T"))
    assert row["x"]["$sourceId"] == "T"
    assert row["x"]["$relationshipName"] == "has"
    assert row["b.`$dtId`"] == "U"
    assert row["a.TemperatureUnit"] is None
    assert row["type(x) = 'has'"] is True


def test_pages_carry_parameters_and_go_on_in_the_same_language(api: Api) -> None:
    fill(api)
    body: dict[str, Any] = {"query": TWINS, "parameters": {"unit": "C"}}
    found = []
    while True:
        page = assert_json(api.post("/query", body, headers={"max-items-per-page": "1"}))
        found += page["value"]
        if page["continuationToken"] is None:
            break
        body = {"continuationToken": page["continuationToken"]}
    assert found == [{"id": "U"}, {"id": "V"}]


def test_models_tell_what_can_be_added(api: Api) -> None:
    fill(api)
    text = "MATCH (t) RETURN sum(t.AverageTemperature) AS total, max(t.TemperatureUnit) AS unit"
    assert ask(api, text) == [{"total": 6, "unit": "C"}]
    assert ask(api, "MATCH (t {`$dtId`: 'V'}) RETURN t.AverageTemperature / 2.0 AS half") == [
        {"half": 1.5}
    ]
    refused = api.query("MATCH (t) RETURN sum(t.TemperatureUnit)")
    assert_error(refused, 400, "SqlQueryError", "can be string")


def test_labels_are_of_models_and_their_bases(api: Api) -> None:
    fill(api)
    label = M["@id"].partition(";")[0].rpartition(":")[2]
    assert ask(api, f"MATCH (t:{label}) RETURN count(*)") == [{"count(*)": 3}]
    assert ask(api, f"MATCH (t:`{M['@id']}`:Twin) RETURN count(*)") == [{"count(*)": 3}]
    assert ask(api, "MATCH (t:Nothing) RETURN t") == []
    (row,) = ask(api, "MATCH (m:Model) RETURN m.id AS id")
    assert row == {"id": M["@id"]}


def test_the_member_language_refuses_the_other_one(api: Api) -> None:
    fill(api)
    assert len(ask(api, "MATCH (t) RETURN t", language="cypher")) == 3
    assert len(ask(api, "SELECT * FROM DIGITALTWINS", language="adt")) == 3
    for text, language, told in (
        ("SELECT * FROM DIGITALTWINS", "cypher", "Cypher Parser Error"),
        ("MATCH (t) RETURN t", "adt", "missing SELECT"),
    ):
        response = api.post("/query", {"query": text, "language": language})
        assert_error(response, 400, "SqlQueryError", told)
    response = api.post("/query", {"query": "MATCH (t) RETURN t", "language": "gremlin"})
    assert_error(response, 400, "BadRequest", "language must be")


def test_words_that_write_change_nothing_and_an_error_has_its_place(api: Api) -> None:
    fill(api)
    error = assert_error(api.query("MATCH (t)\n  DELETE t"), 400, "SqlQueryError")
    (detail,) = error["details"]
    assert (detail["line"], detail["column"], detail["length"]) == (2, 2, 6)
    assert "DELETE /digitaltwins/{id}" in detail["message"]
    assert len(ask(api, "MATCH (t) RETURN t")) == 3


def test_it_is_explained_and_neither_followed_nor_exported(api: Api) -> None:
    fill(api)
    change = assert_json(api.get("/kastor/v1/status", version=None))
    del change
    (row,) = ask(api, "EXPLAIN MATCH (t) WHERE t.AverageTemprature > 1 RETURN t")
    assert "Did you mean AverageTemperature?" in row["warnings"][0]
    live = api.post("/kastor/v1/query/live", {"query": "MATCH (t) RETURN t"}, version=None)
    assert_error(live, 400, "SqlQueryError", "cannot be followed")
    exported = api.get("/kastor/v1/export?query=MATCH%20(t)%20RETURN%20t", version=None)
    assert_error(exported, 400, "SqlQueryError", "can be exported")


def test_adt_and_strict_requests_know_one_language(api: Api, adt: Api) -> None:
    fill(adt)
    for client, headers in ((adt, {}), (api, {"kastor-adt-strict": "true"})):
        refused = client.query("MATCH (t) RETURN t", headers=headers)
        assert_error(refused, 400, "SqlQueryError", "missing SELECT")
    body = {"query": "SELECT COUNT() FROM DIGITALTWINS", "language": "cypher"}
    assert assert_json(adt.post("/query", body))["value"] == [{"COUNT": 3}]
    schemas = adt.get("/openapi.json", version=None).json()["components"]["schemas"]
    assert "language" not in schemas["QuerySpecification"]["properties"]


def test_it_is_asked_of_the_past(api: Api) -> None:
    fill(api)
    text = "MATCH (t) RETURN count(*) AS n"
    answer = api.query(text)
    assert assert_json(answer)["value"] == [{"n": 3}]
    change = api.query(text, headers={"kastor-as-of": "2999-01-01T00:00:00Z"})
    assert_error(change, 400, "InvalidArgument")
    at = assert_json(api.get("/digitaltwins/V"))["$metadata"]["$lastUpdateTime"]
    assert api.delete("/digitaltwins/V").status_code == 204
    past = api.query(text, headers={"kastor-as-of": at})
    assert assert_json(past)["value"] == [{"n": 3}]
    assert assert_json(api.query(text))["value"] == [{"n": 2}]


def test_hostile_names_and_texts_stay_texts(api: Api) -> None:
    fill(api)
    for odd in ("a\\u0000b", "'; DROP TABLE twins --", '"x', "\u202e", "{}", "$1", "?1", "\\u2028"):
        name = odd.replace("\\u0000", "\0").replace("\\u2028", "\u2028")
        texts = (
            f"MATCH (a)-[:`{name}`]->(b) RETURN b",
            f"MATCH (a:`{name}`) RETURN a",
            f"MATCH (a {{`{name}`: 1}}) RETURN a",
        )
        for text in texts:
            assert ask(api, text) == []
        literal = name.replace("'", "\\'")
        (row, *_) = ask(api, f"MATCH (a) RETURN '{literal}' AS `{name}`, a.`{name}` AS x LIMIT 1")
        assert row == {name: name, "x": None}
        given = ask(api, "MATCH (a) WHERE a.TemperatureUnit = $v RETURN a", parameters={"v": name})
        assert given == []
