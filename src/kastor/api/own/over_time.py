"""The rows of a query over time as NDJSON or CSV, made while they are sent."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from typing import TYPE_CHECKING

import orjson

from kastor.clock import twin_time
from kastor.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.budget import StreamShare
    from kastor.history.over_time import ResultOverTime, RowsAt
    from kastor.types import Json

NDJSON, CSV = b"application/x-ndjson", b"text/csv; charset=utf-8"
_BEFORE = ("time", "change")
"""Columns before those of the query."""
_FORMULA = re.compile(r"'*(?:[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]|\s*\Z)")
"""What a spreadsheet would run; exported tables guard it in the same way."""


class NdjsonRows:
    """A line for each row: `{"time", "change", "row"}`."""

    media_type = NDJSON

    def head(self) -> bytes:
        """Return what comes before the rows."""
        return b""

    def text(self, found: RowsAt) -> bytes:
        """Return the lines of some rows."""
        at = found.at
        start = b'{"time":"%b","change":%d,"row":' % (twin_time(at.time).encode(), at.change)
        return b"".join([b"%b%b}\n" % (start, row) for row in found.rows])


class CsvRows:
    """A record for each row, with the columns that the query names.

    Texts are as they are, guarded where a spreadsheet would run them; all else is JSON; what a row
    lacks is empty, and so is null.
    """

    media_type = CSV

    def __init__(self, columns: Sequence[str] | None) -> None:
        if columns is None:
            raise InvalidArgument(
                "CSV needs a query that names its columns, such as SELECT T.$dtId AS id, "
                "T.temperature FROM DIGITALTWINS T; or ask for ndjson."
            )
        self._columns = columns

    def head(self) -> bytes:
        """Return the record with the names."""
        return _records([[*_BEFORE, *map(_guarded, self._columns)]])

    def text(self, found: RowsAt) -> bytes:
        """Return the records of some rows."""
        start = [twin_time(found.at.time), str(found.at.change)]
        return _records([[*start, *self._cells(row)] for row in found.rows])

    def _cells(self, row: bytes) -> list[str]:
        values = orjson.loads(row)
        return [_cell(values.get(name)) for name in self._columns]


class RowStream:
    """A result over time as the bytes of an answer; it has its place among the streams meanwhile.

    Args:
        found: the result.
        rows: makes bytes of it.
        share: the place.
    """

    def __init__(
        self, found: ResultOverTime, rows: NdjsonRows | CsvRows, share: StreamShare
    ) -> None:
        self._found, self._rows, self._share = found, rows, share
        self._head = rows.head()

    def __aiter__(self) -> RowStream:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next whole lines."""
        head, self._head = self._head, b""
        while not head:
            head = await asyncio.to_thread(self._rows.text, await anext(self._found))
        return head

    async def aclose(self) -> None:
        """Let the result go, and the place."""
        self._share.leave()
        await self._found.aclose()


def _records(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Json) -> str:
    if value is None:
        return ""
    return _guarded(value) if isinstance(value, str) else orjson.dumps(value).decode()


def _guarded(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
