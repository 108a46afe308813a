"""The versions of one twin or relationship: as documents, as patches, by time, by pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jsonpatch
import pytest

from .client import Api, assert_error, assert_json, assert_page, seg
from .models import M, O, building
from .past import now_text, write

HISTORY = "/kastor/v1/digitaltwins/T/history"


@pytest.fixture
def lived(api: Api) -> list[dict[str, Any] | None]:
    """A twin that was created, changed twice, deleted and created again; what it was each time."""
    api.add_models(M)
    found: list[dict[str, Any] | None] = [api.add_twin("T", building(AverageTemperature=1))]
    write(api, "T", AverageTemperature=2.5)
    found.append(api.twin("T"))
    write(api, "T", AverageTemperature=None, TemperatureUnit="a/b~c")
    found.append(api.twin("T"))
    assert api.delete("/digitaltwins/T").status_code == 204
    found += [None, api.add_twin("T", building(TemperatureUnit="again"))]
    return found


def entries(api: Api, query: str = "", path: str = HISTORY) -> list[dict[str, Any]]:
    pages = api.pages(f"{path}?{query}")
    return [each for page in pages for each in page["value"]]


def test_each_version_is_told_once_with_what_it_was(api: Api, lived: list[Any]) -> None:
    found = entries(api)
    assert [each["version"] for each in found] == [1, 2, 3, 4, 5]
    assert [each.get("document") for each in found] == lived
    assert [each.get("deleted") for each in found] == [None, None, None, True, None]
    assert [each["actor"] for each in found] == ["anonymous"] * 5
    changes = [each["change"] for each in found]
    assert changes == sorted(set(changes))
    assert [each.get("to") for each in found] == [each["from"] for each in found[1:]] + [None]
    assert all(datetime.fromisoformat(each["from"]) for each in found)
    for entry, document in zip(found, lived, strict=True):
        then = api.get(f"/digitaltwins/T?asOf=change:{entry['change']}")
        assert then.status_code == (404 if document is None else 200)
        assert document is None or then.json() == document


def test_patches_lead_from_each_version_to_the_next(api: Api, lived: list[Any]) -> None:
    document: Any = None
    for entry, wanted in zip(entries(api, "as=patch"), lived, strict=True):
        assert set(entry) >= ({"deleted"} if wanted is None else {"patch"})
        if wanted is None:
            document = None
            continue
        document = jsonpatch.apply_patch({} if document is None else document, entry["patch"])
        assert document == wanted
    changed = entries(api, "as=patch")[1]["patch"]
    assert {"op": "replace", "path": "/AverageTemperature", "value": 2.5} in changed
    assert all(step["path"] != "/$dtId" for step in changed)


@pytest.mark.parametrize("form", ["document", "patch"])
def test_the_order_may_be_the_other_one_and_pages_small(
    api: Api, lived: list[Any], form: str
) -> None:
    whole = entries(api, f"as={form}")
    for limit in (1, 2, 5):
        assert entries(api, f"as={form}&limit={limit}") == whole
        assert entries(api, f"as={form}&limit={limit}&order=desc") == whole[::-1]


def test_pages_go_on_where_they_were_whatever_is_written(api: Api, lived: list[Any]) -> None:
    first = assert_page(api.get(f"{HISTORY}?order=desc&limit=2"))
    write(api, "T", TemperatureUnit="later")
    second = assert_page(api.follow(first["nextLink"]))
    versions = [each["version"] for page in (first, second) for each in page["value"]]
    assert versions == [5, 4, 3, 2]


def test_a_range_includes_its_ends(api: Api, lived: list[Any]) -> None:
    found = entries(api)

    def versions(query: str) -> list[int]:
        return [each["version"] for each in entries(api, query)]

    second, fourth = found[1], found[3]
    assert versions(f"from={second['from']}&to={fourth['from']}") == [2, 3, 4]
    by_change = f"from=change:{second['change']}&to=change:{fourth['change']}"
    assert versions(by_change) == [2, 3, 4]
    assert versions(f"{by_change}&order=desc&limit=1") == [4, 3, 2]
    assert versions(f"from={fourth['from']}") == [4, 5]
    assert versions("to=1999-01-01T00:00:00Z") == []
    assert versions("from=1999-01-01T00:00:00Z&to=2999-01-01T00:00:00Z") == [1, 2, 3, 4, 5]
    assert versions(f"from={now_text()}") == []
    parsed = datetime.fromisoformat(second["from"])
    just_before = f"{parsed:%Y-%m-%dT%H:%M:%S}.{int(second['from'][20:27]) - 1:07d}Z"
    if second["from"][20:27] != "0000000" and just_before > found[0]["from"]:
        assert versions(f"to={just_before}") == [1]


def test_relationships_have_a_history_too(api: Api) -> None:
    api.add_models(M)
    api.add_twin("A b", building())
    api.add_twin("B", building())
    made = api.relate("A b", "r/1".replace("/", ":"), "B", isAccessRestricted=True)
    place = f"/digitaltwins/{seg('A b')}/relationships/{seg('r:1')}"
    step = [{"op": "replace", "path": "/isAccessRestricted", "value": False}]
    assert api.patch(place, step).status_code == 204
    changed = assert_json(api.get(place))
    assert api.delete(place).status_code == 204
    assert api.delete(f"/digitaltwins/{seg('A b')}").status_code == 204
    path = f"/kastor/v1{place}/history"
    assert [each.get("document") for each in entries(api, "limit=1", path)] == [made, changed, None]
    patch = entries(api, "as=patch", path)[1]["patch"]
    assert {"op": "replace", "path": "/isAccessRestricted", "value": False} in patch


def test_what_never_was_has_no_history(api: Api, lived: list[Any]) -> None:
    assert_error(api.get("/kastor/v1/digitaltwins/no/history"), 404, "DigitalTwinNotFound")
    missing = "/kastor/v1/digitaltwins/T/relationships/no/history"
    assert_error(api.get(missing), 404, "RelationshipNotFound")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("as=docs", "as is document or patch"),
        ("order=up", "order is asc or desc"),
        ("limit=0", "from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=x", "from 1 to 1000"),
        ("from=yesterday", "parameter from"),
        ("to=2026-01-01T00:00:00", "parameter to"),
        ("from=2999-01-01T00:00:00Z", "future"),
        ("from=change:99999999", "99999999"),
        ("from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z", "from lies after to"),
        ("from=change:3&to=change:2", "from lies after to"),
        ("fro=change:1", "Did you mean from"),
        ("continuationToken=x", "continuationToken"),
    ],
)
def test_what_cannot_be_asked_is_refused(api: Api, lived: list[Any], query: str, said: str) -> None:
    assert_error(api.get(f"{HISTORY}?{query}"), 400, "InvalidArgument", said)


def test_a_version_of_another_model_is_told_as_any(api: Api, lived: list[Any]) -> None:
    api.add_models(O)
    steps = [
        {"op": "replace", "path": "/$metadata/$model", "value": O["@id"]},
        {"op": "remove", "path": "/TemperatureUnit"},
    ]
    assert api.patch("/digitaltwins/T", steps).status_code == 204
    last = entries(api, "as=patch")[-1]["patch"]
    assert {"op": "replace", "path": "/$metadata/$model", "value": O["@id"]} in last
