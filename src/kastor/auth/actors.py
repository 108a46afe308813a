"""Who asks: whoever a token names, and what that one may do on which graph."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

from kastor.auth.roles import EVERYBODY, KNOWN_CALLERS, OWNER, SERVER_WIDE, Permission
from kastor.records import PolicyPart

EVERY_GRAPH = ("*",)
_MOST_KEPT, _LONGEST_KEPT = 100, 63
"""Graphs whose permissions an actor keeps, and characters of their names: callers choose these."""


class CallerKind(StrEnum):
    """What vouches for a caller."""

    ANONYMOUS = "anonymous"
    STATIC = "token"
    """A static token of the file."""
    OIDC = "oidc"
    """A token that an issuer has signed."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions on graphs.

    Attributes:
        role: its name, for people.
        permissions: what it lets do.
        graphs: names of graphs, in which `*` stands for any characters.
        twins: parts of these graphs, for which alone it counts; none: for all of them.
    """

    role: str
    permissions: frozenset[Permission]
    graphs: tuple[str, ...] = EVERY_GRAPH
    twins: tuple[PolicyPart, ...] = ()

    @property
    def on_every_graph(self) -> bool:
        """Whether it counts for all graphs, all of each, and for the server."""
        return "*" in self.graphs and not self.twins

    def covers(self, graph: str) -> bool:
        """Whether it counts on a graph."""
        return bool(self.graphs) and _matching(self.graphs).match(graph) is not None

    def lets(self, permission: Permission, graph: str | None) -> bool:
        """Whether it is enough for a permission on all of a graph; None: of some graph at least."""
        if permission not in self.permissions or self.twins:
            return False
        if self.on_every_graph:
            return True
        return permission not in SERVER_WIDE and (graph is None or self.covers(graph))


@lru_cache(maxsize=4_096)
def _matching(graphs: tuple[str, ...]) -> re.Pattern[str]:
    plain = (each.replace("[", "[[]").replace("?", "[?]") for each in graphs)
    return re.compile("|".join(map(translate, plain)))


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a token names, as the token says and its maker vouches for.

    Attributes:
        id: tells it from all others, also from those of other issuers; limits count by it.
        name: for people; the history keeps it.
        expires: when its token ends, in seconds since 1970; None: never.
        issuer: of its token; empty for static ones.
        claims: what the token says, by what policies ask for (`kastor.auth.policy.CLAIMS`).
        grants: what the token itself brings, beside what a policy says.
        roles: names of roles that the token brings, each with the graphs on which it counts; what
            they let do the policy says when it judges, and those that it does not know nothing.
    """

    kind: CallerKind
    id: str
    name: str
    expires: float | None = None
    issuer: str = ""
    claims: dict[str, frozenset[str]] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    roles: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Actor:
    """A caller, and what it may do.

    Attributes:
        principal: who it is.
        grants: what it may do.
        everywhere: permissions on every graph and on the server.
    """

    __slots__ = (
        "_limited",
        "_on",
        "_partial",
        "_parts",
        "everywhere",
        "grants",
        "id",
        "name",
        "principal",
    )

    def __init__(self, principal: Principal, grants: Iterable[Grant]) -> None:
        self.principal = principal
        self.id, self.name = principal.id, principal.name
        self.grants = tuple(grants)
        known = KNOWN_CALLERS if principal.kind is not CallerKind.ANONYMOUS else EVERYBODY
        self.everywhere: frozenset[Permission] = known.union(
            *(each.permissions for each in self.grants if each.on_every_graph)
        )
        # What counts for parts is not among the rest: whoever knows no parts sees no permission.
        self._partial = tuple(each for each in self.grants if each.twins)
        self._limited = tuple(
            each for each in self.grants if not each.on_every_graph and not each.twins
        )
        self._on: dict[str, frozenset[Permission]] = {}
        self._parts: dict[tuple[Permission, str], tuple[PolicyPart, ...]] = {}

    @property
    def has_a_role(self) -> bool:
        """Whether it may do anything anywhere."""
        return any(each.permissions - KNOWN_CALLERS for each in self.grants)

    def on(self, graph: str) -> frozenset[Permission]:
        """Return what it may do on all of a graph, whether there is one of that name or not."""
        if not self._limited:
            return self.everywhere
        found = self._on.get(graph)
        if found is None:
            found = self._judge(graph)
            if len(self._on) < _MOST_KEPT and len(graph) <= _LONGEST_KEPT:
                self._on[graph] = found
        return found

    def _judge(self, graph: str) -> frozenset[Permission]:
        covering = tuple(each.permissions for each in self._limited if each.covers(graph))
        return _together(self.everywhere, covering) if covering else self.everywhere

    def somewhere(self) -> frozenset[Permission]:
        """Return what it may do on all of some graph at least, whichever."""
        return self.everywhere.union(*(each.permissions - SERVER_WIDE for each in self._limited))

    def parts(self, permission: Permission, graph: str) -> tuple[PolicyPart, ...]:
        """Return the parts of a graph for which it has a permission, beside what `on` tells."""
        known = self._parts.get((permission, graph))
        if known is None:
            known = self._find_parts(permission, graph)
            if len(self._parts) < _MOST_KEPT and len(graph) <= _LONGEST_KEPT:
                self._parts[permission, graph] = known
        return known

    def _find_parts(self, permission: Permission, graph: str) -> tuple[PolicyPart, ...]:
        if permission in SERVER_WIDE:
            return ()
        found = (
            each.twins
            for each in self._partial
            if permission in each.permissions and each.covers(graph)
        )
        return tuple(dict.fromkeys(part for twins in found for part in twins))

    def is_limited_on(self, graph: str) -> bool:
        """Whether it may do something for parts of a graph alone."""
        return any(each.covers(graph) for each in self._partial)


@lru_cache(maxsize=1_024)
def _together(
    everywhere: frozenset[Permission], on_a_graph: tuple[frozenset[Permission], ...]
) -> frozenset[Permission]:
    # Kept, so that what is remembered of many names and callers are a few sets.
    return everywhere | (frozenset().union(*on_a_graph) - SERVER_WIDE)


ANONYMOUS = Actor(
    Principal(CallerKind.ANONYMOUS, "anonymous", "anonymous"), (Grant("owner", OWNER),)
)
"""Everybody, where access is open."""
