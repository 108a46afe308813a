"""Changes through agents: proposed, shown, approved where it has to be, applied once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer
from tests.contract.client import Api

from .speaking import NEWEST, REVISIONS, Speaker, load_quiet_building

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = "dtmi:kastor:sample:Room;1"


@pytest.fixture(scope="module")
def writing() -> Iterator[Api]:
    with (
        KastorServer(("--agents", "write")) as server,
        Api(server.url) as client,
    ):
        load_quiet_building(client)
        yield client


@pytest.fixture(params=REVISIONS)
def ben(writing: Api, request: pytest.FixtureRequest) -> Speaker:
    return Speaker(writing, request.param)


def _patch(twin_id: str, path: str, value: Any) -> dict[str, Any]:
    body = [{"op": "add", "path": path, "value": value}]
    return {"op": "patch", "kind": "twin", "id": twin_id, "body": body}


def _propose(ben: Speaker, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return ben.got("propose_change", operations=list(operations), reason="A test", **more)


def test_a_change_is_shown_before_it_is_made_and_made_once(ben: Speaker, writing: Api) -> None:
    before = writing.twin("room-2-14")
    value = before["area"] + 1
    made = _propose(ben, _patch("room-2-14", "/area", value))
    assert writing.twin("room-2-14") == before, "a proposal changes nothing"
    assert made["needsApproval"] is False
    [line] = made["diff"]
    assert line["patch"] == [
        {"op": "replace", "path": "/area", "value": value, "was": before["area"]}
    ]
    done = ben.got("apply_change", token=made["token"])
    after = writing.twin("room-2-14")
    assert (after["area"], done["applied"]) == (value, 1)
    assert done["results"][0]["etag"] == after["$etag"]
    assert ben.got("apply_change", token=made["token"]) == done
    assert writing.twin("room-2-14") == after
    [newest] = ben.got("history", id="room-2-14", limit=1)["changes"]
    assert newest["via"] == {"way": "mcp", "proposal": made["id"], "reason": "A test"}
    told = writing.get("/kastor/v1/digitaltwins/room-2-14/history?order=desc&limit=1", version=None)
    via = told.json()["value"][0]["via"]
    assert (via["tool"], via["proposal"]) == ("apply_change", made["id"])
    assert via.get("clientClaims") == ("by hand" if ben.revision == NEWEST else None)


def test_what_was_changed_meanwhile_is_not_written_over(ben: Speaker, writing: Api) -> None:
    made = _propose(ben, _patch("room-2-13", "/area", 1.5))
    writing.patch("/digitaltwins/room-2-13", [{"op": "add", "path": "/area", "value": 2.5}])
    found = ben.call("apply_change", token=made["token"])
    assert found.is_error
    assert found.value["code"] == "ProposalOutdated"
    assert found.value["diff"][0]["patch"][0]["was"] == 2.5
    assert writing.twin("room-2-13")["area"] == 2.5


def test_a_deletion_waits_for_a_person(ben: Speaker, writing: Api) -> None:
    thermostat: dict[str, Any] = {"$metadata": {}}
    room = {"$metadata": {"$model": ROOM}, "name": "Spare", "thermostat": thermostat}
    writing.add_twin("spare", room)
    made = _propose(ben, {"op": "delete", "kind": "twin", "id": "spare"})
    assert made["needsApproval"] is True
    refused = ben.call("apply_change", token=made["token"])
    assert (refused.is_error, refused.value["code"]) == (True, "ProposalNotApproved")
    assert writing.twin("spare")
    approved = writing.post(f"/kastor/v1/proposals/{made['id']}/approve", version=None)
    assert approved.status_code == 200, approved.text
    assert ben.got("apply_change", token=made["token"])["applied"] == 1
    assert writing.get("/digitaltwins/spare").status_code == 404


def test_operations_that_would_be_refused_are_told_with_their_reasons(ben: Speaker) -> None:
    found = ben.call(
        "propose_change",
        operations=[_patch("room-2-14", "/area", 3.0), _patch("room-2-14", "/area", "large")],
        reason="A test",
    )
    assert found.is_error
    assert found.value["at"] == {"operations": [1]}
    assert "Operation 1: " in found.value["message"]


@pytest.mark.parametrize("token", ["", "x", "\u202e" * 20, "../../etc", "A" * 128])
def test_nothing_but_a_token_of_the_caller_applies(ben: Speaker, token: str) -> None:
    found = ben.call("apply_change", token=token)
    assert found.is_error
    assert found.value["code"] in ("InvalidArgument", "ProposalNotFound")


def test_a_large_diff_is_cut_and_says_where_it_is_whole(ben: Speaker, writing: Api) -> None:
    rooms = writing.query(f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{ROOM}')")
    ids = [each["$dtId"] for each in rooms.json()["value"]][:60]
    made = _propose(ben, *(_patch(each, "/area", 9.25) for each in ids), max_chars=2_500)
    assert made["more"] is True
    assert made["id"] in made["hint"]
    whole = writing.get(f"/kastor/v1/proposals/{made['id']}", version=None).json()
    assert len(whole["diff"]) == len(made["diff"]) + made["omitted"]


def test_servers_that_only_read_know_no_tools_that_write(anna: Speaker) -> None:
    names = {each["name"] for each in anna.ask("tools/list")["tools"]}
    assert not {"propose_change", "apply_change"} & names
    assert anna.call("apply_change", token="x").value["code"] == "ToolNotFound"


def test_all_definitions_together_are_short_and_say_what_they_do(ben: Speaker) -> None:
    listed = ben.send("tools/list")
    tools = listed.json()["result"]["tools"]
    assert len(tools) == 11
    assert max(len(listed.text), len(json.dumps(tools))) <= 9_000
    hints = {each["name"]: each["annotations"] for each in tools}
    assert hints["apply_change"]["destructiveHint"] is True
    assert {name for name, each in hints.items() if not each["readOnlyHint"]} == {
        "propose_change",
        "apply_change",
    }
