"""Uploads models: each after those that it needs, and none that is there already."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kastor.client import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    ServerFailedError,
    features,
)
from kastor.client.operations import upload_models
from kastor.moving.exporting import forms
from kastor.moving.items import ItemFault, Placed
from kastor.moving.loading.known_models import document_of
from kastor.moving.loading.unsure import UnsureError, in_doubt
from kastor.moving.model_order import ADT_BOUNDS, KASTOR_BOUNDS, in_order, portions

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.outcomes import Outcomes
    from kastor.moving.loading.patience import Patience
    from kastor.types import Document

MOST_MODELS, MOST_BYTES = 50_000, 268_435_456
"""Of those that wait for each other in memory; no server has as many."""
_ATTEMPTS = 4


class ModelLoading:
    """Gathers models until something that is none comes, and uploads them then."""

    def __init__(self, client: AsyncKastorClient, patience: Patience, outcomes: Outcomes) -> None:
        self._client, self._patience, self._outcomes = client, patience, outcomes
        self._gathered: dict[str, Placed] = {}
        self._size = 0
        self._stored: set[str] | None = None

    def add(self, placed: Placed, document: Document) -> None:
        """Take a model; raises StopLoadingError as `Outcomes.failed`."""
        identity = document.get("@id")
        if not isinstance(identity, str):
            self._fail(placed, "DTDLParserError", "The model has no @id, or one that is no text.")
            return
        known = self._gathered.get(identity)
        if known is not None:
            if known.item == placed.item:
                self._outcomes.unchanged()
            else:
                self._fail(placed, "ModelIdAlreadyExists", _another(identity, "before it"))
            return
        self._size += len(json.dumps(document))
        if len(self._gathered) >= MOST_MODELS or self._size > MOST_BYTES:
            self._fail(
                placed,
                "LimitExceeded",
                f"There are more than {MOST_MODELS} models, or more than {MOST_BYTES} bytes of "
                "them. Load them in several parts.",
            )
            return
        self._gathered[identity] = placed

    async def flush(self) -> None:
        """Upload what was gathered.

        Raises:
            ClientError: nothing can be written any more.
            StopLoadingError: there was a fault, and it ends the load.
        """
        if not self._gathered:
            return
        gathered, self._gathered, self._size = self._gathered, {}, 0
        fresh = [each for each in gathered.values() if not await self._is_there(each)]
        placed = {document_of(each)["@id"]: each for each in fresh}
        groups = in_order([document_of(each) for each in fresh])
        found = await self._client.features()
        bounds = KASTOR_BOUNDS if features.BATCH in found else ADT_BOUNDS
        for portion in portions(groups, bounds):
            await self._upload([placed[each["@id"]] for each in portion], groups)

    async def _is_there(self, placed: Placed) -> bool:
        """Tell whether nothing is left to be done about a model: it is stored, or another is."""
        identity = document_of(placed)["@id"]
        if identity not in await self._ids():
            return False
        stored = await self._patience.call(lambda: self._definition(identity))
        if stored is None:
            return False
        if stored == document_of(placed):
            self._outcomes.unchanged()
        else:
            self._fail(placed, "ModelIdAlreadyExists", _another(identity, "stored"))
        return True

    async def _ids(self) -> set[str]:
        if self._stored is None:
            listing = self._client.models.list()
            rows = await self._patience.call(listing.collect)
            self._stored = {row["id"] for row in rows}
        return self._stored

    async def _definition(self, identity: str) -> Document | None:
        try:
            found = await self._client.models.get(identity)
        except NotFoundError:
            return None
        model: Document = found["model"]
        return model

    async def _upload(
        self, portion: Sequence[Placed], groups: Sequence[Sequence[Document]]
    ) -> None:
        """Upload a portion; if it is refused, each group in it, so that the others are taken."""
        try:
            await self._settle(portion)
        except (BadRequestError, ConflictError) as error:
            inside = {document_of(each)["@id"]: each for each in portion}
            parts = [
                [inside[each["@id"]] for each in group]
                for group in groups
                if group[0]["@id"] in inside
            ]
            if len(parts) == 1:
                for each in portion:
                    self._outcomes.refused(each, error)
                return
            for part in parts:
                await self._upload(part, groups)
        except ServerFailedError as error:
            for each in portion:
                self._outcomes.refused(each, error)
        else:
            for each in portion:
                self._outcomes.written(each)

    async def _settle(self, portion: Sequence[Placed]) -> None:
        """Upload until it is certain that the models are stored: all or none are."""
        documents = [document_of(each) for each in portion]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._patience.call(lambda: self._send(documents))
            except UnsureError as error:
                first = documents[0]
                stored = await self._patience.call(lambda: self._definition(first["@id"]))  # noqa: B023 - awaited here
                if stored == first:
                    return
                if attempt == _ATTEMPTS:
                    raise error.cause from None
            else:
                return

    async def _send(self, documents: Sequence[Document]) -> None:
        # The text is kept as it is in exports, so that what is exported again is the same.
        body = b"[" + b",".join(forms.model(each).rstrip() for each in documents) + b"]"
        with in_doubt():
            await self._client.send(replace(upload_models([]), content=body))

    def _fail(self, placed: Placed, code: str, message: str) -> None:
        self._outcomes.failed(ItemFault(placed.where, code, message, placed.item))


def _another(identity: str, where: str) -> str:
    return (
        f"Another model is {where} as {identity}. Give this one a new version, or delete the other "
        "one first."
    )
