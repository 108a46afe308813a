"""Judges a stream of items as a server would, and writes nothing.

A server's own dry run judges one write after what is stored, so that it would refuse the twins of
models that come with them; and Azure Digital Twins has none, and would write.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from kastor.client import features
from kastor.moving.exporting.reading import ContractReading
from kastor.moving.items import ItemFault, ModelItem, Placed, RelationshipItem, TwinItem
from kastor.moving.loading.judge import Judge, Refusal
from kastor.moving.loading.known_models import KnownModels, document_of
from kastor.moving.loading.lanes import WorkLanes
from kastor.moving.loading.loader import PARALLEL
from kastor.moving.loading.outcomes import Outcomes, StopLoadingError
from kastor.moving.loading.patience import SECONDS, Patience
from kastor.moving.loading.spool import RelationshipSpool
from kastor.types import Document

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.report import LoadReport

_WAITING = 32


class LoadRehearsal:
    """Loads streams as `Loader` does, but only tries: `written` is what would be."""

    def __init__(
        self,
        client: AsyncKastorClient,
        *,
        parallel: int = PARALLEL,
        stop_on_error: bool = False,
        patience: float = SECONDS,
        on_fault: Callable[[ItemFault], None] | None = None,
        on_progress: Callable[[LoadReport], None] | None = None,
    ) -> None:
        """Make one; nothing is read yet. The arguments are those of `Loader`."""
        self._client, self._parallel = client, parallel
        self._stop_on_error, self._seconds = stop_on_error, patience
        self._on_fault = on_fault or (lambda _fault: None)
        self._on_progress = on_progress or (lambda _report: None)

    async def load(
        self, items: AsyncIterable[Placed | ItemFault], *, ordered: bool = False
    ) -> LoadReport:
        """Judge all that a stream yields, and return what would come of it.

        Args:
            items: as of `Loader`.
            ordered: as of `Loader`; here relationships wait all the same.

        Raises:
            ClientError: the server cannot be read.
            OSError: there is no room for the temporary file of relationships.
        """
        del ordered
        outcomes = Outcomes(self._on_fault, self._on_progress, stop_on_error=self._stop_on_error)
        patience = Patience(self._seconds)
        strict = features.BATCH not in await self._client.features()
        stored = await ContractReading(self._client, patience).models()
        lanes = WorkLanes(self._parallel, self._parallel * _WAITING)
        with RelationshipSpool() as spool, suppress(StopLoadingError):
            async with lanes:
                known = KnownModels(stored, strict=strict)
                judge = Judge(self._client, patience, known)
                await _Judging(judge, known, outcomes, spool).run(items, lanes)
        return outcomes.report


class _Judging:
    """One stream on its way."""

    def __init__(
        self, judge: Judge, known: KnownModels, outcomes: Outcomes, spool: RelationshipSpool
    ) -> None:
        self._judge, self._known = judge, known
        self._outcomes, self._spool = outcomes, spool
        self._gathered: dict[str, Placed] = {}

    async def run(self, items: AsyncIterable[Placed | ItemFault], lanes: WorkLanes) -> None:
        async for each in items:
            if isinstance(each, ItemFault):
                self._outcomes.failed(each)
                continue
            self._outcomes.came(each)
            match each.item:
                case ModelItem(document):
                    self._model(each, document)
                case TwinItem() as item:
                    self._judge_models()
                    self._tell(each, self._judge.twin(item))
                case RelationshipItem() as item:
                    self._spool.add(item, each.where)
        self._judge_models()
        for number, placed in enumerate(self._spool.items()):
            await lanes.add(number, partial(self._relationship, placed))
        await lanes.drain()

    def _model(self, placed: Placed, document: Document) -> None:
        """Keep a model for those that come with it, if it is neither stored nor known."""
        identity = document.get("@id")
        if not isinstance(identity, str):
            self._tell(placed, Refusal("DTDLParserError", "The model has no @id, a text."))
            return
        there = self._known.stored(identity)
        if there is None and identity in self._gathered:
            there = document_of(self._gathered[identity])
        if there is None:
            self._gathered[identity] = placed
        elif there == document:
            self._outcomes.unchanged()
        else:
            message = f"Another model is there as {identity}. Give this one a new version."
            self._tell(placed, Refusal("ModelIdAlreadyExists", message))

    def _judge_models(self) -> None:
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, {}
        refused = self._known.take(list(gathered.values()))
        for fault in refused:
            self._outcomes.failed(fault)
        bad = {id(fault.item) for fault in refused}
        for placed in gathered.values():
            if id(placed.item) not in bad:
                self._outcomes.written(placed)

    async def _relationship(self, placed: Placed) -> None:
        if isinstance(placed.item, RelationshipItem):
            self._tell(placed, await self._judge.relationship(placed.item))

    def _tell(self, placed: Placed, refusal: Refusal | None) -> None:
        if refusal is None:
            self._outcomes.written(placed)
            return
        self._outcomes.failed(ItemFault(placed.where, refusal.code, refusal.message, placed.item))
