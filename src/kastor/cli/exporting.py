"""`kastor export`: a graph into a file, out of any server."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, aclosing
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.faults_told import told_of_disk
from kastor.cli.instants import AsOf, instant
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.progress import Show, rows_shown
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.client import AsyncKastorClient
    from kastor.moving.exporting.graph_export import ExportState, ExportWish

STDOUT = "-"
_PACKED = (".gz", ".zst")


class FileForm(StrEnum):
    """What kind of file is written."""

    NDJSON = "ndjson"
    EXPLORER = "explorer"


def export(
    connection: Connection,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Where to; packed where it ends in .gz or .zst. - is stdout."
        ),
    ] = STDOUT,
    query: Annotated[
        str | None,
        typer.Option(
            "--query",
            "-q",
            metavar="TEXT",
            help="Only the rows of this query: whole twins or relationships.",
        ),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="CHANGE", help="Only what changed after this change; of Kastor alone."
        ),
    ] = None,
    kastor: Annotated[
        bool,
        typer.Option(
            "--kastor", help="Also routes, endpoints, inputs and indexes; of Kastor alone."
        ),
    ] = False,
    system: Annotated[
        bool, typer.Option("--system", help="Also ETags and times of updates.")
    ] = False,
    as_of: AsOf = None,
    form: Annotated[
        FileForm,
        typer.Option(
            "--format",
            "-f",
            help="ndjson: the import file; explorer: the JSON graph of ADT Explorer.",
        ),
    ] = FileForm.NDJSON,
    output: OutputOption = Output.TABLE,
) -> None:
    """Export a graph as a file that `kastor import` and Azure Digital Twins take.

    A file appears under its name when it is whole, and not before. What it holds is one state of
    a graph of Kastor; from other servers it is read page by page, also while others write.
    """
    from kastor.moving.exporting.graph_export import ExportWish

    then = instant(as_of, "--as-of")
    wish = ExportWish(query, since, with_settings=kastor, with_system=system, as_of=then)
    _require_sense(wish, form, file)
    if form is FileForm.EXPLORER:
        _for_explorer(connection, wish, Path(file), output)
        return
    if file == STDOUT:
        _to_stdout(connection, wish)
        return
    from kastor.moving.exporting.whole_file import new_file

    path = Path(file)
    with told_of_disk(path), new_file(path) as stream:
        state, counts = _write(connection, wish, stream, path.suffix)
    _tell(file, state, counts, output)


def _require_sense(wish: ExportWish, form: FileForm, file: str) -> None:
    if wish.query is not None and (wish.since is not None or wish.with_settings):
        fail("An export is of a query or of the graph: leave out --query.", Exit.USAGE)
    if form is FileForm.EXPLORER:
        if wish != type(wish)(query=wish.query, as_of=wish.as_of):
            fail("--since, --kastor and --system are of --format ndjson alone.", Exit.USAGE)
        if file == STDOUT or Path(file).suffix in _PACKED:
            fail("--format explorer writes a file that is not packed: name one.", Exit.USAGE)
    if file == STDOUT and sys.stdout.isatty():
        fail(
            "An export is long, and no terminal is the place for it. Name a file, as in "
            "`kastor export graph.ndjson`, or write `kastor export > graph.ndjson`.",
            Exit.USAGE,
        )
    if file != STDOUT and Path(file).is_dir():
        fail(f"{file} is a folder; name a file in it.", Exit.USAGE)


def _for_explorer(connection: Connection, wish: ExportWish, path: Path, output: Output) -> None:
    """Write the one document that ADT Explorer reads."""
    from kastor.moving.explorer.graph_file import write_explorer_graph
    from kastor.moving.exporting.graph_export import GraphExport
    from kastor.moving.exporting.item_export import exported_items

    with ExitStack() as stack:
        show = rows_shown(stack)

        async def work(client: AsyncKastorClient) -> tuple[ExportState, Mapping[str, int]]:
            exported = GraphExport(client, wish, lambda state: _show(show, state))
            counts: dict[str, int] = {}
            await write_explorer_graph(exported_items(exported, counts), path)
            return exported.state, counts

        state, counts = connection.run(work)
    _tell(str(path), state, counts, output)


def _to_stdout(connection: Connection, wish: ExportWish) -> None:
    try:
        _write(connection, wish, sys.stdout.buffer, "")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever reads has had enough, as `head` has; nothing is flushed into it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.UNREAD) from None


def _write(
    connection: Connection, wish: ExportWish, stream: IO[bytes], suffix: str
) -> tuple[ExportState, Mapping[str, int]]:
    """Write the export; return how it ended, and the lines of each section."""
    from kastor.moving.exporting.graph_export import GraphExport
    from kastor.moving.packed import packing
    from kastor.moving.section_counts import SectionCounts

    counts = SectionCounts()
    with ExitStack() as stack:
        show = rows_shown(stack)
        out = stack.enter_context(packing(stream, suffix if suffix in _PACKED else ""))

        async def work(client: AsyncKastorClient) -> ExportState:
            exported = GraphExport(client, wish, lambda state: _show(show, state))
            async with aclosing(exported.pieces()) as pieces:  # `out` may end before it does
                async for piece in pieces:
                    counts.feed(piece)
                    out.write(piece)
            return exported.state

        state = connection.run(work)
    return state, counts.found


def _show(show: Show, state: ExportState) -> None:
    show(f"reading {state.what}", state.lines, None)


def _tell(file: str, state: ExportState, counts: Mapping[str, int], output: Output) -> None:
    if output is Output.JSON:
        from json import dumps

        told = {"file": file, "sections": dict(counts), "change": state.change}
        say(dumps(told, indent=2))
        return
    words = [counted(count, _noun(name)) for name, count in counts.items()]
    say(f"Wrote {file}: {', '.join(words)}.")
    if state.change is not None:
        say(f"The next export of what changed: kastor export FILE --since {state.change}")


def _noun(section: str) -> str:
    plain = section.removeprefix("Kastor.").lower()
    return {"indexes": "indexed path", "deleted": "deletion"}.get(plain, plain.removesuffix("s"))
