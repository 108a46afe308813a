"""Who may what at /mcp: the same as over REST, for every role, every graph and every door."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.agents.mounts import agent_mounts
from kastor.config import load_settings
from kastor.errors import NotFound
from kastor.testing import KastorServer
from tests.contract.client import Api
from tests.contract.guarded import NO_GRAPH, OTHER_GRAPH, TEAM_GRAPH, Guarded, guarding

from .speaking import NEWEST, REVISIONS, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

READING = [
    "describe_graph",
    "get_model",
    "find",
    "get_twin",
    "neighbours",
    "query",
    "explain_query",
    "history",
    "diff",
]
WRITING = ["propose_change", "apply_change"]
CONTEXT = "dtmi:dtdl:context;2"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("agents"), ("--agents", "write")) as made:
        yield made


def _tools(speaker: Speaker) -> list[str]:
    return [each["name"] for each in speaker.ask("tools/list")["tools"]]


@pytest.mark.parametrize("revision", REVISIONS)
def test_roles_see_the_tools_that_they_may_use_and_others_nothing(
    guarded: Guarded, revision: str
) -> None:
    for callers in (guarded.static, guarded.signed):
        assert _tools(Speaker(callers["o"].api, revision)) == [*READING, *WRITING]
        assert _tools(Speaker(callers["r"].api, revision)) == READING
        for role in ("s", "n"):
            refused = Speaker(callers[role].api, revision).send("tools/list")
            assert refused.status_code == 403
            assert (refused.content == b"") == (role == "n")
    for caller in guarded.nobody:
        refused = Speaker(caller.api, revision).send("tools/list")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer resource_metadata=")


def test_a_tool_that_is_not_seen_cannot_be_called(guarded: Guarded) -> None:
    before = guarded.snapshot()
    reader = Speaker(guarded.static["r"].api)
    operations = [{"op": "delete", "kind": "twin", "id": "a"}]
    for tool, arguments in (
        ("propose_change", {"operations": operations, "reason": "no"}),
        ("apply_change", {"token": "x"}),
    ):
        found = reader.call(tool, **arguments)
        assert (found.is_error, found.value["code"]) == (True, "Forbidden")
        assert "kastor/batch/write" in found.value["message"]
    assert guarded.snapshot() == before


def test_rights_are_those_on_the_addressed_graph(guarded: Guarded) -> None:
    team = f"/graphs/{TEAM_GRAPH}"
    for caller in guarded.team:
        assert _tools(Speaker(caller.api, prefix=team)) == [*READING, *WRITING]
        for elsewhere in ("", f"/graphs/{OTHER_GRAPH}", f"/graphs/{NO_GRAPH}"):
            assert Speaker(caller.api, prefix=elsewhere).send("tools/list").status_code == 403
    half = Speaker(guarded.half.api, prefix=team)
    assert _tools(half) == [
        *("find", "get_twin", "query", "explain_query", "history", "diff"),
        *WRITING,
    ]
    refused = half.call(
        "propose_change", operations=[{"op": "delete", "kind": "twin", "id": "a"}], reason="x"
    )
    assert (refused.is_error, refused.value["code"]) == (True, "Forbidden")
    assert half.call("describe_graph").value["code"] == "Forbidden"


def test_graphs_that_a_caller_may_not_know_of_answer_like_those_that_are_not(
    guarded: Guarded,
) -> None:
    caller = guarded.team[0]
    answers = [
        Speaker(caller.api, prefix=f"/graphs/{name}").send("tools/list")
        for name in (OTHER_GRAPH, NO_GRAPH)
    ]
    texts = {each.text.replace(OTHER_GRAPH, "NAME").replace(NO_GRAPH, "NAME") for each in answers}
    assert len(texts) == 1


def test_graphs_are_told_apart(guarded: Guarded) -> None:
    owner = guarded.owner
    here = Speaker(owner).got("describe_graph")
    other = Speaker(owner, prefix=f"/graphs/{OTHER_GRAPH}").got("describe_graph")
    assert (here["graph"], other["graph"]) == ("default", OTHER_GRAPH)
    status = owner.get(f"/graphs/{OTHER_GRAPH}/kastor/v1/status", version=None).json()
    assert other["counts"]["twins"] == status["counts"]["twins"] != here["counts"]["twins"]


def test_cursors_and_tokens_are_their_callers_own(guarded: Guarded) -> None:
    text = "SELECT T.$dtId FROM DIGITALTWINS T"
    owner, reader = Speaker(guarded.static["o"].api), Speaker(guarded.static["r"].api)
    first = owner.got("query", q=text, limit=1)
    for speaker, asked in (
        (reader, {"q": text}),
        (owner, {"q": text + " WHERE T.level > 0"}),
        (owner, {"q": text, "as_of": "change:2"}),
        (Speaker(guarded.owner, prefix=f"/graphs/{OTHER_GRAPH}"), {"q": text}),
    ):
        found = speaker.call("query", **asked, cursor=first["cursor"])
        assert (found.is_error, found.value["code"]) == (True, "InvalidCursor")
    forged = first["cursor"][:-2] + "xx"
    assert owner.call("query", q=text, cursor=forged).value["code"] == "InvalidCursor"
    body = [{"op": "add", "path": "/level", "value": 7}]
    operation = {"op": "patch", "kind": "twin", "id": "a", "body": body}
    made = owner.got("propose_change", operations=[operation], reason="x")
    other = Speaker(guarded.signed["o"].api).call("apply_change", token=made["token"])
    assert other.value["code"] == "ProposalNotFound"


def test_web_pages_of_other_origins_are_kept_out(building: Api) -> None:
    speaker = Speaker(building)
    for found in (
        speaker.send("tools/list", Origin="https://evil.example"),
        speaker.send("tools/list", Host="evil.example"),
    ):
        assert found.status_code == 403
    assert Speaker(building).send("tools/list", Origin=building.url).status_code == 200


@pytest.mark.parametrize("flags", [("--agents", "off"), ("--profile", "adt")])
def test_where_it_is_switched_off_it_says_so(flags: tuple[str, str]) -> None:
    with KastorServer(flags) as server, Api(server.url) as api:
        found = Speaker(api, NEWEST).send("tools/list")
        assert found.status_code == 404
        assert flags[0] in found.json()["error"]["message"]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kastor.api.agents.mounts.find_spec", lambda _name: None)
    state: Any = None
    [mount, _] = agent_mounts(state, lambda: load_settings({}))

    async def ask() -> None:
        await mount.app({}, state, state)

    with pytest.raises(NotFound, match=re.escape("pip install '.[agents]'")):
        asyncio.run(ask())


def test_nothing_of_the_library_is_imported_before_somebody_calls() -> None:
    program = """
import sys, kastor.server.run
beginnings = ("mcp", "mcp_types", "kastor.agents", "jsonschema", "opentelemetry", "sse_starlette")
print([each for each in sys.modules if each.startswith(beginnings)])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_who_does_not_use_it_pays_nothing_for_it() -> None:
    """The same requests map the same files into the process, with the agents' server and without."""
    mapped: dict[str, set[str]] = {}
    for rule in ("write", "off"):
        with KastorServer(("--agents", rule)) as server, Api(server.url) as api:
            api.add_models({"@id": "dtmi:t:A;1", "@type": "Interface", "@context": CONTEXT})
            api.add_twin("a", {"$metadata": {"$model": "dtmi:t:A;1"}})
            api.patch("/digitaltwins/a", [])
            api.twin("a")
            maps = Path(f"/proc/{server.process.pid}/maps").read_text()
            mapped[rule] = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
    assert mapped["write"] == mapped["off"]


def test_a_client_takes_no_more_than_its_places(building_server: KastorServer) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    host, port = building_server.url.removeprefix("http://").split(":")
    with ExitStack() as stack, Api(building_server.url) as api:
        for _ in range(32):
            waiting = stack.enter_context(socket.create_connection((host, int(port))))
            waiting.sendall(head + b"Content-Length: 10\r\n\r\n{")
        eventually = time.monotonic() + 20
        while (found := Speaker(api).send("tools/list")).status_code != 429:
            assert time.monotonic() < eventually
        assert "32 of a client" in found.json()["error"]["message"]
    eventually = time.monotonic() + 20
    with Api(building_server.url) as api:
        while Speaker(api).send("tools/list").status_code != 200:
            assert time.monotonic() < eventually
