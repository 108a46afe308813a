"""`kastor vector`: vector indexes of a running server, and vectors beside its twins."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.given import confirm, read_json
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.twin_flags import Yes
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kastor.client import AsyncKastorClient, ServiceError
    from kastor.types import Json

app = Commands()
indexes = Commands()
app.add_typer(indexes, name="index", help="Vector indexes: list, show, create, delete.")
Index = Annotated[str, typer.Argument(metavar="INDEX", help="The vector index's name.")]
Twin = Annotated[str, typer.Argument(metavar="TWIN", help="The twin's id.")]
_FIRST_FAULTS = 5
_METRICS = ("cosine", "l2", "dot")


@indexes.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print every vector index."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.vectors.list_indexes()
    if output is Output.TABLE:
        found = [{**each, "models": ", ".join(each["models"])} for each in found]
    show_rows(found, output, empty="No vector indexes. `kastor vector index create` makes one.")


@indexes.command()
def show(connection: Connection, index: Index, output: OutputOption = Output.TABLE) -> None:
    """Print a vector index, and how many twins have a usable vector."""
    from kastor.cli.rows import show_document
    from kastor.cli.settings import flat

    with connection.client() as client:
        found = client.vectors.get_index(index)
    show_document(found if output is Output.JSON else flat(found), output)


@indexes.command()
def create(
    connection: Connection,
    index: Index,
    dims: Annotated[int, typer.Option(min=1, help="Length of the vectors.", metavar="COUNT")],
    metric: Annotated[
        str,
        typer.Option(
            help="How far vectors are from each other.",
            metavar=f"<{'|'.join(_METRICS)}>",
            autocompletion=lambda: list(_METRICS),
        ),
    ] = "cosine",
    path: Annotated[
        str | None,
        typer.Option("--property", help="Property that holds the vectors.", metavar="PATH"),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            help="Text that the server's embedder makes vectors of, such as '{name}: {note}'.",
            metavar="TEXT",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Only twins of this model; repeatable.", metavar="MODEL"),
    ] = None,
) -> None:
    """Make a vector index, or give one other models.

    Without --property and --template the vectors stand beside twins: `kastor vector put` puts them
    there.
    """
    with connection.client() as client:
        made = client.vectors.put_index(
            index, dims, metric=metric, property=path, template=template, models=model or ()
        )
    place = f"of the property {path}" if path else "beside twins"
    place = "made by the embedder" if template else place
    say(f"The index {index} is there: {made['dims']} dims, {made['metric']}, {place}.")


@indexes.command()
def delete(connection: Connection, index: Index, yes: Yes = False) -> None:
    """Delete a vector index with the vectors beside twins that were put for it. It asks first."""
    with connection.client() as client:
        found = client.vectors.get_index(index)
        confirm(f"Delete the vector index {found['name']} with its vectors?", yes=yes)
        client.vectors.drop_index(index)
    say(f"The vector index {index} is gone.")


@app.command()
def get(
    connection: Connection, index: Index, twin: Twin, output: OutputOption = Output.TABLE
) -> None:
    """Print the vector that a twin has in an index, as JSON."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.vectors.get(twin, index)
    if output is Output.JSON:
        show_document({"$dtId": twin, "index": index, "vector": list(found)}, output)
        return
    say("[" + ", ".join(f"{each:.6g}" for each in found) + "]")


@app.command("delete")
def take_back(connection: Connection, index: Index, twin: Twin) -> None:
    """Take back the vector beside a twin."""
    with connection.client() as client:
        client.vectors.delete(twin, index)
    say(f"The twin {twin} has no vector in {index} any more.")


@app.command()
def put(
    connection: Connection,
    index: Index,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="Vectors of many twins: .json, .ndjson or .npy.", exists=True
        ),
    ] = None,
    twin: Annotated[
        str | None, typer.Option(help="One twin, whose vector --vector says.", metavar="TWIN")
    ] = None,
    vector: Annotated[
        str | None,
        typer.Option(help="A list of numbers as JSON, @FILE, or - for stdin.", metavar="JSON"),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            help="Ids of the twins of a .npy file, one on each line.", metavar="FILE", exists=True
        ),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Calls at once.")] = 16,
) -> None:
    """Put vectors beside twins, in place of those before.

    A .json file is an object of vectors by id; a line of .ndjson is like {"$dtId": "hall",
    "vector": [0.1, 0.2]}, as lines of exports are; of .npy each row is a vector.
    """
    if (file is None) == (twin is None) or (twin is None) != (vector is None):
        fail("Give a FILE, or --twin and --vector.", Exit.USAGE)
    if file is None:
        with connection.client() as client:
            client.vectors.put(str(twin), index, _numbers(read_json(str(vector), "--vector")))
        say(f"The twin {twin} has a vector in {index}.")
        return
    done, faults = _put_many(connection, index, file, ids, parallel)
    _end(index, done, faults)


def _put_many(
    connection: Connection, index: str, file: Path, ids: Path | None, parallel: int
) -> tuple[int, list[str]]:
    """Put the vectors of a file; return how many were tried, and what was refused."""
    from kastor.cli.progress import rows_shown
    from kastor.cli.vector_files import vectors_of
    from kastor.moving.parallel import for_each

    rows, total = vectors_of(file, ids)
    done, faults = 0, []
    with ExitStack() as stack:
        bars = rows_shown(stack)

        def on_done(row: tuple[str, list[float]], refusal: ServiceError | None) -> None:
            nonlocal done
            done += 1
            bars("vectors", done, total)
            if refusal is not None:
                faults.append(f"{row[0]}: {refusal}")

        async def source() -> AsyncIterator[tuple[str, list[float]]]:
            for row in rows:
                yield row

        async def work(client: AsyncKastorClient) -> None:
            await client.vectors.get_index(index)  # else each vector would be refused by itself
            await for_each(
                *(source(), lambda row: client.vectors.put(row[0], index, row[1])),
                *(on_done, parallel),
            )

        connection.run(work)
    return done, faults


def _end(index: str, done: int, faults: list[str]) -> None:
    """Say what came of it, and end the command where it was no whole success."""
    for fault in faults[:_FIRST_FAULTS]:
        say(fault)
    taken = done - len(faults)
    refused = f"; {len(faults)} refused" if faults else ""
    say(f"Put {counted(taken, 'vector')} into {index}{refused}.")
    if faults:
        raise typer.Exit(Exit.PARTIAL if taken else Exit.FAULT)


def _numbers(found: Json) -> list[float]:
    if not isinstance(found, list):
        fail("A vector is a list of numbers, such as [0.1, 0.2].", Exit.USAGE)
    return found
