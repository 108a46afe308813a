"""The one way that requests take: access, version, base address, traces, faults."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock

import orjson
import pytest

from kastor.api.app import Application
from kastor.api.description.mounts import description_mounts
from kastor.api.http.addressing import Addressing
from kastor.api.http.answering import send_response
from kastor.api.http.base_url import BaseUrls
from kastor.api.http.entrance import Entrance
from kastor.api.http.limits import RequestLimits
from kastor.api.http.mount import ENTRY, Entry, Mount
from kastor.api.http.operation import Operation
from kastor.api.http.origins import StrangerCheck
from kastor.api.http.request import Request, StreamResponse, json_response
from kastor.api.http.server_state import ServerState
from kastor.auth.access import Access
from kastor.auth.actors import Actor, CallerKind, Grant, Principal
from kastor.auth.roles import ROLES, Permission
from kastor.auth.tokens import TokenStore, create_token
from kastor.errors import NotFound
from kastor.graph.commands import Written
from kastor.logs import flush

from .wire import Answer, ask, scope_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from kastor.hosting.services import Services
    from kastor.records import Context

pytestmark = pytest.mark.anyio
VERSION = "api-version=2023-10-31"
FORWARDED = {
    "Host": "inside:1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "out.example",
}
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Graph:
    """A graph in which every twin is missing, or breaks."""

    fault: Exception

    async def twin(self, _twin_id: str, _context: Context) -> Any:
        raise self.fault


def _app(fault: Exception | None = None, *, strict: bool = False, **more: Any) -> Application:
    graph = Graph(fault or NotFound("no twin", code="DigitalTwinNotFound"))
    graphs: Any = SimpleNamespace(default=SimpleNamespace(graph=graph))
    base_urls = BaseUrls(more.pop("public_url", None), more.pop("trusted_proxies", ()))
    state = ServerState(graphs, RequestLimits(strict=strict), base_urls=base_urls)
    mounts = (*description_mounts(strict=strict), *more.pop("mounts", ()))
    return Application(state, Addressing(), mounts=mounts, **more)


async def _get(app: Application, path: str = "/digitaltwins/a", **more: Any) -> Answer:
    more.setdefault("query", VERSION)
    return await ask(app, scope_of(path, **more))


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Access, dict[str, str]]:
    path = tmp_path / "tokens"
    made = {role: create_token(path, role, role) for role in ("owner", "reader", "none")}
    return Access([TokenStore(path)]), made


async def test_an_error_of_ours_is_answered_in_the_envelope() -> None:
    answer = await _get(_app())
    assert answer.status == 404
    assert answer.json()["error"]["code"] == answer.headers["x-ms-error-code"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.body))


async def test_a_fault_of_ours_is_logged_and_answered_without_its_cause(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = await _get(_app(RuntimeError("a secret cause")))
    assert answer.status == 500
    assert answer.json()["error"]["code"] == "InternalServerError"
    assert len(answer.headers["kastor-request-id"]) == 16
    assert b"secret" not in answer.body
    flush(5)
    assert "a secret cause" in "".join(capsys.readouterr())


class TestOrder:
    async def test_a_token_comes_before_everything(self, tokens: Any) -> None:
        app = _app(entrance=Entrance(tokens[0]))
        for path in ("/digitaltwins/a", "/nothing", "/query", "/digitaltwins/%FF"):
            answer = await _get(app, path, query="")
            assert answer.status == 401
            assert answer.json() == {"statusCode": 401, "message": "Unauthorized"}

    async def test_the_role_comes_before_the_version(self, tokens: Any) -> None:
        store, made = tokens
        headers = {"Authorization": f"Bearer {made['none']}"}
        answer = await _get(_app(entrance=Entrance(store)), query="", headers=headers)
        assert (answer.status, answer.body) == (403, b"")

    async def test_the_version_comes_before_the_id(self) -> None:
        answer = await _get(_app(strict=True), "/digitaltwins/a%00", query="")
        assert answer.json()["error"]["code"] == "ApiVersionUnspecified"

    async def test_an_open_operation_needs_neither(self, tokens: Any) -> None:
        answer = await _get(_app(entrance=Entrance(tokens[0])), "/healthz", query="")
        assert (answer.status, answer.json()) == (200, {"status": "ok"})

    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {}", "{}", "Bearer {} x", "Bearer \xff"],
    )
    async def test_a_header_that_holds_no_known_token_is_no_access(
        self, tokens: Any, header: str
    ) -> None:
        store, made = tokens
        headers = {"Authorization": header.format(made["owner"])}
        assert (await _get(_app(entrance=Entrance(store)), headers=headers)).status == 401

    @pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER  {}", "Bearer {} "])
    async def test_the_scheme_is_read_in_any_letter_case(self, tokens: Any, header: str) -> None:
        store, made = tokens
        headers = {"Authorization": header.format(made["reader"])}
        assert (await _get(_app(entrance=Entrance(store)), headers=headers)).status == 404


class TestBaseAddress:
    """Where links lead; seen in the address that a missing version is told."""

    async def _told(self, app: Application, headers: dict[str, str], **more: Any) -> str:
        answer = await _get(app, query="", headers=headers, **more)
        text: str = answer.json()["error"]["message"].split()[-1]
        return text.removesuffix("/digitaltwins/a?api-version=2023-10-31")

    async def test_it_is_the_host_that_was_asked(self) -> None:
        assert await self._told(_app(strict=True), {"Host": "here:8080"}) == "http://here:8080"
        assert (
            await self._told(_app(strict=True), {"Host": "here"}, scheme="https") == "https://here"
        )

    async def test_a_public_address_wins_over_everything(self) -> None:
        app = _app(strict=True, public_url="https://twins.example/", trusted_proxies=("127.0.0.1",))
        assert await self._told(app, FORWARDED) == "https://twins.example"

    async def test_forwarded_headers_count_from_a_trusted_proxy(self) -> None:
        app = _app(strict=True, trusted_proxies=("127.0.0.1",))
        assert await self._told(app, FORWARDED) == "https://out.example"

    @pytest.mark.parametrize("trusted", [(), ("10.0.0.1",)])
    async def test_and_from_nobody_else(self, trusted: tuple[str, ...]) -> None:
        app = _app(strict=True, trusted_proxies=trusted)
        assert await self._told(app, FORWARDED) == "http://inside:1"

    async def test_of_several_forwarded_values_the_first_is_the_clients(self) -> None:
        app = _app(strict=True, trusted_proxies=("127.0.0.1",))
        headers = {
            "Host": "h",
            "X-Forwarded-Proto": "https, http",
            "X-Forwarded-Host": "a.example, b",
        }
        assert await self._told(app, headers) == "https://a.example"


class TestTraces:
    async def test_a_trace_is_answered_with_its_id_and_another_span(self) -> None:
        answer = await _get(_app(), headers={"traceparent": TRACE})
        version, trace, span, flags = answer.headers["traceresponse"].split("-")
        assert (version, trace, flags) == ("00", "a" * 32, "01")
        assert len(bytes.fromhex(span)) == 8
        assert span != "b" * 16

    @pytest.mark.parametrize(
        "header",
        ["", "nonsense", "00-" + "0" * 32 + "-" + "b" * 16 + "-01", TRACE.upper(), TRACE + "0"],
    )
    async def test_a_malformed_one_begins_a_new_trace(self, header: str) -> None:
        answer = await _get(_app(), headers={"traceparent": header})
        assert answer.status == 404
        trace = answer.headers["traceresponse"].split("-")[1]
        assert len(bytes.fromhex(trace)) == 16
        assert trace not in ("0" * 32, "a" * 32)

    async def test_without_one_none_is_answered(self) -> None:
        assert "traceresponse" not in (await _get(_app())).headers


class TestPathsOfOurs:
    async def test_a_path_that_only_begins_like_docs_is_not_found_in_the_envelope(self) -> None:
        answer = await _get(_app(), "/docsify")
        assert answer.status == 404
        assert answer.json()["error"]["code"] == "NotFound"

    async def test_the_description_is_open_and_names_this_server(self, tokens: Any) -> None:
        answer = await _get(
            _app(entrance=Entrance(tokens[0])), "/openapi.json", headers={"Host": "h:1"}
        )
        assert answer.json()["servers"] == [{"url": "http://h:1"}]

    async def test_a_websocket_is_closed(self) -> None:
        sent = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await _app()({"type": "websocket", "path": "/"}, receive, send)
        assert [each["type"] for each in sent] == ["websocket.close"]


async def _echo(scope: Any, _receive: Any, send: Any) -> None:
    entry: Entry = scope[ENTRY]
    graph = entry.services.graph if entry.services is not None else None
    said = {"actor": entry.actor.name, "base": entry.base_url, "graph": graph}
    await send_response(scope, {}, json_response(orjson.dumps(said)), send)


def _mount(name: str = "Echo", make: Any = lambda: _echo, **more: Any) -> Mount:
    return Mount(name, b"/echo", make, **more)


class NamedGraphs:
    """Graphs of which each one's services only tell its name."""

    default: Any = SimpleNamespace(graph="default")

    async def named(self, name: str) -> Any:
        return SimpleNamespace(graph=name)


class TestMounts:
    """Applications beside the operations."""

    def _app(self, mount: Mount, **more: Any) -> Application:
        graphs: Any = NamedGraphs()
        self.state = ServerState(graphs)
        return Application(self.state, Addressing("g.example"), mounts=[mount], **more)

    def _noted(self) -> list[tuple[str, str, int]]:
        return [key for key, tally in self.state.meter if tally.count]

    @pytest.mark.parametrize(
        ("path", "status"), [("/echo", 200), ("/echo/", 200), ("/echo/x", 200)]
    )
    async def test_it_has_its_prefix_and_what_is_below(self, path: str, status: int) -> None:
        assert (await _get(self._app(_mount()), path)).status == status
        assert self._noted() == [("Echo", "GET", status)]

    @pytest.mark.parametrize("path", ["/echoes", "/Echo", "/x/echo", "/graphs/a/echo"])
    async def test_it_has_nothing_else(self, path: str) -> None:
        assert (await _get(self._app(_mount()), path)).status == 404
        assert self._noted() == [("Unmatched", "GET", 404)]

    async def test_it_may_have_its_prefix_alone(self) -> None:
        app = self._app(_mount(below=False))
        assert (await _get(app, "/echo")).status == 200
        assert (await _get(app, "/echo/x")).status == 404

    async def test_it_is_made_once_and_not_before_somebody_asks(self) -> None:
        made = []

        def make() -> Any:
            made.append(1)
            return _echo

        app = self._app(_mount(make=make))
        assert (await _get(app, "/healthz", query="")).status == 200
        assert made == []
        for _ in range(2):
            await _get(app, "/echo")
        assert made == [1]

    async def test_it_says_which_methods_it_takes(self) -> None:
        app = self._app(_mount(methods=("POST",)))
        assert (await _get(app, "/echo", method="POST")).status == 200
        refused = await _get(app, "/echo")
        assert (refused.status, refused.headers["allow"]) == (405, "POST")
        assert self._noted() == [("Echo", "POST", 200), ("Echo", "GET", 405)]

    async def test_a_stranger_is_refused_before_it(self) -> None:
        app = self._app(_mount(), strangers=StrangerCheck(any_host=False))
        assert (await _get(app, "/echo", headers={"Host": "localhost"})).status == 200
        assert (await _get(app, "/echo", headers={"Host": "rebound.example"})).status == 403
        assert self._noted() == [("Echo", "GET", 200), ("Unmatched", "GET", 403)]

    async def test_it_is_open_or_asks_for_access(self, tokens: Any) -> None:
        store, made = tokens
        assert (await _get(self._app(_mount(), entrance=Entrance(store)), "/echo")).status == 200
        app = self._app(_mount(permission=Permission.QUERY), entrance=Entrance(store))
        assert (await _get(app, "/echo")).status == 401
        assert (await _get(app, "/echo", method="POST")).status == 401
        assert (await _get(app, "/echo", headers=_bearer(made["none"]))).status == 403
        answer = await _get(app, "/echo", headers=_bearer(made["reader"]))
        assert answer.json()["actor"] == "reader"

    @pytest.mark.parametrize(
        ("path", "host", "graph", "base"),
        [
            ("/echo", "h:1", "default", "http://h:1"),
            ("/graphs/one/echo/x", "h:1", "one", "http://h:1/graphs/one"),
            ("/echo", "two.g.example", "two", "http://two.g.example"),
        ],
    )
    async def test_of_a_graph_it_has_the_services_that_are_addressed(
        self, path: str, host: str, graph: str, base: str
    ) -> None:
        app = self._app(_mount(of_graph=True))
        answer = await _get(app, path, headers={"Host": host})
        assert answer.json() == {"actor": "anonymous", "base": base, "graph": graph}

    async def test_of_a_graph_it_knows_what_no_graph_can_be_called(self) -> None:
        app = self._app(_mount(of_graph=True))
        assert (await _get(app, "/graphs/-/echo")).status == 404

    async def test_a_fault_before_the_answer_is_answered(self) -> None:
        async def fail(*_: Any) -> None:
            raise RuntimeError

        answer = await _get(self._app(_mount(make=lambda: fail)), "/echo")
        flush(5)
        assert answer.status == 500
        assert self._noted() == [("Echo", "GET", 500)]

    async def test_a_fault_within_the_answer_is_the_servers_to_end(self) -> None:
        async def fail(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await _get(self._app(_mount(make=lambda: fail)), "/echo")
        assert self._noted() == [("Echo", "GET", 200)]


class TestAuthenticator:
    """Whoever tells callers may have to wait for an answer itself, and is asked once."""

    class Slow:
        def __init__(self, actor: Actor | None) -> None:
            self.actor = actor
            self.asked: list[str] = []
            self.needed: Collection[Permission] = ()

        def seen(self, _token: str) -> Actor | None:
            return None

        async def authenticate(self, token: str) -> Actor | None:
            self.asked.append(token)
            await asyncio.sleep(0)
            return self.actor

        async def until_lost(
            self, _token: str, permissions: Collection[Permission], _graph: str
        ) -> None:
            self.needed = permissions  # and one of them is lost

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            *(("/digitaltwins/a", 404), ("/graphs/default/digitaltwins/a", 404)),
            *(("/nothing", 404), ("/graphs/-/models", 404), ("/graphs/default/healthz", 200)),
        ],
    )
    @pytest.mark.parametrize("known", [True, False])
    async def test_it_is_asked_once(self, path: str, status: int, known: bool) -> None:
        actor = _owner() if known else None
        slow = self.Slow(actor)
        app = _app(entrance=Entrance(slow))
        graphs: Any = app._server.graphs
        graphs.named = AsyncMock(return_value=graphs.default)
        answer = await _get(app, path, query="", headers=_bearer("t"))
        is_open = path.endswith("healthz")
        assert answer.status == (status if known or is_open else 401)
        assert slow.asked == ["t"]

    async def test_a_stream_ends_with_any_permission_that_it_needed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def endless() -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.Event().wait()

        async def handle(_services: Services, request: Request) -> StreamResponse:
            request.require(Permission.HISTORY_READ)
            return StreamResponse(endless(), b"text/plain")

        operation = Operation("Endless", "GET", "/endless", Permission.QUERY, handle, "None")
        monkeypatch.setattr("kastor.api.app.OPERATIONS", (operation,))
        slow = self.Slow(_owner())
        app = _app(entrance=Entrance(slow))
        await asyncio.wait_for(_get(app, "/endless", headers=_bearer("t")), 5)
        assert set(slow.needed) == {Permission.QUERY, Permission.HISTORY_READ}

    async def test_it_is_not_asked_where_nobody_needs_to_be_known(self) -> None:
        slow = self.Slow(None)
        assert (
            await _get(_app(entrance=Entrance(slow)), "/healthz", headers=_bearer("t"))
        ).status == 200
        assert slow.asked == []


class TestMethods:
    @pytest.mark.parametrize("path", ["/healthz", "/openapi.json", "/docs", "/docs/openapi.json"])
    async def test_head_is_answered_as_get_is(self, path: str) -> None:
        got = await _get(_app(), path, query="")
        head = await _get(_app(), path, query="", method="HEAD")
        assert (head.status, got.status) == (200, 200)
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]

    @pytest.mark.parametrize("path", ["/digitaltwins/a", "/models", "/query"])
    async def test_head_is_no_method_of_the_contract(self, path: str) -> None:
        answer = await _get(_app(), path, method="HEAD")
        assert answer.status == 405
        assert "HEAD" not in answer.headers["allow"]

    @pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/assets/x.css", "/healthz"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    async def test_other_methods_are_refused_in_the_envelope(self, path: str, method: str) -> None:
        answer = await _get(_app(), path, query="", method=method)
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD"
        assert answer.json()["error"]["code"] == "MethodNotAllowed"


@pytest.mark.parametrize("path", ["/digitaltwins/a", "/digitaltwins/a/relationships/r"])
async def test_a_creation_is_answered_with_what_its_decision_made(path: str) -> None:
    async def execute(_command: Any, _context: Any) -> Written:
        return Written("e", b"{}", b'{"$etag":"made"}')

    graphs: Any = SimpleNamespace(default=SimpleNamespace(graph=SimpleNamespace(execute=execute)))
    app = Application(ServerState(graphs, RequestLimits()), Addressing())
    headers = {"Content-Type": "application/json"}
    scope = scope_of(path, method="PUT", query=VERSION, headers=headers)
    answer = await ask(app, scope, b"{}")
    assert (answer.status, answer.body) == (200, b'{"$etag":"made"}')
    assert answer.headers["etag"] == 'W/"e"'


class TestNothingIsKeptOfStrangers:
    async def test_queries_are_read_after_access_was_checked(
        self, tokens: tuple[Access, dict[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_raw: bytes) -> None:
            raise AssertionError

        monkeypatch.setattr("kastor.api.http.request.parse_query", fail)
        store, made = tokens
        assert (await _get(_app(entrance=Entrance(store)))).status == 401
        assert (
            await _get(_app(entrance=Entrance(store)), headers=_bearer(made["none"]))
        ).status == 403
        assert (
            await _get(_app(entrance=Entrance(store)), headers=_bearer(made["owner"]))
        ).status == 500

    async def test_a_long_token_is_none(
        self, tokens: tuple[Access, dict[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_token: str) -> None:
            raise AssertionError

        monkeypatch.setattr(tokens[0], "authenticate", fail)
        answer = await _get(_app(entrance=Entrance(tokens[0])), headers=_bearer("x" * 16_385))
        assert answer.status == 401


def _owner() -> Actor:
    return Actor(Principal(CallerKind.STATIC, "token:a", "a"), [Grant("owner", ROLES["owner"])])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestAccessLog:
    @pytest.mark.parametrize(
        ("path", "status"), [("/healthz", 200), ("/digitaltwins/a", 404), ("/docs", 200)]
    )
    async def test_it_has_one_line_for_each_request(
        self, path: str, status: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        await _get(_app(access_log=True), path)
        flush(5)
        (line,) = capsys.readouterr().err.splitlines()
        for part in ("GET", path, str(status), "milliseconds"):
            assert part in line

    async def test_it_is_off_unless_asked_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        await _get(_app())
        flush(5)
        assert capsys.readouterr() == ("", "")
