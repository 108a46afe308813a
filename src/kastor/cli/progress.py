"""Bars for commands that take their time; on a terminal alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import TaskID


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
