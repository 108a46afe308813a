"""Compares every document of both sides, by hashes of what people wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from kastor.moving.migration.canonical import body_of, digest, ids_of
from kastor.moving.migration.models import model_data
from kastor.moving.migration.page import OTHERS, REMOVED
from kastor.moving.migration.report import SHOWN, SidesTally, VerificationReport
from kastor.moving.migration.stored_models import stored_model
from kastor.moving.migration.tally import Digests, SideHashes
from kastor.moving.writing.operations import ThingKind
from kastor.moving.writing.writer import together

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.moving.migration.rounds import ShowProgress
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState

Components = Mapping[str, Sequence[str]]


async def verify(
    state: MigrationState,
    source: Side,
    target: Side,
    components: Components,
    show: ShowProgress,
) -> VerificationReport:
    """Read both sides wholly and say what differs.

    Args:
        state: of the two.
        source: the one side.
        target: the other.
        components: by model, what twins get that they lack, as when they were written.
        show: is told how far it is.

    Raises:
        ClientError: a side cannot be read.
    """
    report, tally = VerificationReport(), SideHashes(state)
    tally.begin()
    for kind in ThingKind:
        await _read(tally.at_source, source, kind, components, _shown(show, "source"))
    for kind in ThingKind:
        await _read(tally.at_target, target, kind, components, _shown(show, "target"))
    tally.note_changed_at_target(OTHERS, REMOVED)
    report.tallies["models"] = await _models(state, target, report)
    for kind in ThingKind:
        report.tallies[f"{kind.value}s"] = tally.of(kind)
    different, report.unexplained = tally.different()
    report.different += different
    for thing, what in tally.differences():
        if len(report.differences) < SHOWN:
            report.differences.append(f"{thing.name} {what}")
    await _counts(report, source, target)
    return report


async def _read(
    note: Callable[[ThingKind, Digests], None],
    side: Side,
    kind: ThingKind,
    components: Components,
    show: ShowProgress,
) -> None:
    total, done = await side.count(kind), 0
    async for page in side.pages(kind):
        note(kind, {ids_of(kind, each): digest(_body(each, components)) for each in page})
        done += len(page)
        show(f"{kind.value}s", done, max(total, done))


def _shown(show: ShowProgress, side: str) -> ShowProgress:
    return lambda what, done, total: show(f"verify {side}: {what}", done, total)


def _body(document: Document, components: Components) -> Document:
    model = str((document.get("$metadata") or {}).get("$model"))
    return body_of(document, dict.fromkeys(components.get(model, ())))


async def _models(state: MigrationState, target: Side, report: VerificationReport) -> SidesTally:
    made = SidesTally()
    hashes = blake2b(digest_size=16), blake2b(digest_size=16)
    found = {each["model"]["@id"]: each async for each in model_data(target)}
    ids = [each[0] for each in state.database.execute("SELECT id FROM models ORDER BY id")]
    for identifier in ids:
        here, there = stored_model(state, identifier), found.pop(identifier, None)
        if here is None:
            continue
        made.at_source += 1
        hashes[0].update(digest({**here.document, "decommissioned": here.decommissioned}))
        if there is None:
            report.different, report.unexplained = report.different + 1, report.unexplained + 1
            report.differences.append(f"model {identifier} is missing at the target")
            continue
        made.at_target += 1
        retired = bool(there.get("decommissioned"))
        hashes[1].update(digest({**there["model"], "decommissioned": retired}))
        if here.document != there["model"] or here.decommissioned != retired:
            report.different += 1
            report.differences.append(f"model {identifier} is another one at the target")
    made.others = len(found)
    made.source_hash, made.target_hash = (each.hexdigest() for each in hashes)
    return made


async def _counts(report: VerificationReport, source: Side, target: Side) -> None:
    """Compare what was listed with what the servers count, where a listing may leave out rows."""
    counted = await together(side.count(kind) for side in (source, target) for kind in ThingKind)
    expected: list[tuple[str, int]] = []
    for where in ("source", "target"):
        for kind in ThingKind:
            tally = report.tallies[f"{kind.value}s"]
            mine = tally.at_source if where == "source" else tally.at_target + tally.others
            expected.append((f"{kind.value}s at the {where}", mine))
    for (what, mine), theirs in zip(expected, counted, strict=True):
        if mine != theirs:
            report.different, report.unexplained = report.different + 1, report.unexplained + 1
            report.differences.append(f"{what}: the server counts {theirs}, and lists {mine}")
