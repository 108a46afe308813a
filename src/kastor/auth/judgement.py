"""Why somebody may do something, or what would let them: told to people, judged as for requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.auth.roles import KNOWN_CALLERS, SERVER_WIDE, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.auth.actors import Principal
    from kastor.auth.policy import Earned, Policy

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """What comes of a question.

    Attributes:
        permission: that was asked for.
        graph: where; None: on some graph at least.
        allowed: the answer.
        by: the grants that allow it.
        elsewhere: grants that would, on other graphs.
        held: all that is granted.
        roles: names of the roles that have the permission.
    """

    permission: Permission
    graph: str | None
    allowed: bool
    by: tuple[Earned, ...]
    elsewhere: tuple[Earned, ...]
    held: tuple[Earned, ...]
    roles: tuple[str, ...]


def judge(
    policy: Policy, principal: Principal, permission: Permission, graph: str | None
) -> Judgement:
    """Return whether a caller has a permission on a graph, and why.

    Args:
        policy: what counts.
        principal: the caller.
        permission: that is asked for.
        graph: where; None: on some graph at least.
    """
    actor = policy.actor_of(principal)
    held = tuple(policy.earned(principal))
    by = tuple(each for each in held if each.grant.lets(permission, graph))
    return Judgement(
        permission,
        graph,
        permission in (actor.somewhere() if graph is None else actor.on(graph)),
        () if permission in KNOWN_CALLERS else by,
        tuple(each for each in held if permission in each.grant.permissions and each not in by),
        held,
        tuple(sorted(name for name, has in policy.roles.items() if permission in has)),
    )


def words_of(judgement: Judgement, file: str) -> str:
    """Return a judgement in a sentence or two, with what would allow what is refused.

    Args:
        judgement: to be told.
        file: what the policy file is called.
    """
    if judgement.allowed:
        if not judgement.by:
            return f"allowed: {_whoever(judgement.permission)}"
        return f"allowed by {_reason(judgement.by[0], file)}{_where(judgement)}"
    told = f"refused: {_lack(judgement, file)}"
    roles = _roles(judgement.roles)
    if judgement.permission in SERVER_WIDE:
        return f"{told} A rule for all graphs with {roles} would allow it: it tells of all of them."
    where = "" if judgement.graph is None else f" for the graph {judgement.graph}"
    return f"{told} A rule{where} with {roles} would allow it."


def reason_of(earned: Earned, file: str) -> str:
    """Return where a grant comes from."""
    if earned.rule is None:
        return "the token's own"
    if earned.rule.number == 0:
        return "a role of Azure Digital Twins"
    return f"rule {earned.rule.number} of {file}"


def _reason(earned: Earned, file: str) -> str:
    return f"role {earned.grant.role} ({reason_of(earned, file)})"


def _whoever(permission: Permission) -> str:
    if permission is Permission.OPEN:
        return "this needs no token"
    return "any valid token will do, whatever its roles"


def _where(judgement: Judgement) -> str:
    return " on some graphs" if judgement.graph is None else f" on graph {judgement.graph}"


def _lack(judgement: Judgement, file: str) -> str:
    if not judgement.held:
        return "no rule gives a role, so that every request is answered 403."
    if judgement.elsewhere:
        first = judgement.elsewhere[0]
        if first.grant.twins:
            names = _roles(dict.fromkeys(each.name for each in first.grant.twins), "and")
            parts = names.removeprefix("role ")
            return (
                f"{_reason(first, file)} has {judgement.permission} for the twins of {parts} alone."
            )
        graphs = ", ".join(first.grant.graphs)
        return f"{_reason(first, file)} has {judgement.permission} on {graphs} alone."
    names = _roles(dict.fromkeys(each.grant.role for each in judgement.held), "and")
    return f"{names} has no {judgement.permission}."


def _roles(names: Iterable[str], word: str = "or") -> str:
    *first, last = list(names)[:_MOST_NAMED]
    return f"role {f' {word} '.join([', '.join(first), last] if first else [last])}"
