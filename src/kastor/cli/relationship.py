"""`kastor twin relationship`: the relationships of twins of a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.given import confirm, one_of, read_object
from kastor.cli.instants import AsOf, instant
from kastor.cli.output import Exit, Output, OutputOption, RowsOption, fail
from kastor.cli.rows import show_rows
from kastor.cli.twin_flags import (
    KIND_FLAGS,
    DryRun,
    ETag,
    IfNoneMatch,
    Patch,
    Properties,
    Relationship,
    RelationshipFlag,
    Remove,
    Set,
    Source,
    SourceFlag,
    Twin,
    TwinFlag,
    Yes,
)
from kastor.cli.typed_values import (
    Members,
    interface_of,
    put_into,
    settings,
)
from kastor.cli.wanted_change import wanted_change
from kastor.cli.written import show_thing, tell_gone, tell_patched, tell_stored

if TYPE_CHECKING:
    from kastor.client import KastorClient

app = Commands()


@app.command()
def create(
    connection: Connection,
    source: Source = None,
    relationship: Relationship = None,
    kind: Annotated[
        str | None,
        typer.Option(*KIND_FLAGS, help="Its name in the model of its source.", metavar="NAME"),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target", "--target-twin-id", help="Id of the twin that it goes to.", metavar="ID"
        ),
    ] = None,
    properties: Properties = None,
    set_: Set = None,
    if_none_match: IfNoneMatch = False,
    dry_run: DryRun = False,
    source_flag: SourceFlag = None,
    relationship_flag: RelationshipFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a relationship from one twin to another, or replace one of this id."""
    twin, identifier = _ids(source, source_flag, relationship, relationship_flag)
    body, changes = read_object(properties, "--properties"), settings(set_)
    for member, value, flag in (
        ("$relationshipName", kind, "--kind"),
        ("$targetId", target, "--target"),
    ):
        if value is not None:
            body[member] = value
        if not isinstance(body.get(member), str):
            fail(f"{flag} is missing: a relationship needs its name and its target.", Exit.USAGE)
    with connection.client() as client:
        if changes:
            put_into(body, _members(client, twin, body["$relationshipName"]), changes)
        tried = client.dry_run() if dry_run else client
        condition = "*" if if_none_match else None
        found = tried.relationships.put(twin, identifier, body, if_none_match=condition)
    tell_stored(found, _named(twin, identifier), output, dry_run=dry_run)


@app.command()
def show(
    connection: Connection,
    source: Source = None,
    relationship: Relationship = None,
    as_of: AsOf = None,
    source_flag: SourceFlag = None,
    relationship_flag: RelationshipFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a relationship: its name, target, ETag and properties."""
    twin, identifier = _ids(source, source_flag, relationship, relationship_flag)
    with connection.client() as client:
        then = instant(as_of, "--as-of")
        found = client.relationships.get(twin, identifier, as_of=then)
    show_thing(found, output)


@app.command()
def update(
    connection: Connection,
    source: Source = None,
    relationship: Relationship = None,
    set_: Set = None,
    remove: Remove = None,
    json_patch: Patch = None,
    etag: ETag = None,
    dry_run: DryRun = False,
    source_flag: SourceFlag = None,
    relationship_flag: RelationshipFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change some properties of a relationship; the others stay.

    What --json-patch has is done first, then --set, then --remove, all in one request.
    """
    twin, identifier = _ids(source, source_flag, relationship, relationship_flag)
    wanted = wanted_change(set_, remove, json_patch)
    patch = wanted.patch
    with connection.client() as client:
        if wanted.needs_current:
            current = client.relationships.get(twin, identifier)
            members = _members(client, twin, current["$relationshipName"])
            made = wanted.completed(members, current, current["$etag"])
            patch, etag = made.patch, etag or made.if_match
        tried = client.dry_run() if dry_run else client
        found = tried.relationships.patch(twin, identifier, patch, if_match=etag)
    ids = {"$sourceId": twin, "$relationshipId": identifier}
    tell_patched(found, ids, _named(twin, identifier), output, dry_run=dry_run)


@app.command()
def delete(
    connection: Connection,
    source: Source = None,
    relationship: Relationship = None,
    etag: ETag = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    source_flag: SourceFlag = None,
    relationship_flag: RelationshipFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a relationship; both twins stay. It asks first."""
    twin, identifier = _ids(source, source_flag, relationship, relationship_flag)
    confirm(f"Delete the relationship {identifier} of {twin}?", yes=yes or dry_run)
    with connection.client() as client:
        tried = client.dry_run() if dry_run else client
        tried.relationships.delete(twin, identifier, if_match=etag)
    ids = {"$sourceId": twin, "$relationshipId": identifier}
    tell_gone(ids, _named(twin, identifier), output, dry_run=dry_run)


@app.command("list")
def list_command(
    connection: Connection,
    twin: Twin = None,
    incoming: Annotated[
        bool, typer.Option("--incoming", help="Those that come to the twin.")
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option(*KIND_FLAGS, help="Only those of this name.", metavar="NAME"),
    ] = None,
    as_of: AsOf = None,
    twin_flag: TwinFlag = None,
    output: RowsOption = Output.TABLE,
) -> None:
    """Print the relationships that go from a twin, or come to it."""
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    columns = ["$relationshipId", "$relationshipName", "$sourceId" if incoming else "$targetId"]
    named = f" of the name {kind}" if kind else ""
    way = "comes to" if incoming else "goes from"
    empty = f"No relationships. None{named} {way} {identifier}."
    then = instant(as_of, "--as-of")
    with connection.client() as client:
        if incoming:
            rows = (
                each
                for each in client.relationships.incoming(identifier, as_of=then)
                if kind is None or each.get("$relationshipName") == kind
            )
        else:
            rows = (each for each in client.relationships.list(identifier, kind, as_of=then))
        show_rows(rows, output, columns=columns, empty=empty)


def _ids(
    source: str | None,
    source_flag: str | None,
    relationship: str | None,
    relationship_flag: str | None,
) -> tuple[str, str]:
    if relationship is None and source_flag is not None:
        # With --twin-id the one argument is the relationship.
        source, relationship = None, source
    return (
        one_of(source, source_flag, "The id of the source", "--twin-id"),
        one_of(relationship, relationship_flag, "The id of the relationship", "--relationship-id"),
    )


def _named(twin: str, identifier: str) -> str:
    return f"The relationship {identifier} of {twin}"


def _members(client: KastorClient, twin: str, name: str) -> Members:
    """Return the properties that a relationship of a twin may have; any where no model says it."""
    from kastor.client import NotFoundError

    try:
        interface = interface_of(client, client.twins.get(twin)["$metadata"]["$model"])
    except NotFoundError:
        return Members(name)
    found = interface.relationships.get(name) if interface else None
    return Members(name) if found is None else Members(name, found.properties)
