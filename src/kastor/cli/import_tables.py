"""Tables as sources of an import: what the flags say of them, and the report of their rows."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kastor.cli.output import Exit, fail, warn
from kastor.dtdl import DtdlError, ModelSet, parse
from kastor.moving.tables.report import RowReports
from kastor.moving.tables.source import TableOptions, TableSource, open_table
from kastor.moving.tables.template import write_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.cli.faults_told import FaultLog
    from kastor.moving.items import ItemFault
    from kastor.moving.tables.outcomes import RowOutcome
    from kastor.types import Document

TableKindName = Literal["auto", "csv", "excel", "parquet", "explorer"]


@dataclass(frozen=True, slots=True)
class TableFlags:
    """What people say of a table.

    Attributes:
        mapping: a mapping file.
        kind: of the file.
        options: what is known of it beyond that.
        report: where it is written what became of each row.
        skip_faults: whether the other rows are imported if some are at fault.
    """

    mapping: Path | None = None
    kind: TableKindName = "auto"
    options: TableOptions | None = None
    report: Path | None = None
    skip_faults: bool = False


class TableImport:
    """The tables of one command, each checked as a whole before anything of it is sent."""

    def __init__(self, flags: TableFlags, faults: FaultLog, stack: ExitStack) -> None:
        self._flags, self._faults = flags, faults
        self._report = None
        if flags.report is not None:
            self._report = stack.enter_context(RowReports(flags.report))

    async def open(self, name: str, models: Sequence[Document], *, dry_run: bool) -> TableSource:
        """Return a table as a source, after a look at all its rows.

        The command ends where rows are at fault, unless that is to be told only.

        Raises:
            TableError: the file or the mapping is wrong as a whole.
        """
        flags = self._flags
        source = open_table(
            Path(name), flags.mapping, models=models_parsed(models), kind=flags.kind,
            options=flags.options,
        )  # fmt: skip
        found = await asyncio.to_thread(source.check, self._row)
        for sheet in found.unread:
            warn(f"{name}: the sheet {sheet} is not read; the mapping does not name it.")
        if found.faults and not dry_run and not flags.skip_faults:
            for each in found.first_faults:
                self._faults.note(name, each.where, each.id, each.code, each.message)
            self._faults.tell(found.faults)
            fail(
                f"{found.faults} of what the rows of {name} make cannot be read, so nothing was "
                "imported. Mend them, or import the others with --skip-faults.",
                Exit.FAULT,
            )
        return source

    def refused(self, fault: ItemFault) -> None:
        """Tell in the report what was refused after the rows were read."""
        if self._report is not None and fault.item is not None:
            self._report.add_fault(fault)

    def _row(self, outcome: RowOutcome) -> None:
        if self._report is not None:
            self._report.add(outcome)


def make_template(models: Sequence[Document], model: str, path: Path) -> None:
    """Write an empty table for a model; raises TableError where there is no such model."""
    write_template(models_parsed(models), model, path)


def models_parsed(models: Sequence[Document]) -> ModelSet:
    """Return models as a set; the command ends where they are not valid."""
    try:
        return parse(models)
    except DtdlError as error:
        fail(f"The models cannot be used: {error}")
