"""What a client has to be told: the rows it has beside the rows there are.

Of the rows that a client has, only their identity and a digest are kept, so that many open
queries cost little memory.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kastor.live.plan import MARK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kastor.live.plan import Identity

_DIGEST_BYTES = 12
_ROW_BYTES = 150
"""An entry of a dictionary, a tuple and a digest."""
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the result: what tells it from all others, and its JSON text."""

    id: Identity
    text: str

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return sys.getsizeof(self.text) + _ROW_BYTES


@dataclass(slots=True)
class Difference:
    """What became of the rows; the lists are disjoint."""

    removed: list[Identity] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    added: list[Row] = field(default_factory=list)

    def size(self) -> int:
        """Return the bytes that the rows take in memory, about."""
        return sum(row.size for rows in (self.changed, self.added) for row in rows)


class Shown:
    """The rows that a client has."""

    def __init__(self) -> None:
        self._digests: dict[Identity, bytes] = {}
        self.size = 0
        """Bytes that they take in memory, about."""

    def __len__(self) -> int:
        """How many they are."""
        return len(self._digests)

    @property
    def ids(self) -> Collection[Identity]:
        """Their identities."""
        return self._digests.keys()

    def replace(self, rows: Iterable[Row]) -> Difference:
        """Make the client's rows these; return what it has to be told for that."""
        return self.amend(rows, list(self._digests))

    def amend(self, rows: Iterable[Row], affected: Iterable[Identity]) -> Difference:
        """The same for a part of the rows: the `affected` ones are gone unless they are there."""
        difference = Difference()
        found: set[Identity] = set()
        for row in {row.id: row for row in rows}.values():
            found.add(row.id)
            digest = _digest(row.text)
            known = self._digests.get(row.id)
            if known == digest:
                continue
            self._digests[row.id] = digest
            self.size += 0 if known is not None else _memory(row.id)
            (difference.added if known is None else difference.changed).append(row)
        for identity in affected:
            if identity not in found and self._digests.pop(identity, None) is not None:
                difference.removed.append(identity)
                self.size -= _memory(identity)
        return difference


def read_row(text: str, width: int, *, grouped: bool) -> Row:
    """Part the text of a row of an identified plan into identity and the query's own row.

    The identity stands in front and nothing behind it is decoded. A missing member (of LEFT JOIN)
    is the empty text, which no id is. The values of a group may be of any kind and stay JSON text.
    """
    identity, at = [], 1
    for number in range(width):
        key = f'"{MARK}{number}":'
        if not text.startswith(key, at):
            identity.append("")
            continue
        begin = at + len(key)
        value, end = _decode(text, begin)
        identity.append(text[begin:end] if grouped else value)
        at = end + (text[end] == ",")
    whole = f'"{MARK}":'
    if text.startswith(whole, at):
        return Row(tuple(identity), text[at + len(whole) : -1])
    return Row(tuple(identity), "{" + text[at:])


def numbered(rows: Iterable[Row]) -> list[Row]:
    """Tell rows of one identity apart: the second of them is #2.

    Only a hop over several relationships makes such rows, one for each way. Ordered by their
    text they keep their numbers as long as they stay what they are.
    """
    listed = list(rows)
    times = Counter(row.id for row in listed)
    if len(times) == len(listed):
        return listed
    single = [row for row in listed if times[row.id] == 1]
    several = sorted((row for row in listed if times[row.id] > 1), key=_by_id_and_text)
    seen: Counter[Identity] = Counter()
    for row in several:
        seen[row.id] += 1
        number = seen[row.id]
        single.append(row if number == 1 else Row((*row.id, f"#{number}"), row.text))
    return single


def _by_id_and_text(row: Row) -> tuple[Identity, str]:
    return row.id, row.text


def _memory(identity: Identity) -> int:
    return _ROW_BYTES + sum(49 + len(each) for each in identity)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
