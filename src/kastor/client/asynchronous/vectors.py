"""Search by meaning in a graph of Kastor: vector indexes, and vectors beside twins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kastor.client import vector_calls as calls

if TYPE_CHECKING:
    from kastor.client.asynchronous.transport import AsyncTransport
    from kastor.client.calls import Document


class AsyncVectors:
    """Vector indexes, and vectors beside twins; each method raises ClientError."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list_indexes(self) -> Sequence[Document]:
        """Return all vector indexes, by name: `name`, `dims`, `metric`, `property`, `models`."""
        return await self._transport.send(calls.list_vector_indexes())

    async def get_index(self, name: str) -> Document:
        """Return an index; its `status` says how many twins have a usable vector."""
        return await self._transport.send(calls.get_vector_index(name))

    async def put_index(
        self,
        name: str,
        dims: int,
        *,
        metric: str = "cosine",
        property: str | None = None,  # noqa: A002 - as the member is called
        template: str | None = None,
        models: Sequence[str] = (),
    ) -> Document:
        """Make an index, or give one other models; return it.

        Args:
            name: letters, digits, `.`, `_` and `-`.
            dims: length of its vectors.
            metric: `cosine`, `l2` or `dot`.
            property: whose values are the vectors, names with dots between them.
            template: of the texts that the server's embedder makes vectors of. Without property
                and template vectors stand beside twins.
            models: only twins of these and of what extends them; all without.

        Raises:
            ConflictError: there is one of that name with another form.
        """
        body: Document = {"dims": dims, "metric": metric, "models": list(models)}
        if property is not None:
            body["property"] = property
        if template is not None:
            body["template"] = template
        return await self._transport.send(calls.put_vector_index(name, body))

    async def drop_index(self, name: str) -> None:
        """Drop an index with the vectors that were given for it."""
        await self._transport.send(calls.drop_vector_index(name))

    async def get(self, twin: str, index: str) -> Sequence[float]:
        """Return the vector that a twin has in an index.

        Raises:
            NotFoundError: there is no such index or twin, or it has none.
        """
        return await self._transport.send(calls.get_vector(twin, index))

    async def put(self, twin: str, index: str, numbers: Sequence[float]) -> None:
        """Put a vector beside a twin, in place of the one before."""
        await self._transport.send(calls.put_vector(twin, index, numbers))

    async def delete(self, twin: str, index: str) -> None:
        """Take back the vector beside a twin.

        Raises:
            NotFoundError: there is no such index or twin, or it has none.
        """
        await self._transport.send(calls.delete_vector(twin, index))
