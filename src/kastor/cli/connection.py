"""The server that a command talks to, and what it does when that does not answer as hoped.

A command names a parameter of type `Connection`, and has the flags that make one by that.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.output import Exit, fail

if TYPE_CHECKING:
    from kastor.client import ClientError, KastorClient

DEFAULT_URL = "http://127.0.0.1:8080"
UrlOption = Annotated[
    str | None,
    typer.Option(
        envvar="KASTOR_URL",
        help="Address of the server, or of a graph of it: http://HOST/graphs/NAME.",
        metavar="URL",
        show_default=f"that of the context, else {DEFAULT_URL}",
    ),
]
ContextOption = Annotated[
    str | None,
    typer.Option(
        envvar="KASTOR_CONTEXT",
        help="A saved address; see `kastor context`.",
        metavar="NAME",
    ),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        envvar="KASTOR_CA_FILE",
        help="Certificate to trust, for --tls-dev servers.",
    ),
]


@dataclass(frozen=True, slots=True)
class Connection:
    """What the flags say of the server that is meant."""

    url: str | None = None
    context: str | None = None
    ca_file: Path | None = None

    @contextlib.contextmanager
    def client(self) -> Iterator[KastorClient]:
        """Return a block with a client; whatever goes wrong in it ends the command in words.

        The token comes from the variable KASTOR_TOKEN.
        """
        from kastor.client import ClientError, KastorClient

        try:
            made = KastorClient(
                self.url or DEFAULT_URL,
                os.environ.get("KASTOR_TOKEN", "").strip() or None,
                ca_file=self.ca_file,
            )
        except (ValueError, OSError) as error:
            fail(str(error), Exit.USAGE)
        with made:
            try:
                yield made
            except ClientError as error:
                end_with(error)


def end_with(error: ClientError) -> None:
    """End the command with the words and the exit status of what a client raised."""
    from kastor.client import (
        AccessError,
        ConflictError,
        NotFoundError,
        PreconditionError,
        UnreachableError,
    )

    status = Exit.FAULT
    match error:
        case NotFoundError():
            status = Exit.NOT_FOUND
        case ConflictError() | PreconditionError():
            status = Exit.CONFLICT
        case AccessError():
            status = Exit.NO_ACCESS
        case UnreachableError():
            status = Exit.UNREACHABLE
        case _:
            pass
    fail(str(error), status)
