"""Hybrid search over REST: words and vectors in one order, held against plain Python."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from kastor.distances import distance
from kastor.hybrid.fusion import fused

from .client import Api, assert_error, assert_json
from .vectors import index, nearest, put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEARCH = "/kastor/v1/search"
NEWEST = {"kastor-read": "current-replica"}
WORDS = ("pump", "pumps", "valve", "boiler", "pump valve")


def search(api: Api, **parameters: str) -> Any:
    text = "&".join(f"{name}={value}" for name, value in parameters.items())
    return api.get(f"{SEARCH}?{text}", headers=NEWEST, version=None)


def fill(api: Api, count: int, rng: random.Random) -> dict[str, list[float] | None]:
    """Twins with notes and vectors, some without one of them; settles the index of texts."""
    vectors: dict[str, list[float] | None] = {}
    operations = []
    for number in range(count):
        name = f"t{number:03}"
        vector = [float(rng.randrange(-3, 4)) for _ in range(3)] if rng.random() < 0.8 else None
        vectors[name] = vector
        body: dict[str, Any] = {"$metadata": {"$model": "dtmi:test:Thing;1"}}
        if vector is not None:
            body["embedding"] = vector
        if rng.random() < 0.6:
            body["note"] = rng.choice(WORDS)
        operations.append({"op": "put", "kind": "twin", "id": name, "body": body})
    done = api.post("/kastor/v1/batch", {"atomic": True, "operations": operations}, version=None)
    assert done.status_code == 200, done.text
    return vectors


def whole(ask: Callable[[], Any]) -> Any:
    """The answer of a search whose index was given the time that it needs."""
    for _ in range(20):
        answer = assert_json(ask())
        if not answer.get("more"):
            break
    return answer


def by_vector(vectors: dict[str, list[float] | None], wanted: Sequence[float]) -> list[str]:
    """Ids of twins with a direction, nearest first; those that are as near in any order."""
    far = {
        name: distance("cosine", vector, wanted)
        for name, vector in vectors.items()
        if vector is not None and any(vector)
    }
    return sorted(far, key=lambda name: (far[name] or 0.0, name))


@pytest.mark.parametrize("seed", range(3))
def test_one_order_of_two_lists(things: Api, seed: int) -> None:
    rng = random.Random(seed)
    for name in ("a", "b", "c", "d", "long", "zero", "none"):
        things.delete(f"/digitaltwins/{name}", headers={"if-match": "*"})
    vectors = fill(things, 60, rng)
    assert index(things).is_success
    wanted = [1.0, 0.5, -0.25]
    words = whole(lambda: search(things, q="pump", kinds="twin", limit="100"))["value"]
    text_ranks = {each["id"]: rank for rank, each in enumerate(words, 1)}
    body = {"text": "pump", "vector": wanted, "index": "meaning", "mode": "hybrid"}
    answer = whole(lambda: nearest(things, **body, limit=200))
    assert (answer["mode"], answer["nextLink"], answer["exact"]) == ("hybrid", None, True)
    ranking = answer["ranking"]
    near = [each for each in ranking if "vectorRank" in each]
    assert {each["$dtId"] for each in near} == set(by_vector(vectors, wanted))
    assert {each["$dtId"]: each["textRank"] for each in ranking if "textRank" in each} == text_ranks
    # Ranks are those of the distances; where these are equal, either order will do.
    in_order = sorted(near, key=lambda each: each["vectorRank"])
    assert [each["vectorRank"] for each in in_order] == list(range(1, len(near) + 1))
    distances = [each["distance"] for each in in_order]
    assert distances == sorted(distances)
    for each in near:
        vector = vectors[each["$dtId"]]
        assert vector is not None
        assert each["distance"] == pytest.approx(distance("cosine", vector, wanted), abs=1e-6)
    # The order is that of the sums of 1 / (60 + rank), ties by id.
    expected = sorted(
        ranking,
        key=lambda each: (
            -sum(1 / (60 + each[name]) for name in ("textRank", "vectorRank") if name in each),
            each["$dtId"],
        ),
    )
    assert ranking == expected
    assert [each["$dtId"] for each in answer["value"]] == [each["$dtId"] for each in ranking]
    assert_pages(things, body, ranking)


def assert_pages(api: Api, body: dict[str, Any], ranking: list[dict[str, Any]]) -> None:
    """Pages of seven are the whole, one after the other."""
    for _ in range(5):  # an index of texts that is busy finds less
        found, cursor = pages(api, body)
        if found == ranking:
            break
    assert found == ranking
    other = {**body, "text": "valve", "cursor": cursor}
    assert_error(nearest(api, **other, limit=7), 400, "InvalidArgument")
    assert_error(nearest(api, **body, cursor="x\u00e9"), 400, "InvalidArgument")


def pages(api: Api, body: dict[str, Any]) -> tuple[list[Any], str]:
    """What pages tell together, and the last cursor."""
    found: list[Any] = []
    cursor = ""
    while True:
        asked = {**body, "limit": 7} | ({"cursor": cursor} if cursor else {})
        page = assert_json(nearest(api, **asked))
        found += page["ranking"]
        if page["nextLink"] is None:
            return found, cursor
        cursor = page["nextLink"]


def test_near_to_a_twin_beside_words(things: Api) -> None:
    index(things)
    put_note(things, "c", "a pump")
    put_note(things, "none", "another pump")
    answer = assert_json(search(things, q="pump", like="a"))
    assert (answer["ranking"], answer["index"], answer["more"]) == ("hybrid", "meaning", False)
    found = {each["id"]: each for each in answer["value"]}
    assert answer["value"][0]["id"] == "c", "it is in both lists"
    assert found.keys() == {"b", "c", "d", "none"}, "a is what others are near to"
    assert found["none"]["textRank"] in (1, 2)
    assert "vectorRank" not in found["none"]
    assert (found["b"]["vectorRank"], "textRank" in found["b"]) == (1, False)
    assert found["b"]["model"] == "dtmi:test:Thing;1"
    assert found["c"]["field"] == "/note"
    only = assert_json(search(things, like="a", mode="vector", limit="1"))
    assert [each["id"] for each in only["value"]] == ["b"]
    assert (only["ranking"], only["more"], "lag" in only) == ("vector", True, False)
    words = assert_json(search(things, q="pump", like="a", mode="words"))
    assert {each["id"] for each in words["value"]} == {"c", "none"}


def put_note(api: Api, name: str, note: str) -> None:
    patch = [{"op": "add", "path": "/note", "value": note}]
    assert api.patch(f"/digitaltwins/{name}", patch).status_code == 204


def test_words_do_where_vectors_cannot(things: Api) -> None:
    put_note(things, "c", "a pump")
    answer = assert_json(search(things, q="pump", like="a"))
    assert (answer["ranking"], [each["id"] for each in answer["value"]]) == ("words", ["c"])
    assert "no vector index" in answer["degraded"]
    assert_error(search(things, q="pump", like="a", mode="hybrid"), 404, "VectorIndexNotFound")
    index(things)
    answer = assert_json(search(things, q="pump", like="none"))
    assert "no vector of meaning" in answer["degraded"]
    assert_error(search(things, like="none"), 404, "VectorNotFound")
    assert_error(search(things, like="nobody"), 404, "DigitalTwinNotFound")


@pytest.mark.parametrize(
    "parameters",
    [
        {"mode": "vector", "q": "x"},
        {"mode": "hybrid", "like": "a"},
        {"mode": "words", "like": "a"},
        {"mode": "best", "like": "a"},
        {"mode": "auto"},
        {"like": "a", "kinds": "model"},
        {"like": "a", "limit": "101"},
        {"like": "a", "q": "w" * 201},
    ],
)
def test_what_cannot_be_together_is_refused(things: Api, parameters: dict[str, str]) -> None:
    index(things)
    assert_error(search(things, **parameters), 400, "InvalidArgument")


def test_only_a_model_and_what_extends_it_if_wanted(things: Api) -> None:
    index(things)
    put(things, "special", [1.0, 0.1, 0.0], "Special")
    put_note(things, "special", "pump")
    put_note(things, "c", "pump")
    body = {"text": "pump", "vector": [1.0, 0.0, 0.0], "index": "meaning"}
    for model, subtypes, expected in (
        ("Special", False, {"special"}),
        ("Thing", False, {"a", "b", "c", "d"}),
        ("Thing", True, {"a", "b", "c", "d", "special"}),
    ):
        asked = {**body, "modelFilter": f"dtmi:test:{model};1", "subtypes": subtypes}
        search(things, q="pump")  # waits for the index of texts
        found = assert_json(nearest(things, **asked))["ranking"]
        assert {each["$dtId"] for each in found} == expected


def test_words_have_no_past(things: Api) -> None:
    index(things)
    put_note(things, "c", "pump")
    body = {"text": "pump", "vector": [1.0, 0.0, 0.0], "index": "meaning"}
    at = {"kastor-as-of": "2026-01-01T00:00:00Z"}
    refused = things.post("/digitaltwins/search", body, headers=at)
    assert refused.status_code in (400, 410)


def test_fusion_is_by_ranks_alone() -> None:
    found = fused(["x", "y"], ["y", "z"])
    assert [(each.id, each.text_rank, each.vector_rank) for each in found] == [
        ("y", 2, 1),
        ("x", 1, None),
        ("z", None, 2),
    ]
    assert fused([], []) == []
    assert [each.id for each in fused(["b"], ["a"])] == ["a", "b"], "ties by id"
