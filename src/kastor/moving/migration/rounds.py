"""A round: all of the source is compared with the state, and what differs is brought over.

Memory holds a few pages, whatever the graph has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.moving.migration.gone import delete_gone
from kastor.moving.migration.models import (
    bring_models,
    components_of,
    delete_gone_models,
    use_again,
)
from kastor.moving.migration.page import PageTransfer
from kastor.moving.migration.report import READ, RoundReport
from kastor.moving.writing.operations import ThingKind
from kastor.moving.writing.writer import together

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState

_WIDE, _NARROW = (2, 500), (8, 100)
"""Parts that are written at once, so that one's last answers hold up nobody, and their rows. Those
for Azure are small and many, since all rows of one may be of a twin that takes ten a second."""
_AWAITED_AT_ONCE = 200
ShowProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """What people may choose.

    Attributes:
        overwrite: whether what others wrote at the target is replaced.
        add_components: whether twins get the components that their model has and they lack, empty.
        into_existing: whether the target may hold something else.
        routes: whether event routes come too.
        emptied: whether a source that has no twin any more empties the target.
        lag: seconds by which queries at the source may be behind; None is by what it is.
    """

    overwrite: bool = False
    add_components: bool = False
    into_existing: bool = False
    routes: bool = True
    emptied: bool = False
    lag: float | None = None


class SourceEmptiedError(Exception):
    """The source has no twin any more, so that the target would be emptied; nothing was deleted."""


class Rounds:
    """Makes one round after the other."""

    def __init__(
        self,
        state: MigrationState,
        source: Side,
        target: Side,
        options: MigrationOptions,
        show: ShowProgress,
    ) -> None:
        self._state, self._source, self._target = state, source, target
        self._options, self._show = options, show

    async def run(self) -> RoundReport:
        """Compare everything once and bring over what differs.

        Raises:
            ClientError: a side cannot be read or written any more; the state is kept.
            SourceEmptiedError: nothing was deleted.
        """
        report = RoundReport(self._state.round + 1, began=time.time())
        begun = time.monotonic()
        with self._state.change():
            self._state.note("round", str(report.number))
            self._state.note("whole", "")
        report.models = await bring_models(self._state, self._source, self._target, report.number)
        components = components_of(self._state) if self._options.add_components else {}
        transfer = PageTransfer(
            self._state,
            self._target,
            report,
            components=components,
            overwrite=self._options.overwrite,
        )
        for kind in ThingKind:
            await self._bring(transfer, kind, report)
            if kind is ThingKind.TWIN:
                await self._bring_of_retired_models(transfer, report.number)
        await self._bring_awaited(transfer)
        self._require_twins(report)
        for kind in reversed(ThingKind):
            await delete_gone(self._state, self._source, self._target, report, kind)
        await self._bring_awaited(transfer)
        await delete_gone_models(self._state, self._target, report.number)
        report.problems = self._state.count("problem")
        report.seconds = time.monotonic() - begun
        return report

    def _require_twins(self, report: RoundReport) -> None:
        """Refuse to empty the target after a source that was taken down, or begins anew."""
        if report.counts[ThingKind.TWIN, READ] or self._options.emptied:
            return
        if moved := self._state.count("moved twin"):
            raise SourceEmptiedError(
                f"The source has no twin any more, and {moved} that came from there are at the "
                "target. Nothing was deleted. If they are to go, say so with --source-emptied."
            )

    async def _bring(self, transfer: PageTransfer, kind: ThingKind, report: RoundReport) -> None:
        total = await self._source.count(kind)
        writers, rows = _NARROW if self._target.is_narrow else _WIDE
        waiting: asyncio.Queue[list[Document] | None] = asyncio.Queue(1)
        what = f"round {report.number}: {kind.value}s"

        async def read() -> None:
            async for page in self._source.pages(kind):
                for start in range(0, len(page), rows):
                    await waiting.put(page[start : start + rows])
            for _ in range(writers):
                await waiting.put(None)

        async def write() -> None:
            while (page := await waiting.get()) is not None:
                await transfer.take(kind, page)
                done = report.counts[kind, READ]
                self._show(what, done, max(total, done))

        await together([read(), *(write() for _ in range(writers))])

    async def _bring_of_retired_models(self, transfer: PageTransfer, number: int) -> None:
        """Bring twins of models that an earlier proof decommissioned; the next does so again."""
        refused = self._state.refused(
            ThingKind.TWIN, "ModelDecommissioned", number, _AWAITED_AT_ONCE
        )
        for page in refused:
            found = await together(self._source.get(ThingKind.TWIN, *each.key) for each in page)
            twins = [each for each in found if each is not None]
            models = {str((each.get("$metadata") or {}).get("$model")) for each in twins}
            if await use_again(self._state, self._target, sorted(models)):
                await transfer.take(ThingKind.TWIN, twins)

    async def _bring_awaited(self, transfer: PageTransfer) -> None:
        """Bring relationships whose ends were not there yet, with the twins at their ends.

        Such a twin was made while the source was being listed.
        """
        for page in self._state.awaiting(_AWAITED_AT_ONCE):
            found = await together(
                self._source.get(ThingKind.RELATIONSHIP, *each.key) for each in page
            )
            relationships = [each for each in found if each is not None]
            ends = {each[end] for each in relationships for end in ("$sourceId", "$targetId")}
            twins = await together(self._source.get(ThingKind.TWIN, "", each) for each in ends)
            await transfer.take(ThingKind.TWIN, [each for each in twins if each is not None])
            await transfer.take(ThingKind.RELATIONSHIP, relationships)
