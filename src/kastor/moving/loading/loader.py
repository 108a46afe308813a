"""Takes a stream of items, and has each written in its turn."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING

from kastor.client import ServiceError
from kastor.moving.items import Item, ItemFault, ModelItem, Placed, TwinItem
from kastor.moving.loading.report import LoadReport

if TYPE_CHECKING:
    from kastor.client import AsyncKastorClient

PARALLEL = 16


class Loader:
    """Puts a stream of items into the graph of a client."""

    def __init__(
        self,
        client: AsyncKastorClient,
        *,
        dry_run: bool = False,
        parallel: int = PARALLEL,
        stop_on_error: bool = False,
        on_fault: Callable[[ItemFault], None] | None = None,
        on_progress: Callable[[LoadReport], None] | None = None,
    ) -> None:
        """Make a loader; nothing is sent yet.

        Args:
            client: of the graph.
            dry_run: whether everything is only tried; the other side has to announce dry runs.
            parallel: how many calls are made at once.
            stop_on_error: whether the first fault ends it. What was written stays.
            on_fault: is called for each fault.
            on_progress: is called with the same report again and again, as it grows.
        """
        self._client = client.dry_run() if dry_run else client
        self._parallel, self._stop_on_error = parallel, stop_on_error
        self._on_fault = on_fault or (lambda _fault: None)
        self._on_progress = on_progress or (lambda _report: None)

    async def load(
        self, items: AsyncIterable[Placed | ItemFault], *, ordered: bool = False
    ) -> LoadReport:
        """Write all that a stream yields, and return what came of it.

        Models have to come before the twins of them. Relationships are written after all twins.
        What is there already is replaced, as by PUT; models that are there are left.

        Args:
            items: in memory there are only some of them at a time.
            ordered: that all twins come before the first relationship; without that promise
                relationships wait in a temporary file for the last twin.

        Raises:
            ClientError: nothing can be written any more: nobody answers, no access.
        """
        report = LoadReport()
        relationships: list[Placed] = []
        async for each in items:
            if isinstance(each, ItemFault):
                self._fail(report, each)
                continue
            report.read.add(each.item)
            if ordered or isinstance(each.item, ModelItem | TwinItem):
                await self._write(report, each)
            else:
                relationships.append(each)
        for each in relationships:
            await self._write(report, each)
        return report

    async def _write(self, report: LoadReport, placed: Placed) -> None:
        try:
            await self._send(placed.item)
        except ServiceError as error:
            self._fail(report, ItemFault(placed.where, error.code, error.message, placed.item))
        else:
            report.written.add(placed.item)
        self._on_progress(report)

    async def _send(self, item: Item) -> None:
        match item:
            case ModelItem():
                await self._client.models.upload([item.document])
            case TwinItem():
                await self._client.twins.put(item.id, item.body)
            case _:
                await self._client.relationships.put(item.source, item.id, item.body)

    def _fail(self, report: LoadReport, fault: ItemFault) -> None:
        report.fail(fault)
        self._on_fault(fault)
