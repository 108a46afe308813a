"""How many twins each model has, and how many relationships each name.

Groups over documents read every document. With few models and names it is several times as fast to
count each by its index; what that leaves out the whole number tells, and then groups are counted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from kastor.errors import KastorError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kastor.agents.caller import AgentCaller

MOST_COUNTED = 100
"""Models, or names, that are counted one by one."""
_AT_ONCE = 4
_COUNT_SECONDS = 2.5
_OF_MODEL = "SELECT COUNT() AS n FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{}', exact)"
_OF_NAME = "SELECT COUNT() AS n FROM RELATIONSHIPS R WHERE R.$relationshipName = $name"
_OF_MODELS = (
    "SELECT T.$metadata.$model AS name, COUNT() AS n FROM DIGITALTWINS T "
    "GROUP BY T.$metadata.$model"
)
_OF_NAMES = (
    "SELECT R.$relationshipName AS name, COUNT() AS n FROM RELATIONSHIPS R "
    "GROUP BY R.$relationshipName"
)


async def count_all(
    caller: AgentCaller, twins: int, relationships: int
) -> tuple[dict[str, int] | None, dict[str, int] | None]:
    """Return numbers by model and by name of relationships; None where counting took too long.

    Args:
        caller: who asks.
        twins: that there are.
        relationships: that there are.
    """
    catalog = caller.services.graph.catalog_of(caller.context())
    # A stored model's id holds no quote (DTDL).
    models = {each: (_OF_MODEL.format(each), None) for each in catalog.models}
    names = {each: (_OF_NAME, {"name": each}) for each in catalog.relationship_names()}
    of_models, of_names = await asyncio.gather(
        _within_time(caller, models, twins, _OF_MODELS),
        _within_time(caller, names, relationships, _OF_NAMES),
    )
    return of_models, of_names


async def _within_time(
    caller: AgentCaller, single: Mapping[str, tuple[str, Any]], whole: int, groups: str
) -> dict[str, int] | None:
    try:
        async with asyncio.timeout(_COUNT_SECONDS):
            if len(single) <= MOST_COUNTED:
                found = await _one_by_one(caller, single)
                if sum(found.values()) == whole:
                    return found
            rows = await _rows(caller, groups, None)
    except (TimeoutError, KastorError):
        return None
    return {row["name"]: row["n"] for row in rows}


async def _one_by_one(caller: AgentCaller, single: Mapping[str, tuple[str, Any]]) -> dict[str, int]:
    room = asyncio.Semaphore(_AT_ONCE)

    async def count(text: str, parameters: Any) -> int:
        async with room:
            [row] = await _rows(caller, text, parameters)
        number: int = row["n"]
        return number

    counts = await asyncio.gather(*(count(*each) for each in single.values()))
    return {name: n for name, n in zip(single, counts, strict=True) if n}


async def _rows(caller: AgentCaller, text: str, parameters: Any) -> Collection[Any]:
    page = await caller.services.query.run(
        text, caller.context(), max_items=1_000, parameters=parameters
    )
    rows: list[Any] = orjson.loads(page.value)
    return rows
