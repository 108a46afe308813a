"""How many connections each address has, where that is bounded."""

from __future__ import annotations

from collections import Counter

from kastor.api.http.clients import network_of


class AddressPlaces:
    """Counts the connections of one process by address, of IPv6 by network.

    Attributes:
        each: how many an address may have; 0: any number, and those that come then do not count.
    """

    def __init__(self, each: int) -> None:
        """Prepare; with 0 an address may have any number, and nothing is counted."""
        self.each = each
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many addresses have connections that are counted."""
        return len(self._taken)

    def enter(self, address: str) -> AddressPlace | None:
        """Take a place for a connection; None: its address has as many as it may."""
        if not self.each:
            return AddressPlace(self, "")
        address = network_of(address)
        if self._taken[address] >= self.each:
            return None
        self._taken[address] += 1
        return AddressPlace(self, address)

    def _give_back(self, address: str) -> None:
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]


class AddressPlace:
    """One connection's place."""

    __slots__ = ("_address", "_places")

    def __init__(self, places: AddressPlaces, address: str) -> None:
        self._places, self._address = places, address

    def leave(self) -> None:
        """Give it back; doing so twice does no harm."""
        address, self._address = self._address, ""
        if address:
            self._places._give_back(address)  # noqa: SLF001 - its other half
