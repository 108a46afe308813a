"""Leads a migration: rounds until source and target are equal, the proof, then event routes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kastor.client import operations
from kastor.moving.migration.models import components_of, decommission_models
from kastor.moving.migration.report import RoundReport, RoutesReport, VerificationReport
from kastor.moving.migration.rounds import MigrationOptions, Rounds, ShowProgress
from kastor.moving.migration.routes import bring_routes
from kastor.moving.migration.state import Thing
from kastor.moving.migration.verification import verify
from kastor.moving.writing.operations import ThingKind
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState

QUERY_LAG = 10.0
"""Seconds by which queries of Azure Digital Twins may be behind its writes."""
EVERY = 10.0
"""Seconds between two rounds that follow a source."""
_MOST_ROUNDS = 3
"""Without following: until the proof holds, but for what is refused."""
_SHOWN = 20


class NotEmptyError(Exception):
    """The target holds something, and nobody said that it may.

    Attributes:
        twins, models: how many it has; of models whether it has any, as 0 or 1.
    """

    def __init__(self, twins: int, models: int) -> None:
        super().__init__(f"The target holds {counted(twins, 'twin')} already.")
        self.twins, self.models = twins, models


@dataclass(slots=True)
class MigrationReport:
    """What came of a migration.

    Attributes:
        rounds: of this run, the last twenty.
        problems: the first things that are not as at the source, with the reason.
        decommissioned: models that were decommissioned at the target by this run.
    """

    verification: VerificationReport
    routes: RoutesReport
    rounds: list[RoundReport] = field(default_factory=list)
    problems: list[Thing] = field(default_factory=list)
    problem_count: int = 0
    decommissioned: int = 0

    @property
    def whole(self) -> bool:
        """Whether the target has all that the source has."""
        return self.verification.equal and self.routes.whole


class Migrator:
    """Moves what one side has to the other.

    Args:
        state: of these two sides; it goes on where an earlier run ended.
        show: is told how far a part is.
        tell: is told of each round.
    """

    def __init__(
        self,
        state: MigrationState,
        source: Side,
        target: Side,
        options: MigrationOptions,
        *,
        show: ShowProgress = lambda _what, _done, _total: None,
        tell: Callable[[RoundReport], None] = lambda _report: None,
    ) -> None:
        self._state, self._source, self._target = state, source, target
        self._options, self._show, self._tell = options, show, tell
        self._rounds = Rounds(state, source, target, options, show)
        self._reports: list[RoundReport] = []
        self._retired = 0

    @property
    def lag(self) -> float:
        """Seconds by which what the source lists may be behind what it holds."""
        if self._options.lag is not None:
            return self._options.lag
        return 0.0 if self._source.is_kastor else QUERY_LAG

    async def require_room(self) -> None:
        """Raise NotEmptyError where a first round would meet things of others."""
        if self._state.round or self._options.into_existing:
            return
        twins = await self._target.count(ThingKind.TWIN)
        call = operations.list_models((), definitions=False, size=1)
        models = len((await self._target.writer.send(call)).items)
        if twins or models:
            raise NotEmptyError(twins, models)

    def allow_existing(self) -> None:
        """Note that the target may hold something else."""
        self._options = replace(self._options, into_existing=True)

    async def run(self) -> MigrationReport:
        """Move everything and verify it, again while something changes meanwhile; then routes.

        Raises:
            NotEmptyError: see `require_room`.
            ModelConflictError: models of the target are other ones.
            SourceEmptiedError: the source has no twin any more.
            ClientError: a side cannot be reached; the state is kept.
        """
        await self.require_room()
        for _ in range(_MOST_ROUNDS):
            await self._round()
            found = await self._verify()
            if not found.unexplained:
                break
        return await self._finish(found)

    async def follow(self, every: float, *, until_equal: bool) -> MigrationReport:
        """Move everything, and go on with what changes at the source.

        Args:
            every: seconds between two rounds.
            until_equal: whether it ends: when two rounds whose beginnings are further apart than
                the source's lag had nothing to do, and the proof holds. So it ends when nobody
                writes to the source any more.

        Raises:
            as `run`.
        """
        await self.require_room()
        quiet_since: float | None = None
        while True:
            begun = time.monotonic()
            if not (await self._round()).changed_nothing:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = begun
            elif until_equal and begun - quiet_since >= self.lag:
                found = await self._verify()
                if not found.unexplained:
                    return await self._finish(found)
                quiet_since = None
            is_quiet = until_equal and quiet_since is not None
            await asyncio.sleep(min(every, max(self.lag, 0.1)) if is_quiet else every)

    async def _round(self) -> RoundReport:
        report = await self._rounds.run()
        self._reports = [*self._reports, report][-_SHOWN:]
        self._tell(report)
        return report

    async def _verify(self) -> VerificationReport:
        state = self._state
        self._retired += await decommission_models(state, self._target)
        components = components_of(state) if self._options.add_components else {}
        if not self._target.is_kastor:
            await asyncio.sleep(QUERY_LAG)  # before it lists what was written last
        return await verify(state, self._source, self._target, components, self._show)

    async def _finish(self, found: VerificationReport) -> MigrationReport:
        state, options = self._state, self._options
        if not found.equal and options.overwrite:
            await self._round()
            found = await self._verify()
        routes = RoutesReport()
        if options.routes:
            routes = await bring_routes(
                self._source, self._target, overwrite=options.overwrite, dry=False
            )
        with state.change():
            state.note("whole", "yes" if found.equal else "")
        return MigrationReport(
            *(found, routes, self._reports, state.problems(_SHOWN), state.count("problem")),
            decommissioned=self._retired,
        )
