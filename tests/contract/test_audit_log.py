"""The audit log of a real server: refusals, acts before their answers, and what must not harm it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest

from kastor.audit.floods import OF_A_CALLER
from kastor.audit.reading import AuditReader
from kastor.testing import KastorServer

from .client import Api, assert_json
from .models import BUILDING, M, building

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 10
FLOOD = 5_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Audited:
    """A server with an audit log, with a client of each role."""

    def __init__(self, server: KastorServer, path: Path | None = None) -> None:
        self.server = server
        self.path = path or server.data_dir / "audit" / "audit.ndjson"
        self.seen = 0

    @contextlib.contextmanager
    def as_(self, role: str | None) -> Iterator[Api]:
        token = None if role is None else self.server.token(role)
        with Api(self.server.url, token=token) as client:
            yield client

    def lines(self) -> list[dict[str, Any]]:
        return list(AuditReader(self.path).lines())

    def new(self, count: int) -> list[dict[str, Any]]:
        """The next lines, once there are so many: refusals are written a moment after the answer."""
        deadline = time.monotonic() + SECONDS
        while len(found := self.lines()) < self.seen + count and time.monotonic() < deadline:
            time.sleep(0.01)
        found, self.seen = found[self.seen :], len(found)
        assert len(found) == count, found
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    # A proxy of its own cannot be had here: the test itself is the one that is trusted.
    with KastorServer(("--auth", "tokens", "--access-log")) as server:
        server.token("reader")
        server.token("none")
        yield server


@pytest.fixture
def audited(server: KastorServer) -> Audited:
    server.reset()
    made = Audited(server)
    time.sleep(0.05)
    made.seen = len(made.lines())
    return made


def _without_time(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "time"}


def test_it_begins_with_what_says_who_comes_in(audited: Audited) -> None:
    started = next(each for each in audited.lines() if each["event"] == "started")
    assert started["auth"] == ["tokens"]
    assert started["address"] == audited.server.url
    assert started["worker"] == 0


def test_who_has_no_token_is_refused_with_a_line(audited: Audited) -> None:
    with audited.as_(None) as nobody:
        sent = nobody.get(
            "/digitaltwins/T?sig=secret", headers={"traceparent": f"00-{TRACE}-{'b' * 16}-01"}
        )
        assert sent.status_code == 401
        assert nobody.get("/no/such/kst_AAAAAAAAAAAAAAAA").status_code == 401
    known, unknown = audited.new(2)
    assert _without_time(known) == {
        "event": "refused",
        "status": 401,
        "code": "Unauthorized",
        "operation": "DigitalTwins_GetById",
        "method": "GET",
        "path": "/digitaltwins/T",
        "graph": "default",
        "permission": "digitaltwins/read",
        "client": "127.0.0.1",
        "trace": TRACE,
    }
    assert _without_time(unknown) == {
        "event": "refused",
        "status": 401,
        "code": "Unauthorized",
        "method": "GET",
        "path": "/no/such/***",
        "client": "127.0.0.1",
    }


def test_who_lacks_a_permission_is_refused_by_name(audited: Audited) -> None:
    with audited.as_("reader") as reader:
        assert reader.delete(f"/models/{BUILDING}").status_code == 403
    with audited.as_("none") as stranger:
        stranger.get("/digitaltwins/T", headers={"X-Forwarded-For": "198.51.100.1"})
    lacking, roleless = audited.new(2)
    assert lacking["actor"] == "token:kastor-testing-reader"
    assert (lacking["name"], lacking["kind"]) == ("kastor-testing-reader", "token")
    assert (lacking["code"], lacking["permission"]) == ("Forbidden", "models/delete")
    assert roleless["actor"] == "token:kastor-testing-none"
    assert roleless["client"] == "127.0.0.1"  # whoever sent it may have made the address up


def test_what_a_handler_refuses_names_what_was_lacking(audited: Audited) -> None:
    with audited.as_("owner") as owner:
        assert owner.put("/kastor/v1/graphs/other", version=None).status_code in (200, 201)
        assert owner.delete("/kastor/v1/graphs/other", version=None).status_code in (200, 204)
    made, deleted = audited.new(2)
    assert [made["operation"], deleted["operation"]] == ["Kastor_CreateGraph", "Kastor_DeleteGraph"]
    assert {made["graph"], deleted["graph"]} == {"other"}


def test_acts_have_lines_and_plain_reads_and_writes_have_none(audited: Audited) -> None:
    with audited.as_("owner") as owner:
        owner.add_models(M)
        owner.add_twin("T", building(AverageTemperature=1))
        owner.add_twin("U", building())
        owner.relate("T", "r", "U")
        assert_json(owner.query("SELECT * FROM digitaltwins"))
        assert owner.delete("/digitaltwins/T/relationships/r").status_code == 204
        assert owner.delete("/digitaltwins/T").status_code == 204
        dry = {"kastor-dry-run": "true"}
        assert owner.delete(f"/models/{BUILDING}", headers=dry).status_code == 204
        assert owner.delete("/models/dtmi:missing;1").status_code == 404
        assert owner.get("/kastor/v1/export", version=None).status_code == 200
        assert owner.delete(f"/models/{BUILDING}").status_code == 204
        assert owner.post("/kastor/v1/reset", version=None).status_code == 204
    found = audited.new(4)
    assert [(each["event"], each["operation"], each["status"]) for each in found] == [
        ("act", "DigitalTwinModels_Add", 201),
        ("act", "Kastor_Export", 200),
        ("act", "DigitalTwinModels_Delete", 204),
        ("act", "Kastor_Reset", 204),
    ]
    assert {each["actor"] for each in found} == {"token:kastor-testing-owner"}


def test_what_clients_send_does_not_break_lines(audited: Audited) -> None:
    with audited.as_(None) as nobody:
        paths = ["/digitaltwins/%0A%7B%22event%22%3A%22act%22%7D", f"/{'x' * 5_000}", "/%1b%5b2J"]
        for path in paths:
            assert nobody.get(path).status_code == 401
    found = audited.new(3)
    assert [each["path"] for each in found] == [paths[0], f"/{'x' * 511}...", paths[2]]
    raw = audited.path.read_bytes()
    assert all(orjson.loads(line)["event"] for line in raw.splitlines())
    assert raw.decode().replace("\n", "").isprintable()


def test_no_token_ever_stands_in_it(audited: Audited) -> None:
    secrets = [audited.server.token(role) for role in ("owner", "reader", "none")]
    with audited.as_(None) as nobody:
        for each in secrets:
            nobody.get(f"/digitaltwins/{each}?token={each}", headers={"X-Key": each})
            nobody.get("/models", headers={"Authorization": f"Bearer {each}x"})
    audited.new(6)
    text = audited.path.read_text()
    assert not [each for each in secrets if each in text]


def test_the_access_log_names_who_asked(audited: Audited) -> None:
    with audited.as_("reader") as reader, audited.as_(None) as nobody:
        reader.get("/digitaltwins/by-reader")
        nobody.get("/digitaltwins/by-nobody")
    deadline = time.monotonic() + SECONDS
    while "by-nobody" not in audited.server.output and time.monotonic() < deadline:
        time.sleep(0.01)
    lines = audited.server.output.splitlines()
    (known,) = [orjson.loads(each) for each in lines if "/by-reader" in each]
    assert (known["actor"], known["actor_id"]) == (
        "kastor-testing-reader",
        "token:kastor-testing-reader",
    )
    (unknown,) = [orjson.loads(each) for each in lines if "/by-nobody" in each]
    assert "actor" not in unknown


def test_history_has_the_author_and_metadata_never_has(audited: Audited) -> None:
    with audited.as_("owner") as owner:
        owner.add_models(M)
        owner.add_twin("T", building(AverageTemperature=1))
        owner.add_twin("U", building())
        owner.relate("T", "r", "U")
        patch = [{"op": "replace", "path": "/AverageTemperature", "value": 2}]
        assert owner.patch("/digitaltwins/T", patch).status_code == 204
        past = assert_json(owner.get("/kastor/v1/digitaltwins/T/history"))["value"]
        assert {each["actor"] for each in past} == {"kastor-testing-owner"}
        answers = [
            owner.get("/digitaltwins/T"),
            owner.get("/digitaltwins/T/relationships/r"),
            owner.get("/digitaltwins/T/relationships"),
            owner.query("SELECT * FROM digitaltwins"),
            owner.query("SELECT * FROM relationships"),
            owner.query(
                "SELECT T, R FROM digitaltwins T JOIN U RELATED T.rel R WHERE T.$dtId = 'T'"
            ),
            owner.get("/kastor/v1/export", version=None),
        ]
        for each in answers:
            assert each.status_code in (200, 400), each.text
            assert "kastor-testing-owner" not in each.text
            assert '"actor"' not in each.text


def _flood(url: str) -> int:
    """Send many requests without a token over one connection; how many were refused."""
    address = urlsplit(url)
    request = b"GET /digitaltwins/x?api-version=2023-10-31 HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.settimeout(60)
        sender = threading.Thread(target=connection.sendall, args=(request * FLOOD,), daemon=True)
        sender.start()
        refused, rest = 0, b""
        while refused < FLOOD and (chunk := connection.recv(65_536)):
            parts = (rest + chunk).split(b"HTTP/1.1 401 ")
            refused, rest = refused + len(parts) - 1, parts[-1][-12:]
        return refused


def test_a_flood_of_refusals_fills_no_disk_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else it is 429 after a while; here everything is refused in the same way.
    monkeypatch.setenv("KASTOR_FAILED_ACCESS_LIMIT", "0")
    waits: list[float] = []
    over = threading.Event()
    path = tmp_path / "audit.ndjson"

    def look(url: str) -> None:
        with httpx2.Client(base_url=url) as client:
            while not over.wait(0.02):
                started = time.monotonic()
                assert client.get("/healthz").status_code == 200
                waits.append(time.monotonic() - started)

    with KastorServer(("--auth", "tokens", "--audit-log", str(path))) as server:
        looking = threading.Thread(target=look, args=(server.url,))
        looking.start()
        started = time.monotonic()
        assert _flood(server.url) == FLOOD
        seconds = time.monotonic() - started
        over.set()
        looking.join()
    assert max(waits) < 1.0
    lines = list(AuditReader(path).lines())
    refused = sum(each["event"] == "refused" for each in lines)
    assert refused <= OF_A_CALLER[1] + OF_A_CALLER[0] * (seconds + 1)
    held_back = [each["count"] for each in lines if each["event"] == "suppressed"]
    assert refused + sum(held_back) == FLOOD
    assert "stopped" in {each["event"] for each in lines}
    assert path.stat().st_size < 50_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(filler: Path) -> None:
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)


def test_a_full_disk_costs_lines_and_nothing_else(small_disk: Path) -> None:
    path = small_disk / "audit.ndjson"
    with KastorServer(("--auth", "tokens", "--audit-log", str(path))) as server:
        audited = Audited(server, path)
        audited.new(1)  # that it has started
        filler = small_disk / "filler"
        _fill(filler)
        with audited.as_("owner") as owner, audited.as_(None) as nobody:
            for n in range(20):  # the page that the file has already takes some
                model = {**M, "@id": f"dtmi:audit:m{n};1"}
                started = time.monotonic()
                assert owner.post("/models", [model]).status_code == 201
                assert time.monotonic() - started < SECONDS
            assert nobody.get("/digitaltwins/x").status_code == 401
            parts = owner.get("/metrics", version=None).text
            assert 'kastor_part_up{graph="",part="audit",worker="0"} 0.0' in parts
            assert owner.get("/readyz", version=None).status_code == 200
            assert server.output.count("the audit log cannot be written") == 1
            filler.unlink()
            owner.add_models({**M, "@id": "dtmi:audit:again;1"})
            parts = owner.get("/metrics", version=None).text
            assert 'kastor_part_up{graph="",part="audit",worker="0"} 1.0' in parts
        *_, missing, act = audited.lines()
        assert (missing["event"], act["event"]) == ("missing", "act")
        acts = sum(each["event"] == "act" for each in audited.lines())
        assert acts + missing["count"] in (21, 22)  # the refusal may have had its line still


def test_an_act_is_on_disk_before_its_answer_and_a_trusted_proxy_says_whose_it_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.ndjson"
    args = ("--allow-anonymous", "--trusted-proxy", "127.0.0.1", "--audit-log", str(path))
    with KastorServer(args) as server:
        audited = Audited(server, path)
        with Api(server.url) as client:
            said = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
            for page in ("/models", "/docs"):  # a page of the web, to an operation and a mount
                assert client.get(page, headers={"Origin": "https://a.example"}).status_code == 403
            _, *strange = audited.new(3)
            answer = client.post("/models", [M], headers=said)
            server.process.kill()
        server.process.wait()
        assert answer.status_code == 201
        (act,) = audited.new(1)
        assert not (server.data_dir / "audit").exists()
    assert {(each["event"], each["code"]) for each in strange} == {("refused", "OriginNotAllowed")}
    assert [each.get("operation") for each in strange] == [None, "Docs"]
    assert (act["event"], act["operation"]) == ("act", "DigitalTwinModels_Add")
    assert (act["client"], act["proxy"]) == ("198.51.100.1", "127.0.0.1")
    assert (act["actor"], act["kind"]) == ("anonymous", "anonymous")
    assert path.stat().st_mode & 0o777 == 0o600
