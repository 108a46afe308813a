"""Deletes what a graph holds by single calls, for servers that have no job that does it.

Queries of Azure Digital Twins lag behind writes by some seconds, so what a round finds may be gone
already, and what it does not find may be there: rounds go on until one finds nothing.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kastor.client import AsyncKastorClient, NotFoundError, ServiceError, TooManyRequestsError
from kastor.moving.model_order import levels
from kastor.moving.parallel import for_each

T = TypeVar("T")
FIRST_REFUSALS = 10
PAUSE_SECONDS = 2.0
"""Between two rounds of which the first got nowhere or was too fast."""
_ROUNDS = 20
Shown = Callable[[int], None]
"""Is told how many are gone so far."""


@dataclass(slots=True)
class Emptied:
    """What became of a deletion.

    Attributes:
        gone: how many are.
        refused: how many were refused in the last round, and stay.
        throttled: of those, how many for their rate alone.
        first: of those some, each with what was refused and why.
    """

    gone: int = 0
    refused: int = 0
    throttled: int = 0
    first: list[tuple[str, str]] = field(default_factory=list)


async def delete_relationships(client: AsyncKastorClient, shown: Shown) -> Emptied:
    """Delete all relationships.

    Raises:
        ClientError: nobody answers, or no access.
    """

    async def found() -> AsyncIterator[tuple[str, str]]:
        # Whole documents, since not every server projects members that begin with a dollar sign.
        async for row in client.query("SELECT * FROM relationships"):
            yield row["$sourceId"], row["$relationshipId"]

    return await _in_rounds(
        found,
        lambda each: client.relationships.delete(*each),
        lambda each: f"relationship {each[1]} of {each[0]}",
        shown,
    )


async def delete_twins(client: AsyncKastorClient, shown: Shown) -> Emptied:
    """Delete all twins; their relationships have to be gone.

    Raises:
        ClientError: nobody answers, or no access.
    """

    async def found() -> AsyncIterator[str]:
        async for row in client.query("SELECT * FROM digitaltwins"):
            yield row["$dtId"]

    return await _in_rounds(found, client.twins.delete, lambda each: f"twin {each}", shown)


async def delete_models(
    client: AsyncKastorClient, documents: Sequence[dict[str, Any]], shown: Shown
) -> Emptied:
    """Delete models, those first that no other one needs.

    Args:
        client: of the graph.
        documents: all of them, as DTDL.
        shown: is told how many are gone.

    Raises:
        ClientError: nobody answers, or no access.
    """
    result = Emptied()
    for level in levels(documents):
        await _round(
            result, _each(level), client.models.delete, lambda each: f"model {each}", shown
        )
    return result


async def _in_rounds(
    found: Callable[[], AsyncIterator[T]],
    call: Callable[[T], Awaitable[None]],
    named: Callable[[T], str],
    shown: Shown,
) -> Emptied:
    result = Emptied()
    for _ in range(_ROUNDS):
        before = result.gone
        result.refused, result.throttled, result.first = 0, 0, []
        seen = await _round(result, found(), call, named, shown)
        if not seen or (result.gone == before and result.refused > result.throttled):
            break
        if result.gone == before or result.throttled:
            # Either it is too much at once, or queries tell of what is gone already.
            await sleep(PAUSE_SECONDS)
    return result


async def _round(
    result: Emptied,
    items: AsyncIterator[T],
    call: Callable[[T], Awaitable[None]],
    named: Callable[[T], str],
    shown: Shown,
) -> int:
    """Delete some items at once, and return how many there were."""
    seen = 0

    def done(item: T, error: ServiceError | None) -> None:
        nonlocal seen
        seen += 1
        if error is None:
            result.gone += 1
            shown(result.gone)
        elif not isinstance(error, NotFoundError):
            result.refused += 1
            result.throttled += isinstance(error, TooManyRequestsError)
            if len(result.first) < FIRST_REFUSALS:
                result.first.append((named(item), str(error)))

    await for_each(items, call, done)
    return seen


async def _each(items: Sequence[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
