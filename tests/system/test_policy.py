"""A policy file over HTTP: who may do what on which graph, changes while it runs, and faults."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.auth.tokens import create_token

from .program import VERSION, invoked, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .program import Served

RULE = """
[[rules]]
roles = {roles}
graphs = {graphs}
to = {{ tokens = ["{name}"] }}
"""
GRAPHS = "/kastor/v1/graphs"
SOON = 3.0
"""Seconds in which a change acts, with those of a busy machine."""


class Plant:
    """A server with a policy file, and callers who have no role but by it."""

    def __init__(self, served: Served, path: Path, tokens: dict[str, str]) -> None:
        self.served, self.path, self.tokens = served, path, tokens

    def send(
        self, name: str, method: str, path: str, json: object | None = None
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        return httpx2.request(method, self.served.url + path, headers=headers, json=json)

    def status(self, name: str, path: str) -> int:
        return int(self.send(name, "GET", path).status_code)

    def write(self, *rules: str, roles: str = "") -> None:
        """Put another policy in the place of the file, whole."""
        new = self.path.with_suffix(".new")
        new.write_text(roles + "".join(rules))
        new.replace(self.path)

    def comes(self, name: str, path: str, status: int) -> bool:
        end = time.monotonic() + SOON
        while (found := self.status(name, path)) != status and time.monotonic() < end:
            time.sleep(0.05)
        return found == status


def _rule(name: str, *roles: str, graphs: tuple[str, ...] = ("*",)) -> str:
    return RULE.format(roles=list(roles), graphs=list(graphs), name=name)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    data = tmp_path_factory.mktemp("guarded")
    tokens = {each: create_token(data / "tokens", "none", each) for each in ("ada", "ben")}
    tokens["root"] = create_token(data / "tokens", "owner", "root")
    path = data / "policy.toml"
    path.write_text(_rule("ben", "reader"))
    with serving(data, "--auth", "tokens", "--policy", str(path)) as served:
        made = Plant(served, path, tokens)
        for name in ("plant-1", "lab"):
            assert made.send("root", "PUT", f"{GRAPHS}/{name}", json={}).status_code == 201
        yield made


def test_a_role_of_the_policy_counts_on_its_graphs_and_in_its_permissions(plant: Plant) -> None:
    role = '[roles.watcher]\npermissions = ["models/read", "kastor/graphs/read"]\n'
    plant.write(_rule("ada", "watcher", graphs=("plant-*",)), roles=role)
    assert plant.comes("ada", f"/graphs/plant-1/models?{VERSION}", 200)
    assert plant.status("ada", f"/graphs/lab/models?{VERSION}") == 403
    assert plant.status("ada", f"/models?{VERSION}") == 403
    assert plant.status("ada", "/graphs/plant-1/kastor/v1/endpoints") == 403
    listed = plant.send("ada", "GET", GRAPHS).json()["value"]
    assert [each["name"] for each in listed] == ["plant-1"]
    found = plant.send("ada", "GET", "/graphs/plant-1/kastor/v1/me").json()
    assert found["roles"] == [
        {"role": "none", "graphs": ["*"]},
        {"role": "watcher", "graphs": ["plant-*"]},
    ]
    assert {"models/read", "kastor/graphs/read"} <= set(found["permissions"])
    assert (found["name"], found["id"], found["graph"]) == ("ada", "token:ada", "plant-1")


def test_configuring_running_and_deleting_are_permissions_of_their_own(plant: Plant) -> None:
    role = '[roles.on-call]\npermissions = ["eventroutes/read", "kastor/routes/run"]\n'
    plant.write(_rule("ada", "on-call"), roles=role)
    assert plant.comes("ada", f"/eventroutes?{VERSION}", 200)
    pause = "/kastor/v1/routes/none/pause"
    assert plant.send("ada", "POST", pause).status_code == 404
    for method, path in (
        ("PUT", f"/eventroutes/r?{VERSION}"),
        ("DELETE", f"/eventroutes/r?{VERSION}"),
        ("GET", "/kastor/v1/endpoints"),
        ("DELETE", "/kastor/v1/endpoints/e"),
        ("GET", "/kastor/v1/routes/none/deadletters"),
        ("POST", "/kastor/v1/routes/none/deadletters/requeue"),
    ):
        assert plant.send("ada", method, path, json={}).status_code == 403, path


def test_a_stream_ends_when_the_policy_takes_its_right(plant: Plant) -> None:
    plant.write(_rule("ada", "reader"))
    assert plant.comes("ada", f"/models?{VERSION}", 200)
    headers = {"Authorization": f"Bearer {plant.tokens['ada']}"}
    begun, ended = threading.Event(), threading.Event()

    def read() -> None:
        with httpx2.stream(
            "GET", f"{plant.served.url}/kastor/v1/events", headers=headers
        ) as answer:
            assert answer.status_code == 200
            begun.set()
            for _ in answer.iter_raw():
                pass
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(10)
    plant.write(_rule("ada", "reader"), _rule("ben", "owner"))  # it keeps its right
    assert plant.comes("ben", "/kastor/v1/inputs", 200)
    assert not ended.wait(0.3)
    plant.write(_rule("ada", "sender"))
    assert ended.wait(SOON)
    reader.join()
    assert plant.status("ada", f"/models?{VERSION}") == 403


def test_a_wrong_file_keeps_the_policy_before_and_is_told(plant: Plant) -> None:
    plant.write(_rule("ada", "reader"))
    assert plant.comes("ada", f"/models?{VERSION}", 200)
    up = 'kastor_part_up{graph="",part="policy",worker="0"}'
    assert f"{up} 1.0" in plant.send("root", "GET", "/metrics").text
    plant.write(_rule("ada", "reader").replace("graphs", "graph"))
    end = time.monotonic() + SOON
    while f"{up} 0.0" not in plant.send("root", "GET", "/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(1.2)  # it is looked at again, and not told again
    assert plant.status("ada", f"/models?{VERSION}") == 200
    told = [each for each in plant.served.log if "the policy file cannot be used" in each]
    assert len(told) == 1
    assert "write graphs" in told[0]
    plant.write(_rule("ben", "reader"))
    assert plant.comes("ada", f"/models?{VERSION}", 403)
    assert plant.status("ben", f"/models?{VERSION}") == 200
    assert f"{up} 1.0" in plant.send("root", "GET", "/metrics").text


def test_a_wrong_file_prevents_the_start_with_all_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[roles.x]\npermissions = ["fly"]\n[[rules]]\nroles = ["y"]\n')
    flags = ("--data", tmp_path, "--port", 0, "--auth", "tokens", "--policy", path)
    done = invoked("serve", *flags)
    told = done.stderr
    assert (done.returncode, done.stdout) == (1, "")
    assert [each in told for each in ("'fly'", "no role 'y'", "to: it is missing")] == [True] * 3
    done = invoked("serve", *flags[:-1], tmp_path / "missing")
    assert "missing cannot be read" in done.stderr


def test_a_policy_without_tokens_is_refused(tmp_path: Path) -> None:
    done = invoked("serve", "--data", tmp_path, "--policy", tmp_path / "p")
    assert done.returncode == 2
    assert "policy goes with --auth tokens" in done.stderr
