"""Y-09: the official SDK waits as long as a 429 says, and repeats the request; so does ours."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.digitaltwins.core import DigitalTwinsClient

from kastor.client import KastorClient, Retries, TooManyRequestsError
from kastor.testing import KastorServer

from .graph import PART_MODEL, ROOM_MODEL, replace, room

if TYPE_CHECKING:
    from kastor.testing import KastorServer as Server

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

AT_ONCE = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with KastorServer(("--profile", "adt", "--adt-rates", "on")) as made:
        yield made


@pytest.fixture(scope="module")
def limited() -> Iterator[Server]:
    """A server with a rate of each client, of which the tests are one."""
    with KastorServer(("--rate-limit", str(AT_ONCE // 2))) as made:
        yield made


def connect(server: Server) -> DigitalTwinsClient:
    return DigitalTwinsClient(
        server.url, server.credential, authentication_policy=SansIOHTTPPolicy()
    )


def each_at_once(
    work: Callable[[int], object], of: type[Exception] = HttpResponseError, number: int = AT_ONCE
) -> list[Exception | None]:
    """Do something so often, all of it within the same second; return what was raised."""

    def attempt(number: int) -> Exception | None:
        try:
            work(number)
        except of as error:
            return error
        return None

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(attempt, range(number)))


def test_Y_09_writes_beyond_the_rate_are_repeated_until_they_succeed(server: Server) -> None:
    server.reset()
    client = connect(server)
    client.create_models([ROOM_MODEL, PART_MODEL])
    client.upsert_digital_twin("a", room(Temperature=0))
    raised = each_at_once(
        lambda number: client.update_digital_twin(
            "a", replace("/Temperature", number), retry_total=20
        )
    )
    assert raised == [None] * AT_ONCE
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    assert [each for each in lines if 'operation="DigitalTwins_Update"' in each and "429" in each]
    client._client.close()


def test_Y_09_our_client_repeats_them_too(server: Server) -> None:
    server.reset()
    patient = Retries(attempts=20)
    with KastorClient(server.url, retries=patient) as client:
        client.models.upload([ROOM_MODEL, PART_MODEL])
        client.twins.put("d", room(Temperature=0))
        raised = each_at_once(
            lambda number: client.twins.patch("d", replace("/Temperature", number))
        )
        assert raised == [None] * AT_ONCE
    with KastorClient(server.url, retries=Retries(attempts=1)) as client:
        refused = each_at_once(
            lambda number: client.twins.put("c", room(Temperature=number)), of=TooManyRequestsError
        )
        told = [each for each in refused if isinstance(each, TooManyRequestsError)]
        assert 0 < len(told) < AT_ONCE
        assert {each.retry_after for each in told} == {1.0}


def test_whoever_does_not_repeat_is_told_how_long_to_wait(server: Server) -> None:
    server.reset()
    client = connect(server)
    client.create_models([ROOM_MODEL, PART_MODEL])
    raised = each_at_once(
        lambda number: client.upsert_digital_twin("b", room(Temperature=number), retry_total=0)
    )
    refused: list[Any] = [each for each in raised if each is not None]
    assert 0 < len(refused) < AT_ONCE
    for error in refused:
        assert error.status_code == 429
        assert error.response.headers["Retry-After"] == "1"
        assert error.error.code == "TooManyRequests"
    client._client.close()


def test_Y_09_sdks_keep_to_the_rate_of_a_client_by_themselves(limited: Server) -> None:
    """With the repetitions that they have by default: those who are refused get turns."""
    client = connect(limited)
    raised = each_at_once(lambda _: list(client.list_models()), number=2 * AT_ONCE)
    assert raised == [None] * (2 * AT_ONCE)
    assert refusals(limited) > 0
    client._client.close()


def test_Y_09_our_client_keeps_to_it_by_itself(limited: Server) -> None:
    before = refusals(limited)
    with KastorClient(limited.url) as client:
        raised = each_at_once(
            lambda _: list(client.models.list()), of=TooManyRequestsError, number=2 * AT_ONCE
        )
    assert raised == [None] * (2 * AT_ONCE)
    assert refusals(limited) > before


def refusals(server: Server) -> float:
    """How many requests were beyond a rate."""
    name = 'kastor_requests_refused_total{limit="rate"'
    while True:
        try:
            with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except HTTPError as error:  # it counts as well
            time.sleep(int(error.headers["Retry-After"]))
        else:
            return sum(float(each.split()[-1]) for each in lines if each.startswith(name))
