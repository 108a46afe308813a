"""Clients of npm over a real socket: both libraries, the inspector, the conformance suite."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer
from tests.contract.client import Api
from tests.npm import packages
from tests.programs import need

from .speaking import BEFORE, NEWEST, load_quiet_building
from .test_access import READING, WRITING

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "npm"
ROOM = "dtmi:kastor:sample:Room;1"
SCENARIOS = {
    "server-stateless": {
        # These two ask for a tool of the suite's own that needs sampling.
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-missing-capability-http-400",
    },
    "server-initialize": set(),
    "ping": set(),
    "tools-list": set(),
    "resources-list": set(),
    "prompts-list": set(),
    "completion-complete": set(),
    "caching": set(),
    "dns-rebinding-protection": set(),
    "http-header-validation": set(),
    "sep-2164-resource-not-found": set(),
}
"""Those that need no fixture, each with the checks that do all the same."""
_CHECK = re.compile(r"\[(?P<id>[\w.-]+) *\] (?P<status>[A-Z]+)\b")
_COLOURS = re.compile(r"\x1b\[\d+m")


@pytest.fixture(scope="module")
def modules() -> Path:
    return packages(HERE)


@pytest.fixture(scope="module")
def writing() -> Iterator[Api]:
    with KastorServer(("--agents", "write")) as server, Api(server.url) as client:
        load_quiet_building(client)
        yield client


def _node(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NODE_")}
    environment["NO_COLOR"] = "1"
    command = [str(need("node")), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize(("which", "revision"), [("client", NEWEST), ("sdk", BEFORE)])
def test_a_library_of_npm_uses_everything(
    modules: Path, writing: Api, which: str, revision: str
) -> None:
    thermostat: dict[str, Any] = {"$metadata": {}}
    room = {"$metadata": {"$model": ROOM}, "name": "Spare", "thermostat": thermostat}
    writing.add_twin("spare", room)
    done = _node(str(HERE / "look.mjs"), str(modules), which, f"{writing.url}/mcp")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["revision"], seen["server"]) == (revision, "kastor")
    assert seen["tools"] == [*READING, *WRITING]
    assert seen["resources"] == ["kastor://graph"]
    assert seen["prompts"] == ["explore", "investigate", "plan_change"]
    assert len(seen["rows"]) == len({json.dumps(each) for each in seen["rows"]}) == 2
    assert seen["explained"]["valid"] is True
    is_there = writing.get("/digitaltwins/spare").status_code == 200
    if which == "client":  # its person said yes
        assert seen["applied"]["applied"] == 1
        assert '"spare"' in seen["asked"][0]
        assert not is_there
    else:
        assert seen["applied"] == "ProposalNotApproved"
        assert is_there
        writing.delete("/digitaltwins/spare")


def test_the_command_line_of_the_inspector(modules: Path, building: Api) -> None:
    program = str(modules / "node_modules" / ".bin" / "mcp-inspector")
    asked = ("--cli", f"{building.url}/mcp", "--transport", "http", "--method")

    def inspect(*arguments: str) -> dict[str, Any]:
        done = _node(program, *asked, *arguments)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    assert [each["name"] for each in inspect("tools/list")["tools"]] == READING
    found = inspect("tools/call", "--tool-name", "get_twin", "--tool-arg", 'ids=["room-2-14"]')
    assert json.loads(found["content"][0]["text"])["twins"][0]["$dtId"] == "room-2-14"
    read = inspect("resources/read", "--uri", "kastor://graph")
    assert "counts" in json.loads(read["contents"][0]["text"])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios_of_the_conformance_suite(modules: Path, building: Api, scenario: str) -> None:
    program = str(modules / "node_modules" / ".bin" / "conformance")
    done = _node(program, "server", "--url", f"{building.url}/mcp", "--scenario", scenario)
    said = _COLOURS.sub("", done.stdout)
    checks = [(each["id"], each["status"]) for each in _CHECK.finditer(said)]
    assert [each for each in checks if each[1] == "SUCCESS"], said + done.stderr
    wrong = {name for name, status in checks if status in ("FAILURE", "WARNING")}
    assert wrong == SCENARIOS[scenario], said
