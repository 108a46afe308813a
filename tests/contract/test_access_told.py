"""Who is let in and what rules say, told to who may know; never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.auth.tokens import create_token
from kastor.testing import KastorServer

from .client import Api, assert_error, assert_json
from .guarded import SENDERS, TEAM_GRAPH, Guarded, guarding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("told")) as made:
        yield made


_GRAPH = ("InvalidArgument", "name of a graph")


def _access(api: Api) -> Any:
    return assert_json(api.get("/kastor/v1/access", version=None))


def _check(api: Api, who: str, permission: str, **more: str) -> Any:
    body = {"who": who, "permission": permission, **more}
    return assert_json(api.post("/kastor/v1/access/check", body, version=None))


def test_roles_rules_and_names_of_tokens_are_told(guarded: Guarded) -> None:
    found = _access(guarded.owner)
    assert (found["auth"], found["policy"]) == (["tokens", "oidc"], "policy.toml")
    roles = {each["role"]: each for each in found["roles"]}
    assert roles["owner"]["builtIn"] is True
    assert roles["half"]["builtIn"] is False
    assert "kastor/batch/write" in roles["half"]["permissions"]
    by_number = {each["rule"]: each for each in found["rules"] if each["rule"]}
    assert by_number[1]["to"] == {"scopes": ["twins.team"]}
    assert by_number[1]["graphs"] == ["team-*"]
    tokens = {each["name"]: each for each in found["tokens"]}
    assert tokens["team"] == {
        "name": "team",
        "roles": [{"role": "owner", "graphs": ["team-*"]}],
        "ended": False,
    }
    wide = {each["permission"] for each in found["permissions"] if each["serverWide"]}
    assert wide == {"kastor/access/read", "kastor/backup/read", "kastor/metrics/read"}


def test_no_secret_is_told(guarded: Guarded) -> None:
    text = guarded.owner.get("/kastor/v1/access", version=None).text
    hashes = [
        word
        for line in (guarded.server.data_dir / "tokens").read_text().splitlines()
        for word in line.replace('"', " ").split()
        if len(word) >= 32
    ]
    assert hashes
    assert not [each for each in hashes if each in text]
    assert "kst_" not in text


def test_a_check_is_the_judgement_of_requests(guarded: Guarded) -> None:
    owner = guarded.owner
    allowed = _check(owner, "token:half", "query/action", graph=TEAM_GRAPH)
    assert allowed["allowed"] is True
    assert allowed["message"].startswith("allowed by role half (rule 3 of policy.toml)")
    refused = _check(owner, "token:half", "query/action")
    assert refused["allowed"] is False
    assert "alone" in refused["message"]
    assert "reader" in refused["rolesThatAllow"]
    sender = _check(owner, f"group={SENDERS}", "kastor/inputs/send")
    assert [each["role"] for each in sender["by"]] == ["sender"]
    nobody = _check(owner, "role=Nobody", "digitaltwins/read")
    assert (nobody["allowed"], nobody["held"]) == (False, [])


@pytest.mark.parametrize(
    ("body", "status", "code", "word"),
    [
        ({"who": "token:none", "permission": "query/action"}, 404, "TokenNotFound", "none"),
        ({"who": "somebody", "permission": "query/action"}, 400, "InvalidArgument", "nobody"),
        ({"who": "", "permission": "query/action"}, 400, "InvalidArgument", "who"),
        ({"who": "x" * 20_000, "permission": "query/action"}, 400, "InvalidArgument", "who"),
        ({"who": "role=a", "permission": "fly"}, 400, "InvalidArgument", "permission"),
        ({"who": "role=a", "permission": "query/action", "graph": 1}, 400, "InvalidArgument", "g"),
        ({"who": "role=a", "permission": "query/action", "graph": ""}, 400, *_GRAPH),
        ({"who": "role=a", "permission": "query/action", "graph": "Plant A"}, 400, *_GRAPH),
        ({"who": "role=a", "permission": "query/action", "graph": "x" * 9_000}, 400, *_GRAPH),
    ],
)
def test_what_is_no_question_says_why(
    guarded: Guarded, body: dict[str, Any], status: int, code: str, word: str
) -> None:
    answer = guarded.owner.post("/kastor/v1/access/check", body, version=None)
    assert_error(answer, status, code, word)


def test_who_owns_some_graphs_alone_learns_nothing(guarded: Guarded) -> None:
    for caller in (*guarded.team, guarded.static["r"]):
        for path in ("/kastor/v1/access", f"/graphs/{TEAM_GRAPH}/kastor/v1/access"):
            assert caller.api.get(path, version=None).status_code == 403


def test_a_server_that_asks_nobody_says_so(api: Api) -> None:
    found = _access(api)
    assert (found["auth"], found["policy"], found["tokens"]) == ([], None, [])
    assert "owner" in {each["role"] for each in found["roles"]}
    judged = _check(api, "role=Nobody", "digitaltwins/delete")
    assert judged["allowed"] is True
    assert "asks nobody" in judged["message"]


def test_an_issuer_that_is_not_trusted_lets_nobody_in(guarded: Guarded) -> None:
    asked = f"group={SENDERS}", "kastor/inputs/send"
    assert _check(guarded.owner, *asked)["allowed"] is True
    trusted = f"{asked[0]},issuer={guarded.tenant.v1.url}"
    assert _check(guarded.owner, trusted, asked[1])["allowed"] is True
    other = _check(guarded.owner, f"{asked[0]},issuer=https://other.example.org", asked[1])
    assert other["allowed"] is False
    assert "no issuer that this server trusts" in other["message"]


def test_without_issuers_their_callers_are_refused(tmp_path: Path) -> None:
    made = KastorServer(("--auth", "tokens"), data_dir=tmp_path)
    token = create_token(tmp_path / "tokens", "owner", "ops")
    with made as server, Api(server.url, token=token) as api:
        role = "role=Azure Digital Twins Data Owner"
        judged = _check(api, role, "digitaltwins/delete")
        assert judged["allowed"] is False
        assert "static tokens alone" in judged["message"]
        assert _check(api, "token:ops", "digitaltwins/delete")["allowed"] is True
