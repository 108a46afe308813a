"""`kastor import`: files into a graph, whatever server it is of."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.table_flags import (
    Decimal,
    Encoding,
    Kind,
    Mapping,
    Model,
    Report,
    Separator,
    Sheet,
    SkipFaults,
    TableKindFlag,
    Zone,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.cli.import_tables import TableFlags
    from kastor.client import AsyncKastorClient


def import_files(
    connection: Connection,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Import files (also .gz, .zst; - is stdin), folders of models, models, tables, "
            "graphs of ADT Explorer.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be imported and refused.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where each refusal is written, a JSON object a line."),
    ] = None,
    stop_on_error: Annotated[
        bool,
        typer.Option("--stop-on-error", help="End at the first refusal; what was imported stays."),
    ] = False,
    parallel: Annotated[
        int,
        typer.Option(
            min=1, max=64, help="Calls at once, to a server that takes no batches of writes."
        ),
    ] = 16,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Import nothing, but make FILE an empty table for twins of MODEL."
        ),
    ] = None,
    mapping: Mapping = None,
    model: Model = None,
    kind: Kind = TableKindFlag.AUTO,
    sheet: Sheet = None,
    separator: Separator = None,
    encoding: Encoding = None,
    decimal: Decimal = ".",
    zone: Zone = None,
    skip_faults: SkipFaults = False,
    report: Report = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Import files: models, then twins, then relationships.

    What is there is replaced, models that are equal are left, and nothing is deleted, so that an
    import that was interrupted can be done again.
    """
    from kastor.cli.import_tables import TableFlags
    from kastor.moving.tables.source import TableOptions

    if template is not None:
        _make_template(connection, files, template)
        return
    options = TableOptions(separator, encoding, decimal, zone, sheet, model)
    flags = TableFlags(mapping, kind.value, options, report, skip_faults)
    _import(
        *(connection, files, flags, log, output),
        dry_run=dry_run,
        stop_on_error=stop_on_error,
        parallel=parallel,
    )


def _import(
    connection: Connection,
    files: Sequence[str],
    flags: TableFlags,
    log: Path | None,
    output: Output,
    *,
    dry_run: bool,
    stop_on_error: bool,
    parallel: int,
) -> None:
    from kastor.cli.faults_told import FaultLog
    from kastor.cli.import_run import ImportRun
    from kastor.cli.import_tables import TableImport
    from kastor.cli.import_tally import ImportTally
    from kastor.cli.import_upload import INTERRUPTED, end_job
    from kastor.cli.progress import rows_shown

    _require_other_files(files, log, flags.report)
    tally = ImportTally(dry_run=dry_run)
    with ExitStack() as stack:
        faults = stack.enter_context(FaultLog(log))
        tables = TableImport(flags, faults, stack)
        try:
            with ExitStack() as bars:
                run = ImportRun(
                    *(tally, faults, tables, rows_shown(bars)),
                    stop_on_error=stop_on_error,
                    parallel=parallel,
                )
                connection.run(lambda client: run.run(client, files))
        except KeyboardInterrupt:
            faults.tell()
            if tally.running:
                end_job(connection, tally.running)
            fail("Stopped; what was imported stays. Import it again to go on.", INTERRUPTED)
        faults.tell()
    tally.end(output)


def _require_other_files(files: Sequence[str], *written: Path | None) -> None:
    """Refuse to write over what is to be read, or twice into one file."""
    taken = {Path(each).resolve() for each in files}
    for path in written:
        if path is None:
            continue
        if path.resolve() in taken:
            fail(
                f"{path} would be written over: name other files by --log and --report.", Exit.USAGE
            )
        taken.add(path.resolve())


def _make_template(connection: Connection, files: Sequence[str], model: str) -> None:
    from kastor.cli.import_tables import make_template
    from kastor.moving.exporting.reading import ContractReading

    if len(files) != 1:
        fail("With --template name one file, which is made: .xlsx or .csv.", Exit.USAGE)

    if Path(files[0]).exists():
        fail(f"{files[0]} is there already, and may be filled. Name another file.", Exit.CONFLICT)

    async def work(client: AsyncKastorClient) -> None:
        make_template(await ContractReading(client).models(), model, Path(files[0]))

    connection.run(work)
    say(f"Made {files[0]}, a table for twins of {model}. Fill it, and import it.")
