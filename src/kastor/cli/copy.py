"""`kastor copy`: a whole graph from one place to another, verified."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.output import SEEN, fail, say, warn
from kastor.dsn import has_password, shown
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.storage.transfer import GraphFile, GraphReader, Progress, TableDigest

PLACE = "a SQLite file such as data/graphs/default.sqlite3, or postgresql://HOST/DATABASE?graph_schema=NAME"


def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help=f"The graph: {PLACE}.")],
    target: Annotated[str, typer.Argument(metavar="DST", help="Where to; empty, or begun before.")],
    paused: Annotated[
        bool, typer.Option("--paused", help="Pause all routes and inputs of the copy.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Copy a graph with its history and change log, and verify it by counts and hashes.

    What is copied is the graph at one instant: it may be served and written to meanwhile, the
    target may not. An interrupted copy goes on where it stopped when it is started again. Jobs of
    the source are not begun by the copy.
    """
    for place in (source, target):
        if "://" in place and has_password(place):
            warn(SEEN.format(f"{shown(place)}?password_file=FILE"))
    asyncio.run(_copy(source, target, paused, quiet))


async def _copy(source: str, target: str, paused: bool, quiet: bool) -> None:
    from kastor.hosting.open import open_graph_file, open_graph_snapshot
    from kastor.storage.tables import COPIED
    from kastor.storage.transfer import digest, synchronise

    async with AsyncExitStack() as stack:
        # First, since a target is made where there is none.
        reading = await stack.enter_async_context(open_graph_snapshot(source))
        writing = await stack.enter_async_context(open_graph_file(target, writes=True))
        await _require_target(reading, writing, target)
        progress = _progress(stack, quiet)
        await synchronise(reading, writing, progress, tables=COPIED)
        ours, theirs = await digest(reading, COPIED), await digest(writing, COPIED)
        if ours != theirs:
            fail(_difference(ours, theirs))
        if paused:
            await writing.pause()
        active = await writing.active()
        await writing.finish()
    rows = sum(table.rows for table in ours.values())
    say(f"Copied and verified {counted(rows, 'row')} in {len(ours)} tables:")
    for name, table in ours.items():
        say(f"  {name:<24}{table.rows:>10}  {table.sha256[:16]}")
    if paused:
        say("Its routes and inputs are paused: `kastor route resume`, `kastor input resume`.")
    elif active.routes or active.inputs:
        working = f"{counted(active.routes, 'route')} and {counted(active.inputs, 'input')}"
        warn(
            f"The copy runs {working} as soon as it is served, also beside its source: events go "
            "out twice then. Run this again with --paused to have it wait."
        )


async def _require_target(reading: GraphReader, writing: GraphFile, target: str) -> None:
    """Refuse a target that holds another graph; mark an empty one as ours."""
    from kastor.storage.tables import TABLES

    identification = await reading.identification()
    if (await writing.identification()).host_name == identification.host_name:
        return
    for table in TABLES:
        if await writing.count(table):
            fail(f"{_shown(target)} holds another graph; nothing was changed. Name an empty place.")
    await writing.identify(identification)


def _shown(place: str) -> str:
    return shown(place) if "://" in place else place


def _progress(stack: AsyncExitStack, quiet: bool) -> Progress | None:
    if quiet:
        return None
    from rich import progress

    bars = stack.enter_context(
        progress.Progress(
            progress.TextColumn("{task.description:<24}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
        )
    )
    tasks: dict[str, progress.TaskID] = {}

    def show(table: str, done: int, total: int) -> None:
        if table not in tasks:
            tasks[table] = bars.add_task(table)
        bars.update(tasks[table], completed=done, total=total)

    return show


def _difference(ours: dict[str, TableDigest], theirs: dict[str, TableDigest]) -> str:
    lines = ["The copy differs from its source: something wrote to it. Run this again."]
    lines += [
        f"  {name}: {counted(table.rows, 'row')} here, {theirs[name].rows} there"
        for name, table in ours.items()
        if table != theirs[name]
    ]
    return "\n".join(lines)
