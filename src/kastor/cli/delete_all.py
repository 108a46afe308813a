"""`kastor delete-all`: empties a graph of a running server."""

from __future__ import annotations

import time
from asyncio import sleep
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.given import confirm
from kastor.cli.models_deletion import delete_every_model, end_with_refused
from kastor.cli.output import Output, OutputOption, fail, say
from kastor.cli.progress import Show, rows_shown
from kastor.cli.rows import show_document
from kastor.cli.twin_flags import DryRun, Yes
from kastor.cli.written import NOTHING_CHANGED
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kastor.client import AsyncKastorClient
    from kastor.moving.emptying import Emptied

KINDS = ("relationships", "twins", "models")
"""In the order in which they can go."""
_SHORTEST, _LONGEST = 0.05, 1.0
"""Seconds between two looks at a deletion."""


def delete_all(
    connection: Connection,
    twins: Annotated[
        bool, typer.Option("--twins", help="Only twins, with their relationships.")
    ] = False,
    relationships: Annotated[
        bool, typer.Option("--relationships", help="Only relationships.")
    ] = False,
    models: Annotated[bool, typer.Option("--models", help="Only models.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete all models, twins and relationships of a graph, or all of some. It asks first.

    Routes, endpoints, inputs, indexes and the history stay. --twins, --relationships and --models
    go together.
    """
    flags = {"relationships": relationships or twins, "twins": twins, "models": models}
    chosen = [kind for kind in KINDS if flags[kind]] or list(KINDS)
    where, counts = connection.run(lambda client: _look(client, chosen))
    listed = _listed(counts)
    if dry_run:
        _tell(counts, output, f"Would delete {listed} of {where}. {NOTHING_CHANGED}", dry_run=True)
        return
    confirm(f"Delete {listed} of {where}?", yes=yes)
    results = connection.run(lambda client: _delete(client, chosen, counts))
    gone = {kind: each.gone for kind, each in results.items()}
    _tell(gone, output, f"Deleted {_listed(gone)} of {where}.", dry_run=False)
    for kind, result in results.items():
        end_with_refused(result, kind.removesuffix("s"))


async def _look(client: AsyncKastorClient, chosen: Sequence[str]) -> tuple[str, dict[str, int]]:
    """Return the address of a graph, and how many there are of each kind that was chosen."""
    from kastor.client import features

    if features.STATUS in await client.features():
        found = (await client.status())["counts"]
        return client.url, {kind: found[kind] for kind in chosen}
    counts = {}
    for kind in chosen:
        if kind == "models":
            counts[kind] = len(await client.models.list().collect())
        else:
            collection = "digitaltwins" if kind == "twins" else kind
            rows = await client.query(f"SELECT COUNT() FROM {collection}").collect()
            counts[kind] = rows[0]["COUNT"]
    return client.url, counts


async def _delete(
    client: AsyncKastorClient, chosen: Sequence[str], counts: Mapping[str, int]
) -> dict[str, Emptied]:
    from kastor.client import features
    from kastor.moving.emptying import delete_relationships, delete_twins

    by_job = features.DELETIONS in await client.features()
    with ExitStack() as stack:
        if by_job and len(chosen) == len(KINDS):
            return await _by_job(client, counts, stack)
        results: dict[str, Emptied] = {}
        show = rows_shown(stack)
        for kind, work in (("relationships", delete_relationships), ("twins", delete_twins)):
            if kind in chosen:
                results[kind] = await work(client, partial(_shown, show, kind, counts[kind]))
        if "models" in chosen:
            results["models"] = await delete_every_model(client, stack)
        return results


async def _by_job(
    client: AsyncKastorClient, counts: Mapping[str, int], stack: ExitStack
) -> dict[str, Emptied]:
    """Have a deletion job of the contract do it, and wait for its end."""
    from kastor.moving.emptying import Emptied

    show = rows_shown(stack)
    job = await client.deletions.begin()
    pause = _SHORTEST
    looked = time.monotonic()
    while not job.has_ended:
        await sleep(pause)
        pause = min(_LONGEST, pause * 1.5)
        job = await client.deletions.get(job.id)
        if time.monotonic() - looked > _LONGEST:
            looked = time.monotonic()
            left = (await client.status())["counts"]
            for kind in KINDS:
                show(kind, max(0, counts[kind] - left[kind]), counts[kind])
    if job.status != "succeeded":
        fail(
            f"The deletion {job.id} {job.status}: {job.error_message} What was deleted before "
            "stays so; run this again."
        )
    return {kind: Emptied(counts[kind]) for kind in KINDS}


def _shown(show: Show, kind: str, total: int, gone: int) -> None:
    show(kind, gone, total)


def _listed(counts: Mapping[str, int]) -> str:
    named = [
        counted(counts[kind], kind.removesuffix("s")) for kind in KINDS[::-1] if kind in counts
    ]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _tell(counts: Mapping[str, int], output: Output, words: str, *, dry_run: bool) -> None:
    if output == Output.JSON:
        show_document({"deleted": dict(counts), "dryRun": dry_run}, output)
    else:
        say(words)
