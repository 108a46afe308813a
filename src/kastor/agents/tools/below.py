"""The twins below one, or of a model, read whole, so that none that is meant is missed.

An index of texts knows no relationships and no models: its best hits may all lie elsewhere. So what
is meant is found first, as the graph is now, and each of its documents is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from kastor.agents.refusals import ToolRefused
from kastor.agents.tools.near import near_twins
from kastor.errors import NotFound
from kastor.graph.ids import require_id
from kastor.search.documents import indexed
from kastor.search.service import Hit, order_of, ranked, read_question
from kastor.storage.search import MOST_RESEMBLING, Candidates, IndexedRow, SourceRow
from kastor.storage.search_texts import is_near, is_tolerant, words_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

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
    found = _Hits(None if text is None else read_question(text), wanted)
    context = caller.context()
    steps = await steps_below(caller, twin_id, context)
    ids = list(steps)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        async for page, _ in _pages(caller, _TWINS, some, context):
            await caller.worked(len(page), partial(found.take, page))
    listed: list[dict[str, Any]] = [
        {"kind": "twin", "id": each, "model": model, "steps": steps[each]}
        for each, model in sorted(found.listed, key=lambda each: (steps[each[0]], each[0]))
    ]
    return found.best(), listed


async def found_of_model(caller: AgentCaller, model: str, text: str) -> list[Hit] | None:
    """Return what answers a text among the twins of a model, best first; None: they are too many.

    Args:
        caller: who asks.
        model: the id of a stored model; its subtypes count.
        text: what to look for.
    """
    found, count = _Hits(read_question(text)), 0
    async for page, rows in _pages(caller, _OF_MODEL.format(model), None, caller.context()):
        count += rows
        if count > MOST_BELOW:
            return None
        await caller.worked(len(page), partial(found.take, page))
    return found.best()


async def steps_below(caller: AgentCaller, twin_id: str, context: Context) -> dict[str, int]:
    """Return how many relationships lead to each twin below one.

    Raises:
        ToolRefused: there is no such twin, or too much lies below it.
    """
    try:
        await caller.services.graph.twin(require_id(twin_id, "twin"), context)
    except NotFound as error:
        near = await near_twins(caller, twin_id)
        raise ToolRefused(error.code, error.message, at="under", near=near) from None
    steps, level = {twin_id: 0}, [twin_id]
    for step in range(1, MOST_STEPS + 1):
        following: list[str] = []
        for start in range(0, len(level), _AT_ONCE):
            ids = level[start : start + _AT_ONCE]
            async for page, _ in _pages(caller, _TARGETS, ids, context):
                new = [r["id"] for r in orjson.loads(page) if r["id"] not in steps]
                steps |= dict.fromkeys(new, step)
                following += dict.fromkeys(new)
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


async def _pages(
    caller: AgentCaller, text: str, ids: Sequence[str] | None, context: Context
) -> AsyncIterator[tuple[bytes, int]]:
    """Yield pages of a query as JSON text, each with the number of its rows."""
    token, given = None, None if ids is None else {"ids": list(ids)}
    while True:
        page = await caller.services.query.run(
            text, context, token=token, max_items=_PAGE, parameters=given
        )
        yield page.value, page.rows
        if (token := page.continuation) is None:
            return


@dataclass(slots=True)
class _Hits:
    """What answers a text, page by page, so that no more than a page is held.

    Attributes:
        asked: what is looked for; None: everything is listed.
        wanted: whether twins of a model are asked for, by its id.
        listed: ids and models, where everything is listed.
    """

    asked: SearchText | None
    wanted: Callable[[str | None], bool] = lambda _model: True
    listed: list[tuple[str, str | None]] = field(default_factory=list)
    _exact: list[Hit] = field(default_factory=list)
    _resembling: list[Hit] = field(default_factory=list)

    def take(self, page: bytes) -> None:
        """Look at the documents of a page; in whichever thread."""
        documents = [
            each for each in orjson.loads(page) if self.wanted(each["$metadata"].get("$model"))
        ]
        if self.asked is None:
            self.listed += [(each["$dtId"], each["$metadata"]["$model"]) for each in documents]
            return
        rows = indexed(
            "twin", [SourceRow(0, each["$dtId"], orjson.dumps(each)) for each in documents]
        )
        found = Candidates(
            [IndexedRow(each.id, each.name, each.model, orjson.dumps(each.fields)) for each in rows]
        )
        self._exact += ranked(self.asked, "twin", found)[0]
        if self._exact:
            return
        # As in a search everywhere: who finds nothing may have mistyped a word.
        words = words_of(text for each in rows for _, text in each.fields)
        resembling = {
            word: tuple(sorted(each for each in words if is_near(word, each))[:MOST_RESEMBLING])
            for word in self.asked.words
            if is_tolerant(word)
        }
        self._resembling += ranked(replace(self.asked, resembling=resembling), "twin", found)[0]

    def best(self) -> list[Hit]:
        """Return the hits, best first."""
        return sorted(self._exact or self._resembling, key=order_of)
