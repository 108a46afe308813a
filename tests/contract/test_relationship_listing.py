"""The two listings of a twin's relationships: filters, pages and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from .client import LATEST, assert_error, assert_json, assert_page, requoted, seg
from .models import building, interface, relationship, twin_of

if TYPE_CHECKING:
    from .client import Api

OUT = "/digitaltwins/A/relationships"
IN = "/digitaltwins/B/incomingrelationships"
ODD_IDS = [
    "a b",
    "a+b",
    "a%20b",
    "a%2Bb",
    "a&b=c",
    "a->b",
    "ärger",
    "日本",
    "🏢",
    "a_b",
    "a;b",
    "a'b",
    'a"b',
    "a~b",
    "a.b",
    "(a)",
]


def _ids(pages: list[dict[str, Any]]) -> list[list[str]]:
    return [[item["$relationshipId"] for item in page["value"]] for page in pages]


@pytest.fixture
def pair(api: Api, model_m: Any) -> Api:
    """The twins `A` and `B` of M."""
    api.add_twin("A", building())
    api.add_twin("B", building())
    return api


@pytest.fixture
def many(pair: Api) -> Api:
    """Twenty-five relationships from `A` to `B`."""
    for number in range(25):
        pair.relate("A", f"r{number:02}", "B", isAccessRestricted=number % 2 == 0)
    return pair


def test_R_23_the_outgoing_listing_has_whole_relationships_by_id(pair: Api) -> None:
    stored = [pair.relate("A", name, "B", isAccessRestricted=True) for name in ("b", "c", "a")]
    page = assert_page(pair.get(OUT))
    assert page["nextLink"] is None
    assert page["value"] == sorted(stored, key=lambda item: item["$relationshipId"])
    assert assert_page(pair.get("/digitaltwins/B/relationships"))["value"] == []


def test_empty_listings_have_their_members_all_the_same(pair: Api) -> None:
    for path in (OUT, IN):
        assert assert_page(pair.get(path)) == {"value": [], "nextLink": None}


def test_R_24_an_unknown_name_filters_everything(many: Api) -> None:
    page = assert_page(many.get(f"{OUT}?relationshipName=nosuch"))
    assert page == {"value": [], "nextLink": None}


def test_the_name_filters_the_outgoing_listing(api: Api) -> None:
    api.add_models(interface("dtmi:t:N;1", relationship("x"), relationship("y")))
    for identifier in "AB":
        api.add_twin(identifier, twin_of("dtmi:t:N;1"))
    for number in range(24):
        api.relate("A", f"r{number:02}", "B", "x" if number % 2 else "y")
    pages = api.pages(f"{OUT}?relationshipName=x")
    assert [len(page["value"]) for page in pages] == [10, 2]
    assert {item["$relationshipName"] for page in pages for item in page["value"]} == {"x"}
    assert sum(len(ids) for ids in _ids(api.pages(f"{OUT}?relationshipName="))) == 24
    assert _ids(api.pages(f"{OUT}?relationshipName=X")) == [[]]


def test_R_25_the_listings_of_an_unknown_twin_are_not_found(pair: Api) -> None:
    for name in ("relationships", "incomingrelationships"):
        response = pair.get(f"/digitaltwins/nosuch/{name}")
        assert_error(response, 404, "DigitalTwinNotFound")


@pytest.mark.parametrize("path", [OUT, IN])
def test_R_26_R_27_the_listings_come_in_pages_of_ten(many: Api, path: str) -> None:
    pages = many.pages(path)
    assert [len(page["value"]) for page in pages] == [10, 10, 5]
    found = [each for ids in _ids(pages) for each in ids]
    assert (found if path == OUT else sorted(found)) == [f"r{n:02}" for n in range(25)]
    for page in pages[:-1]:
        parts = urlsplit(page["nextLink"])
        assert parts.path.lower() == path.lower()
        query = parse_qs(parts.query)
        assert query["continuationToken"][0]
        assert query["api-version"] == [LATEST]


def test_R_27_an_incoming_item_has_four_members_only(many: Api) -> None:
    items = [item for page in many.pages(IN) for item in page["value"]]
    assert min(items, key=lambda item: item["$relationshipId"]) == {
        "$relationshipId": "r00",
        "$sourceId": "A",
        "$relationshipName": "has",
        "$relationshipLink": f"{many.url}/digitaltwins/A/relationships/r00?api-version={LATEST}",
    }


def test_R_28_the_link_of_an_incoming_item_leads_to_the_relationship(pair: Api) -> None:
    stored = pair.relate("A", "r", "B", isAccessRestricted=True)
    item = assert_page(pair.get(IN, version="2022-05-31"))["value"][0]
    link = item["$relationshipLink"]
    assert parse_qs(urlsplit(link).query)["api-version"] == ["2022-05-31"]
    assert assert_json(pair.follow(link)) == stored


def test_R_29_links_survive_the_python_sdk_with_any_id(pair: Api) -> None:
    for name in ODD_IDS:
        pair.relate("A", name, "B")
    for path in (OUT, IN):
        page = assert_page(pair.get(path))
        found = [item["$relationshipId"] for item in page["value"]]
        while page["nextLink"]:
            page = assert_page(pair.follow(requoted(page["nextLink"])))
            found += [item["$relationshipId"] for item in page["value"]]
        assert sorted(found) == sorted(ODD_IDS)


@pytest.mark.parametrize("name", ODD_IDS)
def test_links_are_encoded_for_any_twin_id(api: Api, model_m: Any, name: str) -> None:
    api.add_twin(name, building())
    api.add_twin("other", building())
    for number in range(11):
        api.relate(name, f"{name}{number:02}", "other")
    pages = api.pages(f"/digitaltwins/{seg(name)}/relationships")
    assert [len(page["value"]) for page in pages] == [10, 1]
    pages = api.pages("/digitaltwins/other/incomingrelationships")
    assert [len(page["value"]) for page in pages] == [10, 1]
    for item in pages[1]["value"]:
        followed = assert_json(api.follow(item["$relationshipLink"]))
        assert followed["$sourceId"] == name
        assert followed["$relationshipId"] == item["$relationshipId"]


def test_incoming_relationships_come_from_every_source(api: Api, model_m: Any) -> None:
    sources = [f"s{number:02}" for number in range(12)]
    api.add_twin("B", building())
    for source in sources:
        api.add_twin(source, building())
        api.relate(source, "same", "B")
    pages = api.pages(IN)
    assert [len(page["value"]) for page in pages] == [10, 2]
    found = [item["$sourceId"] for page in pages for item in page["value"]]
    assert sorted(found) == sources


def test_a_page_size_is_honoured_and_remembered(many: Api) -> None:
    for path in (OUT, IN):
        pages = many.pages(path, headers={"max-items-per-page": "12"})
        assert [len(page["value"]) for page in pages] == [12, 12, 1]


@pytest.mark.parametrize("size", ["0", "-5", "ten", "2.5"])
def test_a_page_size_that_is_no_positive_integer_is_refused(pair: Api, size: str) -> None:
    for path in (OUT, IN):
        response = pair.get(path, headers={"max-items-per-page": size})
        assert_error(response, 400, "InvalidArgument")


@pytest.mark.parametrize("token", ["garbage", "r00_A", "%7B%7D", "%F0%9F%8F%A2", "-", "A" * 4000])
def test_a_malformed_continuation_token_is_refused(many: Api, token: str) -> None:
    for path in (OUT, IN):
        response = many.get(f"{path}?continuationToken={token}")
        assert_error(response, 400, "InvalidArgument")


def test_the_token_of_the_other_listing_is_refused(many: Api) -> None:
    for source, other in ((OUT, IN), (IN, OUT)):
        link = assert_page(many.get(source))["nextLink"]
        token = quote(parse_qs(urlsplit(link).query)["continuationToken"][0])
        response = many.get(f"{other}?continuationToken={token}")
        assert_error(response, 400, "InvalidArgument")


def test_what_stays_appears_exactly_once_while_others_come_and_go(many: Api) -> None:
    first = assert_page(many.get(OUT))
    for name in ("r03", "r09", "r12"):
        assert many.delete(f"{OUT}/{name}").status_code == 204
    many.relate("A", "r05x", "B")
    rest = []
    link = first["nextLink"]
    while link:
        page = assert_page(many.follow(link))
        rest += [item["$relationshipId"] for item in page["value"]]
        link = page["nextLink"]
    assert rest == [f"r{number:02}" for number in range(10, 25) if number != 12]


def test_the_whole_listing_agrees_with_single_reads(many: Api) -> None:
    for page in many.pages(OUT):
        for item in page["value"]:
            assert assert_json(many.get(f"{OUT}/{item['$relationshipId']}")) == item
