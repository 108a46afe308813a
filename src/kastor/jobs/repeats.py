"""Answers that are kept for whoever repeats a request under the same `operation-id` (decisions 5).

What was answered, or as much of it as is done, is written in the transaction of what it tells of.
So a client that lost its answer, or whose server was killed, sends the same again: nothing is
applied twice, and what was left is done.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kastor.errors import Conflict, InvalidArgument, TooManyRequests
from kastor.storage.batches import KeptAnswer

if TYPE_CHECKING:
    from kastor.records import Context
    from kastor.storage.jobs import JobStore
    from kastor.storage.ticker import Ticker

MAX_OPERATION_ID = 128
MOST_BYTES = 268_435_456
"""Of the answers that one graph keeps."""
_LOOK_SECONDS = 5.0
_ID = re.compile(rf"[A-Za-z0-9._:~-]{{1,{MAX_OPERATION_ID}}}")


def require_operation_id(text: str) -> str:
    """Return an operation id as a client may choose it.

    Raises:
        InvalidArgument: it is too long, or has other characters.
    """
    if _ID.fullmatch(text) is None:
        raise InvalidArgument(
            f"The header operation-id takes 1 to {MAX_OPERATION_ID} of: letters, digits and "
            ". _ : ~ -, such as a guid. Nothing was changed."
        )
    return text


class Repeat:
    """One request that may be a repeated one.

    Attributes:
        found: what is kept of its answer; empty where it is the first.
        done: whether that is the whole answer.
    """

    def __init__(self, key: str, digest: bytes, kept: KeptAnswer | None, now: int) -> None:
        self._key, self._digest = key, digest
        self.found = b"" if kept is None else kept.answer
        self.done = kept is not None and kept.done
        self._created = now if kept is None else kept.created

    def note(self, answer: bytes, *, done: bool) -> KeptAnswer:
        """Return what keeps the answer, or more of it than was found or kept before."""
        known = len(self.found)
        return KeptAnswer(self._key, self._digest, answer, done, self._created, known)

    def kept(self, answer: bytes) -> None:
        """Take note that this part is kept now."""
        self.found = answer


class Repeats:
    """The kept answers of one graph."""

    def __init__(self, store: JobStore, ticker: Ticker) -> None:
        self._store, self._ticker = store, ticker
        self._under_way: set[str] = set()
        self._bytes, self._looked = 0, -_LOOK_SECONDS

    @asynccontextmanager
    async def taking(
        self, operation_id: str, request: bytes, context: Context
    ) -> AsyncIterator[Repeat]:
        """Enter a block that answers a request; no other one of this id is in it meanwhile.

        Of another process one may be: `KeptAnswer.known` tells them apart when they write.

        Args:
            operation_id: as the client chose it; ids of different callers are different.
            request: its body.
            context: who asks.

        Raises:
            TooManyRequests: one is under way, or too much is kept.
            Conflict: `OperationIdReused`, the id was that of another request.
        """
        key = f"batch/{context.actor}/{operation_id}"
        if key in self._under_way:
            raise still_under_way(operation_id)
        self._under_way.add(key)
        try:
            kept = await self._store.kept_answer(key)
            digest = hashlib.sha256(request).digest()
            if kept is None:
                await self._require_room()
            elif kept.digest != digest:
                raise Conflict(
                    f"The operation-id {operation_id} was that of another request within the last "
                    "day. Give each request an id of its own. Nothing was changed.",
                    code="OperationIdReused",
                )
            yield Repeat(key, digest, kept, self._ticker.age_now())
        finally:
            self._under_way.discard(key)

    async def _require_room(self) -> None:
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            self._bytes = await self._store.kept_bytes()
        if self._bytes > MOST_BYTES:
            raise TooManyRequests(
                "Answers to batches with an operation-id are kept for a day, and there is no room "
                "for more. Send fewer and larger ones, or leave out the operation-id. Nothing was "
                "changed.",
                retry_after=600,
            )


def still_under_way(operation_id: str) -> TooManyRequests:
    """Return the error for a request whose like is being worked on."""
    return TooManyRequests(
        f"A request with the operation-id {operation_id} is under way. Repeat it to get its answer."
    )
