"""Deletes at the target what the migration put there and what is gone at the source."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from kastor.moving.migration.canonical import body_of, digest, etag_of
from kastor.moving.migration.page import OTHERS, UNKNOWN
from kastor.moving.migration.report import DELETED
from kastor.moving.migration.state import GONE, Thing
from kastor.moving.writing.operations import ThingKind, WriteOperation, WriteVerb
from kastor.moving.writing.writer import together

if TYPE_CHECKING:
    from kastor.moving.migration.report import RoundReport
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState
    from kastor.moving.writing.operations import WriteOutcome

_AT_ONCE = 500


async def delete_gone(
    state: MigrationState, source: Side, target: Side, report: RoundReport, kind: ThingKind
) -> None:
    """Delete what the round did not see, once the source itself says that it is not there.

    A listing may lag behind, and that of some servers leaves out what moves between its pages.
    """
    for page in state.unseen(kind, report.number, _AT_ONCE):
        found = await together(source.get(kind, *each.key) for each in page)
        missing = [each for each, there in zip(page, found, strict=True) if there is None]
        ours = [each for each in missing if _is_ours(each)]
        strange = [each for each in missing if not _is_ours(each)]
        with state.change():
            state.forget(strange)
        if ours:
            await _delete(state, target, report, ours)


def _is_ours(thing: Thing) -> bool:
    """Tell whether the migration put it there, or may have; a change in doubt is no such sign."""
    return thing.owned or (thing.pending is not None and thing.to_etag is None)


async def _delete(
    state: MigrationState, target: Side, report: RoundReport, things: Sequence[Thing]
) -> None:
    doubtful = [each for each in things if each.pending not in (None, GONE)]
    await together(_settle(target, each) for each in doubtful)
    for each in things:
        each.pending = GONE
    with state.change():
        state.keep(things)
    outcomes = await target.writer.write(
        [
            WriteOperation(WriteVerb.DELETE, each.kind, *each.key, if_match=each.to_etag)
            for each in things
            if each.to_etag is not None
        ]
    )
    answers = iter(outcomes)
    gone = [each for each in things if each.to_etag is None or _is_gone(each, next(answers))]
    report.add(things[0].kind, DELETED, sum(each.to_etag is not None for each in gone))
    left = [each for each in things if each not in gone]
    with state.change():
        state.forget(gone)
        state.keep(left)


async def _settle(target: Side, thing: Thing) -> None:
    """Find out whether a write that was under way put it there."""
    found = await target.get(thing.kind, *thing.key)
    if found is None:
        thing.to_etag = None
    elif digest(body := body_of(found)) == thing.pending:
        thing.to_etag, thing.digest, thing.owned = etag_of(found, body), thing.pending, True


def _is_gone(thing: Thing, outcome: WriteOutcome) -> bool:
    """Return whether a deletion worked, or somebody else did it; else note why not."""
    if outcome.done or outcome.status == HTTPStatus.NOT_FOUND:
        return True
    if outcome.unsure:
        thing.problem = UNKNOWN
    else:
        thing.pending = None
        is_others = outcome.status == HTTPStatus.PRECONDITION_FAILED
        thing.problem = OTHERS if is_others else f"{outcome.code}: {outcome.message}"
    return False
