"""A verdict that is known costs a request next to nothing, also of the large token of an issuer."""

from __future__ import annotations

import asyncio
import timeit
from functools import partial

import pytest

from kastor.api.http.entrance import Entrance
from kastor.auth.access import Access
from kastor.auth.actors import CallerKind, Principal
from kastor.auth.policy import OWNER_ROLE
from kastor.auth.roles import Permission

LIMIT = 5e-6
"""Seconds of a request; `bench/access.py` has the figures."""
TIMES, ROUNDS = 1_000, 20


class _Issued:
    def takes(self, token: str) -> bool:
        return token.count(".") == 2

    async def identify(self, token: str) -> Principal:
        claims = {"roles": frozenset({OWNER_ROLE})}
        return Principal(CallerKind.OIDC, token[-9:], "ada", 4e9, "https://issuer", claims)


@pytest.mark.parametrize("graph", ["default", "plant-1"])
def test_a_known_verdict_costs_five_microseconds_at_most(graph: str) -> None:
    access = Access([_Issued()])
    token = f"{'h' * 40}.{'p' * 1_664}.{'s' * 342}"
    assert asyncio.run(access.authenticate(token)) is not None
    headers = {b"host": b"localhost", b"authorization": f"Bearer {token}".encode()}
    seen = partial(Entrance(access).seen, headers, Permission.TWINS_READ, graph)
    assert seen() is not None
    # The least of many: it is about the code and not about what else the machine does.
    assert min(timeit.repeat(seen, number=TIMES, repeat=ROUNDS)) / TIMES < LIMIT
