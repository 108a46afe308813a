"""`kastor access`: who may do what, told by files alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kastor.auth.roles import KNOWN_CALLERS, ROLES, Permission
from kastor.auth.tokens import create_token
from tests.system.program import invoked

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[roles.operator]
permissions = ["digitaltwins/read", "digitaltwins/write", "kastor/graphs/read"]
[[rules]]
roles = ["reader"]
to = { tokens = ["dashboard"] }
[[rules]]
roles = ["operator"]
graphs = ["plant-*"]
to = { groups = ["3f2c"], scopes = ["twins"] }
issuer = "https://login.example.org"
"""
MEMBER = "group=3f2c,scope=twins,issuer=https://login.example.org"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text(POLICY)
    for name, role in (("dashboard", "none"), ("pipeline", "owner"), ("nobody", "none")):
        create_token(tmp_path / "tokens", role, name)
    (tmp_path / "kastor.toml").write_text(
        f'data = "{tmp_path}"\npolicy = "{tmp_path / "policy.toml"}"\nauth = ["tokens"]\n'
    )
    return tmp_path


def _check(folder: Path, who: str, what: str, *more: str) -> tuple[int, str]:
    done = invoked("access", "check", who, what, "--config", folder / "kastor.toml", *more)
    assert not (done.stdout and done.stderr)
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("who", "what", "graph", "status", "told"),
    [
        (MEMBER, "digitaltwins/write", "plant-1", 0, "allowed by role operator (rule 2 of policy.toml) on graph plant-1"),
        (MEMBER, "PATCH /graphs/plant-1/digitaltwins/a?api-version=2023-10-31", None, 0, "on graph plant-1"),
        (MEMBER, "DigitalTwins_Update", None, 5, "refused: role operator (rule 2 of policy.toml) has digitaltwins/write on plant-* alone. A rule for the graph default with role "),
        (MEMBER, "delete /graphs/plant-1/digitaltwins/a", None, 5, "refused: role operator has no digitaltwins/delete. A rule for the graph plant-1 with role owner would"),
        (MEMBER, "GET /kastor/v1/graphs", None, 0, "on some graphs"),
        (MEMBER, "GET /kastor/v1/graphs/lab", None, 5, "for the graph lab"),
        (MEMBER, "Kastor_Metrics", "plant-1", 5, "A rule for all graphs"),
        ("group=3f2c,scope=twins", "digitaltwins/read", "plant-1", 5, "no rule gives a role"),
        ("group=3f2c", "GET /kastor/v1/me", None, 0, "allowed: any valid token will do"),
        ("group=3f2c", "GET /healthz", None, 0, "allowed: this needs no token"),
        ("role=Azure Digital Twins Data Reader", "query/action", "x", 0, "allowed by role reader (a role of Azure Digital Twins)"),
        ("token:pipeline", "kastor_reset", None, 0, "allowed by role owner (the token's own)"),
        ("token:dashboard", "query/action", None, 0, "allowed by role reader (rule 1 of policy.toml)"),
        ("token:nobody", "query/action", None, 5, "refused: "),
        ("token:none", "query/action", None, 3, "There is no token named none"),
        ("dashboard", "query/action", None, 2, "names nobody. Write token:NAME"),
        ("group=", "query/action", None, 2, "names nobody"),
        ("group=x", "quer/action", None, 2, "Do you mean query/action?"),
        ("group=x", "GET /nothing", None, 2, "There is nothing at /nothing"),
        ("group=x", "PUT /models", None, 2, "PUT is not possible here; allowed: DELETE, GET, POST"),
        ("group=x", "GET /graphs/a/models", "b", 2, "The path names the graph a, --graph names b"),
    ],
)  # fmt: skip
def test_a_question_is_answered_with_its_reason(
    folder: Path, who: str, what: str, graph: str | None, status: int, told: str
) -> None:
    found = _check(folder, who, what, *(() if graph is None else ("--graph", graph)))
    assert found[0] == status, found
    assert told in found[1]


def test_as_json_everything_is_told(folder: Path) -> None:
    status, text = _check(folder, MEMBER, "DigitalTwins_Update", "--output", "json")
    held = {"role": "operator", "graphs": ["plant-*"], "from": "rule", "rule": 2}
    found = json.loads(text)
    assert found.pop("message").startswith("refused: ")
    assert (status, found) == (
        5,
        {
            "allowed": False,
            "permission": "digitaltwins/write",
            "operation": "DigitalTwins_Update",
            "graph": "default",
            "by": [],
            "held": [held],
            "rolesThatAllow": ["operator", "owner"],
        },
    )


def test_a_wrong_policy_is_told_and_no_refusal(folder: Path) -> None:
    (folder / "policy.toml").write_text("rules = 1\nroles = 2")
    status, told = _check(folder, MEMBER, "query/action")
    assert (status, told.count("kastor: ")) == (1, 2)
    assert invoked("access", "roles", "--policy", folder / "policy.toml").returncode == 1


def test_the_roles_and_permissions_are_listed(folder: Path) -> None:
    done = invoked("access", "roles", "--policy", folder / "policy.toml", "--output", "json")
    found = {each["role"]: each for each in json.loads(done.stdout)}
    assert list(found) == [*ROLES, "operator"]
    assert found["operator"]["from"] == "policy.toml"
    assert set(found["owner"]["permissions"]) == set(Permission) - KNOWN_CALLERS
    done = invoked("access", "permissions", "--output", "json")
    rows = {each["permission"]: each for each in json.loads(done.stdout)}
    assert set(rows) == set(Permission) - KNOWN_CALLERS
    assert rows["kastor/endpoints/delete"]["operations"] == ["Kastor_DeleteEndpoint"]
    assert [name for name, each in rows.items() if each["serverWide"]] == [
        "kastor/access/read",
        "kastor/backup/read",
        "kastor/metrics/read",
    ]
