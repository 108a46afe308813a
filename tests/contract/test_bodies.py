"""Bodies as clients write them: what is taken, and what a refusal says (decisions 1, 4 and 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer

from .client import Api, Unchanged, assert_empty, assert_error, assert_json, details, op
from .models import (
    BUILDING,
    OBJ,
    C,
    K,
    M,
    O,
    building,
    interface,
    prop,
    twin_of,
    with_component,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

T, K1 = "/digitaltwins/T", "/digitaltwins/K1"
CLOCK = "dtmi:t:Clock;1"
CLOCK_MODEL = interface(CLOCK, prop("at", "dateTime"), prop("daily", "time"))


class TestWhatSdksWriteBack:
    """The .NET SDK's twins as its recorded conversations with the service have them."""

    @pytest.fixture(params=["default", "adt"])
    def client(self, request: pytest.FixtureRequest, api: Api, adt: Api) -> Api:
        return api if request.param == "default" else adt

    def test_what_get_answers_is_a_body_of_put_with_nulls_added(self, client: Api) -> None:
        client.add_models(M, C, K)
        twin = client.add_twin("T", building(AverageTemperature=1))
        for entry in twin["$metadata"].values():
            if isinstance(entry, dict):
                entry["sourceTime"] = None
                entry["lastUpdateTime"] = entry["lastUpdateTime"].replace("Z", "+00:00")
        again = assert_json(client.put(T, twin))
        assert "sourceTime" not in again["$metadata"]["AverageTemperature"]
        whole = client.add_twin("K1", with_component(ComponentProp1="x"))
        whole["Component1"]["$metadata"]["ComponentProp1"]["sourceTime"] = None
        stored = assert_json(client.put(K1, whole))
        assert set(stored["Component1"]["$metadata"]["ComponentProp1"]) == {"lastUpdateTime"}

    def test_ids_and_etags_of_null_are_absent(self, client: Api) -> None:
        client.add_models(M)
        body = {**building(), "$dtId": None, "$etag": None}
        assert assert_json(client.put(T, body))["$dtId"] == "T"
        client.add_twin("U", building())
        edge = {"$relationshipName": "has", "$targetId": "U"}
        nulls = dict.fromkeys(("$relationshipId", "$sourceId", "$etag"))
        stored = assert_json(client.put(f"{T}/relationships/r", {**edge, **nulls}))
        assert (stored["$relationshipId"], stored["$sourceId"]) == ("r", "T")

    @pytest.mark.parametrize("time", ["2023-06-01T20:30:50+14:30", "2023-06-01T20:30:50"])
    def test_a_source_time_is_one_that_sdks_can_read(self, client: Api, time: str) -> None:
        client.add_models(M)
        body = building(AverageTemperature=1)
        body["$metadata"]["AverageTemperature"] = {"sourceTime": time}
        error = assert_error(client.put(T, body), 400, "ValidationFailed")
        assert "zone" in details(error)[0]


class TestSeedsSpelling:
    """`$metadata.$model` as pages of the seed print it."""

    DOTTED = op("replace", "$metadata.$model", OBJ)

    def test_it_is_the_models_path(self, api: Api, twin_t: dict[str, Any]) -> None:
        api.add_models(O)
        steps = [op("remove", "AverageTemperature"), op("remove", "TemperatureUnit"), self.DOTTED]
        assert_empty(api.patch(T, steps), etag=True)
        assert api.twin("T")["$metadata"]["$model"] == OBJ

    def test_under_adt_the_right_spelling_is_named(self, adt: Api) -> None:
        adt.add_models(M, O)
        adt.add_twin("T", building())
        with Unchanged(adt, T):
            error = assert_error(adt.patch(T, [self.DOTTED]), 400, "JsonPatchInvalid")
            assert "/$metadata/$model" in error["message"]
        assert_empty(adt.patch(T, [op("add", "AverageTemperature", 1)]), etag=True)


ZONELESS = {"at": "2024-02-29T10:00:00", "daily": "10:00:00"}


class TestZones:
    def test_a_time_without_a_zone_is_kept_as_it_was_sent(self, api: Api) -> None:
        api.add_models(CLOCK_MODEL)
        assert {**ZONELESS, **api.add_twin("T", {**twin_of(CLOCK), **ZONELESS})} == api.twin("T")

    @pytest.mark.parametrize("name", ["at", "daily"])
    def test_under_adt_it_is_refused(self, adt: Api, name: str) -> None:
        adt.add_models(CLOCK_MODEL)
        body = {**twin_of(CLOCK), name: ZONELESS[name]}
        error = assert_error(adt.put(T, body), 400, "ValidationFailed")
        assert "zone" in details(error)[0]
        assert_json(adt.put(T, {**body, name: f"{ZONELESS[name]}Z"}))


@pytest.fixture(scope="module")
def filling() -> Iterator[Api]:
    """A client of a server that adds the components that a twin comes without."""
    flags = ("--absent-components", "empty")
    with KastorServer(flags) as server, Api(server.url) as client:
        client.add_models(C, K)
        yield client


class TestAbsentComponents:
    def test_they_are_refused_and_the_setting_is_named(self, api: Api, model_k: Any) -> None:
        error = assert_error(api.put(K1, twin_of(K["@id"])), 400, "ValidationFailed")
        assert "--absent-components empty" in details(error)[0]
        assert error["details"][0]["kind"] == "missing_component"

    def test_or_added_where_the_operator_wants_it(self, filling: Api) -> None:
        stored = assert_json(filling.put(K1, twin_of(K["@id"])))
        assert set(stored["Component1"]["$metadata"]) == {"$lastUpdateTime"}
        assert filling.twin("K1") == stored
        given = with_component(ComponentProp1="x")
        assert assert_json(filling.put(K1, given))["Component1"]["ComponentProp1"] == "x"

    def test_what_is_no_component_stays_wrong(self, filling: Api) -> None:
        body = {**twin_of(K["@id"]), "Component1": None}
        assert_error(filling.put(K1, body), 400, "ValidationFailed")

    def test_under_adt_the_setting_is_not_named(self, adt: Api) -> None:
        adt.add_models(C, K)
        error = assert_error(adt.put(K1, twin_of(K["@id"])), 400, "ValidationFailed")
        assert "--absent" not in details(error)[0]


class TestWordsOfRefusals:
    def test_a_detail_has_its_place_and_kind(self, api: Api, model_k: Any) -> None:
        body = with_component(ComponentProp1=5)
        body["odd~/name"] = 1
        error = assert_error(api.put(K1, body), 400, "ValidationFailed")
        found = {(each["path"], each["kind"]) for each in error["details"]}
        assert found == {("/Component1/ComponentProp1", "wrong_type"), ("/odd~0~1name", "unknown")}

    def test_one_problem_has_its_place_too(self, api: Api, twin_t: Any) -> None:
        steps = [op("replace", "/AverageTemperature", 1), op("remove", "/Nowhere")]
        error = assert_error(api.patch(T, steps), 400, "JsonPatchInvalid")
        [detail] = error["details"]
        assert (detail["path"], detail["index"]) == ("/Nowhere", 1)
        assert detail["message"] == error["message"]
        error = assert_error(api.patch(T, [op("move", "/a")]), 400, "JsonPatchInvalid")
        assert error["details"][0]["index"] == 0
        error = assert_error(api.put(T, raw=b'{"a":\n 1,,}'), 400, "InvalidArgument")
        assert (error["details"][0]["line"], error["details"][0]["column"]) == (2, 3)
        error = assert_error(api.post("/models", [M]), 409, "ModelIdAlreadyExists")
        assert (error["details"][0]["path"], error["details"][0]["index"]) == ("/0/@id", 0)
        edge = {"$relationshipName": "has", "$targetId": "gone"}
        error = assert_error(
            api.put(f"{T}/relationships/r", edge), 404, "TargetDigitalTwinNotFound"
        )
        assert error["details"][0]["path"] == "/$targetId"

    @pytest.mark.parametrize(
        ("path", "body", "place"),
        [
            ("endpoints/hook", {"kind": "fax"}, "/kind"),
            ("endpoints/hook", {"kind": "webhook"}, "/settings/url"),
            (
                "endpoints/hook",
                {"kind": "webhook", "settings": {"url": "ftp://x"}},
                "/settings/url",
            ),
            ("endpoints/hook", {"kind": "kafka", "settings": {"brokers": 5}}, "/settings/brokers"),
            (
                "inputs/sensors",
                {"kind": "webhook", "settings": {"rules": [{"twin": "a", "patch": 5}]}},
                "/settings/rules/0/patch",
            ),
        ],
    )
    def test_a_setting_has_its_place(self, api: Api, path: str, body: Any, place: str) -> None:
        answer = api.put(f"/kastor/v1/{path}", body, version=None)
        assert assert_error(answer, 400, "InvalidArgument")["details"][0]["path"] == place

    def test_a_model_says_which_of_the_upload_it_is(self, api: Api) -> None:
        models = [interface("dtmi:t:A;1"), interface("dtmi:t:B;1", prop("b", "doubel"))]
        error = assert_error(api.post("/models", models), 400, "DTDLParserError")
        assert {each["index"] for each in error["details"]} == {1}
        assert error["details"][0]["path"].startswith("/1/contents/0")

    def test_under_adt_one_problem_is_told_as_the_cloud_does(self, adt: Api) -> None:
        adt.add_models(M)
        adt.add_twin("T", building())
        error = assert_error(adt.patch(T, [op("remove", "/Nowhere")]), 400, "JsonPatchInvalid")
        assert "details" not in error

    def test_a_patch_below_what_is_not_set(self, api: Api) -> None:
        address = {"@type": "Object", "fields": [{"name": "city", "schema": "string"}]}
        api.add_models(interface("dtmi:t:House;1", prop("adr", address)))
        api.add_twin("T", twin_of("dtmi:t:House;1"))
        error = assert_error(api.patch(T, [op("add", "/adr/city", "x")]), 400, "JsonPatchInvalid")
        assert error["message"].endswith("adr is not set; add the whole object or array first.")

    def test_a_null_says_what_to_do(self, api: Api, twin_t: Any) -> None:
        step = op("replace", "/AverageTemperature", None)
        error = assert_error(api.patch(T, [step]), 400, "ValidationFailed")
        assert "patch with remove" in details(error)[0]

    def test_an_orphan_is_named(self, api: Api, twin_t: Any) -> None:
        assert_empty(api.delete(f"/models/{BUILDING}"))
        step = op("replace", "/AverageTemperature", 1)
        error = assert_error(api.patch(T, [step]), 400, "ValidationFailed")
        assert "The twin T was left without its model" in details(error)[1]
        edge = {"$relationshipName": "has", "$targetId": "U"}
        assert_error(api.put(f"{T}/relationships/r", edge), 404, "TargetDigitalTwinNotFound")

    @pytest.mark.parametrize("media_type", ["application/merge-patch+json", "text/plain"])
    def test_the_right_media_type_is_named(self, api: Api, twin_t: Any, media_type: str) -> None:
        response = api.patch(T, {"AverageTemperature": 1}, content_type=media_type)
        error = assert_error(response, 415, "UnsupportedMediaType")
        assert "application/json-patch+json" in error["message"]
        response = api.put(T, building(), content_type=media_type)
        assert (
            "send application/json."
            in assert_error(response, 415, "UnsupportedMediaType")["message"]
        )

    def test_a_model_is_decommissioned_by_a_truth_value(self, api: Api, model_m: Any) -> None:
        response = api.patch(f"/models/{BUILDING}", [op("replace", "/decommissioned", "true")])
        error = assert_error(response, 400, "JsonPatchInvalid")
        assert 'by "true". Write it without quotes.' in error["message"]
