"""`kastor find`: what has a text in its id, its name or its values."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.output import Output, RowsOption, warn

if TYPE_CHECKING:
    from kastor.client.calls import Document

_COLUMNS = ("kind", "id", "name", "model", "found", "in")
_NEAR_COLUMNS = ("id", "name", "model", "text rank", "vector rank", "distance", "found")
_WHERE = {"$dtId": "id", "@id": "id", "name": "name"}


class Mode(StrEnum):
    """What hits are ordered by."""

    AUTO = "auto"
    WORDS = "words"
    VECTOR = "vector"
    HYBRID = "hybrid"


def find(
    connection: Connection,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="What to look for; parts of words will do.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="twin, model or relationship; repeatable.", metavar="KIND"),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="The most hits to print.", metavar="COUNT")
    ] = 20,
    like: Annotated[
        str | None,
        typer.Option(
            help="Find twins near to this one in meaning, by a vector index.", metavar="ID"
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(help="The vector index; the only one without.", metavar="NAME"),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(help="words, vector, or hybrid, which needs both; auto takes what is given."),
    ] = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Find twins, models and names of relationships by their texts; twins by meaning as well."""
    from kastor.cli.rows import show_rows

    if text is None and like is None:
        raise typer.BadParameter("Give a text, or --like with the id of a twin.")
    with connection.client() as client:
        ask = partial(
            client.search,
            text,
            kinds=kind or (),
            limit=limit,
            like=like,
            index=index,
            mode=None if mode is None else mode.value,
        )
        found = ask()
        if found.get("lag") and not found.get("building"):  # what was written just now as well
            found = ask(up_to=found["position"] + found["lag"])
    hits, is_near = found["value"], "ranking" in found
    if output in (Output.TABLE, Output.CSV):
        rows = [(_near if is_near else _told)(hit) for hit in hits]
        columns = _NEAR_COLUMNS if is_near else _COLUMNS
        show_rows(rows, output, columns=columns, empty="Nothing found.")
    else:
        show_rows(hits, output)
    if "degraded" in found:
        warn(f"Found by words alone. {found['degraded']}")
    if found.get("building"):
        warn("The search index is being made; there may be more than was found.")


def _near(hit: Document) -> Document:
    distance = hit.get("distance")
    return {
        "id": hit["id"],
        "name": hit.get("name", ""),
        "model": hit.get("model", ""),
        "text rank": hit.get("textRank", ""),
        "vector rank": hit.get("vectorRank", ""),
        "distance": "" if distance is None else f"{distance:.4g}",
        "found": hit.get("text", ""),
    }


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
