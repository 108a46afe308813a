"""What an agent proposes is looked at, approved or rejected under Operate."""

from __future__ import annotations

from typing import Any

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page

PATH = "/kastor/v1/proposals"
ROOM = "room-0-02"
HOSTILE = "<img src=x onerror=alert(1)>\u202e now"


def _propose(api: httpx2.Client, *operations: dict[str, Any], reason: str) -> dict[str, Any]:
    answer = api.post(PATH, json={"operations": operations, "reason": reason})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _apply(api: httpx2.Client, made: dict[str, Any]) -> httpx2.Response:
    return api.post(f"{PATH}/{made['id']}/apply", json={"token": made["token"]})


def test_a_proposal_is_looked_at_and_approved_or_rejected(page: Page, api: httpx2.Client) -> None:
    relationships = api.get(
        f"/digitaltwins/{ROOM}/relationships", params={"api-version": "2023-10-31"}
    ).json()["value"]
    gone = relationships[0]["$relationshipId"]
    rename = {
        "op": "patch",
        "kind": "twin",
        "id": ROOM,
        "body": [{"op": "replace", "path": "/name", "value": HOSTILE}],
    }
    delete = {"op": "delete", "kind": "relationship", "source": ROOM, "id": gone}
    made = _propose(api, rename, delete, reason="The sign says so.")
    other = _propose(api, delete, reason="It is not there.")
    assert _apply(api, made).status_code == 409

    page.open("g/default/operate/proposals")
    expect(page.get("operate.proposals")).to_contain_text("waits for approval")
    page.get("operate.proposals").get_by_text("The sign says so.").click()
    diff = page.get("operate.proposal.diff")
    expect(diff).to_contain_text("/name")
    expect(diff).to_contain_text("<img src=x onerror=alert(1)>\\u{202e} now")
    expect(diff).to_contain_text(f"{ROOM} → {gone}")
    page.get("operate.proposal.approve").click()
    expect(page.get("operate.proposal.state")).to_contain_text("approved by anonymous")
    expect(page.get("operate.proposal.approve")).to_have_count(0)

    page.get("operate.proposals").get_by_text("It is not there.").click()
    page.get("operate.proposal.reject").click()
    expect(page.get("operate.proposal")).to_have_count(0)
    expect(page.get("operate.proposals")).not_to_contain_text("It is not there.")
    assert _apply(api, other).status_code == 404

    assert _apply(api, made).status_code == 200
    expect(page.get("operate.empty")).to_be_visible()
    page.open(f"g/default/twins/{ROOM}?tab=history")
    newest = page.get("inspector.history").get_by_role("listitem").first
    expect(newest).to_contain_text("anonymous, by a proposal")
    expect(newest).to_contain_text("approved by anonymous · The sign says so.")
    page.check()
