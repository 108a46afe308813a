"""Tells whoever runs the server which tokens end soon, and which have a role that is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from kastor.logs import get_logger

if TYPE_CHECKING:
    from kastor.auth.tokens.store import TokenStore

SOON_SECONDS = 7 * 86_400
AGAIN_SECONDS = 86_400
LOOK_SECONDS = 10.0
MOST_NAMED = 20
"""Tokens that one line of the log names."""

_log = get_logger("kastor.auth")


class TokenNotices:
    """Looks at the tokens now and then, and says each thing once a day, or when it changes."""

    def __init__(
        self,
        store: TokenStore,
        roles: Callable[[], Collection[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; says nothing yet.

        Args:
            store: of the tokens.
            roles: tells the roles there are now, built in and of the policy.
            clock: what tells the time.
        """
        self._store = store
        self._roles = roles
        self._clock = clock
        self._told: dict[str, float] = {}
        self._unknown: dict[str, str] = {}

    async def watch(self) -> None:
        """Look at once and then now and then, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Say what has to be said now."""
        self._tell_ends()
        self._tell_roles()

    def _tell_ends(self) -> None:
        now = self._clock()
        soon: dict[str, str] = {}
        for each in self._store.tokens:
            # A rotated one ends as it was meant to.
            if each.expires is None or each.rotated is not None or each.has_ended(now):
                continue
            if each.expires.timestamp() <= now + SOON_SECONDS:
                soon[each.name] = each.expires.isoformat()
        self._told = {
            name: told
            for name, told in self._told.items()
            if name in soon and told > now - AGAIN_SECONDS
        }
        new = {name: end for name, end in soon.items() if name not in self._told}
        if new:
            self._told.update(dict.fromkeys(soon, now))
            _log.warning(
                "tokens end within 7 days; `kastor token rotate NAME` gives them new secrets",
                count=len(soon),
                ends=_first(soon),
            )

    def _tell_roles(self) -> None:
        known = self._roles()
        unknown = {each.name: each.role for each in self._store.tokens if each.role not in known}
        if unknown and unknown != self._unknown:
            _log.warning(
                "tokens have roles that there are not, and may do nothing by them",
                count=len(unknown),
                roles=_first(unknown),
            )
        self._unknown = unknown


def _first(values: dict[str, str]) -> dict[str, str]:
    return dict(sorted(values.items(), key=lambda item: (item[1], item[0]))[:MOST_NAMED])
