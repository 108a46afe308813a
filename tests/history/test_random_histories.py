"""What is read as of an instant is what a copy of that instant says, whatever happened since."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from kastor.errors import Gone, InvalidArgument
from kastor.graph.instants import Named
from kastor.records import Context
from kastor.storage.events import LoggedChange
from kastor.storage.history import HistoryStore, Kind, Version
from tests.store.postgres_engine import PostgresEngine
from tests.store.sqlite_engine import SqliteEngine

from .reads import canonical
from .steps import (
    BEGINNING,
    RELATIONSHIPS,
    TWINS,
    Copy,
    Leap,
    Step,
    Write,
    histories,
    writes_and_leaps,
)
from .world import World

Identity: TypeAlias = tuple[str] | tuple[str, str]
GONE = ("Gone", "HistoryExpired")
EXAMPLES = int(os.environ.get("KASTOR_HISTORY_EXAMPLES", "2"))
_PHASES = (Phase.explicit, Phase.generate)
"""Without the one that makes a failing history smaller, which takes many minutes."""
KINDS: tuple[Kind, ...] = ("twin", "relationship")
IDENTITIES: dict[Kind, list[tuple[str, ...]]] = {
    "twin": [(each,) for each in TWINS],
    "relationship": [(twin, each) for twin in TWINS for each in RELATIONSHIPS],
}
SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, phases=_PHASES, suppress_health_check=list(HealthCheck)
)


class Bench:
    """An engine, and a loop on which graphs are made and read."""

    def __init__(self, engine: SqliteEngine | PostgresEngine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.runner = asyncio.Runner()


@pytest.fixture(params=["sqlite", "postgres"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    engine: SqliteEngine | PostgresEngine
    if request.param == "postgres":
        engine = PostgresEngine(request.getfixturevalue("postgres_dsn"))
    else:
        engine = SqliteEngine(tmp_path)
    found = Bench(engine, tmp_path)
    with found.runner as runner:
        yield found
        runner.run(engine.close())


def test_every_state_is_read_as_its_copy_is(bench: Bench) -> None:
    @SETTINGS
    @given(histories(prunes=False))
    def compare(steps: list[Step]) -> None:
        note(f"{steps}")  # what fails is not told otherwise
        bench.runner.run(_compared(bench, steps))

    compare()


async def _compared(bench: Bench, steps: list[Step]) -> None:
    world = await World.make(bench.engine, bench.folder)
    try:
        await world.play([*BEGINNING, Copy(into_file=True), *steps])
        await assert_no_gap_and_no_overlap(world)
        states: list[dict[str, Any]] = []
        for moment in world.moments:
            async with world.opened(moment) as copy:
                states.append(await copy.everything())
            when = f"as of change {moment.change}"
            assert_same(await world.as_of(moment), states[-1], when)
            if moment.unique:
                found = await world.change_at(moment.time)
                assert await world.is_same(found, moment.change), f"{when}, by its time"
        for low, high in pairwise(range(len(states))):
            await assert_differences(world, low, high, states)
        await assert_differences(world, 0, len(states) - 1, states)
        # A copy has the past of its source, at the same positions.
        async with world.opened(world.moments[-1]) as copy:
            for moment, wanted in zip(world.moments, states, strict=True):
                there = await copy.everything(await copy.as_of(Named(change=moment.change)))
                assert_same(there, wanted, f"in the last copy as of change {moment.change}")
    finally:
        await world.close()


async def assert_differences(
    world: World, low: int, high: int, states: list[dict[str, Any]]
) -> None:
    """What is told to differ of two states is what comparing their copies finds, in order."""
    history = world.reader.store.history
    low_at, high_at = [
        await history.resolve(change=world.moments[each].change) for each in (low, high)
    ]
    for kind in KINDS:
        wanted = {}
        for identity in IDENTITIES[kind]:
            name = f"{kind} {'/'.join(identity)}"
            before, after = [_document(states[each][name]) for each in (low, high)]
            if before != after:
                wanted[identity] = (before, after)
        found: list[Any] = []
        after_: tuple[str, ...] = ("",) * (1 if kind == "twin" else 2)
        while step := await history.differences(kind, low_at, high_at, after_, 2):
            found += [(each.identity, (_text(each.before), _text(each.after))) for each in step]
            after_ = step[-1].identity
        assert found == sorted(wanted.items()), f"{kind}s from {low_at.change} to {high_at.change}"


def _document(row: Any) -> str | None:
    return row["doc"] if isinstance(row, dict) else None


def _text(document: bytes | None) -> str | None:
    return None if document is None else canonical(orjson.loads(document))


def test_what_is_older_than_kept_is_refused_and_all_else_is_as_its_copy(bench: Bench) -> None:
    @SETTINGS
    @given(histories(prunes=True), st.sampled_from((3_600.0, 86_400.0, 200_000.0)))
    def compare(steps: list[Step], kept: float) -> None:
        note(f"{kept} {steps}")
        bench.runner.run(_compared_or_gone(bench, steps, kept))

    compare()


async def _compared_or_gone(bench: Bench, steps: list[Step], kept: float) -> None:
    limits = {"version_seconds": kept, "log_seconds": kept / 2}
    world = await World.make(bench.engine, bench.folder, **limits)
    try:
        await world.play([*BEGINNING, Copy(into_file=True), *steps])
        begun = await _contexts(world)
        await world.keep_up("prune")
        newest = await world.position()
        oldest = (await world.reader.store.history.status()).oldest.change
        assert (await world.reader.as_of(Named(change=newest))).at is not None
        for moment in world.moments:
            async with world.opened(moment) as copy:
                wanted = await copy.everything()
            when = f"as of change {moment.change}"
            if moment.change in begun:  # whoever had begun to read is told, or reads what was there
                found = await world.reader.everything(begun[moment.change])
                left = {
                    each: wanted[each] if found[each] == GONE else found[each] for each in found
                }
                assert_same(left, wanted, f"begun {when}")
            if moment.change < oldest:
                with pytest.raises(Gone) as refused:
                    await world.reader.as_of(Named(change=moment.change))
                assert (type(refused.value).__name__, refused.value.code) == GONE
            else:
                assert_same(await world.as_of(moment), wanted, when)
    finally:
        await world.close()


async def _contexts(world: World) -> dict[int, Context]:
    """Contexts of those who read the past, by its position, as far as it is kept."""
    found = {}
    for moment in world.moments:
        with contextlib.suppress(Gone):
            found[moment.change] = await world.reader.as_of(Named(change=moment.change))
    return found


def test_an_instant_that_was_the_present_means_the_same_state_ever_after(bench: Bench) -> None:
    @SETTINGS
    @given(writes_and_leaps())
    def compare(steps: list[Write | Leap]) -> None:
        note(f"{steps}")
        bench.runner.run(_looked(bench, steps))

    compare()


async def _looked(bench: Bench, steps: list[Write | Leap]) -> None:
    world = await World.make(bench.engine, bench.folder)
    looked = world.moments
    try:
        await world.play([*BEGINNING])
        for step in steps:
            await world.play([step])
            moment = await world.look()
            looked.append(moment)
            world.go_on(moment.time)
            for each in looked:
                if each.unique:
                    with contextlib.suppress(InvalidArgument):  # the future, by a clock set back
                        found = await world.change_at(each.time)
                        assert await world.is_same(found, each.change)
    finally:
        await world.close()


async def assert_no_gap_and_no_overlap(world: World) -> None:
    """Each entry of the log that made a version is where that version begins, and the last ends."""
    store = world.reader.store
    made: dict[Identity, list[LoggedChange]] = {}
    for entry in await world.log(store):
        kind = entry.kind.partition(".")[0]
        if kind in ("Twin", "Relationship"):
            source, _, rest = entry.subject.partition("/relationships/")
            identity: Identity = (source, rest) if kind == "Relationship" else (source,)
            made.setdefault(identity, []).append(entry)
    for identity, entries in made.items():
        versions = await _versions(store.history, identity)
        assert [each.version for each in versions] == list(range(1, len(entries) + 1)), identity
        assert [each.change for each in versions] == [each.seq for each in entries], identity
        assert [each.start for each in versions] == [each.time for each in entries], identity
        assert [each.actor for each in versions] == [each.actor for each in entries], identity
        deleted = [each.kind.endswith(".Delete") for each in entries]
        assert [each.doc is None for each in versions] == deleted, identity
        assert [each.end for each in versions] == [*(each.start for each in versions[1:]), None]
        etags = [each.etag for each in versions if each.doc is not None]
        assert len(set(etags)) == len(etags), identity


async def _versions(history: HistoryStore[Any], identity: Identity) -> list[Version]:
    kind: Kind = "twin" if len(identity) == 1 else "relationship"
    found: list[Version] = []
    start, end = 0, 10**9
    while step := await history.versions(
        kind, identity, start=start, end=end, limit=3, descending=False
    ):
        found += step
        start = step[-1].change + 1
    backwards = await history.versions(
        kind, identity, start=0, end=end, limit=1_000, descending=True
    )
    assert backwards == found[::-1]
    return found


def assert_same(found: dict[str, Any], wanted: dict[str, Any], when: str) -> None:
    """Say which reads differ, and how."""
    assert found.keys() == wanted.keys()
    wrong = {each: (found[each], wanted[each]) for each in wanted if found[each] != wanted[each]}
    said = [f"{each}\n  found  {one}\n  wanted {other}" for each, (one, other) in wrong.items()]
    assert not wrong, f"{when}:\n" + "\n".join(said)
