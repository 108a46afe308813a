"""What commands that take their time have in common: bars on a terminal, and little memory."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.progress import TaskID


T = TypeVar("T")


def run_in_order(work: Coroutine[Any, Any, T]) -> T:  # any: as asyncio has it
    """Run work whose steps wait for each other, with one thread for all that is large.

    Each thread keeps what it once needed, and several would keep it several times.
    """

    async def run() -> T:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        return await work

    return asyncio.run(run())


class Show(Protocol):
    """Shows how far something is."""

    def __call__(self, what: str, done: int, total: int | None, /) -> None:
        """Show a bar of that name; without a total it only counts."""


def rows_shown(stack: ExitStack) -> Show:
    """Return what shows bars until the stack ends; nothing is shown where nobody looks."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    bars = stack.enter_context(
        progress.Progress(
            progress.TextColumn("{task.description:<36}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
    )
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int | None, /) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done, total=total)

    return show
