"""Who deals with a proposal, what that one may write, and by which way it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from kastor.graph.batch import RELATIONSHIP, TWIN, BatchRules, Subject, Verb

if TYPE_CHECKING:
    from kastor.errors import KastorError

Refusal: TypeAlias = "Callable[[Verb, Subject], KastorError | None]"
"""Returns the error of a kind of write that the caller may not give; None: it may."""

KINDS: dict[str, tuple[Verb, Subject]] = {
    f"{verb.value} {subject.name}": (verb, subject)
    for subject in (TWIN, RELATIONSHIP)
    for verb in Verb
}
"""The kinds of writes by what a proposal keeps of them."""


class Via(Struct, frozen=True):
    """The way by which a caller came; kept beside who it is, never instead.

    Attributes:
        way: such as ``rest`` or ``mcp``.
        tool: which was called; None where there are none.
        client: the program's name, as it claims.
    """

    way: str = "rest"
    tool: str | None = None
    client: str | None = None


class Caller(Struct, frozen=True):
    """Who deals with a proposal.

    Attributes:
        principal: its id, which tells it from all others.
        refusal: tells what it may write; asked anew with each call, so that grants count that are
            in force then.
        rules: what single writes are held to.
        via: how it came.
    """

    principal: str
    refusal: Refusal
    rules: BatchRules
    via: Via = Via()

    def first_refusal(self, writes: str) -> KastorError | None:
        """Return the error of the first kind of write that it may not give, of those kept."""
        for each in writes.split("\n"):
            error = self.refusal(*KINDS[each])
            if error is not None:
                return error
        return None
