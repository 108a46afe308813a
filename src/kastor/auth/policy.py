"""What callers may do, from what their tokens say: the rules, and those that hold without a file.

A rule names roles, the claims that earn them, and the graphs on which they count. Rules only add:
there is none that takes a permission away, so that their order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kastor.auth.actors import EVERY_GRAPH, Actor, Grant, Principal
from kastor.auth.roles import ROLES, Permission
from kastor.records import PolicyPart

CLAIMS = ("roles", "groups", "scopes", "apps", "subjects", "tokens")
"""What rules can ask for: application roles, groups and scopes of an issuer's token, the
application and the subject that it was made for, and the names of static tokens."""
OWNER_ROLE, READER_ROLE = "Azure Digital Twins Data Owner", "Azure Digital Twins Data Reader"
_OWNERS, _READERS = ({each, each.replace(" ", "")} for each in (OWNER_ROLE, READER_ROLE))
"""Values of application roles of Microsoft Entra have no blanks."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Roles for whoever has one of the named values.

    Attributes:
        roles: names of roles, built in or of the policy.
        to: by claim (one of `CLAIMS`), the values of which one is enough; of several claims each
            has to be met.
        graphs: where the roles count; names in which `*` stands for any characters.
        issuer: whose tokens it is about; None: of all.
        number: its place in the policy file, from 1; 0: it holds without one.
        twins: the parts of these graphs for which alone the roles count; none: for all.
    """

    roles: tuple[str, ...]
    to: Mapping[str, frozenset[str]]
    graphs: tuple[str, ...] = EVERY_GRAPH
    issuer: str | None = None
    number: int = 0
    twins: tuple[PolicyPart, ...] = ()

    def meets(self, principal: Principal) -> bool:
        """Whether it is about a caller."""
        if self.issuer is not None and self.issuer != principal.issuer:
            return False
        none: frozenset[str] = frozenset()
        return bool(self.to) and all(
            values & principal.claims.get(claim, none) for claim, values in self.to.items()
        )


class Earned(NamedTuple):
    """A grant, and the rule that gives it; None: the token brings it by itself."""

    rule: AccessRule | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a server.

    Attributes:
        rules: in no order that matters.
        roles: permissions by the names of roles, those that are built in among them.
    """

    rules: tuple[AccessRule, ...]
    roles: Mapping[str, frozenset[Permission]]

    def earned(self, principal: Principal) -> Iterator[Earned]:
        """Tell what a caller is granted and why, its token's own grants first."""
        for grant in principal.grants:
            yield Earned(None, grant)
        for role, graphs in principal.roles:
            if role in self.roles:
                yield Earned(None, Grant(role, self.roles[role], graphs))
        for rule in self.rules:
            if rule.meets(principal):
                for role in rule.roles:
                    granted = Grant(role, self.roles[role], rule.graphs, rule.twins)
                    yield Earned(rule, granted)

    def grants_of(self, principal: Principal) -> tuple[Grant, ...]:
        """Return what a caller is granted, each once, its token's own grants first."""
        return tuple(dict.fromkeys(each.grant for each in self.earned(principal)))

    def actor_of(self, principal: Principal) -> Actor:
        """Return the caller with what it may do."""
        return Actor(principal, self.grants_of(principal))

    def scopes_for(self, permission: Permission | None, graph: str | None) -> list[str]:
        """Return the scopes that help to a permission on a graph, those that bring least first.

        Args:
            permission: None: any.
            graph: None: any.
        """
        found: dict[str, int] = {}
        for rule in self.rules:
            brought = frozenset().union(*(self.roles[role] for role in rule.roles))
            covers = graph is None or Grant("", brought, rule.graphs).covers(graph)
            if covers and (permission is None or permission in brought):
                for scope in rule.to.get("scopes", ()):
                    found[scope] = max(found.get(scope, 0), len(brought))
        return sorted(found, key=lambda each: (found[each], each))


ADT_RULES = (
    AccessRule(("owner",), {"roles": frozenset(_OWNERS)}),
    AccessRule(("reader",), {"roles": frozenset(_READERS)}),
)
"""Application roles that are called as those of Azure Digital Twins (rest-api C.8)."""

DEFAULT_POLICY = Policy(ADT_RULES, ROLES)
"""What holds where no policy file is given."""
