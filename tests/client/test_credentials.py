"""Tokens, functions that return one, and credentials as `azure-identity` has them."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo

from kastor.client import CredentialError, KastorClient
from kastor.client.credentials import SCOPE

from .conftest import Asking
from .misbehaving import answer, misbehaving

TWIN = {"$dtId": "a"}


class Given:
    """A credential that waits, as those of `azure.identity`."""

    def __init__(self, lives: float = 3_600.0) -> None:
        self.lives, self.asked = lives, 0
        self.threads: set[str] = set()

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == (SCOPE,)
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        return AccessToken(f"token-{self.asked}", int(time.time() + self.lives))


class GivenLater:
    """One of asyncio, as those of `azure.identity.aio`."""

    def __init__(self, lives: float = 3_600.0) -> None:
        self.given = Given(lives)

    async def get_token(self, *scopes: str, **more: Any) -> AccessToken:
        await asyncio.sleep(0)
        return self.given.get_token(*scopes, **more)


def get(client: Any) -> Any:
    return client.twins.get("a")


def thrice(client: Any) -> Any:
    async def run() -> None:
        for _ in range(3):
            await get(client)

    return run() if hasattr(client, "__aenter__") else [get(client) for _ in range(3)]


def sent(ask: Asking, credential: Any) -> list[str | None]:
    with misbehaving(answer(body=TWIN)) as (server, url):
        ask(url, thrice, credential=credential)
    return [each.headers.get("authorization") for each in server.arrived]


@pytest.mark.parametrize("credential", [None, ""])
def test_nothing_is_sent_where_there_is_nothing(ask: Asking, credential: Any) -> None:
    assert sent(ask, credential) == [None] * 3


def test_a_token_is_sent_as_it_is(ask: Asking) -> None:
    assert sent(ask, "secret") == ["Bearer secret"] * 3


def test_a_function_is_asked_each_time(ask: Asking) -> None:
    tokens = iter("abc")
    assert sent(ask, lambda: next(tokens)) == ["Bearer a", "Bearer b", "Bearer c"]


def test_a_credential_is_asked_once(ask: Asking) -> None:
    given = Given()
    assert sent(ask, given) == ["Bearer token-1"] * 3
    assert given.asked == 1


@pytest.mark.parametrize("lives", [-10.0, 0.0])
def test_a_token_that_is_over_is_replaced(ask: Asking, lives: float) -> None:
    assert sent(ask, Given(lives)) == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]


def test_a_token_that_lives_for_a_short_time_is_used(ask: Asking) -> None:
    assert sent(ask, Given(lives=60)) == ["Bearer token-1"] * 3


def test_a_credential_that_waits_keeps_no_other_task_waiting() -> None:
    from .conftest import ask_asynchronous

    given = Given()
    sent(ask_asynchronous, given)
    assert threading.main_thread().name not in given.threads


def test_a_credential_of_asyncio(ask: Asking) -> None:
    from .conftest import ask_waiting

    later = GivenLater()
    if ask is ask_waiting:
        with pytest.raises(CredentialError, match="use it with AsyncKastorClient"):
            sent(ask, later)
    else:
        assert sent(ask, later) == ["Bearer token-1"] * 3


def test_a_function_of_asyncio(ask: Asking) -> None:
    from .conftest import ask_waiting

    async def token() -> str:
        return "later"

    if ask is ask_waiting:
        with pytest.raises(CredentialError, match="use it with AsyncKastorClient"):
            sent(ask, token)
    else:
        assert sent(ask, token) == ["Bearer later"] * 3


@pytest.mark.parametrize("token", ["two words", "é", "a\r\nX: y"])
def test_what_is_no_token_is_not_sent(ask: Asking, token: str) -> None:
    for credential in (token, lambda: token):
        with (
            misbehaving(answer(body=TWIN)) as (server, url),
            pytest.raises(CredentialError) as raised,
        ):
            ask(url, get, credential=credential)
        assert server.arrived == []
        assert token not in str(raised.value)


@pytest.mark.parametrize("found", [3, object(), AccessToken(None, None)])  # type: ignore[arg-type]
def test_a_credential_that_returns_something_else_is_told(ask: Asking, found: Any) -> None:
    class Odd:
        def get_token(self, *_: str) -> Any:
            return found

    with pytest.raises(CredentialError, match="nothing that is a token"):
        sent(ask, Odd())


def test_a_credential_that_fails_is_told(ask: Asking) -> None:
    from azure.identity import CredentialUnavailableError

    class Broken:
        def get_token(self, *_: str) -> AccessToken:
            raise CredentialUnavailableError(message="Please run 'az login'")

    with pytest.raises(CredentialError, match="no token to be had: Please run 'az login'"):
        sent(ask, Broken())


def test_a_token_of_entra_does_not_cross_a_network_in_the_open(ask: Asking) -> None:
    for url in ("http://elsewhere.example", "http://10.0.0.1:8080/graphs/a"):
        with pytest.raises(CredentialError, match="without TLS"):
            ask(url, get, credential=Given())


def test_no_token_goes_to_azure_in_the_open() -> None:
    with pytest.raises(CredentialError, match="without TLS"):
        KastorClient("http://a.api.weu.digitaltwins.azure.net", "token")
    KastorClient("http://127.0.0.1:1", "token").close()


def test_the_credentials_of_azure_identity_are_taken(ask: Asking) -> None:
    """The class itself, with what it would ask Microsoft for taken from a test."""
    from azure.identity import ClientAssertionCredential

    class Assertion(ClientAssertionCredential):
        def _acquire_token_silently(self, *_: str, **__: Any) -> AccessTokenInfo:
            return AccessTokenInfo("of-entra", int(time.time() + 3_600))

    credential = Assertion("tenant-of-a-test", "client-of-a-test", lambda: "assertion")
    assert sent(ask, credential) == ["Bearer of-entra"] * 3
