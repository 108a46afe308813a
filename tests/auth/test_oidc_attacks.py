"""Tokens that must not let in: each is refused, for its own reason, and nobody else is harmed."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .attacks import ATTACKS, Scene
from .issuer import AUDIENCE, Issuer
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("KASTOR_TOKEN_EXAMPLES", "200"))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Issuer("/realms/plant") as issuer, Issuer("/") as other, Issuer() as evil:
        yield Scene(issuer, other, evil)


@pytest.fixture(scope="module")
def world(scene: Scene) -> Iterator[World]:
    world = World(scene.issuer.url, scene.other.url, audiences=(AUDIENCE,))
    yield world
    world.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_its_own_reason(scene: Scene, world: World, name: str) -> None:
    make, reason = ATTACKS[name]
    assert world.reason(make(scene)) == reason
    assert world.who(scene.issuer.token()) is not None
    assert scene.evil.requests == []


def test_two_issuers_with_a_key_id_in_common_keep_their_keys_apart() -> None:
    with Issuer() as first, Issuer() as second:
        pairs = [replace(each.keys.pop(each.signing), kid="shared") for each in (first, second)]
        first.add(pairs[0])
        second.add(pairs[1])
        world = World(first.url, second.url)
        assert world.who(first.token(pairs[0])) is not None
        assert world.who(second.token(pairs[1])) is not None
        assert world.reason(second.token(pairs[0])) == "its signature is wrong"
        assert world.reason(first.token(pairs[1])) == "its signature is wrong"
        world.close()


@pytest.mark.parametrize("token", ["a.b", "a", "a.b.c.d", "a.b.c.d.e", "kst_secret", ""])
def test_what_has_not_three_parts_is_none_of_an_issuer(world: World, token: str) -> None:
    assert not world.way.takes(token)


@pytest.fixture(scope="module")
def token(scene: Scene) -> str:
    return scene.issuer.token()


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    at=st.integers(0, 600),
    removed=st.integers(0, 3),
    piece=st.text("ABYZaz09-_.=+/ ", max_size=3) | st.text(max_size=2),
)
def test_no_token_that_differs_in_anything_lets_in(
    world: World, token: str, at: int, removed: int, piece: str
) -> None:
    at = min(at, len(token))
    changed = token[:at] + piece + token[at + removed :]
    if changed != token:
        assert not world.way.takes(changed) or world.who(changed) is None
