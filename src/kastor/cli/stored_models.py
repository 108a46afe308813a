"""`kastor models` of a running server: list, show, decommission."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.given import one_of
from kastor.cli.instants import AsOf, instant
from kastor.cli.output import Exit, Output, OutputOption, RowsOption, fail, say
from kastor.cli.rows import show_document, show_rows
from kastor.cli.twin_flags import DryRun
from kastor.cli.written import NOTHING_CHANGED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.types import Document

Model = Annotated[
    str | None, typer.Argument(metavar="DTMI", help="Id of the model.", show_default=False)
]
ModelFlag = Annotated[
    str | None,
    typer.Option("--dtmi", "-m", help="Id of the model, in the argument's place.", metavar="DTMI"),
]
Definition = Annotated[
    bool, typer.Option("--definition", "--def", help="With the DTDL documents themselves.")
]
_COLUMNS = ("id", "displayName", "decommissioned", "uploadTime")
"""Of CSV."""


def list_command(
    connection: Connection,
    dependencies_for: Annotated[
        list[str] | None,
        typer.Option(
            "--dependencies-for",
            help="Only this model and those that it needs; repeatable.",
            metavar="DTMI",
        ),
    ] = None,
    definition: Definition = False,
    as_of: AsOf = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print the models that a server has: ids, names, when they came, which are decommissioned."""
    if definition and output == Output.TABLE:
        fail("DTDL fits into no table: --definition goes with --output json or ndjson.", Exit.USAGE)
    is_table = output == Output.TABLE
    with connection.client() as client:
        found = client.models.list(
            dependencies_for or (), definitions=definition, as_of=instant(as_of, "--as-of")
        )
        show_rows(
            (_row(each) if is_table else each for each in found),
            output,
            columns=("id", "displayName", "state", "uploaded") if is_table else _COLUMNS,
            empty="No models. `kastor models upload` brings some.",
        )


def show(
    connection: Connection,
    model: Model = None,
    definition: Definition = False,
    as_of: AsOf = None,
    model_flag: ModelFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print what a model is and has; with --definition its DTDL document alone."""
    identifier = one_of(model, model_flag, "The model's id", "--dtmi")
    as_json = output == Output.JSON
    with connection.client() as client:
        then = instant(as_of, "--as-of")
        found = client.models.get(identifier, definition=definition or not as_json, as_of=then)
    if as_json:
        show_document(found, output)
    elif definition:
        say(json.dumps(found["model"], indent=2, ensure_ascii=False))
    else:
        show_document(_described(found), output)


def decommission(
    connection: Connection,
    model: Model = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let it have new twins again.")] = False,
    dry_run: DryRun = False,
    model_flag: ModelFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a model have no new twins; those that it has go on."""
    identifier = one_of(model, model_flag, "The model's id", "--dtmi")
    with connection.client() as client:
        tried = client.dry_run() if dry_run else client
        tried.models.decommission(identifier, decommissioned=not undo)
    if output == Output.JSON:
        said = {"id": identifier, "decommissioned": not undo, "dryRun": dry_run}
        show_document(said, output)
        return
    state = "in service again" if undo else "decommissioned"
    would = "would be" if dry_run else "is"
    say(f"{identifier} {would} {state}.{f' {NOTHING_CHANGED}' if dry_run else ''}")


def _row(found: Document) -> Document:
    return {
        "id": found["id"],
        "displayName": _in_a_language(found.get("displayName")),
        "state": "decommissioned" if found.get("decommissioned") else "active",
        # The day: ids are long, and a terminal is not wide.
        "uploaded": str(found.get("uploadTime", "")).partition("T")[0],
    }


def _described(found: Document) -> Document:
    """Return a model for people: what the server says of it, and the names of what it has."""
    from kastor.dtdl import contents_by_kind, references

    document = found["model"]
    refers = references(document)
    shown = _row(found) | {
        "uploaded": found.get("uploadTime"),
        "description": _in_a_language(found.get("description")),
    }
    shown["extends"] = ", ".join(refers.extends)
    for kind, contents in contents_by_kind(document).items():
        shown[kind] = ", ".join(str(each.get("name", "")) for each in contents)
    return {name: value for name, value in shown.items() if value}


def _in_a_language(texts: object) -> str:
    """Return a text that may be there in several languages; in English if it is."""
    if not isinstance(texts, dict):
        return texts if isinstance(texts, str) else ""
    found: Mapping[str, object] = texts
    return str(found.get("en") or next(iter(found.values()), ""))
