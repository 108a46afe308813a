"""Servers that a migration meets: with small bounds, or with answers that never end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kastor.client import AsyncKastorClient, KastorClient, UnexpectedAnswerError
from kastor.client.calls import HttpCall
from kastor.client.pages import ListingPage
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
