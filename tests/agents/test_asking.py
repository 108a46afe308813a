"""A person is asked before a change that needs a word: yes applies it, anything else changes nothing."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.client import Client
from mcp_types import ElicitResult

from kastor.agents.asking import STATE_CHARACTERS, question_of
from kastor.agents.fitting import ENVELOPE
from kastor.agents.plain import cost
from kastor.storage.proposals import ProposalEntry
from kastor.testing import KastorServer
from tests.contract.client import Api
from tests.contract.guarded import guarding

from .speaking import BEFORE, NEWEST, Speaker, load_quiet_building

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = "dtmi:kastor:sample:Room;1"
ASKING: dict[str, Any] = {"elicitation": {"form": {}}}
YES = {"action": "accept", "content": {"apply": True}}
NO: list[dict[str, Any]] = [
    {"action": "decline"},
    {"action": "cancel"},
    {"action": "accept", "content": {"apply": False}},
    {"action": "accept", "content": {}},
    {"action": "accept"},
    {"action": "accept", "content": {"apply": "true"}},
]


@pytest.fixture(scope="module", params=["destructive", "always"])
def confirm(request: pytest.FixtureRequest) -> str:
    rule: str = request.param
    return rule


@pytest.fixture(scope="module")
def writing(confirm: str) -> Iterator[Api]:
    flags = ("--agents", "write", "--agents-confirm", confirm)
    with KastorServer(flags) as server, Api(server.url) as client:
        load_quiet_building(client)
        yield client


@pytest.fixture
def ben(writing: Api) -> Speaker:
    return Speaker(writing, NEWEST, capabilities=ASKING)


def _spare(api: Api) -> None:
    room = {"$metadata": {"$model": ROOM}, "name": "Spare", "thermostat": {"$metadata": {}}}
    api.add_twin("spare", room)


def _deletion(ben: Speaker, api: Api) -> dict[str, Any]:
    _spare(api)
    operation = {"op": "delete", "kind": "twin", "id": "spare"}
    made = ben.got("propose_change", operations=[operation], reason='A "test"')
    assert made["needsApproval"] is True
    assert "asks the person" in made["next"]
    return made


def _apply(ben: Speaker, token: str, **more: Any) -> Any:
    asked = {"name": "apply_change", "arguments": {"token": token}, **more}
    return ben.send("tools/call", asked)


def _is_there(api: Api) -> bool:
    return api.get("/digitaltwins/spare").status_code == 200


def test_yes_applies_what_was_shown(ben: Speaker, writing: Api) -> None:
    made = _deletion(ben, writing)
    asked = ben.ask("tools/call", {"name": "apply_change", "arguments": {"token": made["token"]}})
    assert asked["resultType"] == "input_required"
    [(key, question)] = asked["inputRequests"].items()
    assert question["method"] == "elicitation/create"
    told = question["params"]["message"]
    assert made["id"] in told
    assert '"spare"' in told
    assert "\u202e" not in told
    assert made["token"] not in json.dumps(asked), "the state is sealed"
    assert _is_there(writing), "asking changes nothing"
    small = {"token": made["token"], "max_chars": 2_000}
    short = ben.ask("tools/call", {"name": "apply_change", "arguments": small})
    assert len(json.dumps(short)) <= 2_000
    done = _apply(
        ben, made["token"], inputResponses={key: YES}, requestState=asked["requestState"]
    ).json()["result"]
    assert done["structuredContent"]["applied"] == 1
    assert not _is_there(writing)
    again = ben.got("apply_change", token=made["token"])
    assert again == done["structuredContent"], "a repeat is answered as the first time, unasked"


@pytest.mark.parametrize("answer", NO, ids=str)
def test_anything_else_changes_nothing(ben: Speaker, writing: Api, answer: dict[str, Any]) -> None:
    made = _deletion(ben, writing)
    asked = _apply(ben, made["token"]).json()["result"]
    [key] = asked["inputRequests"]
    found = _apply(
        ben, made["token"], inputResponses={key: answer}, requestState=asked["requestState"]
    ).json()
    if "result" in found:  # what is no answer of a form is refused by the protocol
        told = json.loads(found["result"]["content"][0]["text"])
        assert (found["result"]["isError"], told["code"]) == (True, "ChangeDeclined")
    assert _is_there(writing)
    still = writing.get(f"/kastor/v1/proposals/{made['id']}", version=None).json()
    assert not still.get("approver")
    writing.delete("/digitaltwins/spare")


def test_a_word_counts_with_its_own_question_alone(ben: Speaker, writing: Api) -> None:
    made = _deletion(ben, writing)
    other_operation = {"op": "patch", "kind": "twin", "id": "spare"}
    other_operation["body"] = [{"op": "add", "path": "/name", "value": "x"}]  # type: ignore[assignment]
    other = ben.got("propose_change", operations=[other_operation], reason="x")
    state = _apply(ben, made["token"]).json()["result"]["requestState"]
    answers = {"approve": YES}
    unasked = _apply(ben, made["token"], inputResponses=answers).json()["result"]
    assert unasked["resultType"] == "input_required", "an answer without its question is none"
    for token, sealed in (
        (other["token"], state),
        (made["token"], made["id"]),
        (made["token"], state[:-2] + "AA"),
        (made["token"], "v1." + "A" * 200),
        (made["token"], ""),
    ):
        found = _apply(ben, token, inputResponses=answers, requestState=sealed).json()
        assert "error" in found, found
        assert found["error"]["code"] == -32_602
    assert _is_there(writing)
    writing.delete("/digitaltwins/spare")


@pytest.mark.parametrize("revision", [BEFORE, NEWEST])
def test_who_cannot_ask_is_sent_to_the_explorer(writing: Api, revision: str) -> None:
    ben = Speaker(writing, revision)
    _spare(writing)
    operation = {"op": "delete", "kind": "twin", "id": "spare"}
    made = ben.got("propose_change", operations=[operation], reason="x")
    assert "explorer" in made["next"]
    refused = ben.call("apply_change", token=made["token"])
    assert (refused.is_error, refused.value["code"]) == (True, "ProposalNotApproved")
    others: list[dict[str, Any]] = [{"elicitation": {"url": {}}}, {"sampling": {}}]
    for capabilities in others:
        quiet = Speaker(writing, revision, capabilities=capabilities)
        assert (
            quiet.call("apply_change", token=made["token"]).value["code"] == "ProposalNotApproved"
        )
    writing.delete("/digitaltwins/spare")


def test_what_needs_no_word_is_not_asked_for(ben: Speaker, writing: Api, confirm: str) -> None:
    operation = {"op": "patch", "kind": "twin", "id": "room-2-14"}
    body = [{"op": "add", "path": "/area", "value": 3.5}]
    made = ben.got("propose_change", operations=[{**operation, "body": body}], reason="x")
    found = _apply(ben, made["token"]).json()["result"]
    asked = found.get("resultType") == "input_required"
    assert asked is made["needsApproval"] is (confirm == "always")


@pytest.mark.parametrize(("said", "left"), [("accept", False), ("decline", True), ("cancel", True)])
def test_the_official_client_asks_its_person(writing: Api, said: Any, left: bool) -> None:
    heard: list[str] = []

    async def answer(context: Any, params: Any) -> ElicitResult:
        del context
        heard.append(params.message)
        return ElicitResult(action=said, content={"apply": True} if said == "accept" else None)

    async def go() -> None:
        async with Client(f"{writing.url}/mcp", mode="auto", elicitation_callback=answer) as client:
            operation = {"op": "delete", "kind": "twin", "id": "spare"}
            asked = {"operations": [operation], "reason": "x"}
            made = await client.call_tool("propose_change", asked)
            assert made.structured_content is not None
            done = await client.call_tool(
                "apply_change", {"token": made.structured_content["token"]}
            )
            assert done.is_error is left

    _spare(writing)
    asyncio.run(go())
    assert len(heard) == 1
    assert _is_there(writing) is left
    writing.delete("/digitaltwins/spare")


def test_states_are_their_callers_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    flags = ("--agents", "write", "--agents-confirm", "always")
    with guarding(tmp_path_factory.mktemp("asking"), flags) as guarded:
        owner = Speaker(guarded.static["o"].api, capabilities=ASKING)
        other = Speaker(guarded.signed["o"].api, capabilities=ASKING)
        body = [{"op": "add", "path": "/level", "value": 7}]
        operation = {"op": "patch", "kind": "twin", "id": "a", "body": body}
        tokens = [
            each.got("propose_change", operations=[operation], reason="x")["token"]
            for each in (owner, other)
        ]
        found = _apply(owner, tokens[0]).json()["result"]
        assert found["resultType"] == "input_required"
        state, before = found["requestState"], guarded.snapshot()
        for token in tokens:
            refused = _apply(
                other, token, inputResponses={"approve": YES}, requestState=state
            ).json()
            assert refused["error"]["code"] == -32_602
        assert guarded.snapshot() == before


@given(
    ids=st.lists(st.text(max_size=128) | st.just("\U0001f3e2" * 128), max_size=100),
    reason=st.text(max_size=300) | st.just("\U0001f3e2" * 300),
    most=st.sampled_from([2_000, 3_000, 12_000]),
)
def test_a_question_is_short_whatever_it_is_about(ids: list[str], reason: str, most: int) -> None:
    entry = ProposalEntry(
        id="0" * 36,
        caller="c",
        actor="a",
        reason=reason,
        writes="delete twin",
        count=100,
        position=1,
        needs_approval=True,
        size=1,
        created=0,
        expires=1,
    )
    diff = [{"kind": "twin", "id": each, "what": "removed"} for each in ids]
    told = question_of(entry, diff, most)
    assert cost(told) <= most - ENVELOPE - STATE_CHARACTERS
    assert told.isprintable() or not any(0x202A <= ord(each) <= 0x202E for each in told)


def test_nobody_is_asked_where_the_word_of_another_is_wanted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    flags = ("--agents", "write", "--agents-confirm", "always", "--agents-second-person")
    with guarding(tmp_path_factory.mktemp("second"), flags) as guarded:
        owner = Speaker(guarded.static["o"].api, capabilities=ASKING)
        body = [{"op": "add", "path": "/level", "value": 7}]
        operation = {"op": "patch", "kind": "twin", "id": "a", "body": body}
        made = owner.got("propose_change", operations=[operation], reason="x")
        refused = owner.call("apply_change", token=made["token"])
        assert (refused.is_error, refused.value["code"]) == (True, "ProposalNeedsSecondPerson")
        path = f"/kastor/v1/proposals/{made['id']}/approve"
        assert guarded.signed["o"].api.post(path, version=None).status_code == 200
        assert owner.got("apply_change", token=made["token"])["applied"] == 1
