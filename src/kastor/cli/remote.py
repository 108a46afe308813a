"""Calls of a running server, for commands that need one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from kastor.cli.output import fail
from kastor.types import Json, override

CONNECT_SECONDS = 10.0
TIMEOUT_SECONDS = 300.0
"""Between two parts of an answer: some operations take their time."""
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


def call(
    method: str, url: str, path: str, ca_file: Path | None = None, body: object = None
) -> Json:
    """Return the decoded answer of a call; ends the command with the server's words on a fault.

    The token comes from the variable KASTOR_TOKEN.
    """
    with stream(method, url, path, ca_file, body) as answer:
        text = answer.read()
    try:
        return json.loads(text) if text else None
    except ValueError:
        fail(f"What answers at {url} is no Kastor. Name it with --url or KASTOR_URL.")


@contextlib.contextmanager
def stream(
    method: str, url: str, path: str, ca_file: Path | None = None, body: object = None
) -> Iterator[http.client.HTTPResponse]:
    """Return a block in which a call's answer is read; ends the command as `call` does."""
    data = None if body is None else json.dumps(body).encode()
    _require_address(url)
    request = urllib.request.Request(f"{url.rstrip('/')}{path}", data=data, method=method)  # noqa: S310
    if data is not None:
        request.add_header("Content-Type", "application/json")
    token = os.environ.get("KASTOR_TOKEN", "").strip()
    if token:
        if not token.isascii() or not token.isprintable():
            fail("KASTOR_TOKEN holds no token: it has characters that no token has.")
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with _opener(url, ca_file).open(request, timeout=TIMEOUT_SECONDS) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        fail(_words(error))
    except (OSError, http.client.HTTPException) as error:
        fail(f"No Kastor answers at {url}: {_reason(error)}. Name it with --url or KASTOR_URL.")


def _require_address(url: str) -> None:
    """End the command where the address is none; a password in it is not shown."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_address = is_address and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        fail("The address of the server is no URL such as http://127.0.0.1:8080.")
    if not is_address:
        fail("The address of the server must be http://HOST or https://HOST.")
    if parts.username is not None:
        fail("The address of the server has a user in it; a token is given in KASTOR_TOKEN.")


def _opener(url: str, ca_file: Path | None) -> urllib.request.OpenerDirector:
    """Return what opens an address: to its own origin alone, and this machine without a proxy."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        fail(f"The certificates of {ca_file} cannot be used: {_reason(error)}.")
    handlers: list[urllib.request.BaseHandler] = [
        _SameOrigin(),
        _Http(),
        _Https(context=context),
    ]
    from kastor.config import is_loopback

    name = urlsplit(url).hostname or ""
    if is_loopback(name) or name.endswith(".localhost"):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows no redirection to another origin: the token is for the one that was named."""

    @override
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if _origin(newurl) != _origin(req.full_url):
            fail(
                f"The server sends this on to {_origin(newurl)}, and the token is not sent there. "
                "If that is your server, name it with --url or KASTOR_URL."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Http(urllib.request.HTTPHandler):
    @override
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_QuickConnection, req)


class _Https(urllib.request.HTTPSHandler):
    @override
    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_QuickTlsConnection, req, context=self._context)  # type: ignore[attr-defined]


class _QuickConnection(http.client.HTTPConnection):
    """Gives up soon where nobody answers; an answer may take its time."""

    @override
    def connect(self) -> None:
        _connect(self, super().connect)


class _QuickTlsConnection(http.client.HTTPSConnection):
    """As above, with TLS."""

    @override
    def connect(self) -> None:
        _connect(self, super().connect)


def _connect(connection: http.client.HTTPConnection, connect: Callable[[], None]) -> None:
    patience, connection.timeout = connection.timeout, CONNECT_SECONDS
    try:
        connect()
    finally:
        connection.timeout = patience
    connection.sock.settimeout(patience)


def _origin(url: str) -> str:
    """Scheme, host and port."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.hostname}:{port}"


def read_settings(source: Path | None) -> Json:
    """Return what a JSON file holds, or standard input for `-`; {} without one.

    Ends the command where it cannot be read.
    """
    if source is None:
        return {}
    try:
        return json.loads(sys.stdin.read() if str(source) == "-" else source.read_text("utf-8"))
    except (OSError, ValueError) as error:
        fail(f"{source} cannot be read as JSON: {_reason(error)}.")


def _words(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    if error.code == 401:  # noqa: PLR2004 - the contract's own body has no message
        return "The server wants a token: set KASTOR_TOKEN (see `kastor token create`)."
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        if error.code == 403:  # noqa: PLR2004 - the contract's own has no body
            return (
                "The token in KASTOR_TOKEN does not allow this. Take one of another role, such as "
                "that of `kastor token create --role owner`."
            )
        return f"The server answered {error.code} {error.reason}."


def _reason(error: Exception) -> str:
    """Return what went wrong in words, without Python's names for it."""
    cause = getattr(error, "reason", None) or error
    return str(getattr(cause, "strerror", None) or cause)
