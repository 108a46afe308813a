"""What the ingest package needs of a store: its own table of configured inputs."""

from __future__ import annotations

from typing import Protocol

from kastor.records import InputRow


class InputStore(Protocol):
    """One graph's inputs."""

    async def inputs(self) -> list[InputRow]:
        """Return the inputs by name."""

    async def put_input(self, row: InputRow) -> None:
        """Create an input, or replace one, which keeps the time when it was created."""

    async def delete_input(self, name: str) -> bool:
        """Delete an input; return whether there was one."""
