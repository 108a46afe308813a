"""Judges a sink by what arrived: nothing lost, nothing strange, the order of each twin kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kastor.events.model import Event

from .brokers import Message


def judge(
    arrived: Sequence[Message], sent: Sequence[Event | Message], *, duplicates: bool = False
) -> None:
    """Compare; a duplicate, where it is allowed, has the id and the body of its first arrival."""
    ids = [message.id for message in arrived]
    bodies = {each.id: each.data for each in sent}
    assert set(ids) == set(bodies), _difference(set(ids), set(bodies))
    if not duplicates:
        assert len(ids) == len(set(ids))
    expected: dict[str, list[str]] = {}
    for each in sent:
        expected.setdefault(each.key, []).append(each.id)
    first: dict[str, list[str]] = {}
    for message in arrived:
        assert json.loads(message.data) == json.loads(bodies[message.id])
        of_twin = first.setdefault(message.key, [])
        if message.id not in of_twin:
            of_twin.append(message.id)
    assert first == expected


def _difference(arrived: set[str], sent: set[str]) -> str:
    return f"{len(sent - arrived)} of {len(sent)} lost, {len(arrived - sent)} that nobody sent"
