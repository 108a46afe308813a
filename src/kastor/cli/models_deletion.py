"""`kastor models delete`: some models of a server, or all."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.given import confirm
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.progress import rows_shown
from kastor.cli.rows import show_document
from kastor.cli.twin_flags import DryRun, Yes
from kastor.cli.written import NOTHING_CHANGED
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.client import AsyncKastorClient
    from kastor.moving.emptying import Emptied


def delete(
    connection: Connection,
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="DTMIS", help="Ids of the models.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Delete all models.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    models_flag: Annotated[
        list[str] | None,
        typer.Option(
            "--dtmi",
            "-m",
            help="Id of a model, in the argument's place; repeatable.",
            metavar="DTMI",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete models that no other one needs; their twins stay, without a model. It asks first.

    Of several, those go first that others of them need no more.
    """
    wanted = list(dict.fromkeys([*(models or ()), *(models_flag or ())]))
    if bool(wanted) == every:
        fail("Name models by their ids, or give --all.", Exit.USAGE)
    what = "all models" if every else ", ".join(wanted)
    whose = "Its" if len(wanted) == 1 else "Their"
    confirm(f"Delete {what}? {whose} twins stay, without a model.", yes=yes or dry_run)
    result = connection.run(lambda client: _delete(client, wanted, dry_run=dry_run))
    _tell(result, output, dry_run=dry_run)


async def delete_every_model(client: AsyncKastorClient, stack: ExitStack) -> Emptied:
    """Delete all models: by one call where the server has it, else one after the other."""
    from kastor.client import features
    from kastor.moving.emptying import Emptied, delete_models

    if features.MODEL_DELETION in await client.features():
        count = len(await client.models.list().collect())
        await client.models.delete_all()
        return Emptied(count)
    documents = [each["model"] async for each in client.models.list(definitions=True)]
    show = rows_shown(stack)
    return await delete_models(client, documents, lambda gone: show("models", gone, len(documents)))


async def _delete(client: AsyncKastorClient, wanted: Sequence[str], *, dry_run: bool) -> Emptied:
    from kastor.moving.emptying import Emptied, delete_models

    if len(wanted) == 1:
        await (client.dry_run() if dry_run else client).models.delete(wanted[0])
        return Emptied(1)
    if not wanted and not dry_run:
        with ExitStack() as stack:
            return await delete_every_model(client, stack)
    listed = client.models.list(wanted, definitions=True)
    documents = [each["model"] async for each in listed if not wanted or each["id"] in wanted]
    if dry_run:
        # Tried one by one, all but the first would meet those that need them.
        return Emptied(len(documents))
    return await delete_models(client, documents, lambda _: None)


def _tell(result: Emptied, output: Output, *, dry_run: bool) -> None:
    if output == Output.JSON:
        said = {"deleted": result.gone, "refused": result.refused, "dryRun": dry_run}
        show_document(said, output)
    elif dry_run:
        say(f"{counted(result.gone, 'model')} would be deleted. {NOTHING_CHANGED}")
    else:
        say(f"Deleted {counted(result.gone, 'model')}.")
    end_with_refused(result, "model")


def end_with_refused(result: Emptied, noun: str) -> None:
    """End the command where something stayed, with the first of it."""
    if not result.refused:
        return
    say(f"kastor: {counted(result.refused, noun)} stayed:", file=sys.stderr)
    for name, why in result.first:
        say(f"kastor:   {name}: {why}", file=sys.stderr)
    raise typer.Exit(Exit.PARTIAL)
