"""azure-digitaltwins-core 1.3.0, the asynchronous client: every method in scope.

`kastor.client` has to pass the same scenarios, by the same bodies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.digitaltwins.core.aio import DigitalTwinsClient

from .graph import PART, PART_MODEL, ROOM, ROOM_MODEL, near, replace, room
from .own_client import OwnAsyncClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from kastor.testing import KastorServer

    from .conftest import Pairing

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

QUERY = "SELECT * FROM digitaltwins"
STALE = 'W/"5f0c2b64-0000-4000-8000-000000000000"'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(pairing: Pairing, anyio_backend: str) -> AsyncIterator[DigitalTwinsClient]:
    """A client of a graph that holds the two models."""
    own = cast("DigitalTwinsClient", OwnAsyncClient(pairing.server))
    async with own if pairing.is_own else connect(pairing.server) as made:
        await made.create_models([ROOM_MODEL, PART_MODEL])
        yield made


def connect(server: KastorServer) -> DigitalTwinsClient:
    """The documented way to a server with a development certificate, and to one without TLS."""
    more: dict[str, Any] = {"authentication_policy": SansIOHTTPPolicy()}
    if server.url.startswith("https"):
        more = {"connection_verify": str(server.ca_file)}
    return DigitalTwinsClient(server.url, server.async_credential, **more)


@pytest.fixture
async def rooms(client: DigitalTwinsClient) -> DigitalTwinsClient:
    """The same with the twins `a` and `b`."""
    await client.upsert_digital_twin("a", room(Temperature=20))
    await client.upsert_digital_twin("b", room())
    return client


async def _all(items: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in items]


def _code(error: HttpResponseError) -> str | None:
    assert error.error is not None
    return error.error.code


async def test_models_are_created_read_listed_and_deleted(client: DigitalTwinsClient) -> None:
    assert [model.id for model in await _all(client.list_models())] == [ROOM, PART]
    needed = await _all(client.list_models([ROOM], include_model_definition=True))
    assert {model.id: model.model for model in needed} == {ROOM: ROOM_MODEL, PART: PART_MODEL}
    assert (await client.get_model(ROOM, include_model_definition=True)).model == ROOM_MODEL
    with pytest.raises(ResourceExistsError) as existing:
        await client.create_models([PART_MODEL])
    assert _code(existing.value) == "ModelIdAlreadyExists"
    await client.decommission_model(ROOM)
    assert (await client.get_model(ROOM)).decommissioned is True
    with pytest.raises(ResourceExistsError) as referenced:
        await client.delete_model(PART)
    assert _code(referenced.value) == "ModelReferencesNotDeleted"
    await client.delete_model(ROOM)
    await client.delete_model(PART)
    with pytest.raises(ResourceNotFoundError) as missing:
        await client.get_model(ROOM)
    assert _code(missing.value) == "ModelNotFound"


async def test_Y_01_a_twin_lives_and_ends(client: DigitalTwinsClient) -> None:
    created = await client.upsert_digital_twin("a", room(Temperature=20))
    assert await client.get_digital_twin("a") == created
    replaced = await client.upsert_digital_twin("a", dict(created))
    assert replaced["$etag"] != created["$etag"]
    await client.update_digital_twin("a", replace("/Temperature", 42.5))
    assert (await client.get_digital_twin("a"))["Temperature"] == 42.5
    await client.delete_digital_twin("a")
    with pytest.raises(ResourceNotFoundError) as missing:
        await client.get_digital_twin("a")
    assert _code(missing.value) == "DigitalTwinNotFound"


async def test_an_invalid_twin_is_refused(client: DigitalTwinsClient) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await client.upsert_digital_twin("a", room(foo=1))
    assert _code(refused.value) == "ValidationFailed"


async def test_Y_04_Y_05_match_conditions_are_kept(rooms: DigitalTwinsClient) -> None:
    missing: dict[str, Any] = {"match_condition": MatchConditions.IfMissing}
    with pytest.raises(ResourceExistsError):
        await rooms.upsert_digital_twin("a", room(), **missing)
    relationship = await rooms.upsert_relationship("a", "r", near("a", "r", "b"), **missing)
    with pytest.raises(ResourceExistsError):
        await rooms.upsert_relationship("a", "r", near("a", "r", "b"), **missing)
    stale: dict[str, Any] = {"etag": STALE, "match_condition": MatchConditions.IfNotModified}
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: rooms.update_digital_twin("a", [], **stale),
        lambda: rooms.update_component("a", "Thermostat", [], **stale),
        lambda: rooms.delete_digital_twin("a", **stale),
        lambda: rooms.update_relationship("a", "r", [], **stale),
        lambda: rooms.delete_relationship("a", "r", **stale),
    )
    for call in calls:
        with pytest.raises(ResourceModifiedError) as refused:
            await call()
        assert _code(refused.value) == "PreconditionFailed"
    current = {**stale, "etag": relationship["$etag"]}
    await rooms.delete_relationship("a", "r", **current)
    current["etag"] = (await rooms.get_digital_twin("a"))["$etag"]
    await rooms.delete_digital_twin("a", **current)
    await rooms.delete_digital_twin("b", match_condition=MatchConditions.IfPresent)


async def test_a_component_is_read_and_updated(rooms: DigitalTwinsClient) -> None:
    add = [{"op": "add", "path": "/Serial", "value": "x"}]
    await rooms.update_component("a", "Thermostat", add)
    assert (await rooms.get_component("a", "Thermostat"))["Serial"] == "x"
    with pytest.raises(ResourceNotFoundError) as missing:
        await rooms.get_component("a", "nosuch")
    assert _code(missing.value) == "ComponentNotFound"


async def test_a_relationship_lives_and_ends(rooms: DigitalTwinsClient) -> None:
    made = await rooms.upsert_relationship("a", "r", near("a", "r", "b", distance=5))
    assert await rooms.get_relationship("a", "r") == made
    await rooms.update_relationship("a", "r", replace("/distance", 6))
    assert (await rooms.get_relationship("a", "r"))["distance"] == 6
    await rooms.delete_relationship("a", "r")
    with pytest.raises(ResourceNotFoundError) as missing:
        await rooms.get_relationship("a", "r")
    assert _code(missing.value) == "RelationshipNotFound"


async def test_Y_06_relationships_are_listed_over_several_pages(
    rooms: DigitalTwinsClient,
) -> None:
    names = [f"r{number:02}" for number in range(25)]
    await asyncio.gather(
        *(rooms.upsert_relationship("a", name, near("a", name, "b")) for name in names)
    )
    listed = await _all(rooms.list_relationships("a"))
    assert sorted(item["$relationshipId"] for item in listed) == names
    assert await _all(rooms.list_relationships("a", "nosuch")) == []
    incoming = await _all(rooms.list_incoming_relationships("b"))
    assert sorted(item.relationship_id for item in incoming) == names


async def test_telemetry_is_published(rooms: DigitalTwinsClient) -> None:
    await rooms.publish_telemetry("a", {"Temperature": 1})
    await rooms.publish_component_telemetry("a", "Thermostat", {"Serial": "x"}, message_id="m")
    with pytest.raises(ResourceNotFoundError) as missing:
        await rooms.publish_telemetry("nosuch", {})
    assert _code(missing.value) == "DigitalTwinNotFound"


async def test_Y_07_a_query_answers_every_row_over_several_pages(
    client: DigitalTwinsClient,
) -> None:
    names = [f"t{number:03}" for number in range(101)]
    for start in range(0, 101, 20):
        batch = names[start : start + 20]
        await asyncio.gather(*(client.upsert_digital_twin(name, room()) for name in batch))
    rows = await _all(client.query_twins(QUERY))
    assert sorted(row["$dtId"] for row in rows) == names
    with pytest.raises(HttpResponseError) as refused:
        await _all(client.query_twins("foo"))
    assert _code(refused.value) == "SqlQueryError"


async def test_Y_10_the_client_sends_no_bearer_token_over_http(kastor: KastorServer) -> None:
    async with DigitalTwinsClient(kastor.url, kastor.async_credential, retry_total=0) as client:
        with pytest.raises(ServiceRequestError, match="not permitted for non-TLS"):
            await client.get_digital_twin("a")
