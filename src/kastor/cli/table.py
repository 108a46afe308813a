"""Rows as a table for people: what is shown of a twin, what fits, and one record line by line."""

from __future__ import annotations

import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.cli.screen import Screen, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Document: TypeAlias = dict[str, Any]  # any: JSON
Cells: TypeAlias = dict[str, str]
PAGE = 100
"""Rows that are laid out together: the columns of a table are as wide as these want them."""
GAP = 2
"""Cells between two columns."""
_SMALLEST = 10
"""Cells of a column below which a table is no longer one for people."""
_HIDDEN = ("$etag", "$metadata")
_MODELS = ("dtmi:", "-> dtmi:")
REST = "properties"


def show_table(
    rows: Iterable[Document], columns: Sequence[str] | None, to: Screen, *, expanded: bool = False
) -> int:
    """Print rows page by page, and return how many there were."""
    count, following = 0, iter(rows)
    while page := list(islice(following, PAGE)):
        if expanded:
            for number, row in enumerate(page, count + 1):
                to.write(_rule(f"[ {number} ]", to))
                shown_of = readable(row) if columns is None else {x: row.get(x) for x in columns}
                show_record(shown_of, to)
        else:
            _show_page(page, columns, to, first=count + 1)
        count += len(page)
        to.stream.flush()
    return count


def show_record(document: Document, to: Screen) -> None:
    """Print a document, a line for each member; nothing of it is cut."""
    names = {name: shown(name) for name in document}
    width = min(40, max(map(len, names.values()), default=0))
    for name, value in document.items():
        to.write(f"{names[name]:<{width}}  {_cell(value)}")


def readable(row: Document) -> Document:
    """Return what a table shows of a row: of a twin its id, its model, and its own members."""
    if len(row) == 1:
        (only,) = row.values()
        if isinstance(only, dict) and ("$dtId" in only or "$relationshipId" in only):
            row = only
    if not ("$dtId" in row or "$relationshipId" in row):
        return row
    shown_of: Document = {}
    for name, value in row.items():
        if name not in _HIDDEN:
            shown_of[name] = _without_metadata(value)
        elif isinstance(value, dict) and "$model" in value:
            shown_of["$model"] = value["$model"]
    ids = [name for name in shown_of if name.startswith("$")]
    return {name: shown_of[name] for name in (*ids, *(x for x in shown_of if x not in ids))}


def _without_metadata(value: object) -> object:
    """Return a component without what says when it changed."""
    if isinstance(value, dict) and "$metadata" in value:
        return {name: each for name, each in value.items() if name != "$metadata"}
    return value


def _show_page(page: list[Document], columns: Sequence[str] | None, to: Screen, first: int) -> None:
    if columns is None:
        page = [readable(row) for row in page]
        names = list(dict.fromkeys(name for row in page for name in row))
    else:
        names = list(columns)
    lines = [{name: _cell(row[name]) for name in names if name in row} for row in page]
    if to.is_terminal and not _fits(names, lines, to.width):
        ids = [name for name in names if name.startswith("$")]
        folded = [name for name in names if name not in ids]
        names, lines = [*ids, REST], [_folded(line, folded) for line in lines]
        if columns is not None or not ids or not _fits(names, lines, to.width):
            for number, row in enumerate(page, first):
                to.write(_rule(f"[ {number} ]", to))
                show_record(row, to)
            return
    numeric = {name for name in names if _is_numeric(row.get(name) for row in page)}
    (_by_rich if to.is_terminal else _plain)(names, lines, numeric, to)


def _folded(line: Cells, names: Sequence[str]) -> Cells:
    kept = {name: text for name, text in line.items() if name.startswith("$")}
    rest = ", ".join(f"{name}: {line[name]}" for name in names if name in line)
    return {**kept, REST: rest} if rest else kept


def _fits(names: Sequence[str], lines: Sequence[Cells], width: int) -> bool:
    return sum(min(_SMALLEST, each) + GAP for each in _natural(names, lines)) <= width + GAP


def _natural(names: Sequence[str], lines: Sequence[Cells]) -> list[int]:
    """Return the cells that each column wants."""
    from rich.cells import cell_len

    return [
        max(cell_len(shown(name)), *(cell_len(line.get(name, "")) for line in lines))
        for name in names
    ]


def _narrowed(widths: list[int], width: int) -> list[int]:
    """Return widths that fit side by side; the widest columns give first, what names a row last."""
    room = width - GAP * (len(widths) - 1)
    first, rest = widths[0], widths[1:]
    most = max(rest, default=0)
    while first + sum(min(most, each) for each in rest) > room and most > _SMALLEST:
        most -= 1
    while (sum(min(most, each) for each in rest) + first) > room and first > 1:
        first -= 1
    return [first, *(min(most, each) for each in rest)]


def _cut(text: str, width: int) -> str:
    """Return a text that fits; of the id of a model the end stays, which tells it from others."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    if text.startswith(_MODELS):
        while cell_len(text) >= width:
            text = text[1:]
        return f"…{text}"
    return f"{set_cell_size(text, width - 1).rstrip()}…"


def _plain(names: Sequence[str], lines: Sequence[Cells], numeric: set[str], to: Screen) -> None:
    from rich.cells import cell_len

    widths = _natural(names, lines)

    def line_of(cells: Cells) -> str:
        aligned = []
        for name, width in zip(names, widths, strict=True):
            text = cells.get(name, "")
            blank = " " * (width - cell_len(text))
            aligned.append(blank + text if name in numeric else text + blank)
        return (" " * GAP).join(aligned).rstrip()

    to.write(line_of({name: shown(name) for name in names}))
    for line in lines:
        to.write(line_of(line))


def _by_rich(names: Sequence[str], lines: Sequence[Cells], numeric: set[str], to: Screen) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # The box has one of the cells between columns.
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0), show_edge=False)
    widths = _narrowed(_natural(names, lines), to.width)
    for name, width in zip(names, widths, strict=True):
        justify: Any = "right" if name in numeric else "left"  # any: a literal type of rich
        table.add_column(
            Text(shown(name)), justify=justify, no_wrap=True, overflow="ellipsis", width=width
        )
    for line in lines:
        cells = zip(names, widths, strict=True)
        table.add_row(*(Text(_cut(line.get(name, ""), width)) for name, width in cells))
    written = io.StringIO()
    Console(
        file=written,
        width=to.width + GAP,  # what stands behind the last column is blank
        force_terminal=to.colour,
        no_color=not to.colour,
        highlight=False,
        emoji=False,
        markup=False,
    ).print(table, no_wrap=True, crop=True)
    to.stream.write(written.getvalue())


def _rule(title: str, to: Screen) -> str:
    return f"-{title}".ljust(min(60, to.width), "-")


def _cell(value: object) -> str:
    """Return a value in one line: a text as it is, everything else as JSON."""
    if isinstance(value, str):
        return shown(value)
    return shown(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def _is_numeric(values: Iterable[object]) -> bool:
    """Whether there are numbers, and nothing but numbers and nulls beside."""
    kinds = {type(value) for value in values} - {type(None)}
    return bool(kinds) and kinds <= {int, float}
