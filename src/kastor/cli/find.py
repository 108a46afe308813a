"""`kastor find`: what has a text in its id, its name or its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.output import Output, RowsOption, warn

if TYPE_CHECKING:
    from kastor.client.calls import Document

_COLUMNS = ("kind", "id", "name", "model", "found", "in")
_WHERE = {"$dtId": "id", "@id": "id", "name": "name"}


def find(
    connection: Connection,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What to look for; parts of words will do.")
    ],
    kind: Annotated[
        list[str] | None,
        typer.Option(help="twin, model or relationship; repeatable.", metavar="KIND"),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="The most hits to print.", metavar="COUNT")
    ] = 20,
    output: RowsOption = Output.TABLE,
) -> None:
    """Find twins, models and names of relationships by any part of their texts."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.search(text, kinds=kind or (), limit=limit)
        if found["lag"] and not found.get("building"):  # what was written just now is wanted too
            change = found["position"] + found["lag"]
            found = client.search(text, kinds=kind or (), limit=limit, up_to=change)
    hits = found["value"]
    if output in (Output.TABLE, Output.CSV):
        show_rows([_told(hit) for hit in hits], output, columns=_COLUMNS, empty="Nothing found.")
    else:
        show_rows(hits, output)
    if found.get("building"):
        warn("The search index is being made; there may be more than was found.")


def _told(hit: Document) -> Document:
    name = hit.get("name", "")
    if hit["kind"] == "relationship":
        count = hit.get("count", 0)
        name = f"{count:,} relationship{'' if count == 1 else 's'}"
    field = hit["field"]
    return {
        "kind": hit["kind"],
        "id": hit["id"],
        "name": name,
        "model": hit.get("model", ""),
        "found": hit["text"],
        "in": _WHERE.get(field, field),
    }
