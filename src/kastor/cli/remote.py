"""Calls of a running server, for commands that need one."""

from __future__ import annotations

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from kastor.cli.output import fail

TIMEOUT_SECONDS = 300.0
Url = Annotated[
    str,
    typer.Option(
        envvar="KASTOR_URL",
        help="Address of the running server, or of a graph of it: http://HOST/graphs/NAME.",
        metavar="URL",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(envvar="KASTOR_CA_FILE", help="Certificate to trust, for --tls-dev servers."),
]
DEFAULT_URL = "http://127.0.0.1:8080"


def call(method: str, url: str, path: str, ca_file: Path | None = None, body: object = None) -> Any:
    """Return the decoded answer of a call; ends the command with the server's words on a fault.

    The token comes from the variable KASTOR_TOKEN.
    """
    data = None if body is None else json.dumps(body).encode()
    address = f"{url.rstrip('/')}{path}"
    request = urllib.request.Request(address, data=data, method=method)  # noqa: S310
    if data is not None:
        request.add_header("Content-Type", "application/json")
    token = os.environ.get("KASTOR_TOKEN")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    context = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
    try:
        with urllib.request.urlopen(  # noqa: S310 - the user names the server
            request, timeout=TIMEOUT_SECONDS, context=context
        ) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        fail(_words(error))
    except OSError as error:
        fail(f"No Kastor answers at {url}: {_reason(error)}. Name it with --url or KASTOR_URL.")
    return json.loads(text) if text else None


def read_settings(source: Path | None) -> Any:
    """Return what a JSON file holds, or standard input for `-`; {} without one.

    Ends the command where it cannot be read.
    """
    if source is None:
        return {}
    try:
        return json.loads(sys.stdin.read() if str(source) == "-" else source.read_text("utf-8"))
    except (OSError, ValueError) as error:
        fail(f"{source} cannot be read as JSON: {error}")


def _words(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    if error.code == 401:  # noqa: PLR2004 - the contract's own body has no message
        return "The server wants a token: set KASTOR_TOKEN (see `kastor token create`)."
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered {error.code} {error.reason}."


def _reason(error: Exception) -> str:
    """Return what went wrong in words, without Python's names for it."""
    cause = getattr(error, "reason", None) or error
    return str(getattr(cause, "strerror", None) or cause)
