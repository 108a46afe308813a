"""What became of a write whose answer was lost: read what is there, and compare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kastor.client import NotFoundError, OutcomeUnknownError, ServerFailedError
from kastor.moving.items import RelationshipItem, TwinItem
from kastor.types import Document, Json

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient, ClientError

_OWN = frozenset(
    ("$dtId", "$etag", "$lastUpdateTime", "$relationshipId", "$sourceId", "$relationshipLink")
)


class UnsureError(Exception):
    """A write may have been applied or not.

    Attributes:
        cause: what the client raised.
    """

    def __init__(self, cause: ClientError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextmanager
def in_doubt() -> Iterator[None]:
    """Return a block in which one write is sent; raises UnsureError where its answer says nothing.

    A server that failed, or what stands before it, may have failed after the write.
    """
    try:
        yield
    except (OutcomeUnknownError, ServerFailedError) as error:
        raise UnsureError(error) from error


async def read_back(
    client: AsyncKastorClient, item: TwinItem | RelationshipItem
) -> Document | None:
    """Return what is stored under the id of an item; None where nothing is."""
    try:
        if isinstance(item, TwinItem):
            return await client.twins.get(item.id)
        return await client.relationships.get(item.source, item.id)
    except NotFoundError:
        return None


def is_there(stored: Document, item: TwinItem | RelationshipItem) -> bool:
    """Tell whether what is stored says what an item says."""
    return said(stored) == said(item.body)


def said(document: Document) -> Document:
    """Return what people said in a twin or relationship: no ids, ETags or times of updates."""
    made: Document = {
        name: _value(value)
        for name, value in document.items()
        if name not in _OWN and name != "$metadata"
    }
    if "$metadata" in document:
        made["$metadata"] = said_of_metadata(document["$metadata"])
    return made


def said_of_metadata(metadata: Json) -> Document:
    """Return of `$metadata` the model, and when values were measured."""
    if not isinstance(metadata, dict):
        return {}
    made: Document = {"$model": metadata["$model"]} if "$model" in metadata else {}
    for name, told in metadata.items():
        if isinstance(told, dict) and told.get("sourceTime") is not None:
            made[name] = {"sourceTime": told["sourceTime"]}
    return made


def _value(value: Json) -> Json:
    """Return a value; a component without the times in its `$metadata`."""
    if isinstance(value, dict) and "$metadata" in value:
        return {**value, "$metadata": said_of_metadata(value["$metadata"])}
    return value
