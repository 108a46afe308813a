"""`find`: what holds some words, from the index of texts; twins near in meaning as well."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from kastor.agents.arguments import Find, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused
from kastor.agents.shortening import shortened
from kastor.agents.tools.below import found_below, found_of_model, steps_below
from kastor.agents.tools.near import require_model
from kastor.auth.roles import Permission
from kastor.errors import InvalidArgument, NotFound, Unavailable
from kastor.hybrid.service import HybridQuestion
from kastor.search.service import MOST_HITS, Hit, Kind
from kastor.vectors.service import VectorsNotInstalledError

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.hybrid.service import HybridHit
    from kastor.search.service import SearchService

_LONGEST_SNIPPET = 200
_WAIT_SECONDS = 1.0
"""For the index to hold what was changed."""
_WORDS = "Look for words: give text, with mode words or without."
_TWINS: tuple[Kind, ...] = ("twin",)
_NEEDED: dict[Kind, Permission] = {
    "twin": Permission.QUERY,
    "model": Permission.MODELS_READ,
    "relationship": Permission.RELATIONSHIPS_READ,
}


async def find(caller: AgentCaller, asked: Find, _cursors: Cursors) -> ToolAnswer:
    """Return what holds some words or is near in meaning, best first, anywhere or below a twin."""
    text, model, under = given(asked.text), given(asked.model), given(asked.under)
    if model is not None:
        require_model(caller, model)
    if _is_near(asked):
        return await _find_near(caller, asked)
    if under is not None:
        return await _find_below(caller, asked, under)
    if text is None:
        raise ToolRefused(
            "InvalidArgument",
            "There is nothing to look for: give text, like, or under.",
            at="text",
            advice="query lists the twins of a model.",
        )
    return await _find_anywhere(caller, asked, text)


def _is_near(asked: Find) -> bool:
    """Return whether vectors are to be used."""
    named = any(given(each) is not None for each in (asked.like, asked.vector, asked.index))
    return asked.mode == "vector" or (named and asked.mode != "words")


async def _find_near(caller: AgentCaller, asked: Find) -> ToolAnswer:
    under, text, context = given(asked.under), given(asked.text), caller.context()
    among, hits = None, None
    if under is not None and text is not None and asked.mode != "vector":
        hits, _ = await found_below(caller, under, text, lambda of: _is_wanted(caller, asked, of))
    if under is not None:
        among = frozenset(await steps_below(caller, under, context))
    question = HybridQuestion(
        text=text,
        like=given(asked.like),
        vector=given(asked.vector),
        index=given(asked.index),
        mode=asked.mode,
        model=given(asked.model),
        among=among,
        limit=asked.limit,
    )
    try:
        answer = await caller.services.hybrid.find(question, context, hits)
    except NotFound as error:
        at = {"VectorIndexNotFound": "index", "SearchOff": "text"}.get(error.code, "like")
        raise ToolRefused(error.code, error.message, at=at, advice=_WORDS) from None
    except VectorsNotInstalledError as error:
        raise ToolRefused(error.code, error.message, at="mode", advice=_WORDS) from None
    except InvalidArgument as error:
        raise ToolRefused(error.code, error.message, at=_misused(asked), advice=_WORDS) from None
    head: dict[str, Any] = {"ranking": answer.ranking}
    if answer.index is not None:
        head["index"] = answer.index.name
    if answer.degraded is not None:
        head["note"] = f"degraded: answered by words. {answer.degraded}"
    return ToolAnswer(
        head,
        [AnswerRow(_shown_near(each)) for each in answer.found],
        name="found",
        more=answer.more,
        hint="Only the best are shown. Give a model, or under.",
    )


def _misused(asked: Find) -> str:
    """Return the argument that a refusal is most likely about."""
    named = [
        name for name in ("vector", "like", "index") if given(getattr(asked, name)) is not None
    ]
    return named[0] if named else "mode"


def _is_wanted(caller: AgentCaller, asked: Find, of: str | None) -> bool:
    model = given(asked.model)
    return model is None or _is_of(caller, of, model)


async def _find_anywhere(caller: AgentCaller, asked: Find, text: str) -> ToolAnswer:
    service, model = _service(caller), given(asked.model)
    note: list[str] = []
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


async def _find_below(caller: AgentCaller, asked: Find, under: str) -> ToolAnswer:
    hits, listed = await found_below(
        caller, under, given(asked.text), lambda of: _is_wanted(caller, asked, of)
    )
    rows = listed or [_shown(each) for each in hits]
    return ToolAnswer(
        {},
        [AnswerRow(each) for each in rows[: asked.limit]],
        name="found",
        more=len(rows) > asked.limit,
        hint="Only the first are shown. Give more words, a model, or a twin further down.",
    )


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


def _shown_near(found: HybridHit) -> dict[str, Any]:
    """Return a hit with its ranks; a distance has the digits that tell hits apart."""
    if found.hit is not None:
        shown = _shown(found.hit)
    else:
        shown = {"kind": "twin", "id": found.id, "model": shortened(found.model)}
        if found.name is not None:
            shown["name"] = shortened(found.name)
    ranks = found.ranks()
    if found.distance is not None:
        ranks["distance"] = float(f"{found.distance:.6g}")
    return shown | ranks


def _shown(hit: Hit) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": hit.kind, "id": hit.id}
    for name, value in (("name", hit.name), ("model", hit.model), ("count", hit.count)):
        if value is not None:
            shown[name] = shortened(value)
    if hit.match.text != hit.id:
        shown |= {"field": hit.match.path, "text": hit.match.text[:_LONGEST_SNIPPET]}
    return shown
