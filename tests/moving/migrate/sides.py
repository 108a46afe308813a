"""A migration inside the test's process, between servers over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from kastor.client import AsyncKastorClient, Retries
from kastor.moving.migration.migrator import MigrationReport, Migrator
from kastor.moving.migration.rehearsal import MigrationTrial, TrialReport
from kastor.moving.migration.report import RoundReport
from kastor.moving.migration.rounds import MigrationOptions
from kastor.moving.migration.side import Side, side_of
from kastor.moving.migration.state import MigrationState

T = TypeVar("T")


async def _between(source: str, target: str, work: Callable[[Side, Side], Awaitable[T]]) -> T:
    retries = Retries(attempts=1)
    async with (
        AsyncKastorClient(source, retries=retries) as one,
        AsyncKastorClient(target, retries=retries) as other,
    ):
        return await work(await side_of(one, source), await side_of(other, target))


def migrated(
    path: Path,
    source: str,
    target: str,
    *,
    follow: float | None = None,
    tell: Callable[[RoundReport], None] = lambda _report: None,
    **options: Any,
) -> MigrationReport:
    """What comes of a migration; `follow` are the seconds between rounds, until equal."""

    async def work(one: Side, other: Side) -> MigrationReport:
        state = MigrationState.open(path, (source, target))
        try:
            made = Migrator(state, one, other, MigrationOptions(**options), tell=tell)
            if follow is None:
                return await made.run()
            return await made.follow(follow, until_equal=True)
        finally:
            state.close()

    return asyncio.run(_between(source, target, work))


def tried(source: str, target: str, **options: Any) -> TrialReport:
    """What comes of a dry run."""

    async def work(one: Side, other: Side) -> TrialReport:
        show = lambda _what, _done, _total: None  # noqa: E731 - nobody looks
        return await MigrationTrial(one, other, MigrationOptions(**options), show).run()

    return asyncio.run(_between(source, target, work))
