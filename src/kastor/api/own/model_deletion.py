"""What Kastor adds to the contract's operations of models: all of them deleted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response
from kastor.auth.roles import Permission as P
from kastor.graph.commands import DeleteAllModels

if TYPE_CHECKING:
    from kastor.hosting.services import Services

_NO_CONTENT = 204


async def delete_all_models(services: Services, request: Request) -> Response:
    """Answer DELETE /models."""
    await services.graph.execute(DeleteAllModels(), request.context)
    return Response(_NO_CONTENT)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_DeleteAllModels",
        "DELETE",
        "/models",
        P.MODELS_DELETE,
        delete_all_models,
        "Delete all models; twins stay, without models",
        204,
        in_adt=False,
        dry_run=True,
    ),
)
