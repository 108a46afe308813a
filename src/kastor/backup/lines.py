"""Rows of a graph's tables as lines of JSON, and back; one form for all engines.

A table begins with a line that names it and its columns. Each row is an array of its columns'
values: documents as the JSON that they are, bytes in base64, flags as 0 and 1.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from kastor.storage.tables import Table
from kastor.storage.transfer import Row

LONGEST_LINE = 128 * 2**20
"""Bytes; no document, model or event that Kastor takes comes near."""

_TEXTS = frozenset(
    (
        *("id", "name", "text", "etag", "actor", "ended_actor", "kind", "subject", "event_id"),
        *("traceparent", "model_id", "component", "content_type", "endpoint", "filter", "settings"),
        *("last_error", "route", "error", "via", "index_name", "metric", "property", "models"),
        *("template",),
    )
)
_BYTES = frozenset({"data", "event", "vector"})
_MAY_BE_NULL = frozenset(
    (
        *("decommissioned", "valid_to", "twin_key", "version", "traceparent", "model_id"),
        *("component", "content_type", "last_delivery", "last_error", "written", "source_time"),
        *("property", "vector", "template"),
    )
)
_MAY_BE_NULL_THERE = frozenset(
    (("models", "ended_by"), ("instants", "kind"), ("instants", "subject"))
)
_INTEGER = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class LineError(ValueError):
    """A line that is no row of its table."""


class TableLines:
    """The lines of one table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.head = msgspec.json.encode({"table": table.name, "columns": table.columns}) + b"\n"
        self._place = table.columns.index(table.document) if table.document else None
        self._encoder = msgspec.json.Encoder()
        form: Any = tuple[tuple(_type_of(table, name) for name in table.columns)]  # type: ignore[misc]  # any: made of the table's columns
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(form)  # any: as above

    def encode(self, row: Row) -> bytes:
        """Return a row's line."""
        values = [int(value) if value is True or value is False else value for value in row]
        if self._place is not None:
            values[self._place] = Raw(row[self._place])
        return self._encoder.encode(values) + b"\n"

    def decode(self, line: bytes) -> Row:
        """Return a line's row, its document as text.

        Raises:
            LineError: it is none of this table.
        """
        try:
            row: Row = self._decoder.decode(line)
            if self._place is None:
                return row
            document = bytes(row[self._place]).decode()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise LineError(str(error)) from error
        return (*row[: self._place], document, *row[self._place + 1 :])


def _type_of(table: Table, column: str) -> Any:  # any: a type, for msgspec
    if column == table.document:
        return Raw
    found: Any = _INTEGER  # any: as above
    if column in _TEXTS:
        found = str
    elif column in _BYTES:
        found = bytes
    nullable = column in _MAY_BE_NULL or (table.name, column) in _MAY_BE_NULL_THERE
    return found | None if nullable else found
