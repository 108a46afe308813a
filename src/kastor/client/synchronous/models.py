# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Models of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kastor.client import operations, own
from kastor.client.pages import by_link
from kastor.client.synchronous.pages import Listing

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.client.instants import Instant
    from kastor.client.synchronous.transport import Transport


class Models:
    """Models of a graph; each method raises ClientError as of any call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        dependencies_for: Sequence[str] = (),
        *,
        definitions: bool = False,
        page_size: int | None = None,
        as_of: Instant | None = None,
    ) -> Listing[Document]:
        """Return the data of models: all, or those given with what they depend on.

        Args:
            dependencies_for: ids of models.
            definitions: whether the DTDL documents come too, as `model`.
            page_size: how many are asked for at once.
            as_of: an instant, to return those of then; Kastor alone has the past.
        """
        first = operations.list_models(
            dependencies_for, definitions=definitions, size=page_size
        ).at(as_of)
        return Listing(self._transport, first, by_link(first))

    def get(self, model: str, *, definition: bool = True, as_of: Instant | None = None) -> Document:
        """Return the data of a model.

        Args:
            model: its id.
            definition: whether its DTDL document comes too, as `model`.
            as_of: as of `list`.
        """
        call = operations.get_model(model, definition=definition).at(as_of)
        return self._transport.send(call)

    def upload(self, models: Sequence[Document]) -> Sequence[Document]:
        """Store models, all or none, and return their data.

        What a model names has to be stored or come with it.
        """
        return self._transport.send(operations.upload_models(models))

    def decommission(self, model: str, *, decommissioned: bool = True) -> None:
        """Let a model have no new twins, or have them again."""
        call = operations.decommission_model(model, decommissioned=decommissioned)
        self._transport.send(call)

    def delete(self, model: str) -> None:
        """Delete a model that no other model names."""
        self._transport.send(operations.delete_model(model))

    def delete_all(self) -> None:
        """Delete all models at once; twins stay, without models. Kastor alone has it."""
        self._transport.send(own.delete_all_models())
