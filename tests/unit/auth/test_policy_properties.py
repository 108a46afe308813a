"""Random policies and callers, judged beside a few lines of plain Python."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.auth.actors import Actor, CallerKind, Grant, Principal
from kastor.auth.judgement import judge, words_of
from kastor.auth.policy import CLAIMS, AccessRule, Policy
from kastor.auth.roles import KNOWN_CALLERS, OWNER, ROLES, SERVER_WIDE, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = ("default", "plant-1", "plant-12", "lab", "l", "a-b", "*", "")
PATTERNS = ("*", "plant-*", "plant-1", "*-1", "l*b", "lab", "*a*", "nowhere", "-*-")
VALUES = ("x", "y", "z")
ISSUERS = ("", "https://a", "https://b")

_permissions = st.frozensets(st.sampled_from(sorted(OWNER - KNOWN_CALLERS)), max_size=6)
_roles = st.dictionaries(st.sampled_from(["r1", "r2", "r3"]), _permissions, min_size=1)
_values = st.frozensets(st.sampled_from(VALUES), min_size=1)
_claims = st.dictionaries(st.sampled_from(CLAIMS), _values, max_size=3)
_graphs = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3).map(tuple)


@st.composite
def _policies(draw: st.DrawFn) -> Policy:
    roles = {**ROLES, **draw(_roles)}
    names = st.lists(st.sampled_from(sorted(roles)), min_size=1, max_size=2).map(tuple)
    issuers = st.sampled_from([None, *ISSUERS[1:]])
    rules = st.builds(AccessRule, names, _claims.filter(bool), _graphs, issuers)
    return Policy(tuple(draw(st.lists(rules, max_size=6))), roles)


_own = st.lists(st.builds(Grant, st.just("own"), _permissions, _graphs), max_size=2).map(tuple)
_principals = st.builds(
    lambda issuer, claims, own: Principal(
        CallerKind.OIDC, "id", "name", issuer=issuer, claims=claims, grants=own
    ),
    st.sampled_from(ISSUERS),
    _claims,
    _own,
)


def _oracle(policy: Policy, who: Principal) -> dict[tuple[Permission, str], bool]:
    """What somebody may do on each name; "**" stands for the server."""
    may = dict.fromkeys(((p, n) for p in Permission for n in (*NAMES, "**")), False)
    grants = [(each.permissions, each.graphs) for each in who.grants]
    for rule in policy.rules:
        met = all(any(v in who.claims.get(c, ()) for v in vs) for c, vs in rule.to.items())
        if met and rule.issuer in (None, who.issuer):
            grants += [(policy.roles[role], rule.graphs) for role in rule.roles]
    for permission, name in may:
        if permission in (Permission.OPEN, Permission.KNOWN):
            may[permission, name] = True
        for permissions, graphs in grants:
            if permission not in permissions:
                continue
            if "*" in graphs:
                may[permission, name] = True
            elif name != "**" and permission not in SERVER_WIDE:
                may[permission, name] |= any(fnmatchcase(name, each) for each in graphs)
    return may


@settings(max_examples=60, deadline=None)
@given(_policies(), _principals)
def test_an_actor_may_what_plain_python_says(policy: Policy, who: Principal) -> None:
    actor, may = policy.actor_of(who), _oracle(policy, who)
    for _ in range(2):  # the second answer is a kept one
        for name in NAMES:
            assert actor.on(name) == {p for p in Permission if may[p, name]}, name
    assert actor.everywhere == {p for p in Permission if may[p, "**"]}
    patterns = {
        g for grant in actor.grants if grant.permissions - SERVER_WIDE for g in grant.graphs
    }
    assert actor.somewhere() >= set().union(*(actor.on(name) for name in NAMES))
    if not patterns:
        assert actor.somewhere() == actor.everywhere


@settings(max_examples=40, deadline=None)
@given(_policies(), _policies(), _principals)
def test_a_rule_never_takes_away(policy: Policy, more: Policy, who: Principal) -> None:
    roles = {**more.roles, **policy.roles}
    before = Policy(policy.rules, roles).actor_of(who)
    after = Policy((*policy.rules, *more.rules), roles).actor_of(who)
    turned = Policy((*more.rules, *policy.rules[::-1]), roles).actor_of(who)
    for name in NAMES:
        assert before.on(name) <= after.on(name) == turned.on(name)
    assert before.everywhere <= after.everywhere == turned.everywhere
    assert before.somewhere() <= after.somewhere() == turned.somewhere()


@settings(max_examples=60, deadline=None)
@given(
    _policies(), _principals, st.sampled_from(sorted(Permission)), st.sampled_from((*NAMES, None))
)
def test_what_people_are_told_is_what_requests_are_answered(
    policy: Policy, who: Principal, permission: Permission, graph: str | None
) -> None:
    found = judge(policy, who, permission, graph)
    actor = policy.actor_of(who)
    assert found.allowed == (
        permission in (actor.somewhere() if graph is None else actor.on(graph))
    )
    assert bool(found.by) == (found.allowed and permission not in KNOWN_CALLERS)
    assert words_of(found, "policy.toml").startswith("allowed" if found.allowed else "refused")


@given(st.lists(st.sampled_from([each for each in PATTERNS if each != "*"]), min_size=1))
def test_a_grant_on_some_graphs_tells_nothing_of_the_server(graphs: Iterable[str]) -> None:
    who = Principal(CallerKind.OIDC, "id", "name")
    actor = Actor(who, [Grant("owner", OWNER, tuple(graphs))])
    for name in NAMES:
        assert not actor.on(name) & SERVER_WIDE
    assert not actor.somewhere() & SERVER_WIDE
    assert actor.everywhere == KNOWN_CALLERS


def test_names_that_callers_make_up_take_little_memory_and_time() -> None:
    who = Principal(CallerKind.OIDC, "id", "name")
    actor = Actor(who, [Grant("owner", OWNER, ("plant-*", "lab")), Grant("r", OWNER, ("x-*",))])
    for number in range(50_000):
        assert Permission.TWINS_READ in actor.on(f"plant-{number}")
        assert Permission.TWINS_READ not in actor.on(f"{number}")
    for _ in range(5):
        assert Permission.TWINS_READ in actor.on("plant-" + "a" * 100_000)
    kept = actor._on
    assert len(kept) <= 100
    assert len({id(each) for each in kept.values()}) <= 2
    assert sum(sys.getsizeof(each) for each in kept) < 20_000


def test_brackets_and_question_marks_in_patterns_are_themselves() -> None:
    assert not Grant("r", OWNER, ("plant-[12]", "pl?nt-1")).covers("plant-1")
    assert Grant("r", OWNER, ("a*a*a*a*a*a*a*a*a*b",)).covers("a" * 60) is False
    assert not Grant("r", OWNER, ()).covers("plant-1")
    assert not Grant("r", OWNER, ("plant",)).covers("plant\n")
