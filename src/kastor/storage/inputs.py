"""What the ingest package needs of a store: its own table of configured inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kastor.types import Ticks


@dataclass(frozen=True, slots=True)
class InputRow:
    """A configured input; `settings` is JSON text without any secret.

    Attributes:
        paused: it takes no messages.
    """

    name: str
    kind: str
    settings: bytes
    created: Ticks
    paused: bool = False


@dataclass(frozen=True, slots=True)
class InputHolder:
    """The process that takes an input's messages; `report` is JSON text of its own."""

    owner: str
    report: bytes


class InputStore(Protocol):
    """One graph's inputs.

    Attributes:
        shared: other processes may serve the graph too, so inputs from brokers have to be held.
    """

    shared: bool

    async def inputs(self) -> list[InputRow]:
        """Return the inputs by name."""

    async def put_input(self, row: InputRow) -> None:
        """Create an input, or replace one, which keeps when it was created and if it is paused."""

    async def pause_input(self, name: str, paused: bool) -> bool:
        """Pause or resume an input; return whether there is one."""

    async def delete_input(self, name: str) -> bool:
        """Delete an input; return whether there was one."""

    async def hold_input(self, name: str, owner: str, seconds: float, report: bytes) -> bool:
        """Claim an input for a while, or keep it.

        Args:
            name: the input's.
            owner: who claims it.
            seconds: until it has to be renewed.
            report: what the owner has to say of it, JSON; for other processes to read.

        Returns:
            Whether `owner` has it; False where another has it, or there is no such input.
        """

    async def let_input_go(self, name: str, owner: str) -> None:
        """Give an input up before its time is over."""

    async def input_holder(self, name: str) -> InputHolder | None:
        """Return who holds an input; None where nobody does, and where nobody needs to."""
