"""How clients learn to get in: descriptions (RFC 9728), what a refusal names, audience, origins."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kastor.auth.policy import AccessRule, Policy
from kastor.auth.roles import ROLES, Permission
from kastor.testing import KastorServer
from tests.auth.issuer import AUDIENCE, READER
from tests.contract.client import Api
from tests.contract.guarded import OTHER_GRAPH, TEAM_GRAPH, Guarded, guarding

from .speaking import REVISIONS, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("door"), ("--agents", "write")) as made:
        yield made


def _described(url: str, path: str = "") -> dict[str, Any]:
    found = httpx2.get(url + WELL_KNOWN + path)
    assert found.status_code == 200, found.text
    assert found.headers["content-type"].startswith("application/json")
    told: dict[str, Any] = found.json()
    return told


@pytest.mark.parametrize("path", ["", "/mcp", f"/graphs/{TEAM_GRAPH}/mcp", "/graphs/no-such/mcp"])
def test_each_resource_is_described_to_whoever_asks(guarded: Guarded, path: str) -> None:
    told = _described(guarded.server.url, path)
    assert told["resource"] == guarded.server.url + path
    assert set(told["authorization_servers"]) == {guarded.tenant.v1.url, guarded.tenant.v2.url}
    assert told["bearer_methods_supported"] == ["header"]
    assert told["scopes_supported"] == ["twins.team"]


@pytest.mark.parametrize(
    "path",
    ["/other", "/graphs/x", "/graphs/x/query", "/graphs/X Y/mcp", "/mcp/x"],
)
def test_what_is_no_resource_is_not_described(guarded: Guarded, path: str) -> None:
    assert httpx2.get(guarded.server.url + WELL_KNOWN + path).status_code == 404


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("prefix", ["", f"/graphs/{TEAM_GRAPH}"])
def test_who_has_no_token_is_told_where_the_description_is(
    guarded: Guarded, prefix: str, revision: str
) -> None:
    for caller in guarded.nobody:
        refused = Speaker(caller.api, revision, prefix).send("tools/list")
        assert refused.status_code == 401
        said = refused.headers["www-authenticate"]
        [address] = re.findall(r'^Bearer resource_metadata="([^"]+)"', said)
        assert httpx2.get(address).json()["resource"] == f"{guarded.server.url}{prefix}/mcp"
        assert ('scope="twins.team"' in said) is bool(prefix)


def test_a_missing_scope_is_named_with_the_refusal(guarded: Guarded) -> None:
    reader = Speaker(guarded.signed["n"].api, prefix=f"/graphs/{TEAM_GRAPH}").send("tools/list")
    assert reader.status_code == 403
    said = reader.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in said
    assert 'scope="twins.team"' in said
    assert WELL_KNOWN in said
    elsewhere = Speaker(guarded.team[1].api, prefix=f"/graphs/{OTHER_GRAPH}").send("tools/list")
    assert elsewhere.status_code == 403
    assert "scope=" not in elsewhere.headers["www-authenticate"].replace("insufficient_scope", "")


def test_a_tool_that_needs_another_scope_names_it(guarded: Guarded) -> None:
    reader, team = guarded.signed["r"].api, f"/graphs/{TEAM_GRAPH}"
    operations = [{"op": "delete", "kind": "twin", "id": "a"}]
    arguments = {"operations": operations, "reason": "x"}
    asked = {"name": "propose_change", "arguments": arguments}
    refused = Speaker(reader, prefix=team).send("tools/call", asked)
    assert refused.status_code == 403
    assert 'scope="twins.team"' in refused.headers["www-authenticate"]
    assert "kastor/batch/write" in refused.json()["error"]["message"]
    # Where no scope would help, and where nothing names the tool, the tool itself says no.
    for speaker in (Speaker(reader), Speaker(reader, "2025-11-25", team)):
        found = speaker.call("propose_change", **arguments)
        assert (found.is_error, found.value["code"]) == (True, "Forbidden")


def test_other_operations_are_refused_as_before(guarded: Guarded) -> None:
    for caller in guarded.nobody:
        refused = caller.api.get("/models")
        assert refused.headers["www-authenticate"] == "Bearer"


def test_tokens_for_another_audience_do_not_let_in(guarded: Guarded) -> None:
    issuer = guarded.tenant.v2
    for audience, status in ((AUDIENCE, 200), ("https://other.example", 401), (None, 401)):
        token = issuer.token(aud=audience, roles=[READER])
        with Api(guarded.server.url, token=token) as api:
            assert Speaker(api).send("tools/list").status_code == status, audience
    # A token for the address of the resource counts once that is an audience.
    with Api(guarded.server.url, token=issuer.token(aud=f"{guarded.server.url}/mcp")) as api:
        assert Speaker(api).send("tools/list").status_code == 401


def test_pages_of_other_origins_are_refused_before_anybody_is_asked(guarded: Guarded) -> None:
    for caller in (guarded.nobody[0], guarded.static["o"]):
        refused = Speaker(caller.api).send("tools/list", Origin="https://evil.example")
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "OriginNotAllowed"
        assert "no token" not in refused.text
    owner = Speaker(guarded.static["o"].api)
    assert owner.send("tools/list", Origin=guarded.server.url).status_code == 200
    assert owner.send("tools/list", Origin="null").status_code == 403


def test_an_origin_that_is_allowed_is_let_in() -> None:
    with KastorServer(("--cors-origin", "https://good.example")) as server, Api(server.url) as api:
        for origin, status in (("https://good.example", 200), ("https://evil.example", 403)):
            assert Speaker(api).send("tools/list", Origin=origin).status_code == status


def test_a_hostile_path_does_not_get_into_the_header(guarded: Guarded) -> None:
    for path in (b'/graphs/a"b/mcp', b"/graphs/%22/mcp", b"/graphs/x%0d%0ay/mcp"):
        found = guarded.nobody[0].api.send("POST", path.decode(), {}, version=None)
        said = found.headers.get("www-authenticate", "")
        assert said.count('"') % 2 == 0
        assert "graphs" not in said


def test_the_public_address_counts_and_its_path(guarded: Guarded) -> None:
    issuer = guarded.tenant.v2.url
    flags = ("--auth", "oidc", "--oidc-issuer", issuer, "--oidc-audience", AUDIENCE)
    public = "https://twins.example.org/plant"
    with KastorServer((*flags, "--public-url", public)) as server:
        for path in ("/mcp", "/plant/mcp"):
            told = _described(server.url, path)
            assert told["resource"] == f"{public}/mcp"
        refused = httpx2.post(f"{server.url}/mcp", json={})
        assert f'"{public}{WELL_KNOWN}/mcp"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    "flags", [(), ("--auth", "tokens"), ("--agents", "off"), ("--profile", "adt")]
)
def test_without_issuers_nothing_is_described(flags: tuple[str, ...]) -> None:
    with KastorServer(flags) as server:
        found = httpx2.get(server.url + WELL_KNOWN)
        assert found.status_code == 404
        if flags[:1] == ("--auth",):
            refused = httpx2.post(f"{server.url}/mcp", json={})
            assert refused.headers["www-authenticate"] == "Bearer"


def test_scopes_that_bring_least_are_named_first() -> None:
    def rule(role: str, scope: str, *graphs: str) -> AccessRule:
        return AccessRule((role,), {"scopes": frozenset({scope})}, graphs or ("*",))

    policy = Policy(
        (
            rule("owner", "all"),
            rule("reader", "see"),
            rule("sender", "send"),
            rule("reader", "see.x", "x"),
        ),
        ROLES,
    )
    assert policy.scopes_for(Permission.QUERY, "default") == ["see", "all"]
    assert policy.scopes_for(Permission.QUERY, "x")[:2] == ["see", "see.x"]
    assert set(policy.scopes_for(None, None)) == {"all", "see", "send", "see.x"}
    assert json.dumps(policy.scopes_for(Permission.BATCH_WRITE, "x")) == '["all"]'
