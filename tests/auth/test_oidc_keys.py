"""When an issuer is asked for its keys, and what counts meanwhile."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from kastor.auth.oidc.issuer_keys import (
    ASK_SECONDS,
    FIRST_RETRY_SECONDS,
    MOST_WAITING,
    REFRESH_SECONDS,
    RETRY_SECONDS,
)
from kastor.auth.roles import Permission
from kastor.errors import Unavailable

from .issuer import READER, Issuer
from .keys import encoded, key_pair, token_of
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.auth.actors import Principal


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer("/realms/plant") as issuer:
        yield issuer


@pytest.fixture
def world(issuer: Issuer) -> Iterator[World]:
    world = World(issuer.url)
    yield world
    world.close()


def unknown(issuer: Issuer, number: int = 0) -> str:
    """A token whose key nobody knows."""
    parts = (issuer.header(kid=f"unknown-{number}"), {"iss": issuer.url})
    return ".".join([encoded(json.dumps(each).encode()) for each in parts] + ["c2lnbmVk"])


class TestAsking:
    def test_an_issuer_is_asked_once_for_all_tokens(self, issuer: Issuer, world: World) -> None:
        for number in range(20):
            assert world.who(issuer.token(sub=f"caller {number}")) is not None
        assert issuer.requests == [
            "/realms/plant/.well-known/openid-configuration",
            "/realms/plant/keys",
        ]

    def test_many_at_once_wait_for_one_answer(self, issuer: Issuer, world: World) -> None:
        issuer.seconds = 0.1

        async def all_at_once() -> list[Principal | None]:
            tokens = [issuer.token(sub=f"caller {number}") for number in range(50)]
            return await asyncio.gather(*map(world.way.identify, tokens))

        assert None not in world.run(all_at_once())
        assert issuer.asked_for_keys() == 1

    def test_one_who_goes_away_takes_no_answer_from_the_others(
        self, issuer: Issuer, world: World
    ) -> None:
        issuer.seconds = 0.1

        async def first_goes() -> Principal | None:
            first = asyncio.create_task(world.way.identify(issuer.token()))
            second = asyncio.create_task(world.way.identify(issuer.token(sub="second")))
            await asyncio.sleep(0.05)
            first.cancel()
            return await second

        assert world.run(first_goes()) is not None
        assert issuer.asked_for_keys() == 1

    def test_unknown_keys_have_the_issuer_asked_once_in_a_while(
        self, issuer: Issuer, world: World
    ) -> None:
        world.refresh()
        asked = issuer.asked_for_keys()
        for second in range(90):
            world.now += 1
            for number in range(5):
                assert world.who(unknown(issuer, 100 * second + number)) is None
        assert issuer.asked_for_keys() - asked == 90 / ASK_SECONDS

    def test_a_flood_of_unknown_keys_does_not_wait_for_a_slow_issuer(
        self, issuer: Issuer, world: World
    ) -> None:
        world.refresh()
        issuer.seconds = 0.3

        async def flood() -> tuple[int, int]:
            tokens = [unknown(issuer, number) for number in range(MOST_WAITING + 200)]
            tasks = [asyncio.create_task(world.way.identify(each)) for each in tokens]
            await asyncio.sleep(0.1)
            answered = sum(each.done() for each in tasks)
            known = await world.way.identify(issuer.token())
            assert known is not None
            answers = await asyncio.gather(*tasks)
            return answered, sum(each is not None for each in answers)

        assert world.run(flood()) == (200, 0)
        assert issuer.asked_for_keys() == 2

    def test_a_key_without_an_id_counts_if_no_other_suits(
        self, issuer: Issuer, world: World
    ) -> None:
        key = issuer.keys[issuer.signing]
        claims = json.loads(_payload(issuer.token()))
        token = token_of({"alg": "RS256"}, claims, key)
        assert world.who(token) is not None
        issuer.rotate("ES256")
        world.refresh(REFRESH_SECONDS)
        assert world.who(token) is not None
        issuer.rotate()
        world.refresh(REFRESH_SECONDS)
        assert world.reason(token) == "its issuer has no such key"


class TestChangingKeys:
    def test_a_new_key_counts_with_its_first_token(self, issuer: Issuer, world: World) -> None:
        assert world.who(issuer.token()) is not None
        before = issuer.token()
        issuer.rotate()
        world.now += ASK_SECONDS
        assert world.who(issuer.token()) is not None
        assert world.who(before) is not None
        assert world.changes == 1

    def test_a_new_key_counts_soon_whatever_strangers_do(
        self, issuer: Issuer, world: World
    ) -> None:
        world.refresh()
        world.who(unknown(issuer))  # uses what may be asked now
        issuer.rotate()
        token, waited = issuer.token(), 0
        while world.who(token) is None:
            world.who(unknown(issuer, waited))
            world.now += 1
            waited += 1
        assert waited <= 60

    @pytest.mark.parametrize("named", [True, False])
    def test_a_key_that_takes_the_place_of_another_counts_soon(
        self, issuer: Issuer, world: World, *, named: bool
    ) -> None:
        """Under the same id, or where the issuer names none."""
        claims = json.loads(_payload(issuer.token()))
        kid = issuer.signing
        header = {"alg": "RS256", "kid": kid} if named else {"alg": "RS256"}
        before = token_of(header, claims, issuer.keys[kid])
        assert world.who(before) is not None
        issuer.keys[kid] = key_pair(kid, number=9)
        after = token_of(header, claims, issuer.keys[kid])
        asked, waited = issuer.asked_for_keys(), 0
        while world.who(after) is None:
            world.now += 1
            waited += 1
        assert waited <= ASK_SECONDS
        assert world.who(before) is None  # and asks nobody again
        assert issuer.asked_for_keys() == asked + 1

    def test_a_withdrawn_key_counts_no_longer(self, issuer: Issuer, world: World) -> None:
        token, old = issuer.token(), issuer.signing
        assert world.who(token) is not None
        issuer.rotate()
        issuer.withdraw(old)
        waited = 0
        while world.who(token) is not None:
            world.refresh(1.0)
            waited += 1
        assert waited <= 600
        assert world.changes == 1
        assert world.who(issuer.token()) is not None

    def test_keys_that_stay_as_they_are_end_no_verdict(self, issuer: Issuer, world: World) -> None:
        assert world.who(issuer.token()) is not None
        for _ in range(5):
            world.refresh(REFRESH_SECONDS)
        assert issuer.asked_for_keys() == 6
        assert world.changes == 0

    def test_another_key_under_the_same_id_is_another_key(
        self, issuer: Issuer, world: World
    ) -> None:
        token = issuer.token()
        assert world.who(token) is not None
        kid = issuer.signing
        issuer.keys[kid] = key_pair(kid, number=9)
        world.refresh(REFRESH_SECONDS)
        assert world.changes == 1
        assert world.who(token) is None
        assert world.who(issuer.token()) is not None

    def test_an_issuer_that_withdraws_everything_lets_nobody_in(
        self, issuer: Issuer, world: World
    ) -> None:
        token = issuer.token()
        assert world.who(token) is not None
        issuer.keys.clear()
        world.refresh(REFRESH_SECONDS)
        assert world.who(token) is None

    def test_verdicts_and_streams_end_with_the_key(self, issuer: Issuer, world: World) -> None:
        token, old, access = issuer.token(roles=[READER]), issuer.signing, world.access

        async def live() -> None:
            assert await access.authenticate(token) is not None
            assert access.seen(token) is not None
            stream = access.until_lost(token, (Permission.TWINS_READ,), "default")
            lost = asyncio.create_task(stream)
            await asyncio.sleep(0.05)
            assert not lost.done()
            issuer.rotate()
            issuer.withdraw(old)
            world.now += REFRESH_SECONDS
            await world.way.refresh()
            assert access.seen(token) is None
            await asyncio.wait_for(lost, 5)
            assert await access.authenticate(token) is None

        world.run(live())


class TestIssuersThatAreDown:
    def test_nobody_gets_in_before_it_has_answered_and_is_told_so(self, issuer: Issuer) -> None:
        issuer.stop()
        world = World(issuer.url)
        world.refresh()
        with pytest.raises(Unavailable) as told:
            world.who(issuer.token())
        assert told.value.retry_after == FIRST_RETRY_SECONDS
        (entry,) = [each for each in world.log if each["log_level"] == "warning"]
        assert "nobody with a token of it gets in yet" in entry["event"]
        assert entry["issuer"] == issuer.url
        issuer.start()
        world.refresh(FIRST_RETRY_SECONDS)
        assert world.who(issuer.token()) is not None
        assert world.log[-1]["event"] == "the issuer answers"
        world.close()

    def test_a_token_that_comes_first_finds_it_by_itself(
        self, issuer: Issuer, world: World
    ) -> None:
        assert world.who(issuer.token()) is not None

    def test_tokens_ask_a_silent_issuer_seldom(self, issuer: Issuer) -> None:
        issuer.answers["openid-configuration"] = (503, {}, b"")
        world = World(issuer.url)
        for _ in range(100):
            with pytest.raises(Unavailable):
                world.who(issuer.token())
        assert len(issuer.requests) == 1
        world.close()

    def test_known_keys_go_on_to_count(self, issuer: Issuer, world: World) -> None:
        assert world.who(issuer.token()) is not None
        issuer.stop()
        for _ in range(100):
            world.refresh(60.0)
        assert world.who(issuer.token(sub="late")) is not None
        assert world.who(unknown(issuer)) is None
        told = [each for each in world.log if "cannot be read" in each["event"]]
        assert len(told) == 1  # once, and not with every try
        assert issuer.url in str(world.way.trouble())
        issuer.start()
        world.refresh(RETRY_SECONDS)
        assert world.way.trouble() is None
        assert world.log[-1]["event"] == "the issuer answers"
        assert world.changes == 0

    @pytest.mark.parametrize(
        ("name", "body", "reason"),
        [
            ("openid-configuration", b"<html>", "the discovery document is no JSON"),
            ("openid-configuration", b"[]", "the discovery document is no JSON object"),
            ("openid-configuration", b"{}", "is one of nobody"),
            ("openid-configuration", b'{"issuer": "https://evil.example"}', "evil.example"),
            ("keys", b"<html>", "the keys are no JSON"),
            ("keys", b'{"keys": {}}', "no array `keys`"),
            ("keys", b'{"keys": [], "keys": []}', "the keys are no JSON"),
            ("keys", b"[" * 100_000, "the keys are no JSON"),
        ],
    )
    def test_documents_that_are_none_change_nothing(
        self, issuer: Issuer, world: World, name: str, body: bytes, reason: str
    ) -> None:
        token = issuer.token()
        assert world.who(token) is not None
        issuer.answers[name] = (200, {}, body)
        world.refresh(REFRESH_SECONDS)
        assert world.who(token) is not None
        assert reason in world.log[-1]["reason"]
        del issuer.answers[name]
        world.refresh(RETRY_SECONDS)
        assert world.log[-1]["event"] == "the issuer answers"

    @pytest.mark.parametrize(
        "where",
        [
            *("", "keys", "file:///etc/passwd", "ftp://127.0.0.1/keys", "http://", "http://["),
            *(7, None, "http://127.0.0.1:x/keys", "https://127.0.0.1/" + "k" * 3_000),
        ],
    )
    def test_keys_are_where_a_url_leads(self, issuer: Issuer, where: Any) -> None:
        issuer.discovery = {"jwks_uri": where}
        world = World(issuer.url)
        world.refresh()
        assert "no usable jwks_uri" in world.log[-1]["reason"]
        world.close()

    def test_its_name_has_to_be_right_to_the_last_slash(self, issuer: Issuer) -> None:
        world = World(f"{issuer.url}/")
        world.refresh()
        assert f"is one of {issuer.url};" in world.log[-1]["reason"]
        world.close()

    def test_keys_that_have_moved_are_found(self, issuer: Issuer, world: World) -> None:
        assert world.who(issuer.token()) is not None
        issuer.discovery = {"jwks_uri": f"{issuer.url}/moved/keys"}
        issuer.rotate()
        world.refresh(REFRESH_SECONDS)
        assert world.who(issuer.token()) is not None
        assert issuer.requests[-1] == "/realms/plant/moved/keys"


SMALL = key_pair("small", bits=1024)
LARGE = key_pair("large", number=3)


class TestKeysThatAreNone:
    @pytest.mark.parametrize(
        ("jwk", "reason"),
        [
            ("text", "it is no JSON object"),
            ({}, "its kind (kty) is none"),
            ({"kty": ["RSA"]}, "its kind (kty) is none"),
            ({"kty": "oct", "kid": "secret", "k": encoded(b"s" * 32)}, "its kind (kty) is none"),
            (LARGE.jwk(private=True), "it is private"),
            (LARGE.jwk(k="x"), "it is private"),
            (LARGE.jwk(use="enc"), "it is meant for something else"),
            (LARGE.jwk(use=None), "it is meant for something else"),
            (LARGE.jwk(key_ops=["encrypt"]), "it is meant for something else"),
            (LARGE.jwk(key_ops="verify"), "it is meant for something else"),
            (LARGE.jwk(kid=7), "its id (kid) is none"),
            (LARGE.jwk(kid="k" * 257), "its id (kid) is none"),
            (LARGE.jwk(alg="HS256"), "its algorithm (alg) is not allowed"),
            (LARGE.jwk(alg="none"), "its algorithm (alg) is not allowed"),
            (LARGE.jwk(alg="ES256"), "its algorithm (alg) is not allowed"),
            (LARGE.jwk(alg=["RS256"]), "its algorithm (alg) is not allowed"),
            (SMALL.jwk(), "it does not have 2048 to 8192 bits"),
            (LARGE.jwk(n="A" * 3_000), "a member of it is missing, or no text, or too long"),
            (LARGE.jwk(n=None), "a member of it is missing"),
            (LARGE.jwk(n="!!!!"), "its numbers are none of its kind"),
            (LARGE.jwk(e="AA"), "its numbers are none of its kind"),
            (key_pair("e", "ES256").jwk(crv="secp256k1"), "its curve is not supported"),
            (key_pair("e", "ES256").jwk(crv="P-384"), "its numbers are none of its kind"),
            (key_pair("e", "ES256").jwk(x=encoded(b"\1" * 32)), "its numbers are none"),
            (key_pair("e", "EdDSA").jwk(crv="X25519"), "its curve is not supported"),
            (key_pair("e", "EdDSA").jwk(x="AA"), "its numbers are none of its kind"),
        ],
    )  # fmt: skip
    def test_a_key_that_may_verify_nothing_is_left_out_and_told(
        self, issuer: Issuer, world: World, jwk: Any, reason: str
    ) -> None:
        issuer.published = [jwk]
        assert world.who(issuer.token()) is not None
        (told,) = [each for each in world.log if "keys of an issuer" in each["event"]]
        assert told["reason"].startswith(reason)
        assert told["keys"] == 1
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if isinstance(kid, str) and len(kid) <= 256:
            key = {"small": SMALL}.get(kid, LARGE)
            token = token_of(issuer.header(key, kid=kid), json.loads(_payload(issuer.token())), key)
            assert world.reason(token) == "its issuer has no such key"

    def test_a_secret_that_is_published_signs_nothing(self, issuer: Issuer, world: World) -> None:
        import jwt

        secret = b"s" * 32
        issuer.published = [{"kty": "oct", "kid": "secret", "alg": "HS256", "k": encoded(secret)}]
        claims = json.loads(_payload(issuer.token()))
        token = jwt.encode(claims, secret, "HS256", headers={"kid": "secret"})
        assert world.reason(token) == "its algorithm is not allowed"

    def test_there_are_not_too_many(self, issuer: Issuer, world: World) -> None:
        issuer.published = [key_pair(f"more-{number}", "EdDSA").jwk() for number in range(150)]
        assert world.who(issuer.token()) is not None
        (told,) = [each for each in world.log if "keys of an issuer" in each["event"]]
        assert told["reason"] == "there are more than 100"
        last = key_pair("more-149", "EdDSA")
        token = token_of(issuer.header(last), json.loads(_payload(issuer.token())), last)
        assert world.reason(token) == "its issuer has no such key"

    def test_of_two_with_one_id_the_first_counts(self, issuer: Issuer, world: World) -> None:
        kid = issuer.signing
        issuer.published = [key_pair(kid, number=9).jwk()]
        assert world.who(issuer.token()) is not None
        assert world.reason(issuer.token(key_pair(kid, number=9))) == "its signature is wrong"

    def test_keys_of_two_kinds_may_share_an_id(self, issuer: Issuer, world: World) -> None:
        curve = key_pair(issuer.signing, "ES256")
        issuer.published = [curve.jwk()]
        assert world.who(issuer.token()) is not None
        assert world.who(issuer.token(curve)) is not None


@pytest.mark.parametrize(
    "algorithm",
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
)
def test_every_algorithm_that_is_allowed_lets_in(
    issuer: Issuer, world: World, algorithm: str
) -> None:
    issuer.rotate(algorithm)
    assert world.who(issuer.token()) is not None
    other = key_pair(issuer.signing, algorithm, number=9)
    assert world.reason(issuer.token(other)) == "its signature is wrong"


def _payload(token: str) -> bytes:
    import base64

    text = token.split(".")[1]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
