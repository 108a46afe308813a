"""A verdict that is known costs a request a few calls; `bench/access.py` has the microseconds."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from kastor.api.http.entrance import Entrance
from kastor.auth.access import Access
from kastor.auth.actors import CallerKind, Principal
from kastor.auth.policy import OWNER_ROLE
from kastor.auth.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

MOST_CALLS = 11
"""Of functions, those of the interpreter included; as many as it takes today."""


class _Issued:
    """Counts how often somebody is looked up."""

    def __init__(self) -> None:
        self.asked = 0

    def takes(self, token: str) -> bool:
        return token.count(".") == 2

    async def identify(self, token: str) -> Principal:
        self.asked += 1
        claims = {"roles": frozenset({OWNER_ROLE})}
        return Principal(CallerKind.OIDC, token[-9:], "ada", 4e9, "https://issuer", claims)


def _calls(work: Callable[[], object]) -> list[str]:
    made: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            made.append(frame.f_code.co_name)
        elif event == "c_call":
            made.append(getattr(argument, "__name__", "?"))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made[1:-1]  # without the work itself, and what ends the profile


@pytest.mark.parametrize("graph", ["default", "plant-1"])
def test_a_known_verdict_takes_a_few_calls_and_asks_nobody(graph: str) -> None:
    way = _Issued()
    access = Access([way])
    entrance = Entrance(access)
    token = f"{'h' * 40}.{'p' * 1_664}.{'s' * 342}"
    headers = {b"host": b"localhost", b"authorization": f"Bearer {token}".encode()}

    def seen() -> None:
        assert entrance.seen(headers, Permission.TWINS_READ, graph) is not None

    assert asyncio.run(access.authenticate(token)) is not None
    seen()
    calls = _calls(seen)
    assert len(calls) <= MOST_CALLS, calls
    assert way.asked == 1
