"""The listing of models: dependencies, pages and their links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from .client import LATEST, assert_error, assert_json, assert_page, requoted
from .models import BUILDING, COMP, WITH_COMP, C, K, M, component, interface, relationship

if TYPE_CHECKING:
    from .client import Api

FIVE = [interface(f"dtmi:t:Five:m{number};1") for number in range(5)]


def _ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["value"]]


def test_M_21_dependencies_are_the_model_and_all_it_needs(api: Api) -> None:
    api.add_models(M, C, K)
    page = assert_page(api.get(f"/models?dependenciesFor={WITH_COMP}"))
    assert sorted(_ids(page)) == [COMP, WITH_COMP]
    assert page["nextLink"] is None


def test_M_22_dependencies_of_several_models(api: Api) -> None:
    api.add_models(M, C, K)
    repeated = f"/models?dependenciesFor={WITH_COMP}&dependenciesFor={BUILDING}"
    assert sorted(_ids(assert_page(api.get(repeated)))) == sorted([COMP, WITH_COMP, BUILDING])


def test_dependencies_may_be_asked_for_in_one_comma_separated_value(api: Api) -> None:
    api.add_models(M, C, K)
    page = assert_page(api.get(f"/models?dependenciesFor={quote(f'{WITH_COMP},{BUILDING}')}"))
    assert sorted(_ids(page)) == sorted([COMP, WITH_COMP, BUILDING])


def test_dependencies_follow_inheritance_and_components_but_no_targets(api: Api) -> None:
    middle = interface("dtmi:t:Middle;1", component("c", COMP), extends=BUILDING)
    top = interface("dtmi:t:Top;1", relationship("to", target=WITH_COMP), extends=[middle["@id"]])
    api.add_models(M, C, K, middle, top)
    page = assert_page(api.get("/models?dependenciesFor=dtmi:t:Top;1"))
    assert sorted(_ids(page)) == sorted([top["@id"], middle["@id"], BUILDING, COMP])


def test_dependencies_may_include_the_definitions(api: Api, model_k: Any) -> None:
    query = f"?dependenciesFor={WITH_COMP}&includeModelDefinition=true"
    page = assert_page(api.get(f"/models{query}"))
    assert {item["id"]: item["model"] for item in page["value"]} == {COMP: C, WITH_COMP: K}


def test_M_23_dependencies_of_an_unknown_model_are_not_found(api: Api, model_m: Any) -> None:
    response = api.get(f"/models?dependenciesFor={BUILDING}&dependenciesFor=dtmi:t:x;1")
    assert_error(response, 404, "ModelNotFound")


def test_dependencies_of_a_malformed_id_are_refused(api: Api) -> None:
    assert_error(api.get("/models?dependenciesFor=foo"), 400, "InvalidArgument")


def test_M_24_models_come_in_pages(api: Api) -> None:
    api.add_models(*FIVE)
    pages = api.pages("/models", headers={"max-items-per-page": "2"})
    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    assert [identifier for page in pages for identifier in _ids(page)] == [
        model["@id"] for model in FIVE
    ]
    for page in pages[:-1]:
        query = parse_qs(urlsplit(page["nextLink"]).query)
        assert query["continuationToken"][0]
        assert query["api-version"] == [LATEST]


def test_M_25_a_link_that_the_python_sdk_rewrote_keeps_the_page_size(api: Api) -> None:
    api.add_models(*FIVE)
    page = assert_page(api.get("/models", headers={"max-items-per-page": "2"}))
    found = [_ids(page)]
    while page["nextLink"]:
        page = assert_page(api.follow(requoted(page["nextLink"])))
        found.append(_ids(page))
    assert [len(each) for each in found] == [2, 2, 1]
    assert [each for ids in found for each in ids] == [model["@id"] for model in FIVE]


def test_a_next_link_keeps_the_filters(api: Api) -> None:
    api.add_models(M, C, K)
    path = f"/models?dependenciesFor={WITH_COMP}&includeModelDefinition=true"
    pages = api.pages(path, headers={"max-items-per-page": "1"})
    assert sorted(each for page in pages for each in _ids(page)) == [COMP, WITH_COMP]
    assert all("model" in item for page in pages for item in page["value"])


def test_a_next_link_names_the_version_of_its_request(api: Api) -> None:
    api.add_models(*FIVE)
    response = api.get("/models", headers={"max-items-per-page": "2"}, version="2020-10-31")
    link = assert_page(response)["nextLink"]
    assert parse_qs(urlsplit(link).query)["api-version"] == ["2020-10-31"]


def test_pages_are_no_snapshot_but_lose_nothing_that_stays(api: Api) -> None:
    api.add_models(*FIVE)
    first = assert_page(api.get("/models", headers={"max-items-per-page": "2"}))
    assert api.delete(f"/models/{FIVE[1]['@id']}").status_code == 204
    api.add_models(M)
    rest: list[str] = []
    link = first["nextLink"]
    while link:
        page = assert_page(api.follow(link))
        rest += _ids(page)
        link = page["nextLink"]
    assert [each for each in rest if each != BUILDING] == [model["@id"] for model in FIVE[2:]]


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", "1e2"])
def test_a_page_size_that_is_no_positive_integer_is_refused(api: Api, size: str) -> None:
    response = api.get("/models", headers={"max-items-per-page": size})
    assert_error(response, 400, "InvalidArgument")


def test_a_page_size_above_the_maximum_is_clamped(api: Api) -> None:
    api.add_models(*FIVE)
    page = assert_page(api.get("/models", headers={"max-items-per-page": "1000000"}))
    assert len(page["value"]) == 5


def test_a_page_holds_a_hundred_models_by_default(api: Api) -> None:
    models = [interface(f"dtmi:t:many:m{number};1") for number in range(101)]
    api.add_models(*models)
    pages = api.pages("/models")
    assert [len(page["value"]) for page in pages] == [100, 1]
    assert len({each for page in pages for each in _ids(page)}) == 101


@pytest.mark.parametrize(
    "token", ["garbage", "e30", "%7B%22a%22%3A1%7D", "%00", "a.b.c", "A" * 5000]
)
def test_a_malformed_continuation_token_is_refused(api: Api, model_m: Any, token: str) -> None:
    assert_error(api.get(f"/models?continuationToken={token}"), 400, "InvalidArgument")


def test_the_token_of_another_listing_is_refused(api: Api, twin_t: Any) -> None:
    api.add_models(*FIVE)
    link = assert_page(api.get("/models", headers={"max-items-per-page": "2"}))["nextLink"]
    token = quote(parse_qs(urlsplit(link).query)["continuationToken"][0])
    response = api.get(f"/digitaltwins/T/relationships?continuationToken={token}")
    assert_error(response, 400, "InvalidArgument")
    foreign = parse_qs(urlsplit(link).query)["continuationToken"][0]
    assert_error(api.post("/query", {"continuationToken": foreign}), 400, "BadRequest")


def test_a_changed_token_is_refused(api: Api) -> None:
    api.add_models(*FIVE)
    link = assert_page(api.get("/models", headers={"max-items-per-page": "2"}))["nextLink"]
    token = parse_qs(urlsplit(link).query)["continuationToken"][0]
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    response = api.get(f"/models?continuationToken={quote(changed)}")
    assert_error(response, 400, "InvalidArgument")


def test_the_same_link_answers_the_same_page_twice(api: Api) -> None:
    api.add_models(*FIVE)
    link = assert_page(api.get("/models", headers={"max-items-per-page": "2"}))["nextLink"]
    assert assert_json(api.follow(link)) == assert_json(api.follow(link))
