"""What clients may attach without a tool: the graph, a model, a twin; and completion of ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kastor.agents.calling import call
from kastor.agents.fitting import DEFAULT_CHARACTERS
from kastor.agents.plain import cost
from kastor.agents.refusals import ToolRefused
from kastor.agents.tools.near import near_twins
from kastor.auth.roles import Permission

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller
    from kastor.types import Json

JSON = "application/json"
GRAPH, MODELS, TWINS = "kastor://graph", "kastor://models/", "kastor://twins/"
RESOURCES = ((GRAPH, "graph", "Counts, models and relationships of the graph"),)
TEMPLATES = (
    (MODELS + "{dtmi}", "model", "What a model declares and inherits"),
    (TWINS + "{id}", "twin", "A twin as it is now"),
)
LONGEST_URI = 1_000
MOST_COMPLETED, _MOST_CHARACTERS = 20, 8_000


async def read(caller: AgentCaller, uri: str) -> str:
    """Return the text of a resource.

    Raises:
        ToolRefused: there is none of this address, or it may not be seen.
    """
    if len(uri) > LONGEST_URI:
        raise _unknown()
    arguments: dict[str, Json]
    if uri == GRAPH:
        tool, arguments = "describe_graph", {}
    elif uri.startswith(MODELS):
        tool, arguments = "get_model", {"id": unquote(uri.removeprefix(MODELS))}
    elif uri.startswith(TWINS):
        tool, arguments = "get_twin", {"ids": [unquote(uri.removeprefix(TWINS))]}
    else:
        raise _unknown()
    room = max(2_000, DEFAULT_CHARACTERS - cost(uri) - 200)
    called = await call(caller, tool, {**arguments, "max_chars": room})
    if called.is_error:
        raise ToolRefused("ResourceNotFound", called.text)
    return called.text


async def completions(caller: AgentCaller, where: str, name: str, value: str) -> list[str]:
    """Return ids that begin as somebody has begun to write one, of what the caller sees."""
    if len(value) > LONGEST_URI:
        return []
    if name == "dtmi" and where.startswith(MODELS):
        if Permission.MODELS_READ not in caller.permissions:
            return []
        models = caller.services.graph.catalog_of(caller.context()).models
        return _bounded(each for each in models if each.startswith(value))
    if name == "id" and value:
        found = await near_twins(caller, value, MOST_COMPLETED)
        return _bounded(each for each in found if each.startswith(value))
    return []


def _bounded(ids: Iterable[str]) -> list[str]:
    found: list[str] = []
    size = 0
    for each in ids:
        size += cost(each)
        if size > _MOST_CHARACTERS or len(found) == MOST_COMPLETED:
            break
        found.append(each)
    return found


def _unknown() -> ToolRefused:
    return ToolRefused(
        "ResourceNotFound",
        f"There is no such resource; there are {GRAPH}, {MODELS}{{dtmi}} and {TWINS}{{id}}.",
    )
