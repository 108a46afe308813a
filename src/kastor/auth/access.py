"""Tells callers by their tokens, and remembers each verdict until something ends it.

A verdict ends when its token expires, and all of them end when keys, token file or policy change:
whoever notices that calls `forget`. What is remembered is bounded in number and bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from kastor.auth.actors import Actor, Principal
from kastor.auth.policy import DEFAULT_POLICY, Policy
from kastor.auth.roles import Permission

MOST_VERDICTS = 10_000
MOST_BYTES = 16_777_216
"""Of tokens whose verdicts are kept."""
LONGEST_WAIT_SECONDS = 30.0
"""After which an open stream looks at the time again: the clock may have been set, or the machine
have slept."""


class TokenWay(Protocol):
    """One way to tell callers by tokens of a certain form."""

    def takes(self, token: str) -> bool:
        """Whether a token has the form of this way's; asked before `identify`."""
        ...

    async def identify(self, token: str) -> Principal | None:
        """Return who holds a token; None: nobody known.

        Raises:
            Unavailable: that cannot be told now.
        """
        ...


@dataclass(frozen=True, slots=True)
class VerdictLoad:
    """What is remembered of tokens.

    Attributes:
        kept: verdicts that are remembered.
        made: so often a token was looked at anew, since the process began.
    """

    kept: int
    made: int


class Access:
    """The authenticator of a server that asks for tokens."""

    def __init__(
        self,
        ways: Iterable[TokenWay] = (),
        policy: Policy = DEFAULT_POLICY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ways = list(ways)
        self._policy = policy
        self._clock = clock
        self._verdicts: dict[str, tuple[float, Actor]] = {}
        self._size = 0
        self._generation = 0
        self._made = 0
        self._changed = asyncio.Event()

    def add(self, way: TokenWay) -> None:
        """Let callers of another way in, asked after those before it."""
        self._ways.append(way)

    def load(self) -> VerdictLoad:
        """Return what is remembered of tokens."""
        return VerdictLoad(len(self._verdicts), self._made)

    @property
    def policy(self) -> Policy:
        """What holds now."""
        return self._policy

    def replace_policy(self, policy: Policy) -> None:
        """Judge by another policy from now on, open streams as well."""
        self._policy = policy
        self.forget()

    def forget(self) -> None:
        """End every verdict: keys, tokens or the policy have changed."""
        self._generation += 1
        self._verdicts, self._size = {}, 0
        self._changed.set()
        self._changed = asyncio.Event()

    def seen(self, token: str) -> Actor | None:
        """Return who holds a token, if that was told before and still counts."""
        verdict = self._verdicts.get(token)
        if verdict is None or verdict[0] <= self._clock():
            return None
        return verdict[1]

    async def authenticate(self, token: str) -> Actor | None:
        """Return who holds a token; None: nobody known.

        Raises:
            Unavailable: that cannot be told now.
        """
        seen = self.seen(token)
        if seen is not None:
            return seen
        while True:
            generation = self._generation
            principal = await self._identify(token)
            if generation == self._generation:  # else by what counts no longer
                break
        if principal is None:
            return None
        actor = self._policy.actor_of(principal)
        self._keep(token, float("inf") if principal.expires is None else principal.expires, actor)
        return actor

    async def until_lost(self, token: str, permissions: Collection[Permission], graph: str) -> None:
        """Return when a token is no longer valid, or lacks one of the permissions on a graph."""
        while True:
            changed = self._changed
            actor = await self.authenticate(token)
            if actor is None or not actor.on(graph).issuperset(permissions):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_left(actor)):
                    await changed.wait()

    def _seconds_left(self, actor: Actor) -> float | None:
        expires = actor.principal.expires
        if expires is None:
            return None
        return min(max(0.0, expires - self._clock()) + 0.001, LONGEST_WAIT_SECONDS)

    async def _identify(self, token: str) -> Principal | None:
        self._made += 1
        for way in self._ways:
            if way.takes(token):
                return await way.identify(token)
        return None

    def _keep(self, token: str, until: float, actor: Actor) -> None:
        verdicts = self._verdicts
        if token not in verdicts:
            self._size += len(token)
        verdicts[token] = until, actor
        while len(verdicts) > MOST_VERDICTS or self._size > MOST_BYTES:
            oldest = next(iter(verdicts))
            del verdicts[oldest]
            self._size -= len(oldest)
