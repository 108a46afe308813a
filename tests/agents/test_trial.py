"""The trial set, played by a script: every answer right, the characters told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer
from tests.contract.client import Api

from .speaking import Speaker, load_quiet_building
from .trial import CHANGES, QUESTIONS, Building, Planned, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = Building()


@pytest.fixture(scope="module")
def writing() -> Iterator[Api]:
    with (
        KastorServer(("--agents", "write")) as server,
        Api(server.url) as client,
    ):
        load_quiet_building(client)
        yield client


def test_there_are_thirty_questions_and_ten_changes() -> None:
    assert (len({each.text for each in QUESTIONS}), len(CHANGES)) == (30, 10)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.text)
def test_questions_are_answered(building: Api, question: Question) -> None:
    speaker, used = Speaker(building), [0, 0]

    def got(tool: str, **arguments: Any) -> dict[str, Any]:
        found = speaker.call(tool, **arguments)
        assert not found.is_error, found.value
        used[0] += 1
        used[1] += len(found.text)
        return found.value

    assert question.played(got) == question.expected(DOCUMENTS)
    print(f"{used[0]} calls, {used[1]} characters: {question.text}")
    assert used[1] <= 12_000, "a question is answered within one bound"


def test_changes_are_made_as_they_were_shown(writing: Api) -> None:
    speaker = Speaker(writing)
    for change in CHANGES:
        _make(speaker, writing, change)


def _make(speaker: Speaker, writing: Api, change: Planned) -> None:
    ids = [each["id"] for each in change.operations if each["kind"] == "twin"]
    before = [writing.get(f"/digitaltwins/{each}").content for each in ids]
    made = speaker.got("propose_change", operations=list(change.operations), reason=change.text)
    assert made["needsApproval"] is change.approved, change.text
    assert [writing.get(f"/digitaltwins/{each}").content for each in ids] == before
    if change.approved:
        assert speaker.call("apply_change", token=made["token"]).is_error, change.text
        writing.post(f"/kastor/v1/proposals/{made['id']}/approve", version=None)
    done = speaker.got("apply_change", token=made["token"])
    assert done["applied"] == len(change.operations)
    assert change.holds(speaker.got), change.text
