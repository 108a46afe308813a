"""Sends writes: in batches to Kastor, else one by one and many at once.

A write whose answer is lost is never sent again; whoever asked for it looks what is there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from kastor.client import (
    AccessError,
    OutcomeUnknownError,
    ServerFailedError,
    ServiceError,
    TooManyRequestsError,
    UnreachableError,
)
from kastor.client.calls import Document, HttpCall, Repetition, document, encoded
from kastor.moving.writing.operations import WriteOperation, WriteOutcome

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.writing.pace import Pace

T = TypeVar("T")
BATCH = "batch"
PARALLEL = 16
_MOST_OPERATIONS = 500
_MOST_BYTES = 8 * 1024 * 1024
_PATIENCE = 8
"""Attempts while nobody answers: two minutes in all, enough for a restart."""
_LONGEST_WAIT = 30.0
_NO_ACCESS = (401, 403)


class Writer:
    """Writes to the graph of a client.

    Args:
        client: one that does not try refused calls again itself (`Retries(attempts=1)`).
        pace: of all calls to that server.
        parallel: single calls at once.
    """

    def __init__(self, client: AsyncKastorClient, pace: Pace, *, parallel: int = PARALLEL) -> None:
        self._client, self._pace = client, pace
        self._slots = asyncio.Semaphore(parallel)

    async def write(self, operations: Sequence[WriteOperation]) -> list[WriteOutcome]:
        """Apply writes, and return what came of each, in their order.

        Those of one call may be applied in any order, so none may need another.

        Raises:
            AccessError: the token does not allow it.
            UnreachableError: nobody has answered for two minutes.
        """
        if not operations:
            return []
        if BATCH in await self._client.features():
            found: list[WriteOutcome] = []
            for part in _parts(operations):
                found += await self._batch(part)
            return found
        return await together(self._alone(each) for each in operations)

    async def send(self, call: HttpCall[T]) -> T:
        """Return the result of any call, in its turn and with patience.

        Raises:
            ClientError: as of any call but 429.
        """
        attempt = 0
        while True:
            await self._pace.turn()
            try:
                return await self._client.send(call)
            except TooManyRequestsError as error:
                self._pace.refused(error.retry_after)
            except (UnreachableError, ServerFailedError) as error:
                attempt += 1
                is_lasting = isinstance(error, ServiceError) and not _may_repeat(call)
                if is_lasting or attempt >= _PATIENCE:
                    raise
                await asyncio.sleep(min(_LONGEST_WAIT, 0.25 * 2**attempt))

    async def _alone(self, operation: WriteOperation) -> WriteOutcome:
        async with self._slots:
            try:
                return WriteOutcome(200, await self.send(operation.call()))
            except AccessError:
                raise
            except OutcomeUnknownError as error:
                return WriteOutcome(0, message=str(error))
            except ServiceError as error:
                return WriteOutcome(error.status, None, error.code, error.message)

    async def _batch(self, operations: Sequence[WriteOperation]) -> list[WriteOutcome]:
        body = encoded({"operations": [each.of_batch() for each in operations]})
        # With an id the other side recognises a repetition, so nothing is in doubt.
        call = HttpCall(
            *("POST", "/kastor/v1/batch", document, {}, {"operation-id": str(uuid4())}, body),
            repeat=Repetition.ALWAYS,
            needs=BATCH,
        )
        async with self._slots:
            try:
                answer = await self.send(call)
            except AccessError:
                raise
            except ServiceError as error:
                refused = WriteOutcome(error.status, None, error.code, error.message)
                return [refused] * len(operations)
        found = [_outcome(each) for each in answer["results"]]
        for each in found:
            if each.status in _NO_ACCESS:
                raise AccessError(each.status, each.code, each.message)
        return found


async def together(work: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """Return the results of coroutines that run at once; the first fault ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except* Exception as faults:  # noqa: BLE001 - raised again, the first of them
        first: BaseException = faults
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    return [each.result() for each in tasks]


def _may_repeat(call: HttpCall[T]) -> bool:
    return call.repeat is Repetition.ALWAYS


def _outcome(result: Document) -> WriteOutcome:
    error = result.get("error") or {}
    return WriteOutcome(
        result["status"], result.get("etag"), error.get("code", ""), error.get("message", "")
    )


def _parts(operations: Sequence[WriteOperation]) -> Iterator[Sequence[WriteOperation]]:
    """Yield operations in order, no more at a time than a batch may have."""
    start = size = 0
    for at, each in enumerate(operations):
        length = len(json.dumps(each.body))
        if at - start == _MOST_OPERATIONS or (at > start and size + length > _MOST_BYTES):
            yield operations[start:at]
            start, size = at, 0
        size += length
    yield operations[start:]
