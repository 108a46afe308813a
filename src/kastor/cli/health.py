"""`kastor health`: whether the server of this machine can serve, for health checks.

Containers and services run it again and again: it loads neither the settings nor the client.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from kastor.cli.connection import DEFAULT_URL
from kastor.cli.output import Exit, fail, say

if TYPE_CHECKING:
    from http.client import HTTPConnection

SECONDS = 5.0
"""That the server may take to connect, and to each part of its answer."""
_MOST_BYTES = 65_536
_READY = "ready"
_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not bound
_PORTS = {"http": 80, "https": 443}
_NO = ("", "0", "false", "no", "off", "f", "n")


def health(
    url: Annotated[
        str | None,
        typer.Option(
            help="Address of the server.",
            metavar="URL",
            show_default="that of KASTOR_HOST, KASTOR_PORT and the file of --config",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The TOML file that `kastor serve` is given.")
    ] = None,
) -> None:
    """Ask the server of this machine whether it is ready; else say why not.

    For health checks of containers and services. It needs no token, and does not check the
    server's certificate: nothing is sent but the question. Flags of `kastor serve` are not known
    here: give host and port as variables or in the file, or name the address with --url.
    """
    server = _given(url) if url is not None else _of_settings(config)
    try:
        status, body = _ask(*server)
    except OSError as error:
        place, why = "{}://{}:{}".format(*server), " ".join(str(error.strerror or error).split())
        fail(
            f"No server answers at {place}: {why}. Name another address with --url, or with "
            "KASTOR_HOST and KASTOR_PORT.",
            Exit.UNREACHABLE,
        )
    if (told := _told(body)) == _READY:
        say(_READY)
    else:
        fail(told or f"It answers {status}, but not as Kastor does. Is this the address?")


def _given(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in _PORTS:
        fail(f"{url} is no address of a server, such as {DEFAULT_URL}.", Exit.USAGE)
    return parts.scheme, host, port or _PORTS[parts.scheme]


def _of_settings(config: Path | None) -> tuple[str, str, int]:
    """Return where a server of these settings listens; no other setting can stand in the way."""
    settings = _read(config)

    def setting(name: str, default: object = "") -> str:
        return os.environ.get(f"KASTOR_{name.upper()}") or str(settings.get(name, default))

    default = urlsplit(DEFAULT_URL)
    host, port = setting("host", default.hostname), setting("port", default.port)
    if not port.isdecimal() or not 0 < int(port) <= 65_535:  # noqa: PLR2004 - of TCP
        fail(f"The port {port} cannot be asked. Name the address with --url.", Exit.USAGE)
    has_tls = bool(setting("tls_cert")) or setting("tls_dev").lower() not in _NO
    return "https" if has_tls else "http", _LOOPBACKS.get(host, host), int(port)


def _read(config: Path | None) -> dict[str, object]:
    if config is None:
        return {}
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        fail(f"{config} cannot be read: {error.strerror}.", Exit.USAGE)
    except ValueError as error:
        fail(f"{config}: {error}", Exit.USAGE)


def _ask(scheme: str, host: str, port: int) -> tuple[int, bytes]:
    """Return the status and the body of /readyz; raises OSError where nobody speaks HTTP.

    A server that was given --tls-dev as a flag is asked again with TLS.
    """
    from http.client import HTTPException

    try:
        return _answer(_connection(scheme, host, port))
    except ConnectionRefusedError:
        raise
    except (OSError, HTTPException) as error:
        other = "http" if scheme == "https" else "https"
        try:
            return _answer(_connection(other, host, port))
        except (OSError, HTTPException):
            raise OSError(str(error) or type(error).__name__) from error


def _connection(scheme: str, host: str, port: int) -> HTTPConnection:
    from http import client

    if scheme == "http":
        return client.HTTPConnection(host, port, timeout=SECONDS)
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return client.HTTPSConnection(host, port, timeout=SECONDS, context=context)


def _answer(connection: HTTPConnection) -> tuple[int, bytes]:
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES)
    finally:
        connection.close()


def _told(body: bytes) -> str:
    """Return what Kastor says of itself: `ready`, or the message of an error; of others nothing."""
    import json

    try:
        document = json.loads(body)
        is_ready = document.get("status") == _READY
        return _READY if is_ready else str(document["error"]["message"])
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return ""
