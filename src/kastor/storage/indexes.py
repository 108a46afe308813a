"""What property indexes need of a store; the expression is the query package's affair."""

from __future__ import annotations

from typing import Protocol

PREFIX = "property:"
MAX_NAME = 63 - len(PREFIX)
"""Bytes of a path that fit into an index's name on every engine."""


class IndexStore(Protocol):
    """The property indexes of one graph's twins, by the dotted path that they are named after."""

    async def property_indexes(self) -> list[str]:
        """Return the paths that have an index ready for use."""

    async def create_property_index(self, path: str, expression: str) -> None:
        """Build an index over an expression made from a closed set of names; no error if there."""

    async def drop_property_index(self, path: str) -> bool:
        """Drop an index; return whether there was one."""
