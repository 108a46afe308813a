"""Whoever reaches a server by its API gets none of its operator's files, secrets and networks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from kastor.auth.tokens import create_token, revoke_token
from kastor.storage.sqlite.folder import OWN_NAMES
from kastor.testing import KastorServer

from .watch import watched

VERSION = {"api-version": "2023-10-31"}
MODEL = {"@id": "dtmi:trust:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
TWIN = {"$metadata": {"$model": MODEL["@id"]}}
PUBLIC = ("--public-url", "https://twins.example", "--allow-anonymous")
SOON = 5.0


class Receiver:
    """Takes what webhooks send, on loopback."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.headers.append({k.lower(): v for k, v in self.headers.items()})
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def client(server: KastorServer, **headers: str) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, params=VERSION, headers=headers, timeout=30)


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def route(http: httpx2.Client, endpoint: str, twin: str = "a") -> None:
    """Route everything to an endpoint, and give it an event."""
    body = {"endpointName": endpoint, "filter": "true"}
    assert http.put("/eventroutes/r", json=body).status_code == 204
    http.post("/models", json=[MODEL])
    assert http.put(f"/digitaltwins/{twin}", json=TWIN).status_code == 200


def last_error(http: httpx2.Client) -> str:
    return str(http.get("/kastor/v1/routes/r").json()["lastError"] or "")


@pytest.mark.parametrize(
    "name",
    [
        *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
        *("X-Forwarded-Anything", "X-Real-IP", "CF-Connecting-IP", "X-Original-Host"),
    ],
)
def test_what_a_proxy_hands_on_gets_nothing_from_a_server_for_this_machine(
    plain: KastorServer, name: str
) -> None:
    with client(plain) as http:
        for path in ("/models", "/healthz", "/docs", "/openapi.json", "/nothing"):
            answer = http.get(path, headers={name: "1.2.3.4"})
            assert answer.status_code == 403, path
            error = answer.json()["error"]
            assert error["code"] == "ForwardedNotAllowed"
            assert "--auth tokens" in error["message"]
            assert "--allow-anonymous" in error["message"]
        assert http.get("/models").status_code == 200


@pytest.fixture(scope="module")
def plain() -> Iterator[KastorServer]:
    with KastorServer() as server:
        yield server


@pytest.fixture(scope="module", params=["this machine", "a proxy", "tokens"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[KastorServer, httpx2.Client]]:
    """A server of each kind, and a client that may do everything that its API offers."""
    flags = {"this machine": (), "a proxy": PUBLIC, "tokens": ("--auth", "tokens")}
    with KastorServer(flags[request.param]) as server:
        token = server.credential.get_token().token
        headers = {"Authorization": f"Bearer {token}"}
        if request.param == "a proxy":
            headers |= {"Host": "twins.example", "X-Forwarded-For": "203.0.113.9"}
        with client(server, **headers) as http:
            yield server, http


HOOK = {"url": "https://hooks.example.org/"}
BROKER: dict[str, dict[str, Any]] = {
    "webhook": HOOK,
    "kafka": {"brokers": ["kafka.example.org:9092"], "topic": "t", "tls": True},
    "mqtt": {"host": "broker.example.org", "tls": True},
    "amqp": {"url": "amqps://rabbit.example.org/"},
    "nats": {"servers": ["nats://nats.example.org:4222"]},
}
RULES = [{"match": "a/{twin}", "twin": "{twin}", "patch": {"/x": "/x"}}]


def test_secrets_of_others_are_refused(served: tuple[KastorServer, httpx2.Client]) -> None:
    server, http = served
    foreign = [
        {"env": "AWS_SECRET_ACCESS_KEY"},
        {"env": "PATH"},
        {"env": "XKASTOR_SECRET_A"},
        {"file": "/etc/shadow"},
        {"file": str(server.data_dir / "tokens")},
        {"file": str(server.data_dir / "secrets" / ".." / "tokens")},
        {"file": "secrets/../tokens"},
    ]
    for secret in foreign:
        login = {"username": "u", "password": secret}
        made: list[tuple[str, dict[str, Any]]] = [
            ("webhook", {**HOOK, "secret": secret}),
            ("webhook", {**HOOK, "headers": {"X-A": secret}}),
            ("webhook", {"url": secret}),
            *((kind, BROKER[kind] | login) for kind in ("kafka", "mqtt", "amqp", "nats")),
            ("nats", BROKER["nats"] | {"token": secret}),
        ]
        for kind, settings in made:
            body = {"kind": kind, "settings": settings}
            answer = http.put("/kastor/v1/endpoints/evil", json=body)
            assert answer.status_code == 400, (settings, answer.text)
            assert "of the endpoint may only name" in answer.json()["error"]["message"]
    for secret in foreign:
        settings = {"host": "b.example", "username": "u", "password": secret, "rules": RULES}
        answer = http.put("/kastor/v1/inputs/evil", json={"kind": "mqtt", "settings": settings})
        assert answer.status_code == 400
        assert "password of the input may only name" in answer.json()["error"]["message"]
    own = {"X-A": {"env": "KASTOR_SECRET_A"}, "X-B": {"file": f"{server.data_dir}/secrets/b"}}
    body = {"kind": "webhook", "settings": {**HOOK, "headers": own}}
    assert http.put("/kastor/v1/endpoints/mine", json=body).status_code == 200


def test_files_of_others_are_refused(served: tuple[KastorServer, httpx2.Client]) -> None:
    server, http = served
    data = server.data_dir
    (data / "link").unlink(missing_ok=True)
    (data / "link").symlink_to("/etc")
    before = (data / "tokens").read_bytes() if (data / "tokens").exists() else None
    files = ["/etc/passwd", "/root/.ssh/authorized_keys", str(data), f"{data}/../x", "/"]
    files += [f"{data}/{name}" for name in (*OWN_NAMES, "tokens.1", "TOKENS", "graphs/x", "tls/ca")]
    files += [f"{data}/link/cron.d/evil", f"{data}/events/../tokens", f"{data}/secrets/a"]
    for path in files:
        body = {"kind": "file", "settings": {"path": path}}
        answer = http.put("/kastor/v1/endpoints/evil", json=body)
        assert answer.status_code == 400, path
        assert "--file-root" in answer.json()["error"]["message"]
    for kind, settings in BROKER.items():
        body = {"kind": kind, "settings": {**settings, "ca_file": "/etc/shadow"}}
        answer = http.put("/kastor/v1/endpoints/evil", json=body)
        assert "ca_file of the endpoint may only" in answer.json()["error"]["message"]
    settings = {"host": "b.example", "tls": True, "ca_file": "/etc/shadow", "rules": RULES}
    answer = http.put("/kastor/v1/inputs/evil", json={"kind": "mqtt", "settings": settings})
    assert "ca_file of the input may only" in answer.json()["error"]["message"]
    assert http.get("/kastor/v1/endpoints/evil").status_code == 404
    after = (data / "tokens").read_bytes() if (data / "tokens").exists() else None
    assert after == before


def test_what_a_server_keeps_for_itself_is_known_as_its_own() -> None:
    with KastorServer(("--auth", "tokens"), tls=True) as server:
        for each in server.data_dir.iterdir():
            assert each.name.startswith(OWN_NAMES), each


def test_a_file_below_a_given_root_is_written(tmp_path: Path) -> None:
    with KastorServer(("--file-root", str(tmp_path))) as server, client(server) as http:
        file = tmp_path / "events.ndjson"
        body = {"kind": "file", "settings": {"path": str(file)}}
        assert http.put("/kastor/v1/endpoints/log", json=body).status_code == 200
        route(http, "log")
        until(lambda: file.exists() and file.read_text().endswith("\n"))
        assert json.loads(file.read_text())["subject"] == "a"


def test_the_files_endpoints_are_the_operators_word_and_nobody_elses(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANT_SECRET", "s3cret-value")
    data, config = tmp_path / "data", tmp_path / "kastor.toml"
    config.write_text(
        f'[endpoints.hook]\nkind = "webhook"\nurl = "{receiver.url}"\n'
        'headers = {X-Plant = {env = "PLANT_SECRET"}}\n'
    )
    with (
        KastorServer((*PUBLIC, "--config", str(config)), data_dir=data) as server,
        client(server) as http,
    ):
        route(http, "hook")
        until(lambda: bool(receiver.headers))
        assert receiver.headers[0]["x-plant"] == "s3cret-value"
        # The same words from a caller, or others under that name, are not the operator's.
        shown = http.get("/kastor/v1/endpoints/hook").json()
        body = {"kind": "webhook", "settings": shown["settings"]}
        assert http.put("/kastor/v1/endpoints/hook", json=body).status_code == 400
        assert http.put("/kastor/v1/endpoints/other", json=body).status_code == 400
    # As endpoints are found that an earlier version took from a caller.
    with KastorServer(PUBLIC, data_dir=data) as server, client(server) as http:
        sent = len(receiver.headers)
        assert http.put("/digitaltwins/b", json=TWIN).status_code == 200
        until(lambda: "begin with KASTOR_SECRET_" in last_error(http))
        assert "secrets" in last_error(http)
        assert http.get("/kastor/v1/endpoints/hook").status_code == 200
        with watched(server):
            time.sleep(1)
        assert len(receiver.headers) == sent
        assert server.output.count("route does not run") == 1
        body = {"kind": "webhook", "settings": {"url": receiver.url}}
        assert http.put("/kastor/v1/endpoints/hook", json=body).status_code == 200
        until(lambda: "private_addresses" in last_error(http))
        assert len(receiver.headers) == sent


@pytest.mark.parametrize(
    ("flags", "variable", "arrives"),
    [
        ((), None, True),
        ((), "false", False),
        (("--graph-domain", "graphs.localhost"), None, True),
        (PUBLIC, None, False),
        (("--trusted-proxy", "10.0.0.1", "--allow-anonymous"), None, False),
        (("--graph-domain", "graphs.example", "--allow-anonymous"), None, False),
        (("--auth", "tokens"), None, False),
        (PUBLIC, "true", True),
    ],
)
def test_private_addresses_are_open_only_where_this_machine_calls(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    variable: str | None,
    arrives: bool,
) -> None:
    if variable is not None:
        monkeypatch.setenv("KASTOR_PRIVATE_ADDRESSES", variable)
    with KastorServer(flags) as server:
        token = server.credential.get_token().token
        with client(server, Authorization=f"Bearer {token}") as http:
            body = {"kind": "webhook", "settings": {"url": receiver.url}}
            assert http.put("/kastor/v1/endpoints/hook", json=body).status_code == 200
            route(http, "hook")
            if arrives:
                until(lambda: bool(receiver.headers))
            else:
                until(lambda: "private_addresses" in last_error(http))
                assert receiver.headers == []


class Stream:
    """A client that follows something and notes when it ended."""

    def __init__(self, server: KastorServer, token: str, path: str) -> None:
        self.ended = threading.Event()
        self.began = threading.Event()
        self._arguments = server.url, token, path
        threading.Thread(target=self._follow, daemon=True).start()
        assert self.began.wait(20), path

    def _follow(self) -> None:
        url, token, path = self._arguments
        headers = {"Authorization": f"Bearer {token}"}
        query = {"query": "SELECT T FROM DIGITALTWINS T"}
        method, body = ("GET", None) if path.endswith("events") else ("POST", query)
        with (
            httpx2.Client(base_url=url, headers=headers, timeout=60) as http,
            http.stream(method, path, json=body) as answer,
        ):
            assert answer.status_code == 200
            for _ in answer.iter_bytes():
                self.began.set()
        self.ended.set()


PATHS = ("/kastor/v1/events", "/kastor/v1/query/live")


@pytest.mark.parametrize("way", ["revoked", "another role", "no file"])
def test_a_token_that_is_taken_away_loses_its_streams(tmp_path: Path, way: str) -> None:
    file = tmp_path / "tokens"
    gone, kept = (create_token(file, "reader", name) for name in ("gone", "kept"))
    with KastorServer(("--auth", "tokens"), data_dir=tmp_path) as server:
        lost = [Stream(server, gone, path) for path in PATHS]
        other = [Stream(server, kept, path) for path in PATHS]
        with client(server, Authorization=f"Bearer {gone}") as http, watched(server):
            assert http.get("/models").status_code == 200
            began = time.monotonic()
            if way == "revoked":
                assert revoke_token(file, "gone")
            elif way == "no file":
                file.unlink()
            else:
                old, new = (f'"role":"{role}","name":"gone"' for role in ("reader", "sender"))
                file.write_text(file.read_text().replace(old, new))
            for each in lost:
                assert each.ended.wait(SOON)
            print(f"streams ended after {time.monotonic() - began:.1f} s")
            status = 403 if way == "another role" else 401
            assert http.get("/models").status_code == status
        assert [each.ended.wait(0.5) for each in other] == [way == "no file"] * len(PATHS)


def test_a_broken_token_file_lets_nobody_new_in_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = create_token(file, "reader", "known")
    with KastorServer(("--auth", "tokens"), data_dir=tmp_path) as server:
        stream = Stream(server, token, PATHS[0])
        good = file.read_text()
        late = create_token(file, "owner", "late")
        file.write_text(file.read_text() + "nonsense\n")
        until(lambda: "token file cannot be used" in server.output, SOON)
        with client(server) as http:
            for each, status in ((token, 200), (late, 401), ("other", 401)):
                headers = {"Authorization": f"Bearer {each}"}
                assert http.get("/models", headers=headers).status_code == status
        assert not stream.ended.is_set()
        time.sleep(2)
        assert server.output.count("token file cannot be used") == 1
        file.write_text(good)
        until(lambda: "can be used again" in server.output, SOON)
