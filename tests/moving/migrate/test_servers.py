"""Servers that a migration meets: with small bounds, or with answers that never end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kastor.client import AsyncKastorClient, KastorClient, UnexpectedAnswerError
from kastor.client.calls import HttpCall
from kastor.client.pages import ListingPage
from kastor.moving.migration.rounds import SourceEmptiedError
from kastor.moving.migration.state import MigrationState
from kastor.moving.writing.operations import ThingKind
from kastor.testing import KastorServer

from .graphs import MODELS, documents, link, room
from .sides import migrated


def test_a_target_that_takes_few_writes_at_once_gets_few(
    kastor: KastorServer, source: KastorClient, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.models.upload(MODELS)
    for number in range(5):
        source.twins.put(f"t{number}", room(number))
    source.relationships.put("t0", "r", link("t1"))
    monkeypatch.setenv("KASTOR_MAX_BATCH_OPERATIONS", "2")
    with KastorServer() as small:
        report = migrated(state, kastor.url, small.url)
        assert report.whole, report
        assert documents(kastor.url) == documents(small.url)


@pytest.mark.parametrize("path", ["/query", "/models", "/eventroutes"])
def test_a_source_whose_pages_repeat_ends_it(
    path: str,
    kastor: KastorServer,
    second: KastorServer,
    source: KastorClient,
    target: KastorClient,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = AsyncKastorClient.send
    first: list[ListingPage[Any]] = []

    async def repeating(client: AsyncKastorClient, call: HttpCall[Any]) -> Any:
        if call.path != path or b"COUNT" in _body(call):
            return await send(client, call)
        if not first:
            first.append(replace(await send(client, call), following="x?continuationToken=again"))
        return first[0]

    monkeypatch.setattr(AsyncKastorClient, "send", repeating)
    with pytest.raises(UnexpectedAnswerError, match="no end"):
        migrated(state, kastor.url, second.url)


def _body(call: HttpCall[Any]) -> bytes:
    return call.content if isinstance(call.content, bytes) else b""


def test_a_source_that_was_taken_down_does_not_empty_the_target(
    kastor: KastorServer,
    second: KastorServer,
    source: KastorClient,
    target: KastorClient,
    state: Path,
) -> None:
    source.models.upload(MODELS)
    source.twins.put("t1", room(1))
    ends = kastor.url, second.url
    assert migrated(state, *ends).whole
    kastor.reset()
    with pytest.raises(SourceEmptiedError, match="--source-emptied"):
        migrated(state, *ends)
    assert target.twins.get("t1")["$dtId"] == "t1"
    assert len(target.models.list().collect()) == len(MODELS)
    assert migrated(state, *ends, emptied=True).whole
    assert documents(kastor.url) == documents(second.url) == {}


def test_what_was_there_already_stays_also_after_a_change_in_doubt(
    kastor: KastorServer,
    second: KastorServer,
    source: KastorClient,
    target: KastorClient,
    state: Path,
) -> None:
    """Others made it with equal content; the migration was killed while it changed it."""
    ends = kastor.url, second.url
    for client in (source, target):
        client.models.upload(MODELS)
        client.twins.put("theirs", room(1))
    source.twins.put("t2", room(2))
    assert migrated(state, *ends, into_existing=True).whole
    opened = MigrationState.open(state, ends)
    (thing,) = opened.things(ThingKind.TWIN, [("", "theirs")]).values()
    assert not thing.owned
    thing.pending = thing.digest
    with opened.change():
        opened.keep([thing])
    opened.close()
    source.twins.delete("theirs")
    migrated(state, *ends)
    assert target.twins.get("theirs")["$dtId"] == "theirs"
