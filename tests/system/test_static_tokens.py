"""Static tokens on a running server: they end, are rotated, and are for some graphs."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.auth.tokens import create_token, list_tokens
from kastor.auth.tokens.lines import hash_of
from kastor.testing import KastorServer

from .program import PART, ROOM, invoked, room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSION = {"api-version": "2023-10-31"}
GRAPHS = ("plant", "team-a", "team-b")
SOON = 15.0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


class Caller:
    """A client with a token."""

    def __init__(self, server: KastorServer, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx2.Client(base_url=server.url, params=VERSION, headers=headers, timeout=30)

    def status(self, path: str = "/models", method: str = "GET") -> int:
        return self.http.request(method, path).status_code

    def ended(self) -> threading.Event:
        """Follow the events; what is set when the stream has ended."""
        began, ended = threading.Event(), threading.Event()

        def follow() -> None:
            with self.http.stream("GET", "/kastor/v1/events") as answer:
                assert answer.status_code == 200
                for _ in answer.iter_bytes():
                    began.set()
            ended.set()

        threading.Thread(target=follow, daemon=True).start()
        assert began.wait(SOON)
        return ended


class Guarded:
    """A server with three graphs beside its own, and the file of its tokens."""

    def __init__(self, server: KastorServer) -> None:
        self.server = server
        self.file = server.data_dir / "tokens"
        self.owner = self.caller("owner")

    def caller(
        self, role: str, *graphs: str, name: str | None = None, expires: float | None = None
    ) -> Caller:
        token = create_token(self.file, role, name, graphs=graphs or ("*",), expires=expires)
        return Caller(self.server, token)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("static")
    create_token(folder / "tokens", "reader", "soon", expires=time.time() + 86_400)
    line = {"sha256": hash_of("kst_s"), "role": "shift", "name": "night"}
    with (folder / "tokens").open("a") as file:
        file.write(json.dumps(line) + "\n")
    with KastorServer(("--auth", "tokens", "--log-format", "json"), data_dir=folder) as server:
        made = Guarded(server)
        for name in GRAPHS:
            assert made.owner.status(f"/kastor/v1/graphs/{name}", "PUT") == 201
        yield made


def test_a_token_that_ends_is_unknown_and_loses_its_stream(guarded: Guarded) -> None:
    other = guarded.caller("reader", expires=time.time() + 3_600)
    goes_on = other.ended()
    short = guarded.caller("reader", expires=time.time() + 3)
    ended = short.ended()
    assert short.status() == 200
    assert short.http.get("/kastor/v1/me").json()["expires"] is not None
    assert ended.wait(SOON)
    refused, unknown = (
        short.http.get("/models"),
        Caller(guarded.server, "kst_x").http.get("/models"),
    )
    assert refused.status_code == 401
    assert refused.content == unknown.content
    assert refused.headers["www-authenticate"] == unknown.headers["www-authenticate"]
    assert not goes_on.is_set()
    assert other.status() == 200


class TestScope:
    def test_it_reads_its_graphs_and_lists_no_others(self, guarded: Guarded) -> None:
        scoped = guarded.caller("reader", "team-*", "nowhere")
        assert scoped.status("/graphs/team-a/models") == 200
        listed = scoped.http.get("/kastor/v1/graphs").json()["value"]
        assert [each["name"] for each in listed] == ["team-a", "team-b"]
        me = scoped.http.get("/graphs/team-a/kastor/v1/me").json()
        assert me["roles"] == [{"role": "reader", "graphs": ["team-*", "nowhere"]}]
        assert "models/read" in me["permissions"]
        assert scoped.http.get("/kastor/v1/me").json()["permissions"] == []
        # A reader is one there.
        assert scoped.status("/graphs/team-a/kastor/v1/jobs") == 200
        assert scoped.status("/graphs/team-a/models/dtmi:x;1", "DELETE") == 403

    @pytest.mark.parametrize("path", ["/models", "/kastor/v1/events", "/digitaltwins/a"])
    def test_elsewhere_nothing_tells_whether_there_is_a_graph(
        self, guarded: Guarded, path: str
    ) -> None:
        scoped = guarded.caller("owner", "team-a")
        here, nobody = (scoped.http.get(f"/graphs/{name}{path}") for name in ("plant", "absent"))
        assert (here.status_code, nobody.status_code) == (403, 403)
        assert here.text.replace("plant", "absent") == nobody.text
        assert scoped.status(path) == 403
        for name in ("plant", "absent"):
            for method in ("GET", "PUT", "DELETE"):
                assert scoped.status(f"/kastor/v1/graphs/{name}", method) == 403

    def test_a_graph_of_its_names_that_is_not_there_is_not_found(self, guarded: Guarded) -> None:
        scoped = guarded.caller("owner", "team-*")
        assert scoped.status("/graphs/team-new/models") == 404
        assert scoped.status("/kastor/v1/graphs/team-new", "PUT") == 201
        assert scoped.status("/graphs/team-new/models") == 200
        assert scoped.status("/kastor/v1/graphs/team-new", "DELETE") == 204

    @pytest.mark.parametrize("path", ["/metrics", "/kastor/v1/backup"])
    def test_what_tells_of_all_graphs_is_for_who_has_all(self, guarded: Guarded, path: str) -> None:
        for graphs in (("team-*",), GRAPHS):
            scoped = guarded.caller("owner", *graphs)
            assert scoped.status(path) == 403
            assert scoped.status(f"/graphs/team-a{path}") == 403
        with guarded.owner.http.stream("GET", path) as answer:
            assert answer.status_code == 200


def test_a_rotation_takes_nobody_out_and_keeps_the_name(guarded: Guarded) -> None:
    flags = ("--data", guarded.server.data_dir)

    def rotated(*more: str) -> Caller:
        done = invoked("token", "rotate", "gate", *more, *flags)
        assert done.returncode == 0, done.stderr
        return Caller(guarded.server, done.stdout.strip())

    made = invoked("token", "create", "--name", "gate", "--graph", "plant", *flags)
    old = Caller(guarded.server, made.stdout.strip())
    plant = "/graphs/plant"
    for model in (PART, ROOM):
        assert old.http.post(f"{plant}/models", json=[model]).status_code == 201
    assert old.http.put(f"{plant}/digitaltwins/t", json=room(1)).status_code == 200

    new = rotated("--grace", "1h")
    assert new.http.put(f"{plant}/digitaltwins/t", json=room(2)).status_code == 200
    assert old.status(f"{plant}/models") == 200
    assert new.status() == 403
    last = rotated("--grace", "0")
    assert last.status(f"{plant}/models") == 200
    for each in (new, old):  # a shorter grace counts for what was before as well
        until(lambda each=each: each.status(f"{plant}/models") == 401)  # type: ignore[misc]
    versions = last.http.get(f"{plant}/kastor/v1/digitaltwins/t/history").json()["value"]
    assert [each["actor"] for each in versions] == ["gate", "gate"]

    assert invoked("token", "revoke", "gate", *flags).returncode == 0
    until(lambda: last.status(f"{plant}/models") == 401)
    assert "gate" not in [each.name for each in list_tokens(guarded.file)]


def test_the_log_tells_of_what_ends_soon_and_of_roles_that_there_are_not(guarded: Guarded) -> None:
    server = guarded.server
    answer = Caller(server, "kst_s").http.get("/models")
    assert (answer.status_code, answer.content) == (403, b"")
    until(lambda: "have roles that there are not" in server.output)
    # The last line of the announcement may end behind them.
    lines = [json.loads(each) for each in re.findall(r'\{"event":.*\}', server.output)]
    ends = next(each for each in lines if "end within 7 days" in each["event"])
    roles = next(each for each in lines if "roles that there are not" in each["event"])
    assert list(ends["ends"]) == ["soon"]
    assert roles["roles"] == {"night": "shift"}
    assert "kst_s" not in server.output
