"""The `kastor` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kastor import __version__
from kastor.cli import completion
from kastor.cli.commands import CommandEntry, Commands
from kastor.cli.output import flush, say, speak_utf8, written

COMMANDS = (
    CommandEntry("serve", "kastor.cli.serve:serve", "Start the server."),
    CommandEntry(
        "reset",
        "kastor.cli.reset:reset",
        "Delete what is in a graph: models, twins, relationships and history.",
    ),
    CommandEntry(
        "copy",
        "kastor.cli.copy:copy",
        "Copy a graph with its history and change log, and verify it by counts and hashes.",
    ),
    CommandEntry(
        "backup",
        "kastor.cli.backup:backup",
        "Back up all graphs: models, twins, history, change log, routes, endpoints and inputs.",
    ),
    CommandEntry(
        "restore",
        "kastor.cli.restore:restore",
        "Check a backup and restore all graphs in it, also from the other engine.",
    ),
    CommandEntry(
        "migrate",
        "kastor.cli.migrate:migrate",
        "Move a graph from one server to another, from Azure Digital Twins too, and verify it.",
    ),
    CommandEntry(
        "status",
        "kastor.cli.status:status",
        "Say what a graph holds: version, engine, counts, sizes.",
    ),
    CommandEntry(
        "health",
        "kastor.cli.health:health",
        "Ask the server of this machine whether it is ready; else say why not.",
    ),
    CommandEntry(
        "doctor",
        "kastor.cli.doctor:doctor",
        "Look whether a server can run under these settings, and say what to mend.",
    ),
    CommandEntry(
        "docs",
        "kastor.cli.docs:docs",
        "Print a page of the documentation; without a name, list the pages.",
    ),
    CommandEntry("job", "kastor.cli.job:app", "Long work, and how it is getting on.", alias="jobs"),
    CommandEntry(
        "query",
        "kastor.cli.query:query",
        "Run a query and print its rows; without a text, open the shell.",
    ),
    CommandEntry(
        "find",
        "kastor.cli.find:find",
        "Find twins, models and names of relationships by their texts; twins by meaning as well.",
    ),
    CommandEntry(
        "shell",
        "kastor.cli.query:shell",
        "Open the shell: queries with history, completion and commands that describe the graph.",
    ),
    CommandEntry(
        "context", "kastor.cli.context:app", "Saved addresses, and what lets one in there."
    ),
    CommandEntry(
        "completion",
        "kastor.cli.completion:completion",
        "Print the script that has a shell complete commands, flags and values.",
    ),
    CommandEntry(
        "import",
        "kastor.cli.importing:import_files",
        "Import files: models, then twins, then relationships.",
    ),
    CommandEntry(
        "export",
        "kastor.cli.exporting:export",
        "Export a graph as a file that `kastor import` and Azure Digital Twins take.",
    ),
    CommandEntry(
        "history",
        "kastor.cli.history:app",
        "The past of a graph: versions, series, differences, and the way back.",
    ),
    CommandEntry("token", "kastor.cli.token:app", "Make, list, rotate and revoke access tokens."),
    CommandEntry(
        "audit",
        "kastor.cli.audit:audit",
        "Print the audit log: who was refused, who did what only an administrator does.",
    ),
    CommandEntry(
        "access",
        "kastor.cli.access_check:app",
        "Who may do what by tokens and policy, without a server: check, roles, permissions.",
    ),
    CommandEntry(
        "me",
        "kastor.cli.me:me",
        "Say who one is to a server, and what one may do on the graph.",
    ),
    CommandEntry(
        "mcp",
        "kastor.cli.agents:mcp",
        "Let an assistant on this machine use the tools of a server, over stdin and stdout.",
    ),
    CommandEntry("endpoint", "kastor.cli.endpoint:app", "Where events go to."),
    CommandEntry("route", "kastor.cli.route:app", "The health of event routes; dead letters."),
    CommandEntry("input", "kastor.cli.ingest:app", "Where messages of sensors come from."),
    CommandEntry("index", "kastor.cli.index:app", "Indexes on properties, for faster queries."),
    CommandEntry(
        "vector",
        "kastor.cli.vector:app",
        "Search by meaning: vector indexes, and vectors beside twins.",
        alias="vectors",
    ),
    CommandEntry(
        "proposal",
        "kastor.cli.proposal:app",
        "Writes that wait for somebody's word: list, show, approve, reject.",
    ),
    CommandEntry(
        "graph", "kastor.cli.graph:app", "List, make and delete graphs of a running server."
    ),
    CommandEntry(
        "twin",
        "kastor.cli.twin:app",
        "Twins, their relationships, components and telemetry.",
        alias="twins",
    ),
    CommandEntry(
        "delete-all",
        "kastor.cli.delete_all:delete_all",
        "Delete all models, twins and relationships of a graph, or all of some. It asks first.",
    ),
    CommandEntry(
        "models",
        "kastor.cli.models:app",
        "Models of a server, and DTDL in files: list, upload, download, validate and more.",
        alias="model",
    ),
)
"""What `kastor --help` lists, in its order."""

app = Commands(
    COMMANDS,
    name="kastor",
    help="A digital-twin server that speaks the Azure Digital Twins data-plane API.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        with written():
            say(f"kastor {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    speak_utf8()
    if completion.VARIABLE in os.environ:
        completion.register()
    try:
        app(sys.argv[1:], prog_name="kastor")
    finally:
        flush()
