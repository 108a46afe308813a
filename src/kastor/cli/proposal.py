"""`kastor proposal`: writes of agents and scripts that wait for somebody's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Output, OutputOption, say

if TYPE_CHECKING:
    from collections.abc import Iterator

app = Commands()
Id = Annotated[str, typer.Argument(metavar="ID", help="The proposal's id.")]
_COLUMNS = ("id", "status", "by", "count", "reason", "expires")


@app.command("list")
def list_command(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Print the open proposals that one made or may approve, oldest first."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.proposals.list()
    if output is Output.JSON:
        show_rows(found, output)
        return
    show_rows(found, output, columns=_COLUMNS, empty="No open proposals.")


@app.command()
def show(connection: Connection, proposal_id: Id, output: OutputOption = Output.TABLE) -> None:
    """Print a proposal and all that it would change."""
    from kastor.cli.rows import show_rows

    with connection.client() as client:
        found = client.proposals.get(proposal_id)
    if output is Output.JSON:
        show_rows([found], output)
        return
    approver = found["approvedBy"]
    say(f"{found['status']}: {found['reason']}")
    approved = f", approved by {approver}" if approver else ""
    say(f"proposed by {found['by']}{approved}, until {found['expires']}")
    rows = [row for each in found["diff"] for row in _rows(each)]
    show_rows(rows, output, empty="It changes nothing.")


@app.command()
def approve(connection: Connection, proposal_id: Id) -> None:
    """Say that a proposal may be applied; whoever proposed it applies it."""
    with connection.client() as client:
        found = client.proposals.approve(proposal_id)
    say(f"Approved. {found['by']} applies it until {found['expires']}.")


@app.command()
def reject(connection: Connection, proposal_id: Id) -> None:
    """Remove a proposal; nothing of it is written."""
    with connection.client() as client:
        client.proposals.reject(proposal_id)
    say("Rejected.")


def _rows(difference: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a row for a thing that comes or goes, or one for each value that changes."""
    source = difference.get("source")
    name = difference["id"] if source is None else f"{source} -> {difference['id']}"
    head = {"what": difference["what"], "kind": difference["kind"], "id": name}
    if difference["what"] != "changed":
        yield {**head, "path": None, "before": None, "after": None}
        return
    for step in difference["patch"]:
        yield {
            **head,
            "path": step["path"],
            "before": step.get("was"),
            "after": step.get("value"),
        }
