"""Writes one item by one call, as any server of the contract takes it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kastor.client import (
    AccessError,
    ClientError,
    OutcomeUnknownError,
    PreconditionError,
    ServiceError,
    TooManyRequestsError,
)
from kastor.moving.items import ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.loading.unsure import UnsureError, in_doubt, is_there, read_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.lanes import WorkLanes
    from kastor.moving.loading.outcomes import Outcomes
    from kastor.moving.loading.patience import Patience

ATTEMPTS = 4
"""Of a write whose outcome stays unknown."""


def is_fatal(error: ClientError) -> bool:
    """Tell whether an error is one of the whole load, and of no item."""
    if isinstance(error, AccessError | TooManyRequestsError):
        return True
    return not isinstance(error, ServiceError)


class SingleWriter:
    """Puts twins and relationships, many calls at once; never two of one twin.

    What belongs to one twin waits for its turn also because Azure Digital Twins lets ten writes a
    second through to each.
    """

    def __init__(
        self, client: AsyncKastorClient, lanes: WorkLanes, patience: Patience, outcomes: Outcomes
    ) -> None:
        self._client, self._lanes, self._patience = client, lanes, patience
        self._outcomes = outcomes

    async def add(self, placed: Placed) -> None:
        """Have a twin or relationship written.

        Raises:
            ClientError: nothing can be written any more.
            StopLoadingError: there was a fault, and it ends the load.
        """
        await self._lanes.add(key_of(placed), lambda: self.write(placed))

    async def drain(self) -> None:
        """Return when all is written; raises as `add`."""
        await self._lanes.drain()

    async def write(self, placed: Placed, *, in_doubt: bool = False) -> None:
        """Write one and tell what became of it; raises as `add`.

        Args:
            placed: the item.
            in_doubt: whether it may have been written already, by an attempt without an answer.
        """
        item = placed.item
        if isinstance(item, ModelItem):
            raise TypeError("models are uploaded together")
        try:
            await self._settle(item, in_doubt=in_doubt)
        except (ValueError, TypeError) as error:  # an id or a value that no request can carry
            self._outcomes.refused(placed, error)
        except ClientError as error:
            if is_fatal(error):
                raise
            self._outcomes.refused(placed, error)
        else:
            self._outcomes.written(placed)

    async def _settle(self, item: TwinItem | RelationshipItem, *, in_doubt: bool) -> None:
        """Write until it is certain that the item is there."""
        last: ClientError | None = None
        for _ in range(ATTEMPTS):
            condition: Mapping[str, str] = {}
            if in_doubt:
                stored = await self._patience.call(lambda: read_back(self._client, item))
                if stored is not None and is_there(stored, item):
                    return
                # A lost write may still be on its way: then this one is refused, and looks again.
                condition = _only_if(stored)
            try:
                await self._patience.call(partial(self._put, item, condition))
            except UnsureError as error:
                last = error.cause
            except PreconditionError as error:
                if not in_doubt:
                    raise
                last = error
            else:
                return
            in_doubt = True
        raise last or OutcomeUnknownError("It is not known whether this was written.")

    async def _put(self, item: TwinItem | RelationshipItem, condition: Mapping[str, str]) -> None:
        with in_doubt():
            if isinstance(item, TwinItem):
                await self._client.twins.put(item.id, item.body, **condition)
            else:
                await self._client.relationships.put(item.source, item.id, item.body, **condition)


def key_of(placed: Placed) -> str:
    """Return the id of the twin that an item is, or goes from."""
    match placed.item:
        case TwinItem() as twin:
            return twin.id
        case RelationshipItem() as relationship:
            return relationship.source
        case ModelItem():
            return ""


def _only_if(stored: Mapping[str, object] | None) -> Mapping[str, str]:
    if stored is None:
        return {"if_none_match": "*"}
    etag = stored.get("$etag")
    return {"if_match": etag} if isinstance(etag, str) else {}
