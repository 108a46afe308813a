"""The databases that graphs may live in, by name, and one pool for each that is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kastor.errors import InvalidArgument
from kastor.storage.postgres.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = ""
"""The server's own database, which holds the table of placements."""


class Databases:
    """Pools that the graphs of a process share."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        make_pool: Callable[[str], Connections],
        replicas: Sequence[str] = (),
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            addresses: DSNs by name; `OWN` is among them.
            make_pool: makes the pool of a DSN.
            replicas: DSNs of the standby servers of `OWN`.
        """
        self._addresses = dict(addresses)
        self._make_pool = make_pool
        self._pools: dict[str, Connections] = {}
        self._replicas = [make_pool(_any_session(each)) for each in replicas]

    def pool(self, name: str) -> Connections:
        """Return the pool of a database; raises InvalidArgument for a name that is not set."""
        if name not in self._pools:
            self._pools[name] = self._make_pool(self.address(name))
        return self._pools[name]

    def replicas(self, name: str) -> Sequence[Connections]:
        """Return the pools of a database's standby servers."""
        return self._replicas if name == OWN else ()

    def address(self, name: str) -> str:
        """Return the DSN of a database.

        Raises:
            InvalidArgument: the settings name no such database.
        """
        try:
            return self._addresses[name]
        except KeyError:
            known = ", ".join(sorted(each for each in self._addresses if each)) or "none"
            raise InvalidArgument(
                f"The settings name no database {name[:80]}; under `databases` there is: {known}."
            ) from None

    def shown(self, name: str, schema: str) -> str:
        """Return a place for people: host, database and schema, no user and no password."""
        address = self._addresses.get(name)
        if address is None:
            return f"database {name} (not in the settings) schema {schema}"
        without_options = address.partition("?")[0].rpartition("@")[2]
        return f"{without_options.rpartition('://')[2]} schema {schema}"

    async def close(self) -> None:
        """End all connections."""
        while self._pools:
            _, pool = self._pools.popitem()
            await pool.close()
        for pool in self._replicas:
            await pool.close()


def _any_session(address: str) -> str:
    """Accept a server whether it is a standby or was promoted meanwhile."""
    if "target_session_attrs" in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}target_session_attrs=any"
