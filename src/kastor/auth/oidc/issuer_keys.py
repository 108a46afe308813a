"""What is known of an issuer's keys, and when it is asked again.

Its documents are read again now and then, which takes what was withdrawn and brings what is new.
A token that no known key has signed has the issuer asked at once, but for all strangers together at
most once in a while; whoever comes in between is refused without waiting. While the issuer does
not answer, the keys that are known go on to count.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from kastor.auth.oidc.documents import DocumentError, FetchDocument, find_keys
from kastor.auth.oidc.issuers import Issuer
from kastor.auth.oidc.key_set import KeySet, VerificationKey, read_key_set
from kastor.auth.oidc.token_form import TokenForm
from kastor.errors import Unavailable
from kastor.logs import get_logger

ASK_SECONDS = 30.0
"""Tokens that no known key has signed have their issuer asked at most so often."""
REFRESH_SECONDS = 300.0
"""After so long the documents are read again: a withdrawn key counts no longer than that, and the
time that a try takes."""
RETRY_SECONDS, FIRST_RETRY_SECONDS = 30.0, 2.0
"""Between tries while the issuer does not answer; the latter until it has answered once."""
FETCH_SECONDS = 10.0
"""That its documents may take, all together."""
MOST_WAITING = 100
"""Requests that wait together for an issuer's answer; others are not kept waiting."""

_log = get_logger("kastor.auth")


class IssuerKeys:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: Issuer,
        fetch: FetchDocument,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know nothing yet.

        Args:
            issuer: whose keys.
            fetch: gets documents.
            on_change: called when other keys count from now on.
            clock: seconds that go on steadily.
        """
        self._issuer = issuer
        self._fetch = fetch
        self._on_change = on_change
        self._clock = clock
        self._keys: KeySet | None = None
        self._place = ""
        self._asked = self._tried = self._read = -math.inf
        self._trouble = ""
        self._fetching: asyncio.Task[None] | None = None
        self._waiting = 0

    @property
    def trouble(self) -> str:
        """Why its documents cannot be read; empty while they can."""
        return self._trouble

    async def find(self, form: TokenForm) -> VerificationKey | None:
        """Return the key that a token has to be signed with; None: there is none.

        Raises:
            Unavailable: the issuer has not answered yet since the start.
        """
        found = self._known(form)
        if found is None:
            await self._ask()
            found = self._known(form)
        if self._keys is None:
            raise Unavailable(
                "The issuer of the token cannot be reached; try again soon.",
                retry_after=round(FIRST_RETRY_SECONDS),
            )
        return found if found is not None and form.algorithm in found.algorithms else None

    async def find_again(self, form: TokenForm) -> VerificationKey | None:
        """Do as `find` for a token that the key which was found has not signed.

        The issuer may have put another key in its place: under the same id, or without any.
        """
        await self._ask()
        return await self.find(form)

    async def refresh_if_due(self) -> None:
        """Read the documents again, if it is time; raises nothing."""
        now = self._clock()
        retry = FIRST_RETRY_SECONDS if self._keys is None else RETRY_SECONDS
        if now - self._read >= REFRESH_SECONDS and now - self._tried >= retry:
            self._place = ""  # they may have moved
            await self._refresh()

    def _known(self, form: TokenForm) -> VerificationKey | None:
        keys = self._keys or {}
        if form.key_id:
            return keys.get((form.key_id, form.key_kind))
        suitable = [key for key in keys.values() if form.algorithm in key.algorithms]
        return suitable[0] if len(suitable) == 1 else None

    async def _ask(self) -> None:
        """Ask on behalf of a token, unless that was done a moment ago."""
        if self._fetching is None:
            now = self._clock()
            if now - self._asked < ASK_SECONDS:
                return
            self._asked = now
        elif self._waiting >= MOST_WAITING:
            return
        self._waiting += 1
        try:
            await self._refresh()
        finally:
            self._waiting -= 1

    async def _refresh(self) -> None:
        """Read the documents; whoever comes meanwhile waits for the same answer."""
        if self._fetching is None:
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._read_documents(), name="issuer")
            self._fetching.add_done_callback(self._note_end)
        await asyncio.wait((self._fetching,))  # who waits may go away, and it goes on

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._note_trouble(f"{type(fault).__name__}: a fault of this server")
            _log.error("reading an issuer's documents failed", exc_info=fault)

    async def _read_documents(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                place = self._place or await find_keys(self._issuer, self._fetch)
                text = await self._fetch(place)
        except TimeoutError:
            return self._note_trouble("it did not answer in time")
        except DocumentError as error:
            return self._note_trouble(str(error))
        try:
            keys = read_key_set(text, self._issuer.url)
        except DocumentError as error:
            return self._note_trouble(str(error))
        self._place, self._read = place, self._clock()
        self._note_keys(keys)
        return None

    def _note_keys(self, keys: KeySet) -> None:
        before, self._keys = self._keys, keys
        if before is None or self._trouble:
            _log.info("the issuer answers", issuer=self._issuer.url, keys=len(keys))
        self._trouble = ""
        if before is not None and before != keys:
            _log.info("the issuer has other keys now", issuer=self._issuer.url, keys=len(keys))
            self._on_change()

    def _note_trouble(self, reason: str) -> None:
        self._place = ""
        if reason == self._trouble:
            return
        self._trouble = reason
        consequence = (
            "an issuer's keys cannot be read: nobody with a token of it gets in yet"
            if self._keys is None
            else "an issuer's keys cannot be read: those that are known go on to count"
        )
        _log.warning(consequence, issuer=self._issuer.url, reason=reason)
