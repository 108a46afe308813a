"""What one client may have: requests, queries at once, attempts without a token; without sockets."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.app import Application
from kastor.api.description.mounts import description_mounts
from kastor.api.http.addressing import Addressing
from kastor.api.http.base_url import BaseUrls
from kastor.api.http.client_limits import ClientBounds, ClientLimits
from kastor.api.http.clients import client_of, network_of
from kastor.api.http.entrance import Entrance
from kastor.api.http.mount import Mount
from kastor.api.http.origins import StrangerCheck
from kastor.api.http.server_state import ServerState
from kastor.api.operations import OPERATIONS
from kastor.auth.access import Access
from kastor.auth.actors import ANONYMOUS, Actor, CallerKind, Grant, Principal
from kastor.auth.roles import ROLES, Permission
from kastor.config import SettingsError, load_settings
from kastor.errors import NotFound, TooManyRequests
from kastor.server.limits import client_bounds

from .wire import Answer, ask, scope_of

if TYPE_CHECKING:
    from kastor.api.http.mount import Asgi

pytestmark = pytest.mark.anyio
VERSION = "api-version=2023-10-31"
QUERY = b'{"query": "SELECT * FROM DIGITALTWINS"}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Way:
    """Takes every token that is the name of a role and a name: `reader-alice`."""

    def takes(self, token: str) -> bool:
        return token.partition("-")[0] in ROLES

    async def identify(self, token: str) -> Principal | None:
        role, _, name = token.partition("-")
        grants = (Grant(role, ROLES[role]),)
        return Principal(CallerKind.OIDC, f"oidc:issuer|{name}", name, grants=grants)


class Bench:
    """An application with limits, whose graph has nothing in it, at the time that is set."""

    def __init__(
        self,
        *,
        tokens: bool = True,
        strangers: StrangerCheck | None = None,
        trusted: tuple[str, ...] = (),
        **bounds: Any,
    ) -> None:
        self.now = 1_000.0
        self.limits = ClientLimits(ClientBounds(**bounds), lambda: self.now)
        self.answering = asyncio.Event()
        self.answering.set()
        default = SimpleNamespace(graph=self, query=self)
        graphs: Any = SimpleNamespace(default=default)
        base_urls = BaseUrls(trusted_proxies=trusted)
        state = ServerState(graphs, base_urls=base_urls, clients=self.limits)
        guarded = Mount("Guarded", b"/guarded", _no_pages, permission=Permission.MODELS_READ)
        self.app = Application(
            state,
            Addressing(),
            mounts=(*description_mounts(strict=False), guarded),
            entrance=Entrance(Access([Way()]) if tokens else None),
            strangers=strangers,
        )

    async def twin(self, *_: Any) -> Any:
        raise NotFound("no twin", code="DigitalTwinNotFound")

    def at_once(self, *_: Any, **__: Any) -> None:
        return None

    async def run(self, *_: Any, **__: Any) -> Any:
        await self.answering.wait()
        return SimpleNamespace(
            value=b"[]", continuation=None, charge=1.0, warnings=(), rows=0, at=None
        )

    async def ask(
        self, path: str = "/digitaltwins/a", token: str = "", *chunks: bytes, **more: Any
    ) -> Answer:
        headers = {
            **({"authorization": f"Bearer {token}"} if token else {}),
            **more.pop("headers", {}),
        }
        return await ask(self.app, scope_of(path, query=VERSION, headers=headers, **more), *chunks)

    async def query(self, token: str = "") -> Answer:
        return await self.ask("/query", token, QUERY, method="POST")

    async def has_queries(self, number: int) -> None:
        """Wait until so many are under way."""
        async with asyncio.timeout(5):
            while self.limits.queries < number:  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0)

    async def statuses(self, count: int, *args: Any, **more: Any) -> list[int]:
        return [(await self.ask(*args, **more)).status for _ in range(count)]


def _no_pages() -> Asgi:
    raise NotFound("no page")


class TestRate:
    async def test_what_is_there_at_once_and_then_what_comes_in(self) -> None:
        bench = Bench(rate=2, burst=5)
        assert await bench.statuses(7, token="reader-a") == [404] * 5 + [429] * 2
        bench.now += 1.5
        assert await bench.statuses(4, token="reader-a") == [404] * 3 + [429]
        assert bench.limits.refused == {"rate": 3, "queries": 0, "access": 0}

    async def test_a_refusal_says_when_to_come_again_and_names_the_settings(self) -> None:
        bench = Bench(rate=0.25, burst=1)
        await bench.ask(token="reader-a")
        bench.now += 0.5
        first, second = await bench.ask(token="reader-a"), await bench.ask(token="reader-a")
        assert (first.headers["retry-after"], second.headers["retry-after"]) == ("4", "8")
        error = first.json()["error"]
        assert error["code"] == first.headers["x-ms-error-code"] == "TooManyRequests"
        assert "0.25 requests a second" in error["message"]
        assert "rate_limit and rate_burst" in error["message"]
        bench.now += 4
        assert await bench.statuses(2, token="reader-a") == [404, 429]

    async def test_clients_do_not_share_it_but_tokens_of_one_do(self) -> None:
        bench = Bench(rate=1, burst=2)
        assert await bench.statuses(3, token="reader-a") == [404, 404, 429]
        assert await bench.statuses(1, token="owner-a") == [429]
        assert await bench.statuses(3, token="reader-b") == [404, 404, 429]
        assert bench.limits.clients == 2

    async def test_without_tokens_it_is_that_of_an_address(self) -> None:
        bench = Bench(tokens=False, rate=1, burst=2)
        assert await bench.statuses(3) == [404, 404, 429]
        assert await bench.statuses(3, client=("192.0.2.9", 1)) == [404, 404, 429]
        for number, status in enumerate((404, 404, 429)):
            here = (f"2001:db8:0:7::{number + 1}", 1)
            assert await bench.statuses(1, client=here) == [status]
        assert await bench.statuses(1, client=("2001:db8:0:8::1", 1)) == [404]

    @pytest.mark.parametrize(
        ("status", "asked"),
        [
            (403, {"path": "/digitaltwins/a", "method": "DELETE"}),
            (404, {"path": "/nothing/here"}),
            (405, {"path": "/models", "method": "PUT"}),
            (400, {"path": "/digitaltwins/%FF"}),
            (400, {"headers": {"kastor-nothing": "1"}}),
            (404, {"headers": {"kastor-dry-run": "true"}}),
            (403, {"path": "/kastor/v1/inputs/x/messages", "method": "POST"}),
        ],
    )
    async def test_whatever_is_asked_counts_once(self, status: int, asked: dict[str, Any]) -> None:
        bench = Bench(rate=1, burst=3)
        asked = {"token": "reader-a", **asked}
        assert await bench.statuses(4, **asked) == [status] * 3 + [429]
        assert await bench.statuses(1, token="reader-a") == [429]

    @pytest.mark.parametrize("path", ["/healthz", "/openapi.json", "/docs"])
    @pytest.mark.parametrize("tokens", [True, False])
    async def test_what_is_open_to_everybody_does_not(self, path: str, tokens: bool) -> None:
        bench = Bench(tokens=tokens, rate=1, burst=1)
        assert await bench.statuses(3, path) == [200] * 3
        assert await bench.statuses(1, token="reader-a") == [404]
        assert await bench.statuses(1, path) == [200]

    async def test_who_is_refused_by_a_mount_counts(self) -> None:
        bench = Bench(rate=1, burst=2)
        assert await bench.statuses(3, "/guarded", "sender-a") == [403, 403, 429]

    async def test_web_pages_that_are_kept_out_use_nothing_up(self) -> None:
        strangers = StrangerCheck(any_host=False)
        bench = Bench(tokens=False, strangers=strangers, rate=1, burst=1)
        page = {"host": "127.0.0.1", "origin": "https://elsewhere.example"}
        assert await bench.statuses(5, headers=page) == [403] * 5
        assert await bench.statuses(1, headers={"host": "127.0.0.1"}) == [404]

    async def test_queries_beyond_it_have_the_code_of_queries(self) -> None:
        bench = Bench(rate=1, burst=1)
        assert (await bench.query("reader-a")).status == 200
        assert (await bench.query("reader-a")).json()["error"]["code"] == "QuotaReachedError"

    async def test_none_is_the_default(self) -> None:
        bench = Bench()
        assert set(await bench.statuses(300, token="reader-a")) == {404}
        assert bench.limits.clients == 0


class TestQueries:
    async def test_a_client_has_only_so_many_under_way(self) -> None:
        bench = Bench(queries=2)
        bench.answering.clear()
        running = [asyncio.create_task(bench.query("reader-a")) for _ in range(2)]
        await bench.has_queries(2)
        refused = await bench.query("owner-a")
        assert refused.status == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["error"]["code"] == "QuotaReachedError"
        assert "max_queries_per_client" in refused.json()["error"]["message"]
        assert await bench.statuses(1, token="reader-a") == [404]  # no query
        other = asyncio.create_task(bench.query("reader-b"))
        await bench.has_queries(3)
        bench.answering.set()
        assert [(await each).status for each in (*running, other)] == [200] * 3
        assert (await bench.query("reader-a")).status == 200
        assert (bench.limits.queries, bench.limits.refused["queries"]) == (0, 1)

    @pytest.mark.parametrize("body", [b"{", b"{}"])
    async def test_those_that_fail_are_over(self, body: bytes) -> None:
        bench = Bench(queries=1)
        for _ in range(3):
            assert (await bench.ask("/query", "reader-a", body, method="POST")).status == 400
        assert bench.limits.queries == 0

    async def test_those_whose_client_goes_are_over(self) -> None:
        bench = Bench(queries=1)
        bench.answering.clear()
        running = asyncio.create_task(bench.query("reader-a"))
        await bench.has_queries(1)
        running.cancel()
        await asyncio.wait([running])
        assert bench.limits.queries == 0

    def test_streams_have_places_of_their_own(self) -> None:
        gate: Any = Bench().app._gate
        bounded = [each.id for each in OPERATIONS if gate.guard(each) is not each]
        assert bounded == ["Query_QueryTwins", "Kastor_Search", "DigitalTwins_Search"]


class TestAttempts:
    async def test_too_many_are_told_so_and_valid_tokens_pass(self) -> None:
        bench = Bench(failures=3)
        wrong = ["", "kst_wrong", "nobody-a", "reader"]
        statuses = [(await bench.ask(token=each)).status for each in wrong]
        assert statuses == [401, 401, 401, 404]  # the last one is valid
        refused = await bench.ask(token="kst_wrong")
        assert refused.status == 429
        assert refused.headers["retry-after"] == "20"
        assert refused.json()["error"]["code"] == "TooManyRequests"
        assert await bench.statuses(2, token="reader-a") == [404] * 2
        assert await bench.statuses(1, client=("192.0.2.9", 1)) == [401]
        bench.now += 20
        assert await bench.statuses(2, "/nothing") == [401, 429]
        assert bench.limits.refused == {"rate": 0, "queries": 0, "access": 2}

    async def test_mounts_count_them_too(self) -> None:
        bench = Bench(failures=2)
        assert await bench.statuses(3, "/guarded") == [401, 401, 429]

    async def test_a_minute_brings_all_of_them_back(self) -> None:
        bench = Bench(failures=30)
        for _ in range(3):
            assert await bench.statuses(31) == [401] * 30 + [429]
            bench.now += 60

    async def test_there_need_not_be_a_limit(self) -> None:
        assert set(await Bench(failures=0).statuses(1_100)) == {401}


class TestClients:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("", ""),
            ("a socket", "a socket"),
        ],
    )
    def test_an_address_counts_as_its_network(self, address: str, network: str) -> None:
        assert network_of(address) == network

    def test_a_token_counts_as_whoever_it_names(self) -> None:
        scope = scope_of(client=("192.0.2.1", 1))
        for kind, key in ((CallerKind.STATIC, "token:a"), (CallerKind.OIDC, "oidc:https://i|a")):
            assert client_of(Actor(Principal(kind, key, "a"), ()), scope, {}, ()) == key
        assert client_of(ANONYMOUS, scope, {}, ()) == "192.0.2.1"
        assert client_of(ANONYMOUS, scope_of(client=None), {}, ()) == ""

    async def test_behind_a_trusted_proxy_it_is_the_address_that_the_proxy_tells(self) -> None:
        bench = Bench(tokens=False, trusted=("10.0.0.1",), rate=1, burst=1)
        proxy, stranger = ("10.0.0.1", 1), ("10.0.0.2", 1)
        one = {"x-forwarded-for": "192.0.2.1, 2001:db8::1"}
        other = {"x-forwarded-for": "192.0.2.1, 2001:db8:1::1"}
        assert await bench.statuses(2, client=proxy, headers=one) == [404, 429]
        assert await bench.statuses(2, client=proxy, headers=other) == [404, 429]
        assert await bench.statuses(1, client=stranger, headers=one) == [404]
        assert await bench.statuses(1, client=stranger, headers=other) == [429]

    async def test_attempts_are_counted_by_it_too(self) -> None:
        bench = Bench(trusted=("10.0.0.1",), failures=1)
        for address in ("192.0.2.1", "192.0.2.2"):
            told = {"x-forwarded-for": address}
            here = ("10.0.0.1", 1)
            assert await bench.statuses(2, client=here, headers=told) == [401, 429]


class TestSettings:
    @pytest.mark.parametrize(
        ("rate", "burst", "at_once"),
        [(10, 0, 20), (10, 3, 3), (0.1, 0, 1), (0.7, 0, 1), (3.5, 0, 7)],
    )
    def test_they_say_what_a_client_may(self, rate: float, burst: int, at_once: int) -> None:
        bounds = client_bounds(load_settings({"rate_limit": rate, "rate_burst": burst}))
        assert (bounds.rate, bounds.at_once) == (rate, at_once)

    def test_those_by_default_are_those_without_settings(self) -> None:
        assert client_bounds(load_settings({})) == ClientBounds()

    def test_a_burst_alone_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="rate_burst goes with rate_limit"):
            load_settings({"rate_burst": 5})


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kastor.api.http.rate_buckets.KEPT", 50)
    limits = ClientLimits(ClientBounds(rate=1, burst=2), lambda: 0.0)
    for number in range(500):
        limits.take(f"c{number}")
        limits.fail(f"a{number}")
    assert limits.clients == len(limits._failures) == 50
    limits.take("c499")
    with pytest.raises(TooManyRequests):
        limits.take("c499")
