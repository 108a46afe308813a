"""`kastor migrate`: a graph from one server to another, verified, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kastor.cli.output import Exit, Output, OutputOption, fail

STOPPED = 130
_URL = "Address of the server that the graph comes from, or of a graph of it."


def migrate(
    from_url: Annotated[str | None, typer.Option("--from", metavar="URL", help=_URL)] = None,
    to_url: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Address where it goes to.")
    ] = None,
    from_context: Annotated[
        str | None, typer.Option(metavar="NAME", help="A saved address in the place of --from.")
    ] = None,
    to_context: Annotated[
        str | None, typer.Option(metavar="NAME", help="A saved address in the place of --to.")
    ] = None,
    from_ca_file: Annotated[
        Path | None, typer.Option(help="Certificate of the source to trust.")
    ] = None,
    to_ca_file: Annotated[
        Path | None, typer.Option(help="Certificate of the target to trust.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read all, write nothing: what would be, and would not."),
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what changes at the source, until Ctrl+C.")
    ] = False,
    until_equal: Annotated[
        bool,
        typer.Option(
            "--until-equal",
            help="Follow until nobody writes to the source any more and both are equal.",
        ),
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.1, max=86_400, help="Seconds between two rounds of --follow.")
    ] = 10.0,
    lag: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=3_600,
            help="Seconds by which queries at the source may be behind its writes.",
            show_default="0 for Kastor, else 10",
        ),
    ] = None,
    into_existing: Annotated[
        bool, typer.Option("--into-existing", help="The target may hold something already.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace what somebody else wrote at the target."),
    ] = False,
    absent_components: Annotated[
        Literal["refuse", "empty"],
        typer.Option(help="Twins without a component of their model: empty adds it."),
    ] = "refuse",
    routes: Annotated[
        bool, typer.Option("--routes/--no-routes", help="Event routes too, at the end.")
    ] = True,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Calls at once to each side.")] = 16,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the migration remembers, to go on after any end.",
            show_default="a file of both addresses in the user's data folder",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move a graph from one server to another, from Azure Digital Twins too, and verify it.

    Models, twins, relationships and event routes; endpoints that the target lacks are named. Ended
    at any moment, the same command goes on. With the addresses exchanged it is the way back.
    Tokens come from KASTOR_FROM_TOKEN and KASTOR_TO_TOKEN, or from the contexts.
    """
    from kastor.cli import migration
    from kastor.moving.migration.rounds import MigrationOptions

    source = migration.End.named("from", from_url, from_context, from_ca_file)
    target = migration.End.named("to", to_url, to_context, to_ca_file)
    if source.address == target.address:
        fail("--from and --to are the same address.", Exit.USAGE)
    options = MigrationOptions(
        overwrite=overwrite,
        add_components=absent_components == "empty",
        into_existing=into_existing,
        routes=routes,
        lag=lag,
    )
    run = migration.MigrationRun(source, target, options, output, quiet=quiet, parallel=parallel)
    try:
        if dry_run:
            status = run.rehearse()
        else:
            status = run.go(state, every if follow or until_equal else None, until_equal)
    except KeyboardInterrupt:
        fail("Stopped. The same command goes on from here.", STOPPED)
    raise typer.Exit(status)
