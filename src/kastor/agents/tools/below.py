"""The twins below one, or of a model, read whole, so that none that is meant is missed.

An index of texts knows no relationships and no models: its best hits may all lie elsewhere. So what
is meant is found first, as the graph is now, and each of its documents is looked at.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from kastor.agents.refusals import ToolRefused
from kastor.agents.tools.near import near_twins
from kastor.errors import NotFound
from kastor.graph.ids import require_id
from kastor.search.documents import indexed
from kastor.search.service import Hit, ranked, read_question
from kastor.storage.search import Candidates, IndexedRow, SourceRow
from kastor.storage.search_texts import is_near, is_tolerant, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kastor.agents.caller import AgentCaller
    from kastor.records import Context
    from kastor.search.ranking import SearchText

MOST_BELOW, MOST_STEPS = 2_000, 10
"""Twins that may lie below one, and relationships from it to the furthest that is looked for."""
_AT_ONCE, _PAGE = 500, 1_000
_TARGETS = "SELECT R.$targetId AS id FROM RELATIONSHIPS R WHERE R.$sourceId IN $ids"
_OF_MODEL = "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{}')"
"""A stored model's id holds no quote (DTDL)."""
_TWINS = "SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN $ids"
_RESEMBLING = 8


async def found_below(
    caller: AgentCaller, twin_id: str, text: str | None, wanted: Callable[[str | None], bool]
) -> tuple[list[Hit], list[dict[str, Any]]]:
    """Return what answers a text among the twins below one, best first; without a text, all.

    Args:
        caller: who asks.
        twin_id: which they lie below; it is none of them.
        text: what to look for.
        wanted: whether twins of a model are asked for, by its id.

    Returns:
        Hits of the text; without one, rows of ids, models and steps, the nearest first.

    Raises:
        ToolRefused: there is no such twin, or too much lies below it.
    """
    asked = None if text is None else read_question(text)
    context = caller.context()
    try:
        await caller.services.graph.twin(require_id(twin_id, "twin"), context)
    except NotFound as error:
        near = await near_twins(caller, twin_id)
        raise ToolRefused(error.code, error.message, at="under", near=near) from None
    steps = await _steps_to(caller, twin_id, context)
    documents = [
        document
        for document in await _documents(caller, list(steps), context)
        if wanted(document["$metadata"].get("$model"))
    ]
    if asked is None:
        documents.sort(key=lambda each: (steps[each["$dtId"]], each["$dtId"]))
        return [], [
            {
                "kind": "twin",
                "id": each["$dtId"],
                "model": each["$metadata"].get("$model"),
                "steps": steps[each["$dtId"]],
            }
            for each in documents
        ]
    return await asyncio.to_thread(_ranked, asked, documents), []


async def found_of_model(caller: AgentCaller, model: str, text: str) -> list[Hit] | None:
    """Return what answers a text among the twins of a model, best first; None: they are too many.

    Args:
        caller: who asks.
        model: the id of a stored model; its subtypes count.
        text: what to look for.
    """
    asked, found = read_question(text), []
    async for row in _rows(caller, _OF_MODEL.format(model), None, caller.context()):
        found.append(row)
        if len(found) > MOST_BELOW:
            return None
    return await asyncio.to_thread(_ranked, asked, found)


async def _steps_to(caller: AgentCaller, twin_id: str, context: Context) -> dict[str, int]:
    """Return how many relationships lead to each twin below one."""
    steps, level = {twin_id: 0}, [twin_id]
    for step in range(1, MOST_STEPS + 1):
        following: list[str] = []
        for start in range(0, len(level), _AT_ONCE):
            ids = level[start : start + _AT_ONCE]
            async for row in _rows(caller, _TARGETS, ids, context):
                if row["id"] not in steps:
                    steps[row["id"]] = step
                    following.append(row["id"])
                if len(steps) > MOST_BELOW + 1:
                    raise ToolRefused(
                        "UnderTooLarge",
                        f"More than {MOST_BELOW} twins are below this one.",
                        at="under",
                        advice="Name a twin further down, as neighbours shows them, or leave "
                        "under out and give a model.",
                    )
        if not following:
            break
        level = following
    del steps[twin_id]
    return steps


async def _documents(
    caller: AgentCaller, ids: Sequence[str], context: Context
) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for start in range(0, len(ids), _AT_ONCE):
        async for row in _rows(caller, _TWINS, ids[start : start + _AT_ONCE], context):
            found.append(row)  # noqa: PERF401 - of several readings
    return found


async def _rows(caller: AgentCaller, text: str, ids: Sequence[str] | None, context: Context) -> Any:
    token, given = None, None if ids is None else {"ids": list(ids)}
    while True:
        page = await caller.services.query.run(
            text, context, token=token, max_items=_PAGE, parameters=given
        )
        for row in orjson.loads(page.value):
            yield row
        if (token := page.continuation) is None:
            return


def _ranked(asked: SearchText, documents: Sequence[Mapping[str, Any]]) -> list[Hit]:
    sources = [SourceRow(0, each["$dtId"], orjson.dumps(each)) for each in documents]
    rows = indexed("twin", sources)
    words = words_of(text for each in rows for _, text in each.fields)
    found = Candidates(
        [IndexedRow(each.id, each.name, each.model, orjson.dumps(each.fields)) for each in rows]
    )
    hits, _ = ranked(asked, "twin", found)
    if hits:
        return hits
    # As in a search everywhere: who finds nothing may have mistyped a word.
    found.resembling = {
        word: tuple(sorted(each for each in words if is_near(word, each))[:_RESEMBLING])
        for word in asked.words
        if is_tolerant(word)
    }
    return ranked(replace(asked, resembling=found.resembling), "twin", found)[0]
