"""Compares every document of both sides, by hashes of what people wrote."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from kastor.moving.migration.canonical import body_of, digest, ids_of
from kastor.moving.migration.models import model_data
from kastor.moving.migration.page import OTHERS, REMOVED
from kastor.moving.migration.report import SHOWN, SidesTally, VerificationReport
from kastor.moving.migration.stored_models import SourceModel, stored_models
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
    report.tallies["models"] = await _models(state, source, target, report)
    for kind in ThingKind:
        report.tallies[f"{kind.value}s"] = tally.of(kind)
    different, unexplained = tally.different()
    report.different += different
    report.unexplained += unexplained
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


@dataclass(frozen=True, slots=True)
class _ModelProof:
    """What of a model is compared."""

    digest: bytes
    decommissioned: bool


async def _proofs(side: Side) -> dict[str, _ModelProof]:
    return {
        each["model"]["@id"]: _ModelProof(digest(each["model"]), bool(each.get("decommissioned")))
        async for each in model_data(side)
    }


async def _models(
    state: MigrationState, source: Side, target: Side, report: VerificationReport
) -> SidesTally:
    """Compare the models that both sides have now; those of the last round may have changed."""
    made = SidesTally()
    here, there = await _proofs(source), await _proofs(target)
    ours = {each.id: each for each in stored_models(state)}
    gone = {name for name, each in ours.items() if each.owned and name in there} - here.keys()
    made.at_source, made.at_target = len(here), len((here.keys() & there.keys()) | gone)
    made.others = len(there) - made.at_target
    made.source_hash = _hash_of(here, here)
    made.target_hash = _hash_of(there, (here.keys() & there.keys()) | gone)
    for name in sorted(here.keys() | gone):
        one, other = here.get(name), there.get(name)
        if one == other:
            continue
        report.different += 1
        stored = ours.get(name)
        is_known = stored is not None and other is not None and _is_known(stored, one)
        report.unexplained += not is_known
        what = "is another one at the target"
        if other is None:
            what = "is missing at the target"
        elif one is None:
            what = "is at the target alone, where others need it"
        report.differences.append(f"model {name} {what}")
    return made


def _is_known(stored: SourceModel, found: _ModelProof | None) -> bool:
    """Tell whether the source has a model as the last round found it; another round is no use."""
    if found is None:
        return stored.gone
    return found == _ModelProof(digest(stored.document), stored.decommissioned)


def _hash_of(proofs: Mapping[str, _ModelProof], names: Collection[str]) -> str:
    made = blake2b(digest_size=16)
    for name in sorted(names):
        made.update(f"{name}\n{proofs[name].decommissioned}\n".encode() + proofs[name].digest)
    return made.hexdigest()


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
