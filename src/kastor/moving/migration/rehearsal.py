"""A migration that is only tried: counts, what would be refused, how long it would take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kastor.moving.migration.canonical import body_of, digest, ids_of
from kastor.moving.migration.checks import TargetRules
from kastor.moving.migration.models import (
    ModelConflictError,
    compare_models,
    components_of,
    read_models,
)
from kastor.moving.migration.report import SHOWN, RoutesReport
from kastor.moving.migration.routes import bring_routes
from kastor.moving.migration.state import MigrationState
from kastor.moving.migration.stored_models import stored_models
from kastor.moving.migration.tally import SideHashes
from kastor.moving.writing.operations import ThingKind

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.moving.migration.rounds import MigrationOptions, ShowProgress
    from kastor.moving.migration.side import Side

_SINGLE, _BATCHED = 400, 2_000
"""Writes in a second: Azure Digital Twins allows 500, a Kastor takes some thousands in batches."""


@dataclass(slots=True)
class TrialReport:
    """What a migration would do.

    Attributes:
        models, models_there: of the source; of these the target has so many.
        counts: of the source, by kind.
        there: so many of them the target has with the same content.
        others: so many it has with another one, written by somebody else.
        refused: so many it would not take.
        problems: lines for the first of others and refused, and of all models.
        seconds: that it will take, about.
    """

    models: int = 0
    models_there: int = 0
    counts: dict[ThingKind, int] = field(default_factory=dict)
    there: int = 0
    others: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)
    routes: RoutesReport = field(default_factory=RoutesReport)
    seconds: float = 0.0

    @property
    def would_be_whole(self) -> bool:
        """Whether nothing would stay behind."""
        return not self.problems and self.routes.whole


class MigrationTrial:
    """Reads the source wholly and what the target has, and writes nothing."""

    def __init__(
        self, source: Side, target: Side, options: MigrationOptions, show: ShowProgress
    ) -> None:
        self._source, self._target = source, target
        self._options, self._show = options, show
        self._report = TrialReport()

    async def run(self) -> TrialReport:
        """Return what a migration would do.

        Raises:
            ClientError: a side cannot be read.
        """
        report, begun = self._report, time.monotonic()
        with _scratch(self._source.address, self._target.address) as state:
            rules = await self._models(state)
            tally = SideHashes(state)
            await self._read_target(tally)
            components = components_of(state) if self._options.add_components else {}
            for kind in ThingKind:
                await self._read_source(kind, tally, rules, components)
        if self._options.routes:
            report.routes = await bring_routes(
                self._source, self._target, overwrite=self._options.overwrite, dry=True
            )
        per_second = _SINGLE if self._target.is_narrow else _BATCHED
        written = sum(report.counts.values()) - report.there
        # Reading comes twice, with the proof, which reads the target too.
        report.seconds = 3 * (time.monotonic() - begun) + written / per_second
        return report

    async def _models(self, state: MigrationState) -> TargetRules:
        report, rules = self._report, TargetRules(narrow=self._target.is_narrow)
        await read_models(state, self._source, 1)
        try:
            report.models_there = len(await compare_models(state, self._target))
        except ModelConflictError as error:
            report.problems.append(str(error))
        documents = [each.document for each in stored_models(state)]
        report.models = len(documents)
        report.problems += rules.read_models(documents)
        return rules

    async def _read_target(self, tally: SideHashes) -> None:
        for kind in ThingKind:
            if await self._target.count(kind):
                async for page in self._target.pages(kind):
                    found = {ids_of(kind, each): digest(body_of(each)) for each in page}
                    tally.at_target(kind, found)

    async def _read_source(
        self,
        kind: ThingKind,
        tally: SideHashes,
        rules: TargetRules,
        components: Mapping[str, Sequence[str]],
    ) -> None:
        report, total = self._report, await self._source.count(kind)
        report.counts[kind] = 0
        async for page in self._source.pages(kind):
            report.counts[kind] += len(page)
            bodies = {
                ids_of(kind, each): body_of(each, dict.fromkeys(components.get(_model(each), ())))
                for each in page
            }
            if kind is ThingKind.TWIN:
                tally.models({key[1]: _model(body) for key, body in bodies.items()})
            for key, body in bodies.items():
                self._compare(kind, key, body, tally)
                refusal = (
                    rules.refusal_of_twin(key[1], body)
                    if kind is ThingKind.TWIN
                    else rules.refusal_of_relationship(key[1], body, _ends(tally, key, body))
                )
                if refusal is not None:
                    report.refused += 1
                    self._tell(kind, key, f"would be refused: {refusal}")
            done = report.counts[kind]
            self._show(f"read source: {kind.value}s", done, max(total, done))

    def _compare(
        self, kind: ThingKind, key: tuple[str, str], body: Document, tally: SideHashes
    ) -> None:
        found = tally.stranger(kind, key)
        if found == digest(body):
            self._report.there += 1
        elif found is not None:
            self._report.others += 1
            if not self._options.overwrite:
                self._tell(kind, key, "has other content at the target; see --overwrite")

    def _tell(self, kind: ThingKind, key: tuple[str, str], what: str) -> None:
        name = key[1] if kind is ThingKind.TWIN else "/".join(key)
        if len(self._report.problems) < SHOWN:
            self._report.problems.append(f"{kind.value} {name} {what}")


def _model(document: Document) -> str:
    metadata = document.get("$metadata")
    return str(metadata.get("$model")) if isinstance(metadata, dict) else ""


def _ends(tally: SideHashes, key: tuple[str, str], body: Document) -> dict[str, str | None]:
    return {
        "source": tally.model_of(key[0]),
        "target": tally.model_of(str(body.get("$targetId"))),
    }


@contextmanager
def _scratch(source: str, target: str) -> Iterator[MigrationState]:
    state = MigrationState.open(None, (source, target))
    try:
        yield state
    finally:
        state.close()
