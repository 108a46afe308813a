"""What the claims of a token make of its holder; the shapes of Microsoft Entra among them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kastor.auth.actors import CallerKind
from kastor.auth.oidc.claims import principal_of
from kastor.auth.oidc.issuers import Issuer as Trusted
from kastor.auth.policy import DEFAULT_POLICY
from kastor.auth.roles import ROLES

from .issuer import APPLICATION, AUDIENCE, OWNER, READER, Issuer, Tenant
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.auth.actors import Principal

ADA = "8f3a2b61-64c4-4d3b-9a36-0f4d3a3e0001"
DAEMON = "c0de2b61-64c4-4d3b-9a36-0f4d3a3e0002"
PROGRAM = "7a1c0e9d-0c53-4f0e-8c0e-2b6a52a0a001"
TRUSTED = Trusted("https://login.example.org", ("kastor",), name="login.example.org")


def made(*, alone: bool = True, **claims: Any) -> Principal:
    usual = {"iss": TRUSTED.url, "sub": "s-1", "exp": 2_000_000_000}
    return principal_of({**usual, **claims}, TRUSTED, alone=alone)


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    with Tenant() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def world(tenant: Tenant) -> Iterator[World]:
    world = World(tenant.v1.url, tenant.v2.url)
    yield world
    world.close()


class TestEntra:
    def test_a_person_of_v1(self, tenant: Tenant, world: World) -> None:
        assert tenant.v1.url.endswith("/")
        who = world.who(tenant.v1_user())
        assert who is not None
        assert who.kind is CallerKind.OIDC
        assert who.id == f"oidc:{tenant.v1.url}|{ADA}"
        assert who.name.startswith(f"ada@example.org ({ADA}, ")
        assert who.issuer == tenant.v1.url
        assert who.claims == {
            "roles": {READER},
            "scopes": {"user_impersonation"},
            "apps": {"04b07795-8ddb-461a-bbee-02f9e1bf7b46"},
            "subjects": {ADA, "pairwise-ada"},
        }

    def test_a_person_of_v2(self, tenant: Tenant, world: World) -> None:
        who = world.who(tenant.v2_user(groups=["g-1", "g-2"]))
        assert who is not None
        assert who.id == f"oidc:{tenant.v2.url}|{ADA}"
        assert who.name.startswith(f"ada@example.org ({ADA}, ")
        assert who.claims["groups"] == {"g-1", "g-2"}
        assert who.claims["scopes"] == {"user_impersonation"}

    def test_an_application(self, tenant: Tenant, world: World) -> None:
        for token in (tenant.v1_application(), tenant.v2_application()):
            who = world.who(token)
            assert who is not None
            assert who.name.startswith(f"app:{PROGRAM} ({DAEMON}, ")
            assert who.claims == {"roles": {OWNER}, "apps": {PROGRAM}, "subjects": {DAEMON}}

    @pytest.mark.parametrize("audience", [AUDIENCE, f"{AUDIENCE}/", APPLICATION])
    def test_every_form_of_the_audience(self, tenant: Tenant, world: World, audience: str) -> None:
        assert world.who(tenant.v1_user(aud=audience)) is not None
        assert world.who(tenant.v2_user(aud=[audience, "another"])) is not None

    def test_roles_that_are_called_as_those_of_azure_digital_twins_count(
        self, tenant: Tenant, world: World
    ) -> None:
        async def allowed(token: str) -> frozenset[Any]:
            actor = await world.access.authenticate(token)
            assert actor is not None
            return actor.on("default")

        assert world.run(allowed(tenant.v1_application())) == ROLES["owner"]
        assert world.run(allowed(tenant.v2_user())) == ROLES["reader"]
        spelled = tenant.v1_user(roles=["AzureDigitalTwinsDataOwner"])  # as Entra lets one name it
        assert world.run(allowed(spelled)) == ROLES["owner"]
        assert world.run(allowed(tenant.v2_user(roles=None))) == ROLES["none"]
        assert world.run(allowed(tenant.v2_user(roles=[OWNER.lower()]))) == ROLES["none"]

    def test_a_key_of_the_tenant_does_not_make_one_version_the_other(
        self, tenant: Tenant, world: World
    ) -> None:
        other = Tenant("00000000-0000-0000-0000-000000000001")
        with other:
            assert world.reason(other.v2_user()) == "its issuer is none that is set"
            stolen = other.v2_user(iss=tenant.v2.url)
            assert world.reason(stolen) == "its issuer has no such key"

    @pytest.mark.parametrize(
        "overage",
        [
            {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}},
            {"hasgroups": True},
            {"hasgroups": True, "groups": ["g-1"]},
        ],
    )
    def test_too_many_groups_are_none_and_told_once(
        self, tenant: Tenant, overage: dict[str, Any]
    ) -> None:
        world = World(tenant.v2.url)
        for number in range(3):
            who = world.who(tenant.v2_user(oid=f"o-{number}", **overage))
            assert who is not None
            assert "groups" not in who.claims
        told = [each for each in world.log if "no room for all groups" in each["event"]]
        assert len(told) == 1
        world.close()


class TestValues:
    @pytest.mark.parametrize(
        ("claims", "found"),
        [
            ({"roles": ["a", "b"]}, {"roles": {"a", "b"}}),
            ({"roles": "a b"}, {"roles": {"a b"}}),
            ({"scp": "a b  c"}, {"scopes": {"a", "b", "c"}}),
            ({"scp": ["a", "b"], "scope": "c"}, {"scopes": {"a", "b", "c"}}),
            ({"scope": ""}, {}),
            ({"groups": ["/plant/line 1"]}, {"groups": {"/plant/line 1"}}),
            ({"client_id": "c", "azp": "d"}, {"apps": {"c", "d"}}),
            # What has another shape grants nothing.
            ({"roles": {"owner": True}}, {}),
            ({"roles": 7}, {}),
            ({"roles": None}, {}),
            ({"roles": [7, None, True, ["a"], {"a": 1}, "", " ", "b"]}, {"roles": {"b"}}),
            ({"roles": ["a\n", "a\x00", "b"]}, {"roles": {"b"}}),
            ({"roles": ["r" * 513, "r" * 512]}, {"roles": {"r" * 512}}),
            ({"scp": 7, "groups": "g" * 600, "azp": ["d"], "appid": 8}, {}),
        ],
    )
    def test_claims_count_by_their_shape(
        self, claims: dict[str, Any], found: dict[str, set[str]]
    ) -> None:
        assert made(**claims).claims == {"subjects": {"s-1"}, **found}

    def test_a_text_that_holds_the_name_of_a_role_is_not_that_role(self) -> None:
        for roles in (f"{OWNER} {READER}", [f"{OWNER},{READER}"], [OWNER + " "], {OWNER: 1}):
            grants = DEFAULT_POLICY.grants_of(made(roles=roles))
            assert grants == (), roles

    def test_a_token_counts_until_it_expires_and_clocks_may_differ(self) -> None:
        assert made(exp=1_000).expires == 1_060
        for last in (10**300, 253_402_300_799):
            expires = made(exp=last).expires
            assert expires == 253_402_300_799
            assert datetime.fromtimestamp(expires, UTC).year == 9_999  # as /me shows it

    def test_within_the_skew_of_clocks_a_token_counts(self) -> None:
        with Issuer() as issuer:
            world, now = World(issuer.url), int(time.time())
            assert world.who(issuer.token(exp=now - 50)) is not None
            assert world.who(issuer.token(nbf=now + 50, iat=now + 50)) is not None
            assert world.who(issuer.token(exp=float(now + 50))) is not None
            assert world.who(issuer.token(nbf=None, iat=None)) is not None
            world.close()


class TestNames:
    @pytest.mark.parametrize(
        ("claims", "name"),
        [
            ({}, "oidc (s-1)"),
            ({"preferred_username": "ada"}, "ada (s-1)"),
            ({"upn": "ada@example.org", "name": "Ada"}, "ada@example.org (s-1)"),
            ({"email": "ada@example.org"}, "ada@example.org (s-1)"),
            ({"azp": "program"}, "app:program (s-1)"),
            ({"azp": "program", "name": "Ada"}, "Ada (s-1)"),
            ({"azp": "program", "name": "Ada", "idtyp": "app"}, "app:program (s-1)"),
            ({"preferred_username": "a\nb", "name": "Ada"}, "Ada (s-1)"),
            ({"preferred_username": ["ada"], "name": " "}, "oidc (s-1)"),
            ({"preferred_username": "a" * 100}, "a" * 59 + "… (s-1)"),
        ],
    )
    def test_a_name_is_readable_and_ends_with_what_nobody_chooses(
        self, claims: dict[str, Any], name: str
    ) -> None:
        assert made(**claims).name == name

    def test_nobody_passes_for_a_static_token_or_for_another(self) -> None:
        names = {
            made(preferred_username="deploy").name,
            made(sub="deploy").name,
            made(sub="deploy", preferred_username="deploy").name,
            made(preferred_username="ada (s-2)").name,
            made(sub="s-2", preferred_username="ada").name,
            made(alone=False, preferred_username="ada").name,
            "deploy",
            "ada (s-2)",
        }
        assert len(names) == 7  # the last is the caller s-2 indeed
        assert made(alone=False).name == "oidc (s-1, login.example.org)"

    def test_names_stay_short(self) -> None:
        long = Trusted("https://a", (), name="n" * 200)
        claims = {"sub": "s" * 255, "name": "n" * 500, "exp": 1}
        name = principal_of(claims, long, alone=False).name
        other = principal_of({**claims, "sub": "s" * 254 + "t"}, long, alone=False).name
        assert len(name) <= 200
        assert name != other

    def test_callers_of_two_issuers_are_two(self) -> None:
        other = Trusted("https://other.example", (), name="other.example")
        assert made().id == "oidc:https://login.example.org|s-1"
        assert principal_of({"sub": "s-1", "exp": 1}, other, alone=False).id != made().id

    def test_entra_tells_callers_apart_by_their_object_id(self) -> None:
        assert made(oid="o-1", tid="t").id.endswith("|o-1")
        assert made(oid="o-1").id.endswith("|s-1")
        assert made(sub=None, oid="o-1").id.endswith("|o-1")
