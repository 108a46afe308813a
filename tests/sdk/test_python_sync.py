"""azure-digitaltwins-core 1.3.0: every method in scope, over https and over http.

`kastor.client` has to pass the same scenarios, by the same bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.pipeline.policies import AzureKeyCredentialPolicy, SansIOHTTPPolicy
from azure.digitaltwins.core import DigitalTwinsClient

from .graph import PART, PART_MODEL, ROOM, ROOM_MODEL, near, replace, room
from .own_client import OwnClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.testing import KastorServer

    from .conftest import Pairing

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

QUERY = "SELECT * FROM digitaltwins"
STALE = 'W/"5f0c2b64-0000-4000-8000-000000000000"'


def connect(server: KastorServer) -> DigitalTwinsClient:
    """The documented way to a server with a development certificate, and to one without TLS."""
    if server.url.startswith("https"):
        return DigitalTwinsClient(
            server.url, server.credential, connection_verify=str(server.ca_file)
        )
    return DigitalTwinsClient(
        server.url, server.credential, authentication_policy=SansIOHTTPPolicy()
    )


@pytest.fixture
def empty(pairing: Pairing) -> Iterator[DigitalTwinsClient]:
    """A client of an empty graph."""
    own = cast("DigitalTwinsClient", OwnClient(pairing.server))
    made = own if pairing.is_own else connect(pairing.server)
    yield made
    made._client.close()


@pytest.fixture
def client(empty: DigitalTwinsClient) -> DigitalTwinsClient:
    """A client of a graph that holds the two models."""
    empty.create_models([ROOM_MODEL, PART_MODEL])
    return empty


@pytest.fixture
def rooms(client: DigitalTwinsClient) -> DigitalTwinsClient:
    """The same with the twins `a` and `b`."""
    client.upsert_digital_twin("a", room(Temperature=20))
    client.upsert_digital_twin("b", room())
    return client


def _code(error: HttpResponseError) -> str | None:
    assert error.error is not None
    return error.error.code


def test_models_are_created_read_and_listed(client: DigitalTwinsClient) -> None:
    listed = list(client.list_models())
    assert [model.id for model in listed] == [ROOM, PART]
    assert all(model.model is None for model in listed)
    assert all(model.upload_time is not None for model in listed)
    model = client.get_model(ROOM, include_model_definition=True)
    assert model.model == ROOM_MODEL
    assert model.display_name == {"en": "Room"}
    assert model.decommissioned is False
    assert client.get_model(ROOM).model is None
    with_definition = list(client.list_models(include_model_definition=True))
    assert [each.model for each in with_definition] == [ROOM_MODEL, PART_MODEL]


def test_models_are_created_with_their_data_as_answer(empty: DigitalTwinsClient) -> None:
    created = empty.create_models([PART_MODEL])
    assert [(model.id, model.display_name) for model in created] == [(PART, {"en": "Part"})]


def test_models_are_listed_with_their_dependencies(client: DigitalTwinsClient) -> None:
    assert {model.id for model in client.list_models([ROOM])} == {ROOM, PART}
    assert {model.id for model in client.list_models(dependencies_for=[PART])} == {PART}


def test_many_models_are_listed_over_several_pages(empty: DigitalTwinsClient) -> None:
    base = {"@context": "dtmi:dtdl:context;2", "@type": "Interface"}
    models: list[Any] = [{**base, "@id": f"dtmi:sdk:many:m{number};1"} for number in range(120)]
    empty.create_models(models)
    assert [model.id for model in empty.list_models()] == [model["@id"] for model in models]


def test_a_model_is_decommissioned_and_deleted(client: DigitalTwinsClient) -> None:
    client.decommission_model(ROOM)
    assert client.get_model(ROOM).decommissioned is True
    with pytest.raises(HttpResponseError) as refused:
        client.upsert_digital_twin("x", room())
    assert _code(refused.value) == "ModelDecommissioned"
    with pytest.raises(ResourceExistsError) as referenced:
        client.delete_model(PART)
    assert _code(referenced.value) == "ModelReferencesNotDeleted"
    client.delete_model(ROOM)
    client.delete_model(PART)
    with pytest.raises(ResourceNotFoundError) as missing:
        client.get_model(ROOM)
    assert _code(missing.value) == "ModelNotFound"


def test_Y_03_an_existing_model_is_refused(client: DigitalTwinsClient) -> None:
    with pytest.raises(ResourceExistsError) as refused:
        client.create_models([ROOM_MODEL])
    assert _code(refused.value) == "ModelIdAlreadyExists"


@pytest.mark.parametrize("models", [[], [{}], None])
def test_models_that_are_none_are_refused(client: DigitalTwinsClient, models: Any) -> None:
    with pytest.raises(HttpResponseError) as refused:
        client.create_models(models)
    expected = {"[]": "InvalidArgument", "[{}]": "DTDLParserError", "None": "BadRequest"}
    assert _code(refused.value) == expected[str(models)]


def test_Y_01_a_twin_is_created_and_replaced(client: DigitalTwinsClient) -> None:
    created = client.upsert_digital_twin("a", room(Temperature=20))
    assert created["$dtId"] == "a"
    assert created["Temperature"] == 20
    assert client.get_digital_twin("a") == created
    replaced = client.upsert_digital_twin("a", {**created, "Temperature": 21})
    assert replaced["Temperature"] == 21
    assert replaced["$etag"] != created["$etag"]


def test_Y_02_an_unknown_twin_is_not_found(client: DigitalTwinsClient) -> None:
    for call in (client.get_digital_twin, client.delete_digital_twin):
        with pytest.raises(ResourceNotFoundError) as missing:
            call("nosuch")
        assert _code(missing.value) == "DigitalTwinNotFound"


def test_an_invalid_twin_tells_every_violation(client: DigitalTwinsClient) -> None:
    with pytest.raises(HttpResponseError) as refused:
        client.upsert_digital_twin("a", room(foo=1, Temperature="warm"))
    error = refused.value.error
    assert error is not None
    assert error.code == "ValidationFailed"
    assert len(error.details) == 2


def test_a_twin_is_updated_and_deleted(rooms: DigitalTwinsClient) -> None:
    before = rooms.get_digital_twin("a")
    rooms.update_digital_twin("a", replace("/Temperature", 42.5))
    after = rooms.get_digital_twin("a")
    assert after["Temperature"] == 42.5
    assert after["$etag"] != before["$etag"]
    rooms.update_digital_twin("a", [{"op": "remove", "path": "/Temperature"}])
    assert "Temperature" not in rooms.get_digital_twin("a")
    rooms.delete_digital_twin("a")
    with pytest.raises(ResourceNotFoundError):
        rooms.get_digital_twin("a")


def test_an_invalid_patch_is_refused(rooms: DigitalTwinsClient) -> None:
    patches: tuple[Any, ...] = ([{"op": "move", "path": "/Temperature"}], [{}], {"a": 1})
    for patch in patches:
        with pytest.raises(HttpResponseError) as refused:
            rooms.update_digital_twin("a", patch)
        assert _code(refused.value) == "JsonPatchInvalid"


def test_Y_04_a_twin_that_has_to_be_missing_is_kept(rooms: DigitalTwinsClient) -> None:
    with pytest.raises(ResourceExistsError) as refused:
        rooms.upsert_digital_twin("a", room(), match_condition=MatchConditions.IfMissing)
    assert _code(refused.value) == "PreconditionFailed"
    made = rooms.upsert_digital_twin("new", room(), match_condition=MatchConditions.IfMissing)
    assert made["$dtId"] == "new"
    rooms.upsert_relationship("a", "r", near("a", "r", "b"))
    with pytest.raises(ResourceExistsError):
        rooms.upsert_relationship(
            "a", "r", near("a", "r", "b"), match_condition=MatchConditions.IfMissing
        )


def test_Y_05_a_stale_etag_changes_nothing(rooms: DigitalTwinsClient) -> None:
    relationship = rooms.upsert_relationship("a", "r", near("a", "r", "b", distance=1))
    twin = rooms.get_digital_twin("a")
    stale = {"etag": STALE, "match_condition": MatchConditions.IfNotModified}
    calls: tuple[Callable[[], object], ...] = (
        lambda: rooms.update_digital_twin("a", replace("/Temperature", 1), **stale),
        lambda: rooms.delete_digital_twin("a", **stale),
        lambda: rooms.update_component("a", "Thermostat", [], **stale),
        lambda: rooms.update_relationship("a", "r", replace("/distance", 2), **stale),
        lambda: rooms.delete_relationship("a", "r", **stale),
    )
    for call in calls:
        with pytest.raises(ResourceModifiedError) as refused:
            call()
        assert _code(refused.value) == "PreconditionFailed"
    assert rooms.get_digital_twin("a") == twin
    assert rooms.get_relationship("a", "r") == relationship


def test_current_etags_and_present_resources_are_accepted(rooms: DigitalTwinsClient) -> None:
    def current(etag: str) -> dict[str, Any]:
        return {"etag": etag, "match_condition": MatchConditions.IfNotModified}

    present = {"match_condition": MatchConditions.IfPresent}
    etag = rooms.get_digital_twin("a")["$etag"]
    rooms.update_digital_twin("a", replace("/Temperature", 1), **current(etag))
    rooms.update_component("a", "Thermostat", [], **present)
    relationship = rooms.upsert_relationship("a", "r", near("a", "r", "b", distance=1))
    rooms.update_relationship("a", "r", [], **current(relationship["$etag"]))
    rooms.delete_relationship("a", "r", **present)
    rooms.delete_digital_twin("a", **current(rooms.get_digital_twin("a")["$etag"]))
    rooms.delete_digital_twin("b", **present)
    assert list(rooms.query_twins(QUERY)) == []


def test_a_component_is_read_and_updated(rooms: DigitalTwinsClient) -> None:
    rooms.update_component("a", "Thermostat", [{"op": "add", "path": "/Serial", "value": "x"}])
    component = rooms.get_component("a", "Thermostat")
    assert component["Serial"] == "x"
    assert component == rooms.get_digital_twin("a")["Thermostat"]
    with pytest.raises(ResourceNotFoundError) as missing:
        rooms.get_component("a", "nosuch")
    assert _code(missing.value) == "ComponentNotFound"
    with pytest.raises(HttpResponseError) as refused:
        rooms.update_component("a", "nosuch", replace("/Serial", "y"))
    assert _code(refused.value) == "JsonPatchInvalid"


def test_a_relationship_lives_and_ends(rooms: DigitalTwinsClient) -> None:
    made = rooms.upsert_relationship("a", "r 1", near("a", "r 1", "b", distance=5))
    assert made["distance"] == 5
    assert rooms.get_relationship("a", "r 1") == made
    rooms.update_relationship("a", "r 1", replace("/distance", 6))
    assert rooms.get_relationship("a", "r 1")["distance"] == 6
    with pytest.raises(HttpResponseError) as kept:
        rooms.delete_digital_twin("a")
    assert _code(kept.value) == "RelationshipsNotDeleted"
    rooms.delete_relationship("a", "r 1")
    with pytest.raises(ResourceNotFoundError) as missing:
        rooms.get_relationship("a", "r 1")
    assert _code(missing.value) == "RelationshipNotFound"
    with pytest.raises(ResourceNotFoundError) as target:
        rooms.upsert_relationship("a", "r", near("a", "r", "nosuch"))
    assert _code(target.value) == "TargetDigitalTwinNotFound"


def test_Y_06_relationships_are_listed_over_several_pages(rooms: DigitalTwinsClient) -> None:
    names = [f"r {number:02}+ü" for number in range(25)]
    for name in names:
        rooms.upsert_relationship("a", name, near("a", name, "b"))
    listed = list(rooms.list_relationships("a"))
    assert sorted(item["$relationshipId"] for item in listed) == names
    assert len(list(rooms.list_relationships("a", "near"))) == 25
    assert list(rooms.list_relationships("a", "nosuch")) == []
    incoming = list(rooms.list_incoming_relationships("b"))
    assert sorted(str(item.relationship_id) for item in incoming) == names
    assert {(item.source_id, item.relationship_name) for item in incoming} == {("a", "near")}
    assert all(str(item.relationship_link).startswith("http") for item in incoming)


def test_telemetry_is_published(rooms: DigitalTwinsClient) -> None:
    before = rooms.get_digital_twin("a")
    rooms.publish_telemetry("a", {"Temperature": 1})
    rooms.publish_telemetry("a", {"Temperature": 1}, message_id="m-1")
    rooms.publish_component_telemetry("a", "Thermostat", {"Serial": "x"})
    assert rooms.get_digital_twin("a") == before
    with pytest.raises(ResourceNotFoundError) as missing:
        rooms.publish_telemetry("nosuch", {})
    assert _code(missing.value) == "DigitalTwinNotFound"
    with pytest.raises(ResourceNotFoundError) as part:
        rooms.publish_component_telemetry("a", "nosuch", {})
    assert _code(part.value) == "ComponentNotFound"


def test_Y_07_a_query_answers_every_row_over_several_pages(client: DigitalTwinsClient) -> None:
    for number in range(101):
        client.upsert_digital_twin(f"t{number:03}", room(Temperature=number))
    pages = [list(page) for page in client.query_twins(QUERY).by_page()]
    assert [len(page) for page in pages] == [100, 1]
    rows = [row for page in pages for row in page]
    assert sorted(row["$dtId"] for row in rows) == [f"t{number:03}" for number in range(101)]
    hot = list(client.query_twins(f"{QUERY} T WHERE T.Temperature >= 99"))
    assert sorted(row["$dtId"] for row in hot) == ["t099", "t100"]


def test_a_query_tells_its_charge_and_its_faults(rooms: DigitalTwinsClient) -> None:
    headers: list[Any] = []
    list(rooms.query_twins(QUERY, raw_response_hook=headers.append))
    assert float(headers[0].http_response.headers["query-charge"]) > 0
    with pytest.raises(HttpResponseError) as refused:
        list(rooms.query_twins("foo"))
    assert _code(refused.value) == "SqlQueryError"


@pytest.mark.parametrize("identifier", ["a b", "10%B2H6_H2", "ünï", "a;b:c@d", "a'b\"c", "a+b&c=d"])
def test_ids_arrive_as_they_were_given(client: DigitalTwinsClient, identifier: str) -> None:
    made = client.upsert_digital_twin(identifier, room())
    assert made["$dtId"] == identifier
    assert client.get_digital_twin(identifier) == made
    client.delete_digital_twin(identifier)


def test_an_older_api_version_can_be_chosen(secure: KastorServer) -> None:
    secure.reset()
    client = DigitalTwinsClient(
        secure.url,
        secure.credential,
        connection_verify=str(secure.ca_file),
        api_version="2020-10-31",
    )
    client.create_models([PART_MODEL, ROOM_MODEL])
    assert "$lastUpdateTime" not in client.upsert_digital_twin("a", room())["$metadata"]


def test_Y_10_the_client_sends_no_bearer_token_over_http(kastor: KastorServer) -> None:
    client = DigitalTwinsClient(kastor.url, kastor.credential, retry_total=0)
    with pytest.raises(ServiceRequestError, match="not permitted for non-TLS"):
        client.get_digital_twin("a")


def test_a_token_can_be_sent_over_http_as_a_key(kastor: KastorServer) -> None:
    kastor.reset()
    key = AzureKeyCredential("any-token")
    policy = AzureKeyCredentialPolicy(key, "Authorization", prefix="Bearer")
    client = DigitalTwinsClient(kastor.url, kastor.credential, authentication_policy=policy)
    sent: list[str] = []
    hook = {
        "raw_request_hook": lambda request: sent.append(
            request.http_request.headers["Authorization"]
        )
    }
    assert list(client.query_twins(QUERY, **hook)) == []
    assert sent == ["Bearer any-token"]


def test_a_development_certificate_is_not_trusted_by_itself(secure: KastorServer) -> None:
    client = DigitalTwinsClient(secure.url, secure.credential, retry_total=0)
    with pytest.raises(ServiceRequestError, match=r"(?i)certificate"):
        client.get_digital_twin("a")
