"""`kastor import`: files into a graph, whatever server it is of."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.faults_told import FaultLog, told_of_disk
from kastor.cli.output import Exit, Output, OutputOption, fail
from kastor.cli.progress import rows_shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from kastor.cli.import_tally import ImportTally
    from kastor.cli.progress import Show
    from kastor.client import AsyncKastorClient
    from kastor.moving.items import ItemFault, Placed
    from kastor.moving.loading.report import LoadReport

INTERRUPTED = 130


def import_files(
    connection: Connection,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
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
    output: OutputOption = Output.TABLE,
) -> None:
    """Import files: models, then twins, then relationships.

    What is there is replaced, models that are equal are left, and nothing is deleted, so that an
    import that was interrupted can be done again.
    """
    from kastor.cli.import_tally import ImportTally

    tally = ImportTally(dry_run=dry_run)
    with ExitStack() as stack:
        faults = stack.enter_context(FaultLog(log))
        work = _Import(tally, faults, stop_on_error=stop_on_error, parallel=parallel)
        try:
            with ExitStack() as bars:
                work.show = rows_shown(bars)
                connection.run(lambda client: work.run(client, files))
        except KeyboardInterrupt:
            faults.tell()
            fail("Stopped; what was imported stays. Import it again to go on.", INTERRUPTED)
        faults.tell()
    if tally.stopped:
        print(f"kastor: {tally.stopped}", file=sys.stderr)
    if output is Output.JSON or not tally.is_empty:
        tally.tell(output)
    if tally.status:
        raise typer.Exit(tally.status)


class _Import:
    """The files of one command on their way."""

    show: Show

    def __init__(
        self, tally: ImportTally, faults: FaultLog, *, stop_on_error: bool, parallel: int
    ) -> None:
        self._tally, self._faults = tally, faults
        self._stop_on_error, self._parallel = stop_on_error, parallel

    async def run(self, client: AsyncKastorClient, files: Sequence[str]) -> None:
        """Import files one after another, models before all others."""
        from kastor.cli.import_files import FileKind, kind_of, models_of, stream
        from kastor.client import features

        kinds = [(name, kind_of(name)) for name in files]
        uploads = features.UPLOADS in await client.features() and not self._stop_on_error
        for name, kind in sorted(kinds, key=lambda each: each[1] is not FileKind.MODELS):
            if self._tally.stopped:
                return
            if kind is FileKind.MODELS:
                await self._load(client, name, stream(models_of(name)), ordered=False)
            elif kind is FileKind.IMPORT_FILE:
                with told_of_disk(name), _opened(name) as file:
                    await self._import_file(client, name, file, uploads=uploads)
            else:
                fail(f"{name} is of no kind that can be imported.", Exit.USAGE)

    async def _import_file(
        self, client: AsyncKastorClient, name: str, file: IO[bytes], *, uploads: bool
    ) -> None:
        from kastor.cli.import_upload import UploadedImport
        from kastor.moving.import_file import ImportFile

        if uploads:
            await UploadedImport(client, name, self.show, self._faults, self._tally).run(file)
            return
        source = ImportFile(file, lambda note: self._faults.note(name, "", "", "", note))
        await self._load(client, name, source.items(), ordered=True)

    async def _load(
        self,
        client: AsyncKastorClient,
        name: str,
        items: AsyncIterator[Placed | ItemFault],
        *,
        ordered: bool,
    ) -> None:
        """Write what a stream yields, or only judge it."""
        from kastor.moving.loading.loader import Loader
        from kastor.moving.loading.rehearsal import LoadRehearsal

        def show(report: LoadReport) -> None:
            done = report.written.total + report.unchanged + report.failed
            self.show(f"importing {name}", done, None)

        kind = LoadRehearsal if self._tally.dry_run else Loader
        loader = kind(
            client,
            parallel=self._parallel,
            stop_on_error=self._stop_on_error,
            on_fault=lambda fault: self._faults.add(fault, name),
            on_progress=show,
        )
        report = await loader.load(items, ordered=ordered)
        self._take(report)

    def _take(self, report: LoadReport) -> None:
        written = report.written
        self._tally.models += written.models + report.unchanged
        self._tally.twins += written.twins
        self._tally.relationships += written.relationships
        self._tally.failed += report.failed
        if report.stopped:
            self._tally.stopped = "Stopped at the first refusal; what was imported stays."


def _opened(name: str) -> IO[bytes]:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")
