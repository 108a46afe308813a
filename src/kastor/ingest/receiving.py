"""Requests of a webhook: their messages, handed to an input's pipeline in turns."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from kastor.errors import LimitExceeded, Unavailable
from kastor.ingest.mapping import Message, Unreadable
from kastor.ingest.pipeline import Pipeline, Taken, Verdict
from kastor.ingest.webhook import NoEvent, read_messages
from kastor.words import counted

SLICE_SECONDS = 0.005
"""Time for which messages of a request are looked at before other requests have their turn."""
MOST_WORK = 1_000_000
"""Steps that one request may cost: its messages, times what the rules do with each."""
FEW_MESSAGES, MANY_AT_ONCE = 1_000, 2
"""Requests with more messages than that, of one graph, that are worked on at once."""
LARGE_BYTES = 65_536
"""From here on a body is read in a thread."""
READINGS_AT_ONCE = 10_000
"""Readings of a request that wait to be written; the next are made when these are durable."""


class Receiving:
    """Takes the requests of one graph's webhooks."""

    def __init__(self) -> None:
        self._many = asyncio.Semaphore(MANY_AT_ONCE)

    async def receive(
        self,
        name: str,
        pipeline: Pipeline,
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        turn: AbstractAsyncContextManager[object] | None,
    ) -> list[Verdict]:
        """Take the messages of a request; return what became of each once it is durable.

        Args:
            name: of the input.
            pipeline: of the input.
            content_type: without parameters, in lower case.
            headers: of the request, names in lower case.
            body: of the request.
            turn: entered while the body is read.

        Raises:
            InvalidArgument: the body cannot be read.
            LimitExceeded: it has too many messages, or too many for the rules.
            Unavailable: some of it could not be written; the whole may be sent again.
        """

        async def read() -> list[Message | NoEvent]:
            async with turn or contextlib.nullcontext():
                messages = await _read(content_type, headers, body)
            _require_few_steps(name, pipeline, len(messages))
            return messages

        few = body.count(b",") + body.count(b"\n") < FEW_MESSAGES
        if len(body) <= LARGE_BYTES and few:
            return await _receive(pipeline, await read())
        async with self._many:  # before it is read: its messages take many times its bytes
            messages = await read()
            if len(messages) > FEW_MESSAGES:
                return await _receive(pipeline, messages)
        return await _receive(pipeline, messages)


def _require_few_steps(name: str, pipeline: Pipeline, count: int) -> None:
    if count * pipeline.weight > MOST_WORK:
        raise LimitExceeded(
            f"The request has {counted(count, 'message')}, and the rules of the input {name} take "
            f"{pipeline.weight} steps for each; at most {MOST_WORK} steps are taken for one "
            "request. Send the messages in several requests."
        )


async def _read(
    content_type: str, headers: Mapping[str, str], body: bytes
) -> list[Message | NoEvent]:
    """Return the messages of a request, of a large one off the event loop; as `read_messages`."""
    if len(body) <= LARGE_BYTES:
        return read_messages(content_type, headers, body)

    def read() -> list[Message | NoEvent]:
        messages = read_messages(content_type, headers, body)
        for each in messages:
            if isinstance(each, Message) and len(each.payload) > LARGE_BYTES:
                with contextlib.suppress(Unreadable):  # the rules say so, if they want it at all
                    each.body()
        return messages

    return await asyncio.to_thread(read)


async def _receive(pipeline: Pipeline, messages: Sequence[Message | NoEvent]) -> list[Verdict]:
    """Take messages; return what became of each.

    Cancelled, it takes nothing more, and gives up what is not yet written.

    Raises:
        Unavailable: some of it could not be written.
    """
    verdicts: list[Verdict] = []
    waiting: deque[Taken | Verdict] = deque()
    readings, turn = 0, time.monotonic()
    try:
        for each in messages:
            if isinstance(each, NoEvent):
                waiting.append(pipeline.reject(each.message, str(each)))
            else:
                taken = pipeline.take(each)
                readings += len(taken.results)
                waiting.append(taken)
            if readings >= READINGS_AT_ONCE:
                verdicts += await _verdicts(pipeline, waiting)
                readings = 0
            elif time.monotonic() - turn > SLICE_SECONDS:
                await asyncio.sleep(0)
                turn = time.monotonic()
        verdicts += await _verdicts(pipeline, waiting)
    finally:
        for left in waiting:
            if isinstance(left, Taken):
                pipeline.drop(left)
    return verdicts


async def _verdicts(pipeline: Pipeline, waiting: deque[Taken | Verdict]) -> list[Verdict]:
    """Return what became of messages, each taken off `waiting` when that is known.

    Raises:
        Unavailable: some could not be written; every one has been waited for.
    """
    verdicts: list[Verdict] = []
    failure: Unavailable | None = None
    while waiting:
        each = waiting[0]
        try:
            verdicts.append(await pipeline.verdict(each) if isinstance(each, Taken) else each)
        except Unavailable as error:
            failure = error
        waiting.popleft()
    if failure is not None:
        raise failure
    return verdicts
