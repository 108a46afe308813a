"""What is taken here although ADT refuses it, and what `--profile adt` makes of it (decisions 1, 2).

Every row of docs/reference/lenient.md about requests, bodies aside.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .client import assert_error, assert_json
from .models import BUILDING, C, K, M, building, with_component

if TYPE_CHECKING:
    import httpx2

    from .client import Api

T = "/digitaltwins/T"
BOM = b"\xef\xbb\xbf"


def warnings(response: httpx2.Response) -> list[str]:
    value = response.headers.get("kastor-warning")
    return [] if value is None else json.loads(f"[{value}]")


@pytest.fixture
def twins_of_adt(adt: Api) -> Api:
    adt.add_models(M)
    adt.add_twin("T", building())
    return adt


@pytest.mark.parametrize("version", [None, ""])
def test_without_a_version_the_pinned_one_is_served(
    api: Api, twin_t: dict[str, Any], version: str | None
) -> None:
    assert assert_json(api.get(T, version=version)) == twin_t
    assert assert_json(api.post("/query", {"query": "SELECT * FROM DIGITALTWINS"}, version=version))


def test_a_link_to_the_next_page_carries_the_pinned_version(
    api: Api, twin_t: dict[str, Any]
) -> None:
    api.add_twin("U", building())
    for number in range(2):
        api.relate("T", f"r{number}", "U")
    headers = {"max-items-per-page": "1"}
    page = assert_json(api.get(f"{T}/relationships", version=None, headers=headers))
    assert page["nextLink"].endswith("api-version=2023-10-31")


class TestQueryParameters:
    @pytest.mark.parametrize("name", ["API-VERSION", "Api-Version"])
    def test_their_names_have_any_case(self, twins_of_adt: Api, name: str) -> None:
        assert_json(twins_of_adt.get(f"{T}?{name}=2023-10-31", version=None))
        path = "/models?INCLUDEMODELDEFINITION=true&DependenciesFor=" + BUILDING
        [model] = assert_json(twins_of_adt.get(path))["value"]
        assert model["model"] == M

    @pytest.mark.parametrize("path", [f"{T}?apiversion=1", "/models?includeModelDefinitions=true"])
    def test_one_that_adt_does_not_have_is_told_and_ignored(
        self, api: Api, twin_t: dict[str, Any], path: str
    ) -> None:
        response = api.get(path)
        assert response.status_code == 200
        [warning] = warnings(response)
        assert "Did you mean" in warning
        assert "ignored" in warning

    def test_under_adt_too(self, twins_of_adt: Api) -> None:
        assert len(warnings(twins_of_adt.get(f"{T}?x=1"))) == 1

    def test_several_are_told_in_their_order(self, api: Api, twin_t: dict[str, Any]) -> None:
        names = [f"x{number}" for number in range(8)]
        told = warnings(api.get(f"{T}?" + "&".join(f"{name}=1" for name in names)))
        assert [next(name for name in names if f" {name} " in each) for each in told] == names

    def test_a_known_one_is_not(self, api: Api, twin_t: dict[str, Any]) -> None:
        assert warnings(api.get("/models?includeModelDefinition=true")) == []
        assert warnings(api.get(f"{T}/relationships?relationshipName=has")) == []

    def test_ours_refuse_it_but_a_version(self, api: Api) -> None:
        assert_json(api.get("/kastor/v1/status"))
        error = assert_error(api.get("/kastor/v1/events?fliter=true"), 400, "InvalidArgument")
        assert "Did you mean filter?" in error["message"]

    def test_monitors_may_append_what_they_like(self, api: Api) -> None:
        assert api.get("/healthz?t=1", version=None).status_code == 200


class TestHeaders:
    @pytest.mark.parametrize("name", ["kastor-dryrun", "Kastor-Reed", "kastor-", "kastor-warning"])
    @pytest.mark.parametrize("path", [T, "/kastor/v1/status"])
    def test_one_of_ours_that_is_not_there_is_refused(
        self, api: Api, twin_t: dict[str, Any], name: str, path: str
    ) -> None:
        error = assert_error(api.get(path, headers={name: "true"}), 400, "InvalidArgument")
        assert name.lower() in error["message"]

    def test_so_that_a_typo_never_writes(self, api: Api, twin_t: dict[str, Any]) -> None:
        headers = {"kastor-dry-rum": "true"}
        assert_error(api.delete(T, headers=headers), 400, "InvalidArgument")
        assert api.twin("T") == twin_t


class TestSlashes:
    @pytest.mark.parametrize("slash", ["%2F", "%2f"])
    def test_an_id_cannot_hold_one(self, api: Api, twin_t: dict[str, Any], slash: str) -> None:
        path = f"/digitaltwins/valve{slash}7"
        error = assert_error(api.put(path, building()), 400, "InvalidArgument")
        assert "an id cannot hold a slash" in error["message"]
        for response in (api.get(path), api.delete(path), api.patch(path, [])):
            assert_error(response, 404, "DigitalTwinNotFound", "valve%2F7")
        assert_error(api.get(f"{path}/relationships"), 404, "DigitalTwinNotFound")
        assert_error(api.get(f"{path}/incomingrelationships"), 404, "DigitalTwinNotFound")

    def test_two_ids_are_two_twins(self, api: Api, model_m: dict[str, Any]) -> None:
        stored = assert_json(api.put("/digitaltwins/valve%252F7", building()))
        assert stored["$dtId"] == "valve%2F7"
        assert assert_json(api.get("/digitaltwins/valve%252F7")) == stored
        assert_error(api.get("/digitaltwins/valve%2F7"), 404, "DigitalTwinNotFound")

    def test_relationships_have_the_same_rule(self, api: Api, twin_t: dict[str, Any]) -> None:
        body = {"$relationshipName": "has", "$targetId": "T"}
        path = f"{T}/relationships/a%2Fb"
        assert_error(api.put(path, body), 400, "InvalidArgument", "cannot hold a slash")
        assert_error(api.get(path), 404, "RelationshipNotFound")
        assert_error(api.delete(path), 404, "RelationshipNotFound")
        body["$targetId"] = "a/b"
        response = api.put(f"{T}/relationships/ab", body)
        assert_error(response, 400, "InvalidArgument", "cannot hold a slash")

    def test_links_lead_to_such_ids(self, api: Api, twin_t: dict[str, Any]) -> None:
        odd = "x%2Fy"
        api.add_twin(odd, building())
        for number in range(2):
            api.relate(odd, f"r%2f{number}", "T")
            api.relate("T", f"q%2f{number}", odd)
        pages = api.pages(
            "/digitaltwins/x%252Fy/relationships", headers={"max-items-per-page": "1"}
        )
        assert [row["$relationshipId"] for page in pages for row in page["value"]] == [
            "r%2f0",
            "r%2f1",
        ]
        incoming = assert_json(api.get("/digitaltwins/x%252Fy/incomingrelationships"))["value"]
        assert len(incoming) == 2
        for row in incoming:
            assert assert_json(api.follow(row["$relationshipLink"]))["$targetId"] == odd


class TestDoubleSlash:
    def test_one_in_front_of_the_contracts_routes_works(
        self, api: Api, twin_t: dict[str, Any]
    ) -> None:
        assert assert_json(api.get("//digitaltwins/T")) == twin_t
        assert assert_json(api.get("/graphs/default//digitaltwins/T", version=None)) == twin_t

    @pytest.mark.parametrize(
        "path", ["//kastor/v1/status", "//metrics", "//healthz", "///digitaltwins/T", "//x"]
    )
    def test_but_not_two_and_not_before_ours(self, api: Api, path: str) -> None:
        assert_error(api.get(path), 404, "NotFound")

    def test_not_under_adt(self, twins_of_adt: Api) -> None:
        assert_error(twins_of_adt.get("//digitaltwins/T"), 404, "NotFound")


class TestByteOrderMark:
    def test_before_a_body_it_is_skipped(self, api: Api, adt: Api) -> None:
        for client in (api, adt):
            models = client.post("/models", raw=BOM + json.dumps([M]).encode())
            assert models.status_code == 201, models.text
            body = BOM + json.dumps(building()).encode()
            assert client.put(T, raw=body).status_code == 200
            assert client.patch(T, raw=BOM + b"[]").status_code == 204
            text = BOM + b'{"query": "SELECT COUNT() FROM DIGITALTWINS"}'
            assert assert_json(client.post("/query", raw=text))["value"] == [{"COUNT": 1}]


class TestWhatToCallInstead:
    @pytest.mark.parametrize(
        ("method", "path", "status", "hint"),
        [
            ("GET", "/digitaltwins", 405, "POST /query"),
            ("PUT", "/digitaltwins", 405, "PUT /digitaltwins/{id}"),
            ("POST", "/digitaltwins/x", 405, "PUT /digitaltwins/{id}"),
            ("GET", "/query", 405, "POST /query"),
            ("PUT", "/models", 405, "POST /models"),
            ("POST", "/digitaltwins/x/relationships", 405, "PUT /digitaltwins/{id}/relationships"),
            ("GET", "/digitaltwin/x", 404, "Did you mean /digitaltwins/{id}?"),
            ("GET", "/digitaltwins/x/relationship", 404, "/digitaltwins/{id}/relationships?"),
            ("GET", "/relationships", 405, "POST /query"),
        ],
    )
    def test_it_is_named(self, api: Api, method: str, path: str, status: int, hint: str) -> None:
        code = "NotFound" if status == 404 else "MethodNotAllowed"
        assert hint in assert_error(api.send(method, path), status, code)["message"]

    def test_only_what_is_there_is_named(self, api: Api) -> None:
        error = assert_error(api.get("/unknown/things/x"), 404, "NotFound")
        assert error["message"].endswith("/unknown/things/x.")


def test_another_id_in_the_body_is_told(api: Api, model_m: dict[str, Any]) -> None:
    response = api.put(T, {**building(), "$dtId": "other"})
    assert assert_json(response)["$dtId"] == "T"
    [warning] = warnings(response)
    assert "$dtId" in warning
    assert warnings(api.put(T, {**building(), "$dtId": "T"})) == []
    assert warnings(api.put(T, {**building(), "$dtId": None})) == []


def test_health_has_the_rivals_name_too(api: Api, adt: Api) -> None:
    assert assert_json(api.get("/health", version=None)) == {"status": "ok"}
    assert_error(adt.get("/health", version=None), 404, "NotFound")


def test_component_telemetry_has_the_rivals_path_too(api: Api, adt: Api) -> None:
    path = "/digitaltwins/K1/telemetry/components/Component1"
    for client, status in ((api, 204), (adt, 404)):
        client.add_models(C, K)
        client.add_twin("K1", with_component())
        assert client.post(path, {"t": 1}, headers={"Message-Id": "1"}).status_code == status
    assert_error(api.post(path.replace("nt1", "nt2"), {"t": 1}), 404, "ComponentNotFound")
