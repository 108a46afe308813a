"""`kastor migrate`: a graph from one server to another, verified, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kastor.cli.output import Exit, Output, OutputOption, fail

STOPPED = 130
_URL = "Address of the server that the graph comes from, or of a graph of it."


FromUrlFlag = Annotated[str | None, typer.Option("--from", metavar="URL", help=_URL)]
ToUrlFlag = Annotated[
    str | None, typer.Option("--to", metavar="URL", help="Address where it goes to.")
]
FromContextFlag = Annotated[
    str | None, typer.Option(metavar="NAME", help="A saved address in the place of --from.")
]
ToContextFlag = Annotated[
    str | None, typer.Option(metavar="NAME", help="A saved address in the place of --to.")
]
FromCaFileFlag = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificate of the source to trust.")
]
ToCaFileFlag = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificate of the target to trust.")
]
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="Read all, write nothing: what would be, and would not.")
]
FollowFlag = Annotated[
    bool, typer.Option("--follow", help="Go on with what changes at the source, until Ctrl+C.")
]
UntilEqualFlag = Annotated[
    bool,
    typer.Option(
        "--until-equal",
        help="Follow until nobody writes to the source any more and both are equal.",
    ),
]
EveryFlag = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", min=0.1, max=86_400, help="Seconds between two rounds of --follow."
    ),
]
LagFlag = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        max=3_600,
        help="Seconds by which queries at the source may be behind its writes.",
        show_default="0 for Kastor, else 10",
    ),
]
IntoExistingFlag = Annotated[
    bool, typer.Option("--into-existing", help="The target may hold something already.")
]
OverwriteFlag = Annotated[
    bool, typer.Option("--overwrite", help="Replace what somebody else wrote at the target.")
]
AbsentComponentsFlag = Annotated[
    Literal["refuse", "empty"],
    typer.Option(help="Twins without a component of their model: empty adds it."),
]
SourceEmptiedFlag = Annotated[
    bool,
    typer.Option(
        "--source-emptied", help="Where the source has no twin any more, empty the target too."
    ),
]
RoutesFlag = Annotated[
    bool, typer.Option("--routes/--no-routes", help="Event routes too, at the end.")
]
ParallelFlag = Annotated[
    int, typer.Option(metavar="NUMBER", min=1, max=64, help="Calls at once to each side.")
]
StateFlag = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What the migration remembers, to go on after any end.",
        show_default="a file of both addresses in the user's data folder",
    ),
]
QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def migrate(
    from_url: FromUrlFlag = None,
    to_url: ToUrlFlag = None,
    from_context: FromContextFlag = None,
    to_context: ToContextFlag = None,
    from_ca_file: FromCaFileFlag = None,
    to_ca_file: ToCaFileFlag = None,
    dry_run: DryRunFlag = False,
    follow: FollowFlag = False,
    until_equal: UntilEqualFlag = False,
    every: EveryFlag = 10.0,
    lag: LagFlag = None,
    into_existing: IntoExistingFlag = False,
    overwrite: OverwriteFlag = False,
    source_emptied: SourceEmptiedFlag = False,
    absent_components: AbsentComponentsFlag = "refuse",
    routes: RoutesFlag = True,
    parallel: ParallelFlag = 16,
    state: StateFlag = None,
    quiet: QuietFlag = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move a graph from one server to another, from Azure Digital Twins too, and verify it.

    Models, twins, relationships and event routes; endpoints that the target lacks are named. Ended
    at any moment, the same command goes on. With the addresses exchanged it is the way back.
    Tokens come from KASTOR_FROM_TOKEN and KASTOR_TO_TOKEN, or from the contexts.
    """
    from kastor.cli import migration
    from kastor.moving.migration.rounds import MigrationOptions

    source = migration.MigrationEnd.named("from", from_url, from_context, from_ca_file)
    target = migration.MigrationEnd.named("to", to_url, to_context, to_ca_file)
    if source.address == target.address:
        fail("--from and --to are the same address.", Exit.USAGE)
    options = MigrationOptions(
        overwrite=overwrite,
        add_components=absent_components == "empty",
        into_existing=into_existing,
        routes=routes,
        emptied=source_emptied,
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
