"""What Kastor adds to models: all at once away, and models with what they inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kastor.testing import KastorServer

from .client import Api, assert_empty, assert_error, assert_json, assert_page
from .models import BUILDING, COMP, V3, WITH_COMP, C, K, M, building, component, interface, prop
from .models import relationship as related

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = {"id", "description", "displayName", "decommissioned", "uploadTime"}
KINDS = ("properties", "relationships", "components", "telemetries", "commands")
FLAG = "includeBaseModelContents"


def ids(*names: str) -> list[str]:
    return [f"dtmi:t:{name};1" for name in names]


TOP, LEFT, RIGHT, BOTTOM = ids("Top", "Left", "Right", "Bottom")
TELEMETRY = {"@type": ["Telemetry"], "name": "level", "schema": "double"}
COMMAND = {"@type": "Command", "name": "reboot"}
BY_ID = {"@type": "dtmi:dtdl:class:Property;3", "name": "byId", "schema": "string"}


@pytest.fixture
def diamond(api: Api) -> Api:
    """Bottom extends Left and Right, both extend Top; Top has a component and a telemetry."""
    v3 = {"@context": V3}
    api.add_models(C)
    api.add_models(
        interface(TOP, prop("t", "string"), component("part", COMP), TELEMETRY, **v3),
        interface(LEFT, prop("l", "string"), COMMAND, extends=[TOP], **v3),
        interface(RIGHT, related("to"), BY_ID, extends=[TOP], **v3),
        interface(BOTTOM, prop("b", "string"), extends=[RIGHT, LEFT], **v3),
    )
    return api


def whole(api: Api, identifier: str, flag: str = "true") -> dict[str, Any]:
    found: dict[str, Any] = assert_json(api.get(f"/models/{identifier}?{FLAG}={flag}"))
    return found


def names(elements: list[dict[str, Any]]) -> list[str]:
    return [element["name"] for element in elements]


def test_a_model_with_everything_it_inherits(diamond: Api) -> None:
    found = whole(diamond, BOTTOM)
    assert set(found) == {*PLAIN, "model", "bases", "descendants", *KINDS}
    assert found["model"]["@id"] == BOTTOM
    assert (found["bases"], found["descendants"]) == ([RIGHT, LEFT, TOP], [])
    assert names(found["properties"]) == ["b", "byId", "l", "t"]
    assert names(found["relationships"]) == ["to"]
    assert names(found["components"]) == ["part"]
    assert found["telemetries"] == [TELEMETRY]
    assert found["commands"] == [COMMAND]


def test_descendants_come_nearest_first(diamond: Api) -> None:
    found = whole(diamond, TOP, "True")
    assert (found["bases"], found["descendants"]) == ([], [LEFT, RIGHT, BOTTOM])
    assert names(found["properties"]) == ["t"]
    assert (found["relationships"], found["commands"]) == ([], [])


def test_a_component_is_no_base(diamond: Api) -> None:
    found = whole(diamond, COMP)
    assert (found["bases"], found["descendants"]) == ([], [])


def test_a_listing_adds_bases_and_descendants(diamond: Api) -> None:
    page = assert_page(diamond.get(f"/models?{FLAG}=true"))
    assert all(set(item) == {*PLAIN, "bases", "descendants"} for item in page["value"])
    found = {item["id"]: (item["bases"], item["descendants"]) for item in page["value"]}
    assert found[LEFT] == ([TOP], [BOTTOM])
    assert found[BOTTOM] == ([RIGHT, LEFT, TOP], [])
    page = assert_page(diamond.get(f"/models?{FLAG}=true&includeModelDefinition=true"))
    assert all("model" in item and "properties" not in item for item in page["value"])


def test_pages_keep_the_parameter(diamond: Api) -> None:
    pages = diamond.pages(f"/models?{FLAG}=true", headers={"max-items-per-page": "2"})
    items = [item for page in pages for item in page["value"]]
    assert len(pages) == 3
    assert all("bases" in item for item in items)
    link = pages[0]["nextLink"]
    token = parse_qs(urlsplit(link).query)["continuationToken"][0]
    page = assert_page(diamond.get(f"/models?continuationToken={token}"))
    assert all("bases" in item for item in page["value"])


@pytest.mark.parametrize("query", ["", f"?{FLAG}=false"])
def test_without_the_parameter_nothing_is_added(diamond: Api, query: str) -> None:
    assert set(assert_json(diamond.get(f"/models/{BOTTOM}{query}"))) == PLAIN
    page = assert_page(diamond.get(f"/models{query}"))
    assert all(set(item) == PLAIN for item in page["value"])


def test_a_value_that_is_no_boolean_is_refused(diamond: Api) -> None:
    for path in ("/models", f"/models/{BOTTOM}"):
        assert_error(diamond.get(f"{path}?{FLAG}=yes"), 400, "InvalidArgument")
    assert_error(diamond.get(f"/models/dtmi:t:x;1?{FLAG}=true"), 404, "ModelNotFound")


# --- DELETE /models ------------------------------------------------------------------------------


def epoch(api: Api) -> int:
    return int(assert_json(api.get("/kastor/v1/status"))["modelEpoch"])


def test_all_models_are_deleted_at_once_and_twins_stay(api: Api) -> None:
    api.add_models(C, K)
    api.add_models(M)
    twin = api.add_twin("T", building(AverageTemperature=68))
    before = epoch(api)
    assert_empty(api.delete("/models"))
    assert epoch(api) == before + 1
    assert assert_page(api.get("/models"))["value"] == []
    for identifier in (COMP, WITH_COMP, BUILDING):
        assert_error(api.get(f"/models/{identifier}"), 404, "ModelNotFound")
    assert api.twin("T") == twin
    assert_error(api.put("/digitaltwins/new", building()), 400, "ValidationFailed")
    api.add_models(M)
    change = [{"op": "replace", "path": "/AverageTemperature", "value": 1}]
    assert_empty(api.patch("/digitaltwins/T", change), etag=True)


def test_deleting_no_models_is_no_error(api: Api) -> None:
    assert_empty(api.delete("/models"))
    assert_empty(api.delete("/models/"))


def test_deleting_all_models_makes_no_event(api: Api) -> None:
    def events(after: str) -> Any:
        response = api.get(f"/kastor/v1/events?format=ndjson&after={after}", version=None)
        assert response.status_code == 200
        return response

    api.add_models(C, K)
    api.add_twin("before", {"$metadata": {"$model": COMP}})
    first = events("0")
    assert "before" in first.text
    position = first.headers["kastor-next-position"]
    assert_empty(api.delete("/models"))
    assert events(position).text == ""


# --- under the profile adt ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow() -> Iterator[Api]:
    with KastorServer(("--profile", "adt")) as server, Api(server.url) as client:
        yield client


def test_adt_knows_neither(narrow: Api) -> None:
    narrow.add_models(C)
    response = narrow.delete("/models")
    assert_error(response, 405, "MethodNotAllowed")
    assert response.headers["allow"] == "GET, POST"
    described = narrow.get("/openapi.json", version=None).json()
    assert "delete" not in described["paths"]["/models"]
    for value in ("true", "false", "yes"):
        assert set(assert_json(narrow.get(f"/models/{COMP}?{FLAG}={value}"))) == PLAIN
        page = assert_page(narrow.get(f"/models?{FLAG}={value}"))
        assert [set(item) for item in page["value"]] == [PLAIN]


def test_elsewhere_the_description_has_both(api: Api) -> None:
    paths = api.get("/openapi.json", version=None).json()["paths"]
    assert paths["/models"]["delete"]["operationId"] == "Kastor_DeleteAllModels"
    for path in ("/models", "/models/{id}"):
        assert FLAG in [each["name"] for each in paths[path]["get"]["parameters"]]
