"""Commands that are only judged: what a rehearsal of the store is for who writes commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.command import Command
    from kastor.records import Context
    from kastor.storage.batches import Results, Write
    from kastor.storage.protocol import Rehearsal

T = TypeVar("T")


class GraphRehearsal:
    """Decides commands, each after those before; none is applied."""

    def __init__(
        self,
        rehearsal: Rehearsal[ModelCatalog],
        write_of: Callable[[Command[Any]], Write[ModelCatalog, Any]],
    ) -> None:
        self._rehearsal = rehearsal
        self._write_of = write_of

    @property
    def catalog(self) -> ModelCatalog:
        """The models as the commands that were decided would leave them."""
        return self._rehearsal.catalog

    async def __call__(self, commands: Sequence[Command[Any]]) -> Results:
        """Return what would become of commands; see `Rehearsal.decide`."""
        results = await self._rehearsal.decide([self._write_of(each) for each in commands])
        return results.without_frames()

    async def execute(
        self, command: Command[T], context: Context, permit: Callable[[], None] | None = None
    ) -> T:
        """Return the outcome that a command would have; raises what it would.

        It takes what `GraphService.execute` takes, so that it can stand in its place.
        """
        del context, permit
        outcome = (await self([command])).outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return cast("T", outcome)
