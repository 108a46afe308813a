"""Imports the files of one command: by jobs of the server, or item by item."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kastor.cli.faults_told import FaultLog, told_of_disk
from kastor.cli.import_files import STDIN, FileKind, documents_of, kind_of, models_of, stream
from kastor.cli.import_upload import UploadedImport
from kastor.client import features
from kastor.moving.explorer.graph_file import ExplorerGraph
from kastor.moving.exporting.reading import ContractReading
from kastor.moving.import_file import ImportFile
from kastor.moving.items import ItemFault, Placed
from kastor.moving.loading.loader import Loader
from kastor.moving.loading.rehearsal import LoadRehearsal

if TYPE_CHECKING:
    from kastor.cli.import_tables import TableImport
    from kastor.cli.import_tally import ImportTally
    from kastor.cli.progress import Show
    from kastor.client import AsyncKastorClient
    from kastor.moving.loading.report import LoadReport
    from kastor.types import Document


class ImportRun:
    """The files of one command on their way."""

    def __init__(
        self,
        tally: ImportTally,
        faults: FaultLog,
        tables: TableImport,
        show: Show,
        *,
        stop_on_error: bool,
        parallel: int,
    ) -> None:
        self._tally, self._faults = tally, faults
        self._tables, self._show = tables, show
        self._stop_on_error, self._parallel = stop_on_error, parallel

    async def run(self, client: AsyncKastorClient, files: Sequence[str]) -> None:
        """Import files: models first, then import files by jobs of the server, then all others.

        Raises:
            ClientError: nothing can be written any more.
            CannotStartError: a file is none of its kind.
        """
        kinds = {name: kind_of(name) for name in files}
        announced = await client.features()
        # A job's dry run knows nothing of the files beside its own.
        alone = len(kinds) == 1 or not self._tally.dry_run
        uploads = features.UPLOADS in announced and not self._stop_on_error and alone
        sent = [name for name, kind in kinds.items() if uploads and kind is FileKind.IMPORT_FILE]
        models = [name for name, kind in kinds.items() if kind is FileKind.MODELS]
        others = [name for name in kinds if name not in {*sent, *models}]
        if models and (sent or others) and not self._tally.dry_run:
            await self._load(client, models, kinds)
            models = []
        for name in sent:
            if not self._tally.stopped:
                with told_of_disk(name), _opened(name) as file:
                    upload = UploadedImport(client, name, self._show, self._faults, self._tally)
                    await upload.run(file)
        if (models or others) and not self._tally.stopped:
            await self._load(client, [*models, *others], kinds)

    async def _load(
        self, client: AsyncKastorClient, names: Sequence[str], kinds: dict[str, FileKind]
    ) -> None:
        """Write what files hold, or only judge it."""

        def show(report: LoadReport) -> None:
            done = report.written.total + report.unchanged + report.failed
            self._show("importing", done, None)

        kind = LoadRehearsal if self._tally.dry_run else Loader
        loader = kind(
            client,
            parallel=self._parallel,
            stop_on_error=self._stop_on_error,
            on_fault=self._fault,
            on_progress=show,
        )
        ordered = len(names) == 1 and kinds[names[0]] is FileKind.IMPORT_FILE
        with ExitStack() as stack:
            items = self._items(client, names, kinds, stack)
            report = await loader.load(items, ordered=ordered)
        self._take(report)

    async def _items(
        self,
        client: AsyncKastorClient,
        names: Sequence[str],
        kinds: dict[str, FileKind],
        stack: ExitStack,
    ) -> AsyncIterator[Placed | ItemFault]:
        """Yield what files hold, each place with the name of its file."""
        fresh: list[Document] = []
        for name in names:
            stack.enter_context(told_of_disk(name))
            async for each in await self._source(client, name, kinds[name], fresh, stack):
                where = _placed(name, each.where)
                if isinstance(each, Placed):
                    yield Placed(each.item, where)
                else:
                    yield ItemFault(where, each.code, each.message, each.item)

    async def _source(
        self,
        client: AsyncKastorClient,
        name: str,
        kind: FileKind,
        fresh: list[Document],
        stack: ExitStack,
    ) -> AsyncIterator[Placed | ItemFault]:
        match kind:
            case FileKind.MODELS:
                found = models_of(name)
                fresh += documents_of(found)
                return stream(found)
            case FileKind.GRAPH:
                return ExplorerGraph(Path(name)).items()
            case FileKind.TABLE:
                stored = await ContractReading(client).models()
                known = {each["@id"]: each for each in (*fresh, *stored)}
                table = await self._tables.open(
                    name, list(known.values()), dry_run=self._tally.dry_run
                )
                return table.items()
            case FileKind.IMPORT_FILE:
                file = stack.enter_context(_opened(name))
                return ImportFile(file, lambda note: self._note(name, note)).items()

    def _fault(self, fault: ItemFault) -> None:
        self._faults.add(fault, "")
        self._tables.refused(fault)

    def _note(self, name: str, note: str) -> None:
        self._tally.warnings += 1
        self._faults.note(name, "", "", "", note)

    def _take(self, report: LoadReport) -> None:
        written = report.written
        self._tally.models += written.models + report.unchanged
        self._tally.twins += written.twins
        self._tally.relationships += written.relationships
        self._tally.failed += report.failed
        if report.stopped:
            self._tally.stopped = "Stopped at the first refusal; what was imported stays."


def _placed(name: str, where: str) -> str:
    """Return a place with the name of its file, which some kinds of places begin with."""
    if where.startswith((name, Path(name).name)):
        return where
    return f"{name}, {where}" if where else name


def _opened(name: str) -> IO[bytes]:
    return sys.stdin.buffer if name == STDIN else Path(name).open("rb")
