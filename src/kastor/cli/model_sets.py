"""The models that a command works on: those of files, or those that a server has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kastor import dtdl
from kastor.cli.output import fail, say
from kastor.cli.sources import Sources
from kastor.dtdl import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.cli.connection import Connection


def models_of_files(paths: Sequence[str]) -> dtdl.ModelSet:
    """Return the models of files and folders; problems of theirs end the command."""
    sources = Sources(paths)
    for note in sources.notes:
        say(note, file=sys.stderr)
    try:
        return dtdl.parse(sources.texts, keep_going=True)
    except dtdl.DtdlError as error:
        say(report.as_text(error.causes, sources.names, sources.shown), file=sys.stderr)
        fail("The models are not valid.")


def models_of_server(connection: Connection) -> dtdl.ModelSet:
    """Return all models of a server; what prevents it ends the command.

    A server checked them, so that a problem says that it knows more than this version does.
    """
    with connection.client() as client:
        documents = [each["model"] for each in client.models.list(definitions=True)]
    try:
        return dtdl.parse(documents, keep_going=True)
    except dtdl.DtdlError as error:
        fail(f"Models of the server are not understood here: {error}")
