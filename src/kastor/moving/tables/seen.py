"""Where each id stood first: 16 bytes and some for each, however long the ids are."""

from __future__ import annotations

from array import array
from hashlib import blake2b

_FIRST_SIZE = 1 << 12
_SIZE = 8


class SeenIds:
    """A hash table of digests in two flat arrays.

    Two ids of one digest (64 bits) would be taken for one: among a million ids that is one chance
    in thirty million.
    """

    def __init__(self) -> None:
        self._count = 0
        self._digests = array("Q", bytes(_SIZE * _FIRST_SIZE))
        self._places = array("Q", bytes(_SIZE * _FIRST_SIZE))

    def first_place(self, name: str, place: int) -> int | None:
        """Return the place that an id was given first; None where this is the first time."""
        digest = int.from_bytes(
            blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest(), "little"
        )
        digest = digest or 1  # zero is a free place
        at = self._find(digest)
        if self._digests[at]:
            return self._places[at]
        self._digests[at], self._places[at] = digest, place
        self._count += 1
        if self._count * 3 > len(self._digests) * 2:
            self._grow()
        return None

    def _find(self, digest: int) -> int:
        digests = self._digests
        mask = len(digests) - 1
        at = digest & mask
        while digests[at] and digests[at] != digest:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        digests, places = self._digests, self._places
        size = len(digests) * 2
        self._digests = array("Q", bytes(_SIZE * size))
        self._places = array("Q", bytes(_SIZE * size))
        for digest, place in zip(digests, places, strict=True):
            if digest:
                at = self._find(digest)
                self._digests[at], self._places[at] = digest, place
