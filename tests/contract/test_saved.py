"""What the explorer keeps: saved views, queries and scenes, and the files of scenes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from .client import ETAG, Api, assert_empty, assert_error, assert_json, assert_page

if TYPE_CHECKING:
    import httpx2

    from kastor.testing import KastorServer

ROOT = "/kastor/v1/explorer"
PLAN = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect id="room-1"/></svg>'
SCENE: dict[str, Any] = {
    "version": 1,
    "title": "Second floor",
    "file": "plan.svg",
    "twin": "floor-2",
    "bindings": [{"element": "room-1", "twin": "room-2-01"}],
    "behaviours": [
        {
            "id": "warmth",
            "name": "Warmth",
            "on": {"model": "dtmi:example:Room;1"},
            "property": "thermostat.currentTemperature",
            "effect": {"kind": "ramp", "min": 18, "max": 26},
            "widgets": [{"kind": "sparkline", "minutes": 60}],
        }
    ],
}
STALE = 'W/"00000000-0000-4000-8000-000000000000"'


def forget(api: Api) -> None:
    """Delete all that is saved."""
    for kind in ("views", "queries", "scenes", "files"):
        for each in assert_page(api.get(f"{ROOT}/{kind}", version=None))["value"]:
            path = f"{ROOT}/{kind}/{quote(each['name'], safe='')}"
            assert_empty(api.delete(path, version=None))


@pytest.fixture
def api(kastor: KastorServer, connection: Api) -> Iterator[Api]:
    """A graph that keeps nothing, before and after."""
    forget(connection)
    yield connection
    forget(connection)


def put(api: Api, path: str, body: Any, **headers: str) -> httpx2.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return api.put(f"{ROOT}/{path}", body, version=None, headers=named)


def send_file(
    api: Api, name: str, content: bytes, content_type: str = "image/svg+xml"
) -> httpx2.Response:
    path = f"{ROOT}/files/{name}"
    return api.send("PUT", path, raw=content, content_type=content_type, version=None)


def get(api: Api, path: str, **headers: str) -> httpx2.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return api.get(f"{ROOT}/{path}", version=None, headers=named)


def test_a_document_comes_back_with_its_etag_and_who_wrote_it(api: Api) -> None:
    document = {"zoom": 1.5, "camera": [1, 2, {"ä": None}], "long": 9_007_199_254_740_993}
    made = assert_json(put(api, "views/mine", document))
    assert set(made) == {"name", "etag", "createdTime", "lastUpdateTime", "by", "bytes"}
    answer = get(api, "views/mine")
    assert assert_json(answer) == document
    assert answer.headers["etag"] == made["etag"]
    assert ETAG.fullmatch(made["etag"])
    assert made["bytes"] == len(answer.content)
    assert get(api, "views/mine", if_none_match=made["etag"]).status_code == 304
    assert get(api, "views/mine", if_none_match=STALE).status_code == 200
    assert_error(get(api, "queries/mine"), 404, "SavedDocumentNotFound")
    assert_error(get(api, "hats/mine"), 404, "SavedKindNotFound")
    assert_error(get(api, "hats"), 404, "SavedKindNotFound")


def test_conditions_are_those_of_twins(api: Api) -> None:
    first = assert_json(put(api, "queries/q", {"n": 1}, if_none_match="*"))
    assert_error(put(api, "queries/q", {}, if_none_match="*"), 412, "PreconditionFailed")
    assert_error(put(api, "queries/q", {}, if_match=STALE), 412, "PreconditionFailed")
    assert_error(put(api, "queries/none", {}, if_match="*"), 412, "PreconditionFailed")
    second = assert_json(put(api, "queries/q", {"n": 2}, if_match=first["etag"]))
    assert second["createdTime"] == first["createdTime"]
    assert second["lastUpdateTime"] > first["lastUpdateTime"]
    gone = api.delete(f"{ROOT}/queries/q", version=None, headers={"if-match": first["etag"]})
    assert_error(gone, 412, "PreconditionFailed")
    now = {"if-match": second["etag"]}
    assert_empty(api.delete(f"{ROOT}/queries/q", version=None, headers=now))


def test_names_are_any_but_slashes_and_control_characters(api: Api) -> None:
    names = ["a b", "..", "ä/".strip("/"), "%2F", "x" * 128, "\U0001f600", "\";'<&>"]
    for name in names:
        assert_json(put(api, f"views/{quote(name, safe='')}", {"is": name}))
    for name in names:
        assert assert_json(get(api, f"views/{quote(name, safe='')}")) == {"is": name}
    listed, path = [], f"{ROOT}/views"
    page = assert_page(api.get(path, version=None, headers={"max-items-per-page": "3"}))
    while page["nextLink"]:
        assert len(page["value"]) == 3
        listed += page["value"]
        page = assert_page(api.get(page["nextLink"].partition(api.url)[2], version=None))
    listed += page["value"]
    assert [each["name"] for each in listed] == sorted(names)
    for name in ("a/b", "a\nb", "x" * 129, "\u2028"):
        refused = put(api, f"views/{quote(name, safe='')}", {})
        assert_error(refused, 400, "InvalidArgument")


def test_documents_have_bounds(api: Api) -> None:
    assert_json(put(api, "views/v", {"text": "x" * 260_000}))
    assert_error(put(api, "views/v", {"text": "x" * 263_000}), 413, "PayloadTooLarge")
    deep: Any = 0
    for _ in range(70):
        deep = [deep]
    assert_error(put(api, "views/v", {"deep": deep}), 400, "InvalidArgument")
    assert_error(put(api, "views/v", [1]), 400, "InvalidArgument")


def test_a_scene_is_judged_and_the_place_of_a_mistake_named(api: Api) -> None:
    assert_json(put(api, "scenes/floor-2", SCENE))
    assert assert_json(get(api, "scenes/floor-2")) == SCENE
    wrong = {**SCENE, "behaviours": [{**SCENE["behaviours"][0], "effect": {"kind": "magic"}}]}
    error = assert_error(put(api, "scenes/x", wrong), 400, "InvalidArgument")
    assert error["details"][0]["path"] == "/behaviours/0/effect/kind"
    link = {"kind": "link", "text": "x", "url": "javascript:alert(1)"}
    wrong = {**SCENE, "behaviours": [{**SCENE["behaviours"][0], "widgets": [link]}]}
    error = assert_error(put(api, "scenes/x", wrong), 400, "InvalidArgument")
    assert error["details"][0]["path"] == "/behaviours/0/widgets/0/url"


def test_a_drawing_is_sanitised_and_answered_as_nothing_but_a_download(api: Api) -> None:
    hostile = PLAN.replace(b"<rect", b"<script>alert(1)</script><rect onclick='x()'")
    made = assert_json(send_file(api, "plan%20%22.svg", hostile))
    assert made["dropped"] == [
        {"what": "attribute", "name": "onclick", "count": 1, "line": 1},
        {"what": "element", "name": "script", "count": 1, "line": 1},
    ]
    answer = get(api, "files/plan%20%22.svg")
    assert answer.content == PLAN
    assert made["bytes"] == len(PLAN)
    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    expected = "attachment; filename*=UTF-8''plan%20%22.svg"
    assert answer.headers["content-disposition"] == expected
    known = get(api, "files/plan%20%22.svg", if_none_match=answer.headers["etag"])
    assert (known.status_code, known.content) == (304, b"")
    listed = assert_page(get(api, "files"))["value"]
    assert [(each["name"], each["contentType"]) for each in listed] == [
        ('plan ".svg', "image/svg+xml")
    ]
    error = assert_error(send_file(api, "x", b"<svg>\n<g>"), 400, "SceneFileRefused")
    assert error["details"][0]["line"] == 2
    assert_error(get(api, "files/x"), 404, "SceneFileNotFound")
    assert_error(send_file(api, "x", PLAN, "text/html"), 415, "UnsupportedMediaType")
    assert_error(send_file(api, "x", PLAN, "model/gltf-binary"), 400, "SceneFileRefused")
    much = b"<svg>" + b" " * 20_971_520
    assert_error(send_file(api, "x", much), 413, "PayloadTooLarge")


def test_each_graph_keeps_its_own_which_go_with_it(api: Api) -> None:
    assert api.put("/kastor/v1/graphs/drawn", version=None).status_code == 201
    own = f"/graphs/drawn{ROOT}/views/mine"
    try:
        assert_json(api.put(own, {"here": True}, version=None))
        assert_error(get(api, "views/mine"), 404, "SavedDocumentNotFound")
    finally:
        assert api.delete("/kastor/v1/graphs/drawn", version=None).is_success
    assert api.put("/kastor/v1/graphs/drawn", version=None).status_code == 201
    try:
        assert_error(api.get(own, version=None), 404, "SavedDocumentNotFound")
    finally:
        assert api.delete("/kastor/v1/graphs/drawn", version=None).is_success
