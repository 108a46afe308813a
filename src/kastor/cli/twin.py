"""`kastor twin`: twins of a running server, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import CommandEntry, Commands
from kastor.cli.connection import Connection
from kastor.cli.given import one_of, read_object
from kastor.cli.instants import AsOf, instant
from kastor.cli.output import Exit, Output, OutputOption, RowsOption, fail, warn
from kastor.cli.rows import show_rows
from kastor.cli.twin_flags import (
    DryRun,
    ETag,
    IfNoneMatch,
    Patch,
    Properties,
    Remove,
    Set,
    Twin,
    TwinFlag,
)
from kastor.cli.typed_values import (
    Members,
    Setting,
    interface_of,
    put_into,
    settings,
)
from kastor.cli.wanted_change import wanted_change
from kastor.cli.written import show_thing, tell_patched, tell_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kastor.client import KastorClient
    from kastor.types import Document

app = Commands(
    (
        CommandEntry("delete", "kastor.cli.twin_deletion:delete", "Delete a twin. It asks first."),
        CommandEntry(
            "query",
            "kastor.cli.query:query",
            "Run a query and print its rows; without a text, open the shell.",
        ),
        CommandEntry(
            "relationship",
            "kastor.cli.relationship:app",
            "Relationships of twins: create, show, update, delete, list.",
        ),
        CommandEntry(
            "component", "kastor.cli.component:app", "Components of a twin: show, update, list."
        ),
        CommandEntry("telemetry", "kastor.cli.telemetry:app", "Send telemetry of a twin."),
    )
)


@app.command()
def create(
    connection: Connection,
    twin: Twin = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "--dtmi", "-m", help="Id of its model.", metavar="DTMI"),
    ] = None,
    properties: Properties = None,
    set_: Set = None,
    if_none_match: IfNoneMatch = False,
    dry_run: DryRun = False,
    twin_flag: TwinFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a twin, or replace one of this id.

    Components that are not given are there without values.
    """
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    body, changes = read_object(properties, "--properties"), settings(set_)
    named = _model_of(body, model)
    with connection.client() as client:
        _complete(client, body, named, changes)
        tried = client.dry_run() if dry_run else client
        found = tried.twins.put(identifier, body, if_none_match="*" if if_none_match else None)
    tell_stored(found, f"The twin {identifier}", output, dry_run=dry_run)


@app.command()
def show(
    connection: Connection,
    twin: Twin = None,
    as_of: AsOf = None,
    twin_flag: TwinFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a twin: its model, ETag, properties and components."""
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    with connection.client() as client:
        found = client.twins.get(identifier, as_of=instant(as_of, "--as-of"))
    show_thing(found, output)


@app.command()
def update(
    connection: Connection,
    twin: Twin = None,
    set_: Set = None,
    remove: Remove = None,
    json_patch: Patch = None,
    etag: ETag = None,
    dry_run: DryRun = False,
    twin_flag: TwinFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change some properties of a twin; the others stay.

    What --json-patch has is done first, then --set, then --remove, all in one request.
    """
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    wanted = wanted_change(set_, remove, json_patch)
    patch = wanted.patch
    with connection.client() as client:
        if wanted.needs_current:
            current = client.twins.get(identifier)
            made = wanted.completed(_members_of(client, current), current, current["$etag"])
            patch, etag = made.patch, etag or made.if_match
        tried = client.dry_run() if dry_run else client
        found = tried.twins.patch(identifier, patch, if_match=etag)
    tell_patched(found, {"$dtId": identifier}, f"The twin {identifier}", output, dry_run=dry_run)


@app.command("list")
def list_command(
    connection: Connection,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "--dtmi",
            "-m",
            help="Only twins of this model or of one that extends it.",
            metavar="DTMI",
        ),
    ] = None,
    as_of: AsOf = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print the ids of twins and their models."""
    text = "SELECT T.$dtId, T.$metadata.$model FROM digitaltwins T"
    if model is not None:
        if "'" in model or "\\" in model:
            fail(f"{model} is no id of a model: those begin with dtmi: and have no quotes.")
        text += f" WHERE IS_OF_MODEL(T, '{model}')"
    empty = "No twins. `kastor twin create` makes one."
    if model is not None:
        empty = f"No twins of {model} or of a model that extends it."
    with connection.client() as client:
        found = _ids(client, text, instant(as_of, "--as-of"))
        show_rows(found, output, columns=("$dtId", "$model"), empty=empty)


def _ids(client: KastorClient, text: str, then: str | None) -> Iterator[Document]:
    """Yield ids and models, and tell beside them what the server warns of: no such model, say."""
    told: set[str] = set()
    for page in client.query(text, as_of=then).pages():
        for each in set(page.warnings) - told:
            warn(each)
        told |= set(page.warnings)
        for row in page.items:
            yield {"$dtId": row.get("$dtId"), "$model": row.get("$model")}


def _model_of(body: Document, model: str | None) -> str:
    """Return the model that a body and the flag name, and have the body name it."""
    metadata = body.setdefault("$metadata", {})
    if not isinstance(metadata, dict):
        fail("$metadata of --properties has to be a JSON object.", Exit.USAGE)
    inside = metadata.get("$model")
    if model is not None and inside not in (None, model):
        fail(f"--model is {model}, but --properties name {inside}.", Exit.USAGE)
    named = model or inside
    if not isinstance(named, str) or not named:
        fail("The model is missing: give its id by --model.", Exit.USAGE)
    metadata["$model"] = named
    return named


def _complete(client: KastorClient, body: Document, model: str, changes: Sequence[Setting]) -> None:
    """Put settings into a twin's body, and the components that its model has and it lacks."""
    from kastor.client import NotFoundError

    try:
        interface = interface_of(client, model)
    except NotFoundError:
        fail(
            f"There is no model {model}. `kastor models list` shows those that are there, and "
            "`kastor models upload` brings one.",
            Exit.NOT_FOUND,
        )
    put_into(body, Members(model, interface.contents if interface else None), changes)
    for name in interface.components if interface else ():
        part = body.setdefault(name, {})
        if isinstance(part, dict):
            part.setdefault("$metadata", {})


def _members_of(client: KastorClient, twin: Document) -> Members:
    """Return what a twin's model has; anything where it is an orphan."""
    from kastor.client import NotFoundError

    model = twin["$metadata"]["$model"]
    try:
        interface = interface_of(client, model)
    except NotFoundError:
        interface = None
    return Members(model, interface.contents if interface else None)
