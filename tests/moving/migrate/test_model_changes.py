"""Models that change while their graph is moved, or between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kastor.client import KastorClient
from kastor.moving.migration import migrator, verification
from kastor.testing import KastorServer

from .graphs import HALL, MODELS, documents, room
from .sides import migrated


@pytest.fixture
def ends(kastor: KastorServer, second: KastorServer, source: KastorClient) -> tuple[str, str]:
    source.models.upload(MODELS)
    for number in range(2):
        source.twins.put(f"t{number}", room(number))
    return kastor.url, second.url


def test_twins_of_a_model_that_is_decommissioned_at_the_target_come_too(
    ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
) -> None:
    source.models.decommission(HALL)
    assert migrated(state, *ends).whole
    source.models.decommission(HALL, decommissioned=False)
    source.twins.put("t10", room(10))
    source.models.decommission(HALL)
    report = migrated(state, *ends)
    assert report.whole, report
    assert documents(ends[0]) == documents(ends[1])


def test_a_model_that_is_in_use_again_at_the_source_is_so_at_the_target(
    ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
) -> None:
    source.models.decommission(HALL)
    assert migrated(state, *ends).whole
    source.models.decommission(HALL, decommissioned=False)
    report = migrated(state, *ends)
    assert report.whole, report
    assert documents(ends[0]) == documents(ends[1])


def test_models_that_change_after_the_last_round_are_not_called_equal(
    ends: tuple[str, str],
    source: KastorClient,
    target: KastorClient,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody uploads a model between the round and the proof, and deletes one."""
    verify = verification.verify
    late = {**MODELS[2], "@id": "dtmi:migrate:Late;1"}
    begun: list[int] = []

    async def meanwhile(*args: Any) -> Any:
        if not begun:
            begun.append(1)
            source.models.upload([late])
        return await verify(*args)

    monkeypatch.setattr(migrator, "verify", meanwhile)
    report = migrated(state, *ends)
    assert report.whole, report
    assert len(report.rounds) == 2
    assert documents(ends[0]) == documents(ends[1])


def test_a_model_that_is_gone_at_the_source_and_in_use_at_the_target_is_told(
    ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
) -> None:
    for twin in ("t0",):
        source.twins.delete(twin)
    assert migrated(state, *ends).whole
    target.models.upload(
        [{**MODELS[0], "@id": "dtmi:others:Hall;1", "extends": HALL, "contents": []}]
    )
    source.models.delete(HALL)
    report = migrated(state, *ends)
    assert not report.verification.equal, report
