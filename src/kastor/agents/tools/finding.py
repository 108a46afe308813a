"""`find`: twins, models and names of relationships by words, from the index of texts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from kastor.agents.arguments import Find, given
from kastor.agents.fitting import AnswerRow, ToolAnswer
from kastor.agents.refusals import ToolRefused, near
from kastor.agents.shortening import shortened
from kastor.auth.roles import Permission
from kastor.errors import KastorError, Unavailable
from kastor.search.service import MOST_HITS, Hit, Kind

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.agents.cursors import Cursors
    from kastor.search.service import SearchService

_LONGEST_SNIPPET = 200
_NEAR = 3
_WAIT_SECONDS = 1.0
"""For the index to hold what was changed."""
_TWINS: tuple[Kind, ...] = ("twin",)
_NEEDED: dict[Kind, Permission] = {
    "twin": Permission.QUERY,
    "model": Permission.MODELS_READ,
    "relationship": Permission.RELATIONSHIPS_READ,
}


async def find(caller: AgentCaller, asked: Find, _cursors: Cursors) -> ToolAnswer:
    """Return what holds some words, the best first."""
    service = _service(caller)
    model = given(asked.model)
    kinds = [kind for kind, needed in _NEEDED.items() if needed in caller.permissions]
    if model is not None:
        kinds = ["twin"]
        require_model(caller, model)
    with contextlib.suppress(TimeoutError, Unavailable):  # what was applied just now is wanted too
        async with asyncio.timeout(_WAIT_SECONDS):
            await service.reach(None)
    most = asked.limit if model is None else MOST_HITS
    found = await service.search(asked.text, kinds, most, caller.context())
    hits = [each for each in found.hits if model is None or _is_of(caller, each, model)]
    head: dict[str, Any] = {}
    if found.building:
        head["note"] = "The index is being built; anything may be missing."
    elif found.lag:
        head["note"] = f"The index does not hold the last {found.lag} changes yet."
    return ToolAnswer(
        head,
        [AnswerRow(_shown(each)) for each in hits[: asked.limit]],
        name="found",
        more=found.more or len(hits) > asked.limit,
        hint="Only the best are shown. Give more words, or a model.",
    )


async def near_twins(caller: AgentCaller, twin_id: str, most: int = _NEAR) -> list[str]:
    """Return ids of twins that may have been meant, of those that the caller sees."""
    service = caller.services.search
    if service is None or Permission.QUERY not in caller.permissions:
        return []
    try:
        found = await service.search(twin_id[:100], _TWINS, most, caller.context())
    except KastorError:
        return []
    return [each.id for each in found.hits]


def require_model(caller: AgentCaller, model: str) -> None:
    """Raise ToolRefused unless there is such a model; says which may be meant."""
    models = caller.services.graph.catalog_of(caller.context()).models
    if model not in models:
        raise ToolRefused(
            "ModelNotFound",
            f"There is no model {model[:200]}.",
            at="model",
            near=near(model, models) if Permission.MODELS_READ in caller.permissions else (),
            advice="List the models with describe_graph.",
        )


def _service(caller: AgentCaller) -> SearchService:
    if caller.services.search is None:
        raise ToolRefused(
            "SearchOff",
            "This server has no search: its setting `search` is off.",
            advice="Use query with CONTAINS or STARTSWITH.",
        )
    return caller.services.search


def _is_of(caller: AgentCaller, hit: Hit, model: str) -> bool:
    catalog = caller.services.graph.catalog_of(caller.context())
    if hit.model is None or hit.model not in catalog.keys:
        return False
    return catalog.key_of(hit.model) in catalog.matching(model, exact=False)


def _shown(hit: Hit) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": hit.kind, "id": hit.id}
    for name, value in (("name", hit.name), ("model", hit.model), ("count", hit.count)):
        if value is not None:
            shown[name] = shortened(value)
    if hit.match.text != hit.id:
        shown |= {"field": hit.match.path, "text": hit.match.text[:_LONGEST_SNIPPET]}
    return shown
