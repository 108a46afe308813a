"""What a server lets be read of its access: who is let in, roles, rules, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.auth.actors import CallerKind
from kastor.auth.callers import has_ended
from kastor.auth.policy import DEFAULT_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.auth.access import VerdictLoad
    from kastor.auth.actors import Principal
    from kastor.auth.judgement import Judgement
    from kastor.auth.policy import Earned, Policy
    from kastor.types import Document


@dataclass(frozen=True, slots=True)
class AccessBook:
    """One for each process.

    Attributes:
        ways: what lets callers in, as `--auth` names it; none: everybody is let in.
        file: what the policy file is called; None: there is none.
        policy: tells what counts now.
        holders: tells who hold static tokens, also those whose have ended.
        issuers: whose signed tokens let in, as these name them.
        load: tells how many verdicts are kept; None where nobody is asked for a token.
    """

    ways: tuple[str, ...] = ()
    file: str | None = None
    policy: Callable[[], Policy] = lambda: DEFAULT_POLICY
    holders: Callable[[], Sequence[Principal]] = tuple
    issuers: tuple[str, ...] = ()
    load: Callable[[], VerdictLoad | None] = lambda: None

    @property
    def policy_name(self) -> str:
        """What sentences call the policy."""
        return self.file or "the policy"

    def why_unknown(self, principal: Principal) -> str | None:
        """Return why this server answers a caller with 401; None where it lets them in."""
        if not self.ways:
            return None
        if has_ended(principal):
            return f"the token {principal.name} has ended; make another."
        if principal.kind is CallerKind.OIDC and "oidc" not in self.ways:
            return "this server lets in static tokens alone, so that every request is answered 401."
        if principal.issuer and principal.issuer not in self.issuers:
            return (
                f"{principal.issuer[:200]} is no issuer that this server trusts, so that every "
                "request is answered 401."
            )
        return None


def judgement_shown(found: Judgement) -> Document:
    """Return a judgement as JSON has it, but for the sentence."""
    return {
        "permission": str(found.permission),
        "graph": found.graph,
        "by": [_grant(each) for each in found.by],
        "held": [_grant(each) for each in found.held],
        "rolesThatAllow": list(found.roles),
    }


def _grant(earned: Earned) -> Document:
    rule, grant = earned
    origin = "token" if rule is None else "rule" if rule.number else "adt"
    shown: Document = {"role": grant.role, "graphs": list(grant.graphs), "from": origin}
    return {**shown, "rule": rule.number} if rule is not None and rule.number else shown
