"""What to call instead: only what is there, and cheap whatever is asked for."""

from __future__ import annotations

import time

import pytest

from kastor.api.http.signposts import _HINTS, Signposts
from kastor.api.operations import OPERATIONS

THERE = [(each.method, each.path) for each in OPERATIONS]
NARROW = [(each.method, each.path) for each in OPERATIONS if each.in_adt]


@pytest.mark.parametrize("hint", _HINTS, ids=lambda hint: f"{hint[0]} {hint[1]}")
def test_every_hint_leads_to_an_operation_and_stands_where_none_is(
    hint: tuple[str, str, tuple[str, str], str],
) -> None:
    method, path, target, _ = hint
    assert target in {*THERE, ("GET", "/openapi.json")}
    assert (method, path) not in NARROW
    assert " ".join(target) in Signposts(THERE).not_found(method, path.encode()).message


def test_what_is_not_there_is_not_named() -> None:
    assert "POST" not in Signposts([("GET", "/models")]).not_found("GET", b"/digitaltwins").message


def test_a_long_path_is_looked_at_in_part() -> None:
    posts, begun = Signposts(THERE), time.process_time()
    for path in (b"/a" * 30_000, b"/" + b"digitaltwins" * 5_000, b"/" * 60_000):
        assert len(posts.not_found("GET", path).message) < 400
    assert time.process_time() - begun < 0.5
