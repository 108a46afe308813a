"""`kastor restore`: brings a backup back into a data folder or a database."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.backup import show_graphs
from kastor.cli.output import fail, say, warn
from kastor.cli.progress import rows_shown, run_in_order
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.backup.manifest import Manifest
    from kastor.backup.restoring import Restoring
    from kastor.config import Settings
    from kastor.storage.transfer import Active


def restore(
    source: Annotated[
        Path, typer.Argument(help="The backup: a folder, or a tar of GET /kastor/v1/backup.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="The data folder to restore into, with no server running.")
    ] = None,
    db: Annotated[
        str | None, typer.Option(help="Or the database to restore into.", metavar="DSN")
    ] = None,
    graph_schema: Annotated[
        str | None, typer.Option(help="Schema of the default graph.", metavar="NAME")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The TOML file that `kastor serve` is given.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace graphs of the same names; the old ones go when the new ones are whole.",
        ),
    ] = False,
    paused: Annotated[
        bool, typer.Option("--paused", help="Leave all routes and inputs paused.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Check a backup and restore all graphs in it, also from the other engine.

    Everything is verified by hashes before anything is written, and again when it is written.
    Graphs with other names stay as they are.
    """
    from kastor.backup.folder import open_backup
    from kastor.backup.restoring import Restoring
    from kastor.config import storage_settings

    if data is None and db is None and config is None:
        fail("Say where to: --data DIR or --db DSN.", 2)
    given = {"data": data, "db": db, "graph_schema": graph_schema}
    flags = {name: value for name, value in given.items() if value is not None}
    settings = storage_settings(flags, config)
    with open_backup(source) as backup:
        if settings.db is not None and backup.manifest.private:
            warn("The tokens, certificates and secrets of the backup belong into a data folder.")
        with ExitStack() as stack:
            told = None
            if not quiet:
                show = rows_shown(stack)

                def told(what: str, graph: str, done: int, total: int) -> None:
                    show(f"{what} {graph}", done, total)

            restoring = Restoring(backup, replace, paused, told)
            active = run_in_order(_restore(restoring, settings))
        _tell(backup.manifest, active, settings, paused=paused)


async def _restore(restoring: Restoring, settings: Settings) -> dict[str, Active]:
    if settings.db is None:
        from kastor.backup.into_files import restore_into_folder

        return await restore_into_folder(restoring, settings.data)
    from kastor.hosting.open import make_databases

    databases = make_databases(settings)
    try:
        from kastor.backup.into_schemas import restore_into_database

        return await restore_into_database(restoring, databases, settings.graph_schema)
    finally:
        await databases.close()


def _tell(
    manifest: Manifest, active: dict[str, Active], settings: Settings, *, paused: bool
) -> None:
    where = settings.data if settings.db is None else f"the schema {settings.graph_schema}"
    say(f"Restored and verified {counted(len(manifest.graphs), 'graph')} into {where}:")
    show_graphs(manifest)
    if settings.db is None:
        for each in manifest.private:
            say(f"  {each.path}")
    if paused:
        say("Routes and inputs are paused: `kastor route resume`, `kastor input resume`.")
        return
    routes, inputs = (
        sum(each.routes for each in active.values()),
        sum(each.inputs for each in active.values()),
    )
    if routes or inputs:
        say(
            f"{counted(routes, 'route')} and {counted(inputs, 'input')} go on when it is served, "
            "routes from where they were in the backup."
        )
