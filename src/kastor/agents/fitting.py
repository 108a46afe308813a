"""Makes an answer fit into its bound: cut between rows, the JSON whole, with how to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kastor.agents.plain import cost, cost_as_value, plain, visible
from kastor.types import Json

DEFAULT_CHARACTERS, LEAST_CHARACTERS, MOST_CHARACTERS = 12_000, 2_000, 40_000
"""Characters of a serialised result, its escapes and the envelope included."""
ENVELOPE = 500
"""Of those, for what the protocol puts around the text."""
_TAIL, _TAIL_WITHOUT_CURSOR = 1_000, 500
"""For what follows the rows: a cursor, and how to go on."""
_HINT = "Ask again with this cursor and the same arguments for the rest."
_NO_ROOM = {"omitted": True, "hint": "There is no room for this row. Raise max_chars, or ask less."}


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row.

    Attributes:
        value: of JSON.
        stub: what stands in its place where it is longer than an answer may be.
    """

    value: Json
    stub: Json = field(default_factory=lambda: _NO_ROOM)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool found, before it is cut.

    Attributes:
        head: what is said of all rows; short.
        rows: those that were read, in order.
        name: of the member that holds them.
        more: whether there are others behind them.
        cursor: where the answer goes on behind so many of the rows; None where it cannot.
        hint: how to go on without a cursor.
        is_error: whether it tells why something was not done.
        twice: whether it goes out as a value too, beside its text; both count.
    """

    head: Mapping[str, Any]
    rows: Sequence[AnswerRow] = ()
    name: str = "rows"
    more: bool = False
    cursor: Callable[[int], str | None] | None = None
    hint: str = "Ask for less: another filter, a smaller limit."
    is_error: bool = False
    twice: bool = False


def fitted(answer: ToolAnswer, most: int) -> tuple[str, int]:
    """Return an answer's text, at most so long as a serialised result may be, and its rows.

    Args:
        answer: what was found.
        most: characters of the result, from LEAST_CHARACTERS to MOST_CHARACTERS.
    """
    room = most - ENVELOPE
    size = _size_twice if answer.twice else cost
    text_of = _visible_text if answer.twice else plain
    tail = _TAIL_WITHOUT_CURSOR if answer.cursor is None else _TAIL
    head = text_of(answer.head)
    if size(head) > room - tail:
        head = plain({"omitted": True, "hint": "What is said of the rows does not fit."})
    within = room - size(head) - tail
    rows, used = [], 0
    for row in answer.rows:
        text = text_of(row.value)
        if size(text) > within:
            text = text_of(row.stub)
            text = text if size(text) <= within else plain(_NO_ROOM)
        used += size(text) + 1
        if used > room - size(head):
            break
        rows.append(text)
    while True:
        text = _written(answer, head, rows)
        if size(text) <= room or not rows:
            return text, len(rows)
        rows.pop()


def bare(value: Mapping[str, Any], most: int) -> str | None:
    """Return the text of an answer without rows; None where it does not fit."""
    text = plain(value)
    return text if cost(text) <= most - ENVELOPE else None


def _visible_text(value: Json) -> str:
    return plain(visible(value))


def _size_twice(text: str) -> int:
    return cost(text) + cost_as_value(text)


def _written(answer: ToolAnswer, head: str, rows: Sequence[str]) -> str:
    count = len(rows)
    parts = [head[1:-1]] if len(head) > 2 else []  # noqa: PLR2004 - the two braces
    parts.append(f"{plain(answer.name)}:[{','.join(rows)}]")
    left = len(answer.rows) - count
    if left or answer.more:
        cursor = None if answer.cursor is None else answer.cursor(count)
        tail: dict[str, Any] = {"more": True}
        if left:
            tail["omitted"] = left
        if cursor is not None:
            tail["cursor"] = cursor
        tail["hint"] = answer.hint if cursor is None else _HINT
        parts.append(plain(tail)[1:-1])
    return f"{{{','.join(parts)}}}"
