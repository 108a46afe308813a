"""Rules that count for parts of a graph: what a policy file may say, and what comes of it."""

from __future__ import annotations

import pytest

from kastor.auth.actors import CallerKind, Principal
from kastor.auth.policy_form import parse_policy
from kastor.auth.roles import Permission

PARTS = """
[[rules]]
roles = ["reader"]
twins = ["p"]
to = { tokens = ["t"] }

[twins.p]
"""


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("", "it holds nothing"),
        ('under = "a"', "say by which relationships"),
        ('under = "a"\noutgoing = ["x"]\nincoming = ["y"]', "one of the two"),
        ('models = ["dtmi:a;1"]\noutgoing = ["x"]', 'that needs under = "ID"'),
        ('models = ["Room"]', "write the id of a model"),
        ('under = "a"\noutgoin = ["x"]', "write outgoing"),
        (f'under = "a"\noutgoing = {["x"] * 51}', "no more than 50"),
        (f'under = "{"a" * 129}"\noutgoing = ["x"]', "no more than 128"),
    ],
)
def test_a_part_that_means_nothing_is_a_fault_that_says_what_to_write(part: str, told: str) -> None:
    policy, faults = parse_policy((PARTS + part).encode())
    assert policy is None
    assert any(told in each for each in faults), faults


def test_a_rule_for_a_part_that_is_not_there_is_a_fault() -> None:
    text = PARTS.replace('["p"]', '["q"]') + 'under = "a"\noutgoing = ["x"]'
    assert "there is no part 'q'" in parse_policy(text.encode())[1][0]


def test_what_counts_for_a_part_counts_for_no_graph_as_a_whole() -> None:
    policy, faults = parse_policy((PARTS + 'under = "a"\noutgoing = ["x"]').encode())
    assert policy is not None, faults
    claims = {"tokens": frozenset({"t"})}
    actor = policy.actor_of(Principal(CallerKind.STATIC, "t", "t", claims=claims))
    assert Permission.TWINS_READ not in actor.on("default") | actor.somewhere() | actor.everywhere
    (part,) = actor.parts(Permission.TWINS_READ, "default")
    assert (part.name, part.under, part.outgoing) == ("p", "a", ("x",))
    assert actor.parts(Permission.TWINS_WRITE, "default") == ()
