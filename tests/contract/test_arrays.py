"""Arrays of twins and relationships, as clients of AgeDigitalTwins send them."""

from __future__ import annotations

from typing import Any

import pytest

from .client import Api, Unchanged, assert_error, assert_json
from .models import building

TWINS, RELATIONSHIPS = "/digitaltwins", "/relationships"


def twin(identifier: Any, **properties: Any) -> dict[str, Any]:
    return {"$dtId": identifier, **building(**properties)}


def edge(source: Any, identifier: Any, target: Any, name: str = "has") -> dict[str, Any]:
    ids = {"$sourceId": source, "$relationshipId": identifier, "$targetId": target}
    return {**ids, "$relationshipName": name}


def post(api: Api, path: str, body: Any, *, version: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = assert_json(api.post(path, body, version=version))
    assert list(found) == ["results", "successCount", "failureCount", "hasFailures"]
    failed = [each for each in found["results"] if not each["isSuccess"]]
    assert found["failureCount"] == len(failed)
    assert found["successCount"] == len(found["results"]) - len(failed)
    assert found["hasFailures"] is bool(failed)
    assert all(("errorMessage" in each) is not each["isSuccess"] for each in found["results"])
    return found


def test_twins_are_created_and_replaced(api: Api, model_m: dict[str, Any]) -> None:
    found = post(api, TWINS, [twin("a", AverageTemperature=1), twin("b")])
    assert found["results"] == [
        {"digitalTwinId": "a", "isSuccess": True},
        {"digitalTwinId": "b", "isSuccess": True},
    ]
    post(api, TWINS, [twin("a", TemperatureUnit="K")], version="2023-10-31")
    there = api.twin("a")
    assert there["TemperatureUnit"] == "K"
    assert "AverageTemperature" not in there


def test_relationships_are_created_after_their_ends(api: Api, model_m: dict[str, Any]) -> None:
    post(api, TWINS, [twin("a"), twin("b")])
    found = post(api, RELATIONSHIPS, [edge("a", "r", "b"), edge("b", "r", "a")])
    assert found["results"] == [
        {"sourceId": "a", "relationshipId": "r", "isSuccess": True},
        {"sourceId": "b", "relationshipId": "r", "isSuccess": True},
    ]
    stored = assert_json(api.get("/digitaltwins/a/relationships/r"))
    assert (stored["$targetId"], stored["$relationshipName"]) == ("b", "has")


def test_what_was_read_can_be_sent_again(api: Api, model_m: dict[str, Any]) -> None:
    post(api, TWINS, [twin("a", AverageTemperature=1), twin("b")])
    post(api, RELATIONSHIPS, [edge("a", "r", "b")])
    assert not post(api, TWINS, [api.twin("a"), api.twin("b")])["hasFailures"]
    read = assert_json(api.get("/digitaltwins/a/relationships/r"))
    assert not post(api, RELATIONSHIPS, [read])["hasFailures"]


def test_one_that_is_refused_leaves_the_others(api: Api, model_m: dict[str, Any]) -> None:
    bad = [twin("c", Nothing=1), twin("x/y"), building(), twin(7), {"$dtId": "d"}]
    found = post(api, TWINS, [twin("a"), *bad, twin("b")])
    assert [each["isSuccess"] for each in found["results"]] == [True, *[False] * 5, True]
    messages = [each["errorMessage"] for each in found["results"][1:-1]]
    for text, message in zip(
        ("Nothing", "slash", "$dtId", "$dtId", "$model"), messages, strict=True
    ):
        assert text in message
    assert messages[0].startswith("Invalid twin specified: Nothing does not appear")
    assert [each["digitalTwinId"] for each in found["results"][3:5]] == ["", ""]
    assert api.get("/digitaltwins/b").status_code == 200


def test_the_message_says_which_end_does_not_exist(api: Api, model_m: dict[str, Any]) -> None:
    post(api, TWINS, [twin("a"), twin("b")])
    items = [edge("none", "r", "b"), edge("a", "r", "gone"), edge("a", "r", "b", "likes")]
    items += [edge(None, "r", "b"), edge("a", None, "b")]
    found = post(api, RELATIONSHIPS, items)
    source, target, name, *missing = [each["errorMessage"] for each in found["results"]]
    assert source == "The source digital twin none does not exist."
    assert target == "The target digital twin is invalid or does not exist: gone."
    assert "likes" in name
    assert [each.split(" ")[0] for each in missing] == ["$sourceId", "$relationshipId"]


def test_an_array_has_at_most_100(api: Api, twin_t: dict[str, Any]) -> None:
    assert post(api, TWINS, [twin(f"t{n}") for n in range(100)])["successCount"] == 100
    with Unchanged(api, "/digitaltwins/T"):
        for path, item in ((TWINS, twin("T")), (RELATIONSHIPS, edge("T", "r", "t1"))):
            error = assert_error(api.post(path, [item] * 101), 400, "LimitExceeded")
            assert "101" in error["message"]
            assert "100" in error["message"]


def test_an_empty_array_of_twins_is_taken_and_of_relationships_not(api: Api) -> None:
    assert post(api, TWINS, [])["results"] == []
    assert_error(api.post(RELATIONSHIPS, []), 400, "InvalidArgument", "empty")


@pytest.mark.parametrize("path", [TWINS, RELATIONSHIPS])
@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"[", b"[{}]x", b"null", b"[" * 9_000])
def test_what_is_no_array_is_refused(api: Api, path: str, raw: bytes) -> None:
    assert_error(api.post(path, raw=raw), 400, ("InvalidArgument", "BadRequest"))
