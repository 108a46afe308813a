"""Parquet files as tables, in batches; nested columns become lists and objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.extras import install_extra
from kastor.moving.tables.faults import TableError
from kastor.moving.tables.rows import Sheet, TableRow

if TYPE_CHECKING:
    import polars as pl

BATCH = 500
"""Rows that are unpacked at a time: some that are packed well become large."""
_AT_ONCE = 20
"""Of these, as Python's values."""
_PANIC = "PanicException"


@dataclass(frozen=True, slots=True)
class ParquetReader:
    """A Parquet file; row 0 has the names of its columns."""

    path: Path

    def sheets(self) -> Iterator[Sheet]:
        """Yield the file as its only sheet.

        Raises:
            TableError: it is no Parquet file, is damaged, or the library that reads it is missing.
        """
        yield Sheet(self.path.stem, self._rows())

    def _rows(self) -> Iterator[TableRow]:
        try:
            import polars as pl  # noqa: PLC0415 - an extra, and slow to import
        except ImportError as error:
            raise TableError(f"For Parquet files {install_extra('tables')}.") from error
        try:
            frame = pl.scan_parquet(self.path, glob=False)
            yield TableRow(0, tuple(frame.collect_schema().names()))
            yield from self._parts(frame)
        except OSError as error:
            reason = error.strerror or str(error)
            raise TableError(f"{self.path} cannot be read: {reason}.") from error
        except pl.exceptions.PolarsError as error:
            raise self._unreadable(error) from error
        except BaseException as error:
            # The library's own panics are no `Exception`.
            if type(error).__name__ != _PANIC:
                raise
            raise self._unreadable(error) from error

    def _parts(self, frame: pl.LazyFrame) -> Iterator[TableRow]:
        at = 0
        while True:
            part = frame.slice(at, BATCH).collect(engine="streaming")
            for number, cells in enumerate(part.iter_rows(buffer_size=_AT_ONCE), start=at + 1):
                yield TableRow(number, cells)
            if part.height < BATCH:
                return
            at += BATCH

    def _unreadable(self, error: BaseException) -> TableError:
        return TableError(f"{self.path} cannot be read as a Parquet file: {error}")
