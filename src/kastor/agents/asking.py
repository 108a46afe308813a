"""What a person is asked before a change is made, and what the person said.

A question is put by the client; between question and answer the server keeps nothing. What is to be
done is text of the graph and of the model, so all of it stands in JSON strings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kastor.agents.fitting import ENVELOPE
from kastor.agents.plain import cost, plain

if TYPE_CHECKING:
    from kastor.storage.proposals import ProposalEntry

Said: TypeAlias = Literal["accept", "decline", "cancel"]

STATE_CHARACTERS = 1_000
"""Of a result that asks, for its sealed state and the form."""
_SHOWN = ((10, 40, 300), (5, 40, 150), (3, 20, 60), (0, 0, 0))
"""Ids, characters of each, and characters of the reason that a question shows: as many as fit."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said of a proposal, by its id."""

    proposal: str
    said: Said


class PersonNeeded(Exception):
    """A person has to be asked first.

    Attributes:
        message: for the person.
        proposal: which it is about.
    """

    def __init__(self, message: str, proposal: str) -> None:
        super().__init__(message)
        self.message, self.proposal = message, proposal


def question_of(entry: ProposalEntry, diff: Sequence[dict[str, Any]], most: int) -> str:
    """Return what a person is asked, short enough for a result of `most` characters."""
    for count, length, reason in _SHOWN:
        text = _question(entry, diff, count, length, reason)
        if cost(text) <= most - ENVELOPE - STATE_CHARACTERS:
            break
    return text


def _question(
    entry: ProposalEntry, diff: Sequence[dict[str, Any]], count: int, length: int, reason: int
) -> str:
    kinds = Counter(f"{each['kind']} {each['what']}" for each in diff)
    what = ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))
    parts = [f"Apply the proposal {entry.id}? {entry.count} writes; {what or 'no difference'}."]
    if count and diff:
        ids = ", ".join(plain(str(each["id"])[:length]) for each in diff[:count])
        more = f" and {len(diff) - count} more" if len(diff) > count else ""
        parts.append(f"Ids: {ids}{more}.")
    if reason:
        parts.append(f"Reason given: {plain(entry.reason[:reason])}.")
    parts.append("The whole difference stands in the explorer, under Operate.")
    return " ".join(parts)
