"""Rows of lists and queries on stdout: as a table for people, as JSON, NDJSON or CSV for programs.

Rows are written as they come. A table takes them in pages; CSV has to know all its columns first
and keeps the rows in a file of its own until it does, so no form holds a large result in memory.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.cli.output import fail
from kastor.cli.screen import Screen, shown, shown_json, stdout_screen
from kastor.cli.table import show_record, show_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Document: TypeAlias = dict[str, Any]  # any: JSON
_IN_MEMORY = 8 << 20
"""Bytes of rows that CSV keeps before it takes a file."""
MAX_COLUMNS = 2_000


def show_rows(
    rows: Iterable[Document],
    output: str,
    *,
    columns: Sequence[str] | None = None,
    empty: str = "",
    expanded: bool = False,
    screen: Screen | None = None,
) -> int:
    """Print rows and return how many there were.

    Args:
        rows: taken one by one.
        output: `table`, `json` (one array), `ndjson` or `csv`.
        columns: what tables and CSV show of each row, in this order; all of it without. Tables of
            twins and relationships leave out `$etag` and `$metadata` but for the model then.
        empty: what a table says where there are no rows.
        expanded: whether a table has a line for each value instead of a line for each row.
        screen: where to; stdout without.
    """
    to = screen or stdout_screen()
    match output:
        case "json":
            return _json(rows, to)
        case "ndjson":
            return _ndjson(rows, to)
        case "csv":
            return _csv(rows, columns, to)
        case _:
            count = show_table(rows, columns, to, expanded=expanded)
            if not count and empty:
                to.write(empty)
            return count


def show_document(document: Document, output: str, *, screen: Screen | None = None) -> None:
    """Print one document; as a table it has a line for each of its members."""
    to = screen or stdout_screen()
    match output:
        case "json":
            to.write(_text(document, indent=2))
        case "ndjson":
            to.write(_text(document))
        case "csv":
            _csv([document], None, to)
        case _:
            show_record(document, to)


def _json(rows: Iterable[Document], to: Screen) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        text = _text(row, indent=2).replace("\n", "\n  ")
        to.stream.write(f"{'[' if count == 1 else ','}\n  {text}")
    to.write("\n]" if count else "[]")
    return count


def _ndjson(rows: Iterable[Document], to: Screen) -> int:
    count = 0
    for row in rows:
        to.write(_text(row))
        count += 1
    return count


def _text(value: object, indent: int | None = None) -> str:
    separators = (",", ":") if indent is None else (",", ": ")
    return shown_json(json.dumps(value, ensure_ascii=False, indent=indent, separators=separators))


def _csv(rows: Iterable[Document], columns: Sequence[str] | None, to: Screen) -> int:
    if columns is not None:
        return _write_csv(rows, columns, to)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
        # Rows of a graph have different members, and a header cannot be changed afterwards.
        named: dict[str, None] = {}
        for row in rows:
            named.update(dict.fromkeys(row))
            if len(named) > MAX_COLUMNS:
                fail(
                    f"The rows have more than {MAX_COLUMNS:,} columns together. Name the columns "
                    "in SELECT, or use --output ndjson."
                )
            kept.write(json.dumps(row).encode() + b"\n")
        kept.seek(0)
        return _write_csv(_kept(kept), list(named), to) if named else 0


def _kept(file: Iterable[bytes]) -> Iterator[Document]:
    for line in file:
        yield json.loads(line)


def _write_csv(rows: Iterable[Document], columns: Sequence[str], to: Screen) -> int:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    count = 0
    writer.writerow([_csv_value(name, to) for name in columns])
    for row in rows:
        writer.writerow([_csv_value(row.get(name), to) for name in columns])
        to.stream.write(line.getvalue())
        line.seek(0)
        line.truncate()
        count += 1
    to.stream.write(line.getvalue())
    return count


def _csv_value(value: object, to: Screen) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return shown(value) if to.is_terminal else value
    return _text(value)
