"""Writes many items by one call, to a server that announces it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from kastor.client import (
    BadRequestError,
    OutcomeUnknownError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    features,
)
from kastor.client.calls import Document, HttpCall, Repetition, document, encoded
from kastor.client.errors import service_error
from kastor.moving.items import ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.loading.singles import key_of

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.lanes import Lanes
    from kastor.moving.loading.outcomes import Outcomes
    from kastor.moving.loading.patience import Patience
    from kastor.moving.loading.singles import SingleWriter

OPERATIONS = 1_000
"""Of one request."""
BYTES = 4_194_304
"""Of one request, but for a single item that is larger."""
SHARDS = 4
_NO_ROOM_SECONDS = 300.0
"""The `Retry-After` beyond which a server is out of room for answers, and not merely busy."""
_REFUSED = 400


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
        lanes: Lanes,
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

    def _take(self, placed: Placed, result: Document) -> None:
        status = result.get("status", 0)
        if status < _REFUSED:
            self._outcomes.written(placed)
            return
        self._outcomes.refused(placed, service_error(status, {}, encoded(result)))

    async def _results(self, texts: Sequence[bytes]) -> list[Document]:
        body = b'{"operations":[' + b",".join(texts) + b"]}"
        if self._with_ids:
            # The call is made once: its repetitions have its id.
            call = _call(body, str(uuid4()))
            try:
                return _listed(
                    await self._patience.call(lambda: self._client.send(call)), len(texts)
                )
            except TooManyRequestsError as error:
                if (error.retry_after or 0) < _NO_ROOM_SECONDS:
                    raise
                self._with_ids = False
        call = _call(body, None)
        return _listed(await self._patience.call(lambda: self._client.send(call)), len(texts))


def _call(body: bytes, operation_id: str | None) -> HttpCall[Document]:
    """Kastor_Batch."""
    return HttpCall(
        *("POST", "/kastor/v1/batch", document),
        headers={"operation-id": operation_id},
        content=body,
        repeat=Repetition.UNDONE if operation_id is None else Repetition.ALWAYS,
        needs=features.BATCH,
    )


def _operation(placed: Placed) -> Document:
    match placed.item:
        case TwinItem(identity, body):
            return {"op": "put", "kind": "twin", "id": identity, "body": body}
        case RelationshipItem(source, identity, body):
            made = {"op": "put", "kind": "relationship", "source": source, "id": identity}
            return {**made, "body": body}
        case ModelItem():
            raise TypeError("models are uploaded together")


def _listed(answer: Document, count: int) -> list[Document]:
    found = answer.get("results")
    if not isinstance(found, list) or len(found) != count:
        raise UnexpectedAnswerError("The answer to a batch has not a result for each of its parts.")
    return found
