"""Writes many items by one call, to a server that announces it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from kastor.client import (
    BadRequestError,
    OutcomeUnknownError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)
from kastor.client.calls import HttpCall, encoded
from kastor.client.errors import service_error
from kastor.client.many import BatchAnswer, WriteResult, batch
from kastor.client.writes import put_relationship, put_twin
from kastor.moving.items import ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.loading.singles import key_of

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.lanes import WorkLanes
    from kastor.moving.loading.outcomes import Outcomes
    from kastor.moving.loading.patience import Patience
    from kastor.moving.loading.singles import SingleWriter
    from kastor.types import Document

OPERATIONS = 1_000
"""Of one request."""
BYTES = 4_194_304
"""Of one request, but for a single item that is larger."""
SHARDS = 4
_NO_ROOM_SECONDS = 300.0
"""The `Retry-After` beyond which a server is out of room for answers, and not merely busy."""


@dataclass(slots=True)
class _Pending:
    """What the next request of a shard holds."""

    placed: list[Placed] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    size: int = 0


class BatchWriter:
    """Puts twins and relationships in batches; what belongs to one twin stays in order.

    Each batch has an id of its own, by which the server knows one whose answer was lost.
    """

    def __init__(
        self,
        client: AsyncKastorClient,
        lanes: WorkLanes,
        patience: Patience,
        outcomes: Outcomes,
        singles: SingleWriter,
    ) -> None:
        """Prepare.

        Args:
            client: of the graph.
            lanes: run the requests.
            patience: with the server.
            outcomes: take what became of each item.
            singles: write what no batch can.
        """
        self._client, self._lanes, self._patience = client, lanes, patience
        self._outcomes, self._singles = outcomes, singles
        self._shards = [_Pending() for _ in range(SHARDS)]
        self._with_ids = True

    async def add(self, placed: Placed) -> None:
        """Have a twin or relationship written; raises as `SingleWriter.add`."""
        number = zlib.crc32(key_of(placed).encode("utf-8", "surrogatepass")) % SHARDS
        shard = self._shards[number]
        try:
            text = encoded(_operation(placed))
        except (ValueError, TypeError) as error:
            self._outcomes.refused(placed, error)
            return
        if shard.placed and shard.size + len(text) > BYTES:
            await self._send(number)
            shard = self._shards[number]
        shard.placed.append(placed)
        shard.texts.append(text)
        shard.size += len(text)
        if len(shard.placed) >= OPERATIONS:
            await self._send(number)

    async def drain(self) -> None:
        """Return when all is written; raises as `add`."""
        for number in range(SHARDS):
            await self._send(number)
        await self._lanes.drain()

    async def _send(self, number: int) -> None:
        full, self._shards[number] = self._shards[number], _Pending()
        if full.placed:
            await self._lanes.add(number, lambda: self._write(full.placed, full.texts))

    async def _write(self, placed: Sequence[Placed], texts: Sequence[bytes]) -> None:
        """Write a batch; halves of one that is refused as a whole, down to single items."""
        try:
            results = await self._results(texts)
        except BadRequestError as error:
            if len(placed) == 1:
                self._outcomes.refused(placed[0], error)
                return
            middle = len(placed) // 2
            await self._write(placed[:middle], texts[:middle])
            await self._write(placed[middle:], texts[middle:])
        except OutcomeUnknownError:
            for each in placed:
                await self._singles.write(each, in_doubt=True)
        else:
            for each, result in zip(placed, results, strict=True):
                self._take(each, result)

    def _take(self, placed: Placed, result: WriteResult) -> None:
        if result.error is None:
            self._outcomes.written(placed)
            return
        body = encoded({"error": result.error})
        self._outcomes.refused(placed, service_error(result.status, {}, body))

    async def _results(self, texts: Sequence[bytes]) -> list[WriteResult]:
        body = b'{"operations":[' + b",".join(texts) + b"]}"
        if self._with_ids:
            # The call is made once: its repetitions have its id.
            call = _call(body, str(uuid4()))
            try:
                answer = await self._patience.call(lambda: self._client.send(call))
                return _results(answer, len(texts))
            except TooManyRequestsError as error:
                if (error.retry_after or 0) < _NO_ROOM_SECONDS:
                    raise
                self._with_ids = False
        call = _call(body, None)
        answer = await self._patience.call(lambda: self._client.send(call))
        return _results(answer, len(texts))


def _call(body: bytes, operation_id: str | None) -> HttpCall[BatchAnswer]:
    return replace(batch([], atomic=False, operation_id=operation_id), content=body)


def _operation(placed: Placed) -> Document:
    match placed.item:
        case TwinItem(identity, body):
            return put_twin(identity, body)
        case RelationshipItem(source, identity, body):
            return put_relationship(source, identity, body)
        case ModelItem():
            raise TypeError("models are uploaded together")


def _results(answer: BatchAnswer, count: int) -> list[WriteResult]:
    if len(answer.results) != count:
        raise UnexpectedAnswerError("The answer to a batch has not a result for each of its parts.")
    return answer.results
