"""Vectors over REST: indexes, vectors beside twins, distances in queries, the nearest twins."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kastor.distances import distance, rounded

from .client import Api, assert_error, assert_json
from .vectors import PATH, ask, ids, index, nearest, put

NEAREST = "SELECT T.$dtId FROM DIGITALTWINS T ORDER BY VECTOR_DISTANCE(T.embedding, $v)"


def test_an_index_is_made_once_and_told_with_what_it_lacks(things: Api) -> None:
    assert index(things).status_code == 201
    assert index(things).status_code == 200
    assert_error(index(things, dims=4), 409, "VectorIndexDiffers")
    assert_error(index(things, metric="l2"), 409, "VectorIndexDiffers")
    found = assert_json(things.get(f"{PATH}/meaning", version=None))
    assert found["property"] == "embedding"
    assert found["status"] == {"twins": 7, "vectors": 4, "without": 3, "lag": 0}
    assert things.delete(f"{PATH}/meaning", version=None).status_code == 204
    assert_error(things.get(f"{PATH}/meaning", version=None), 404, "VectorIndexNotFound")


def test_a_dry_run_makes_nothing(things: Api) -> None:
    body = {"dims": 3}
    done = things.put(f"{PATH}/x", body, version=None, headers={"kastor-dry-run": "true"})
    assert done.is_success
    assert assert_json(things.get(PATH, version=None))["value"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"dims": 0},
        {"dims": 4097},
        {"dims": 3.0},
        {"dims": True},
        {"dims": 3, "metric": "manhattan"},
        {"dims": 3, "property": "a'b"},
        {"dims": 3, "property": ""},
        {"dims": 3, "property": 7},
        {"dims": 3, "models": "dtmi:a;1"},
        {"dims": 3, "models": [1]},
        {"dims": 3, "template": "{name}"},
        {"dims": 3, "other": 1},
    ],
)
def test_an_index_that_cannot_be_is_refused(things: Api, body: dict[str, Any]) -> None:
    assert_error(things.put(f"{PATH}/x", body, version=None), 400, "InvalidArgument")
    assert assert_json(things.get(PATH, version=None))["value"] == []


def test_there_are_sixteen_indexes_at_most(things: Api) -> None:
    for number in range(16):
        assert index(things, f"i{number}").status_code == 201
    assert_error(index(things, "more"), 400, "LimitExceeded")


def test_rows_come_in_order_of_their_distance_without_those_that_have_none(things: Api) -> None:
    assert ids(things, NEAREST, v=[1, 0, 0]) == ["a", "b", "c", "d"]
    assert ids(things, NEAREST.replace("SELECT", "SELECT TOP(2)"), v=[1, 0, 0]) == ["a", "b"]
    assert ids(things, f"{NEAREST} DESC", v=[1, 0, 0]) == ["d", "c", "b", "a"]


def test_a_distance_is_a_value_and_a_condition(things: Api) -> None:
    text = "SELECT T.$dtId, VECTOR_DISTANCE(T.embedding, $v) AS d FROM DIGITALTWINS T"
    rows = assert_json(ask(things, text, v=[0, 2, 0]))["value"]
    found = {row["$dtId"]: row.get("d") for row in rows}
    assert found["c"] == pytest.approx(0)
    assert found["none"] is found["zero"] is found["long"] is None
    near = "SELECT T.$dtId FROM DIGITALTWINS T WHERE VECTOR_DISTANCE(T.embedding, $v) < 0.5"
    assert sorted(ids(things, near, v=[1, 0, 0])) == ["a", "b"]


def test_the_metric_is_that_of_the_index(things: Api) -> None:
    text = "SELECT T.$dtId, VECTOR_DISTANCE(T.embedding, $v{}) AS d FROM DIGITALTWINS T ORDER BY d"

    def first(name: str = "") -> tuple[str, Any]:
        row = assert_json(ask(things, text.format(name), v=[2, 0, 0]))["value"][0]
        return row["$dtId"], row["d"]

    assert first() == ("a", pytest.approx(0))
    index(things, "far", metric="l2")
    assert first() == ("a", pytest.approx(1))
    index(things, "inner", metric="dot")
    assert first(", 'inner'") == ("a", pytest.approx(-2))
    assert first(", 'far'") == ("a", pytest.approx(1))
    assert_error(ask(things, text.format(""), v=[2, 0, 0]), 400, "SqlQueryError")
    assert_error(ask(things, text.format(", 'gone'"), v=[2, 0, 0]), 400, "SqlQueryError")


def test_plans_of_one_text_serve_other_vectors_and_other_indexes(things: Api) -> None:
    assert ids(things, NEAREST, v=[1, 0, 0])[0] == "a"
    assert ids(things, NEAREST, v=[0, 1, 0])[0] == "c"
    assert_error(ask(things, NEAREST, v=["x"]), 400, "SqlQueryError")
    index(things, dims=4)
    assert_error(ask(things, NEAREST, v=[0, 1, 0]), 400, "SqlQueryError")
    assert ids(things, NEAREST, v=[0, 1, 0, 1]) == ["long"]


@pytest.mark.parametrize(
    "vector",
    [[], ["1"], [True, 0, 0], [None], [1e39, 0, 0], [0, 0, 0], [0.1] * 4_097, 3, "x", {"a": 1}],
)
def test_hostile_vectors_are_refused(things: Api, vector: Any) -> None:
    assert 400 <= ask(things, NEAREST, v=vector).status_code < 500
    index(things)
    assert 400 <= nearest(things, vector=vector, index="meaning").status_code < 500
    assert 400 <= nearest(things, vector=vector).status_code < 500 or vector == [0, 0, 0]


def test_open_cypher_has_them_as_the_peer_spells_them(things: Api) -> None:
    text = "MATCH (t:Twin) RETURN t.`$dtId` AS id ORDER BY {}(t.embedding, $v) LIMIT 2"
    for name in ("cosine_distance", "l2_distance", "l1_distance", "digitaltwins.l2_distance"):
        rows = assert_json(ask(things, text.format(name), v=[1, 0, 0]))["value"]
        assert [row["id"] for row in rows] == ["a", "b"], name
    text = "MATCH (t:Twin) WHERE inner_product(t.embedding, $v) > 0.5 RETURN t.`$dtId` AS id"
    rows = assert_json(ask(things, text, v=[1, 0, 0]))["value"]
    assert sorted(row["id"] for row in rows) == ["a", "b"]


def test_what_stands_beside_a_twin_goes_with_it(things: Api) -> None:
    index(things, "side", property=None)
    place = "/kastor/v1/digitaltwins/{}/vectors/side"
    for name, vector in (("a", [0, 1, 0]), ("none", [0, 0.9, 0.1]), ("c", [1, 0, 0])):
        done = things.put(place.format(name), {"vector": vector}, version=None)
        assert done.status_code == 204
    assert assert_json(things.get(place.format("a"), version=None)) == {"vector": [0, 1, 0]}
    text = "SELECT T.$dtId FROM DIGITALTWINS T ORDER BY VECTOR_DISTANCE(T, 'side', $v)"
    assert ids(things, text, v=[0, 1, 0]) == ["a", "none", "c"]
    found = assert_json(nearest(things, vector=[0, 1, 0], index="side"))
    assert [row["$dtId"] for row in found["value"]] == ["a", "none", "c"]
    assert things.delete("/digitaltwins/a").status_code == 204
    assert ids(things, text, v=[0, 1, 0]) == ["none", "c"]
    put(things, "a", None)
    assert_error(things.get(place.format("a"), version=None), 404, "VectorNotFound")
    assert things.delete(place.format("c"), version=None).status_code == 204
    found = assert_json(nearest(things, vector=[0, 1, 0], index="side"))
    assert [row["$dtId"] for row in found["value"]] == ["none"]
    for body in ({"vector": [1, 2]}, {"vector": "x"}, {}, {"vector": [0, 0, 0]}):
        assert_error(things.put(place.format("c"), body, version=None), 400, "InvalidArgument")
    assert_error(
        things.put(place.format("gone"), {"vector": [1, 0, 0]}, version=None),
        404,
        "DigitalTwinNotFound",
    )


def test_search_holds_what_was_written_before_it(things: Api) -> None:
    index(things)

    def first() -> str:
        return str(
            assert_json(nearest(things, vector=[0, 0, 1], index="meaning"))["value"][0]["$dtId"]
        )

    assert first() == "d"
    put(things, "new", [0, 0, 5])
    assert first() == "new"
    patch = [{"op": "replace", "path": "/embedding", "value": [1, 0, 0]}]
    assert things.patch("/digitaltwins/new", patch).status_code == 204
    assert first() == "d"
    assert things.delete("/digitaltwins/d").status_code == 204
    assert first() != "d"


def test_search_by_a_model_and_like_a_twin(things: Api) -> None:
    index(things)
    put(things, "s", [0.8, 0.2, 0], model="Special")
    found = assert_json(nearest(things, like="a", index="meaning", limit=2))
    assert [row["$dtId"] for row in found["value"]] == ["b", "s"]
    assert [row["vectorRank"] for row in found["ranking"]] == [1, 2]
    body = {"vector": [1, 0, 0], "modelFilter": "dtmi:test:Special;1", "index": "meaning"}
    assert [row["$dtId"] for row in assert_json(nearest(things, **body))["value"]] == ["s"]
    body["modelFilter"] = "dtmi:test:Thing;1"
    assert "s" not in [row["$dtId"] for row in assert_json(nearest(things, **body))["value"]]
    found = assert_json(nearest(things, **body, subtypes=True))
    assert "s" in [row["$dtId"] for row in found["value"]]


def test_the_rivals_form_answers_an_array_by_l2(things: Api) -> None:
    found = assert_json(nearest(things, vector=[0.9, 0, 0], limit=3))
    assert [row["$dtId"] for row in found] == ["b", "a", "zero"]
    assert "$etag" in found[0]
    assert assert_json(nearest(things, vector=[1, 0, 0], modelFilter="dtmi:none;1")) == []
    hostile = "x' OR 1=1"
    assert assert_json(nearest(things, vector=[1, 0, 0], modelFilter=hostile)) == []
    assert_error(
        nearest(things, vector=[1, 0, 0], embeddingProperty="a]] , x"), 400, "InvalidArgument"
    )


def test_adt_has_none_of_it(adt: Api) -> None:
    assert adt.get(PATH, version=None).status_code == 404
    assert adt.post("/digitaltwins/search", {"vector": [1]}).status_code in (404, 405)


COMPONENT = st.floats(-1e3, 1e3, allow_nan=False) | st.integers(-9, 9)
VECTOR = st.lists(COMPONENT, min_size=3, max_size=3)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(vectors=st.lists(VECTOR, min_size=1, max_size=5), asked=VECTOR)
def test_distances_are_those_of_plain_python(
    things: Api, vectors: list[list[float]], asked: list[float]
) -> None:
    wanted = rounded(asked)
    assert wanted is not None
    if not any(wanted):
        return
    for number, vector in enumerate(vectors):
        put(things, f"p{number}", vector)
    names = {"cosine": "cosine_distance", "l2": "l2_distance", "l1": "l1_distance"}
    for kind, name in {**names, "product": "inner_product"}.items():
        text = f"MATCH (t:Twin) RETURN t.`$dtId` AS id, {name}(t.embedding, $v) AS d"
        rows = assert_json(ask(things, text, v=asked))["value"]
        found = {row["id"]: row["d"] for row in rows}
        for number, vector in enumerate(vectors):
            stored = rounded(vector)
            assert stored is not None
            expected = distance(kind, stored, wanted)  # type: ignore[arg-type]  # one of them
            got = found[f"p{number}"]
            if expected is None:
                assert got is None
            else:
                assert math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9), (kind, vector)


def test_of_a_past_state_properties_have_vectors_and_what_stands_beside_has_none(
    things: Api,
) -> None:
    index(things)
    index(things, "side", property=None)
    time.sleep(0.01)
    then_header = {"kastor-as-of": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    time.sleep(0.01)
    put(things, "new", [0, 0, 5])
    asked = {"vector": [0, 0, 1], "index": "meaning", "limit": 1}
    now = assert_json(nearest(things, **asked))["value"][0]["$dtId"]
    assert now == "new"
    then = things.post("/digitaltwins/search", asked, headers=then_header)
    assert [row["$dtId"] for row in assert_json(then)["value"]] == ["d"]
    asked["index"] = "side"
    then = things.post("/digitaltwins/search", asked, headers=then_header)
    assert_error(then, 400, "InvalidArgument")
    text = "SELECT T.$dtId FROM DIGITALTWINS T ORDER BY VECTOR_DISTANCE(T, 'side', $v)"
    body = {"query": text, "parameters": {"v": [0, 0, 1]}}
    assert things.post("/query", body, headers=then_header).status_code == 400
