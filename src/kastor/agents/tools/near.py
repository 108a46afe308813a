"""What may have been meant by an id or a model that is not there, of what the caller sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.agents.refusals import ToolRefused, near
from kastor.auth.roles import Permission
from kastor.errors import KastorError
from kastor.search.service import Kind

if TYPE_CHECKING:
    from kastor.agents.caller import AgentCaller

_NEAR = 3
_TWINS: tuple[Kind, ...] = ("twin",)


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
