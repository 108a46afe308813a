"""`kastor twin telemetry`: telemetry of a twin, to be sent by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.given import one_of, read_json
from kastor.cli.output import Output, OutputOption, say
from kastor.cli.rows import show_document
from kastor.cli.twin_flags import DryRun, Twin, TwinFlag
from kastor.cli.written import NOTHING_CHANGED

app = Commands()


@app.callback()
def _telemetry() -> None:
    """Send telemetry of a twin."""


@app.command()
def send(
    connection: Connection,
    twin: Twin = None,
    payload: Annotated[
        str | None,
        typer.Argument(
            metavar="PAYLOAD",
            help="Any JSON value: text, @FILE, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option("--component", help="The component that it is of.", metavar="NAME"),
    ] = None,
    message_id: Annotated[
        str | None,
        typer.Option(
            "--message-id", "--dt-id", help="Id of the message; a new one without.", metavar="ID"
        ),
    ] = None,
    source_time: Annotated[
        str | None,
        typer.Option(
            "--source-time",
            "--telemetry-source-time",
            "--tst",
            help="When it was measured, in ISO 8601; now without.",
            metavar="TIME",
        ),
    ] = None,
    dry_run: DryRun = False,
    twin_flag: TwinFlag = None,
    payload_flag: Annotated[
        str | None,
        typer.Option("--telemetry", help="The payload, in the argument's place.", metavar="JSON"),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Send telemetry of a twin or of a component of it to the routes; the twin stays as it is."""
    from uuid import uuid4

    if payload is None and twin_flag is not None:
        # With --twin-id the one argument is the payload.
        twin, payload = None, twin
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    value = read_json(one_of(payload, payload_flag, "The payload", "--telemetry"), "The payload")
    message = message_id or str(uuid4())
    with connection.client() as client:
        tried = client.dry_run() if dry_run else client
        tried.twins.send_telemetry(
            identifier, value, component=component, message_id=message, source_time=source_time
        )
    if output == Output.JSON:
        show_document({"$dtId": identifier, "messageId": message, "dryRun": dry_run}, output)
    elif dry_run:
        say(f"The telemetry of {identifier} would be sent. {NOTHING_CHANGED}")
    else:
        say(f"Sent as message {message}.")
