"""`find`: twins, models and names of relationships by words, from the index of texts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from kastor.agents.arguments import Find, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused
from kastor.agents.shortening import shortened
from kastor.agents.tools.below import found_below, found_of_model
from kastor.agents.tools.near import require_model
from kastor.auth.roles import Permission
from kastor.errors import Unavailable
from kastor.search.service import MOST_HITS, Hit, Kind

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.search.service import SearchService

_LONGEST_SNIPPET = 200
_WAIT_SECONDS = 1.0
"""For the index to hold what was changed."""
_TWINS: tuple[Kind, ...] = ("twin",)
_NEEDED: dict[Kind, Permission] = {
    "twin": Permission.QUERY,
    "model": Permission.MODELS_READ,
    "relationship": Permission.RELATIONSHIPS_READ,
}


async def find(caller: AgentCaller, asked: Find, _cursors: Cursors) -> ToolAnswer:
    """Return what holds some words, the best first, anywhere or below a twin."""
    text, model, under = given(asked.text), given(asked.model), given(asked.under)
    note = _note_of_vectors(asked)
    if model is not None:
        require_model(caller, model)
    if under is not None:
        return await _find_below(caller, asked, under, note)
    if text is None:
        raise ToolRefused(
            "InvalidArgument",
            "There is nothing to look for: give text, or under.",
            at="text",
            advice="query lists the twins of a model.",
        )
    return await _find_anywhere(caller, asked, text, note)


async def _find_anywhere(
    caller: AgentCaller, asked: Find, text: str, note: list[str]
) -> ToolAnswer:
    service, model = _service(caller), given(asked.model)
    kinds = [kind for kind, needed in _NEEDED.items() if needed in caller.permissions]
    with contextlib.suppress(TimeoutError, Unavailable):  # what was applied just now is wanted too
        async with asyncio.timeout(_WAIT_SECONDS):
            await service.reach(None)
    most = asked.limit if model is None else MOST_HITS
    found = await service.search(text, kinds if model is None else _TWINS, most, caller.context())
    hits = [each for each in found.hits if model is None or _is_of(caller, each.model, model)]
    more = found.more or len(hits) > asked.limit
    if model is not None and found.more and len(hits) < asked.limit:
        # The best of all are of other models; those of this one may stand behind them.
        of_model = await found_of_model(caller, model, text)
        if of_model is None:
            note = [*note, f"Only the best {MOST_HITS} of all models were looked at."]
        else:
            hits, more = of_model, len(of_model) > asked.limit
    if found.building:
        note = [*note, "The index is being built; anything may be missing."]
    elif found.lag:
        note = [*note, f"The index does not hold the last {found.lag} changes yet."]
    return ToolAnswer(
        {"note": " ".join(note)} if note else {},
        [AnswerRow(_shown(each)) for each in hits[: asked.limit]],
        name="found",
        more=more,
        hint="Only the best are shown. Give more words, a model, or under.",
    )


async def _find_below(caller: AgentCaller, asked: Find, under: str, note: list[str]) -> ToolAnswer:
    model = given(asked.model)

    def wanted(of: str | None) -> bool:
        return model is None or _is_of(caller, of, model)

    hits, listed = await found_below(caller, under, given(asked.text), wanted)
    rows = listed or [_shown(each) for each in hits]
    return ToolAnswer(
        {"note": " ".join(note)} if note else {},
        [AnswerRow(each) for each in rows[: asked.limit]],
        name="found",
        more=len(rows) > asked.limit,
        hint="Only the first are shown. Give more words, a model, or a twin further down.",
    )


def _note_of_vectors(asked: Find) -> list[str]:
    """Return what is said where nearness is asked for, which this server cannot tell.

    Raises:
        ToolRefused: nothing else is asked for.
    """
    near_to = [
        name for name in ("like", "vector", "index") if given(getattr(asked, name)) is not None
    ]
    if asked.mode == "vector" or (near_to and given(asked.text) is None):
        raise ToolRefused(
            "VectorsOff",
            "This server has no index of vectors, so it cannot look for what is near in meaning.",
            at=near_to[0] if near_to else "mode",
            advice="Look for words: give text, with mode words or without.",
        )
    if near_to and asked.mode == "auto":
        return ["degraded: answered by words, since this server has no index of vectors."]
    return []


def _service(caller: AgentCaller) -> SearchService:
    if caller.services.search is None:
        raise ToolRefused(
            "SearchOff",
            "This server has no search: its setting `search` is off.",
            advice="Use query with CONTAINS or STARTSWITH.",
        )
    return caller.services.search


def _is_of(caller: AgentCaller, model: str | None, wanted: str) -> bool:
    catalog = caller.services.graph.catalog_of(caller.context())
    if model is None or model not in catalog.keys:
        return False
    return catalog.key_of(model) in catalog.matching(wanted, exact=False)


def _shown(hit: Hit) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": hit.kind, "id": hit.id}
    for name, value in (("name", hit.name), ("model", hit.model), ("count", hit.count)):
        if value is not None:
            shown[name] = shortened(value)
    if hit.match.text != hit.id:
        shown |= {"field": hit.match.path, "text": hit.match.text[:_LONGEST_SNIPPET]}
    return shown
