"""Sends writes: in batches to Kastor, else one by one and many at once.

A write whose answer is lost is never sent again; whoever asked for it looks what is there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from kastor.client import (
    AccessError,
    BadRequestError,
    ServiceError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    features,
)
from kastor.client.calls import Document, HttpCall, Json, Repetition, document, encoded
from kastor.moving.loading.unsure import UnsureError, in_doubt
from kastor.moving.writing.operations import WriteOperation, WriteOutcome
from kastor.moving.writing.spread import TwinSpread

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.patience import Patience

T = TypeVar("T")
PARALLEL = 16
_MOST_OPERATIONS = 500
_MOST_BYTES = 8 * 1024 * 1024
_NO_ACCESS = (401, 403)
_DETAILS = 2


class ConditionalWriter:
    """Calls the graph of a client, many calls at once and all with one patience.

    Args:
        client: one that tries no refused call again itself (`Retries(attempts=1)`).
        patience: with that server.
        batches: whether the other side announces them.
        parallel: calls at once.
    """

    def __init__(
        self,
        client: AsyncKastorClient,
        patience: Patience,
        *,
        batches: bool,
        parallel: int = PARALLEL,
    ) -> None:
        self._client, self._patience, self._batches = client, patience, batches
        self._slots = asyncio.Semaphore(parallel)
        self._spread = TwinSpread()

    async def write(self, operations: Sequence[WriteOperation]) -> list[WriteOutcome]:
        """Apply writes, and return what came of each, in their order.

        They may be applied in any order, so none may need another.

        Raises:
            AccessError: the token does not allow it.
            UnreachableError: nobody has answered for minutes.
        """
        if not operations:
            return []
        if not self._batches:
            return await together(self._alone(each) for each in operations)
        found: list[WriteOutcome] = []
        for part in _parts(operations):
            found += await self._batch(part)
        return found

    async def send(self, call: HttpCall[T]) -> T:
        """Return the result of any call, in its turn.

        Raises:
            UnsureError: of a write, that may have been applied or not.
            ClientError: as of any call.
        """

        async def once() -> T:
            try:
                if call.repeat is Repetition.ALWAYS:
                    return await self._client.send(call)
                with in_doubt():
                    return await self._client.send(call)
            except TooManyRequestsError:
                self._spread.begin()
                raise

        return await self._patience.call(once)

    async def read(self, call: HttpCall[T]) -> T:
        """Return the result of a call that reads, no more of them at once than writes."""
        async with self._slots:
            return await self.send(call)

    async def _alone(self, operation: WriteOperation) -> WriteOutcome:
        await self._spread.turn(operation.source or operation.id)
        async with self._slots:
            try:
                return WriteOutcome(200, await self.send(operation.call()))
            except AccessError:
                raise
            except UnsureError as error:
                return WriteOutcome(0, message=str(error))
            except ServiceError as error:
                words = _words(error.message, error.details)
                return WriteOutcome(error.status, None, error.code, words)

    async def _batch(self, operations: Sequence[WriteOperation]) -> list[WriteOutcome]:
        body = encoded({"operations": [each.of_batch() for each in operations]})
        call = HttpCall(*("POST", "/kastor/v1/batch", document), content=body, needs=features.BATCH)
        async with self._slots:
            answer: Document | None
            try:
                answer = await self.send(call)
            except UnsureError as error:
                return [WriteOutcome(0, message=str(error))] * len(operations)
            except AccessError:
                raise
            except ServiceError as error:
                refused = WriteOutcome(error.status, None, error.code, error.message)
                if len(operations) == 1 or not isinstance(error, BadRequestError):
                    return [refused] * len(operations)
                answer = None
        if answer is None:
            # Refused as a whole, and nothing done: for its size, or for one that no batch can hold.
            middle = len(operations) // 2
            return [
                *await self._batch(operations[:middle]),
                *await self._batch(operations[middle:]),
            ]
        found = [_outcome(each) for each in answer.get("results", ())]
        if len(found) != len(operations):
            raise UnexpectedAnswerError("The answer to a batch has not a result for each part.")
        for each in found:
            if each.status in _NO_ACCESS:
                raise AccessError(each.status, each.code, each.message)
        return found


def repeatable(call: HttpCall[T]) -> HttpCall[T]:
    """Return a call that may be sent again, since twice does what once does."""
    return replace(call, repeat=Repetition.ALWAYS)


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


def _outcome(result: Document) -> WriteOutcome:
    error = result.get("error") or {}
    words = _words(error.get("message", ""), error.get("details", ()))
    return WriteOutcome(result["status"], result.get("etag"), error.get("code", ""), words)


def _words(message: str, details: Iterable[Mapping[str, Json]]) -> str:
    """Return what an error says, with the first of its details, which name what is wrong."""
    said = [str(each["message"]) for each in details if "message" in each]
    found = [each for each in said if each != message][:_DETAILS]
    return f"{message.rstrip('.')}: {' '.join(found)}" if found else message


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
