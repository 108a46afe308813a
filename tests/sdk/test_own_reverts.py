"""Differences of two states and the way back, with either client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import room

if TYPE_CHECKING:
    from kastor.client import KastorClient


def test_what_differs_is_seen_tried_and_taken_back(client: KastorClient) -> None:
    client.twins.put("a", room(Label="first"))
    client.twins.put("b", room(Label="first"))
    *_, made = client.history.twin("b")
    client.twins.patch("a", [{"op": "replace", "path": "/Label", "value": "second"}])
    client.twins.delete("b")
    instant = f"change:{made['change']}"
    found = list(client.history.differences(instant))
    assert [(each["id"], each["what"]) for each in found] == [("a", "changed"), ("b", "removed")]
    only = "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'a'"
    assert [each["id"] for each in client.history.differences(instant, query=only)] == ["a"]
    tried = list(client.history.try_revert(instant, twin="b"))
    assert [(each["id"], each["what"]) for each in tried] == [("b", "added")]
    job = client.history.revert(instant, query=only, atomic=True, operation_id="back-with-a")
    assert client.jobs.wait(job, seconds=20).status == "succeeded"
    assert client.twins.get("a")["Label"] == "first"
    counts = client.jobs.wait(client.history.revert(instant), seconds=20).document["counts"]
    assert {name: count for name, count in counts.items() if count} == {"twins": 1, "already": 1}
    assert client.twins.get("b")["Label"] == "first"
    assert list(client.history.try_revert(instant)) == []
    client.jobs.delete("reverts", "back-with-a")
