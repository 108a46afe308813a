"""`kastor twin component`: the components of a twin of a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.given import one_of
from kastor.cli.instants import AsOf, instant
from kastor.cli.output import Output, OutputOption
from kastor.cli.rows import show_rows
from kastor.cli.twin_flags import (
    Component,
    ComponentFlag,
    DryRun,
    ETag,
    Patch,
    Remove,
    Set,
    Twin,
    TwinFlag,
)
from kastor.cli.typed_values import Members, interface_of
from kastor.cli.wanted_change import wanted_change
from kastor.cli.written import show_thing, tell_patched

if TYPE_CHECKING:
    from kastor.client import KastorClient
    from kastor.dtdl import Interface
    from kastor.types import Document

app = Commands()


@app.command()
def show(
    connection: Connection,
    twin: Twin = None,
    component: Component = None,
    as_of: AsOf = None,
    twin_flag: TwinFlag = None,
    component_flag: ComponentFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a component of a twin."""
    identifier, name = _ids(twin, twin_flag, component, component_flag)
    with connection.client() as client:
        then = instant(as_of, "--as-of")
        found = client.twins.get_component(identifier, name, as_of=then)
    show_thing(found, output)


@app.command()
def update(
    connection: Connection,
    twin: Twin = None,
    component: Component = None,
    set_: Set = None,
    remove: Remove = None,
    json_patch: Patch = None,
    etag: ETag = None,
    dry_run: DryRun = False,
    twin_flag: TwinFlag = None,
    component_flag: ComponentFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change some properties of a component; paths begin within it.

    What --json-patch has is done first, then --set, then --remove, all in one request. The ETag is
    that of the twin.
    """
    identifier, name = _ids(twin, twin_flag, component, component_flag)
    wanted = wanted_change(set_, remove, json_patch)
    patch = wanted.patch
    with connection.client() as client:
        if wanted.needs_current:
            current = client.twins.get(identifier)
            part = current.get(name)
            now = part if isinstance(part, dict) else {}
            made = wanted.completed(_members(client, current, name), now, current["$etag"])
            patch, etag = made.patch, etag or made.if_match
        tried = client.dry_run() if dry_run else client
        found = tried.twins.patch_component(identifier, name, patch, if_match=etag)
    what = f"The component {name} of {identifier}"
    ids = {"$dtId": identifier, "component": name}
    tell_patched(found, ids, what, output, dry_run=dry_run)


@app.command("list")
def list_command(
    connection: Connection,
    twin: Twin = None,
    twin_flag: TwinFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print the components of a twin, and their models."""
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    with connection.client() as client:
        found = client.twins.get(identifier)
        interface = _interface(client, found["$metadata"]["$model"])
    rows: list[dict[str, Any]] = [
        {"component": name, "$model": each.schema_id}
        for name, each in (interface.components if interface else {}).items()
    ]
    if interface is None:
        # An orphan's parts are known by their metadata alone.
        rows = [
            {"component": name, "$model": None}
            for name, value in found.items()
            if isinstance(value, dict) and "$metadata" in value
        ]
    empty = f"No components. The model of {identifier} has none."
    show_rows(rows, output, columns=("component", "$model"), empty=empty)


def _ids(
    twin: str | None, twin_flag: str | None, component: str | None, component_flag: str | None
) -> tuple[str, str]:
    if component is None and twin_flag is not None:
        # With --twin-id the one argument is the component.
        twin, component = None, twin
    return (
        one_of(twin, twin_flag, "The twin's id", "--twin-id"),
        one_of(component, component_flag, "The component's name", "--component"),
    )


def _members(client: KastorClient, twin: Document, name: str) -> Members:
    """Return what a component of a twin has; anything where no model says it."""
    interface = _interface(client, twin["$metadata"]["$model"])
    part = interface.components.get(name) if interface else None
    return Members(name) if part is None else Members(part.schema_id, part.schema.contents)


def _interface(client: KastorClient, model: str) -> Interface | None:
    from kastor.client import NotFoundError

    try:
        return interface_of(client, model)
    except NotFoundError:
        return None
