"""Addresses of PostgreSQL databases: what of them may be shown, and passwords kept in files.

To what PostgreSQL's own libraries know Kastor adds a parameter, `password_file`: a file that holds
the password and nothing else. It is read with every connection, so that a new one is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

SCHEMES = ("postgresql://", "postgres://")
PASSWORD_FILE = "password_file"  # noqa: S105 - a parameter's name
PASSWORD_BYTES = 4_096
_SECRET_PARAMETERS = ("password", "sslpassword")


def fault_of(dsn: str) -> str | None:
    """Return what is wrong with the form of an address, without anything of it."""
    if not dsn.startswith(SCHEMES):
        return "it must begin with postgresql://"
    # A password with one of these characters would stand where host, port or database are shown.
    place, _, query = dsn.partition("://")[2].partition("?")
    hosts, _, database = place.partition("/")
    if "#" in dsn or "@" in database or ("@" in query and "@" not in hosts):
        return "percent-encode the characters / ? # @ : in its user and password"
    try:
        urlsplit(dsn)
    except ValueError:
        return "it is no URL"
    ports = [host.rpartition("]")[2].partition(":")[2] for host in _hosts(dsn).split(",")]
    if not all(port.isdecimal() or not port for port in ports):
        return "a port is no number; percent-encode / ? # @ : in its user and password"
    return None


def has_password(dsn: str) -> bool:
    """Whether the address itself holds a password."""
    user = dsn.partition("://")[2].rpartition("@")[0]
    return ":" in user or any(name in _SECRET_PARAMETERS for name, _ in _parameters(dsn))


def shown(dsn: str) -> str:
    """Return the address for people: hosts and database, no user, password and parameter."""
    database = dsn.partition("://")[2].partition("?")[0].rpartition("@")[2].partition("/")[2]
    return f"postgresql://{_hosts(dsn)}/{database}"


def with_password_file(dsn: str, file: Path | None) -> str:
    """Return the address with a file for its password, unless it has a password."""
    if file is None or has_password(dsn) or PASSWORD_FILE in dict(_parameters(dsn)):
        return dsn
    mark = "&" if "?" in dsn else "?"
    return f"{dsn}{mark}{PASSWORD_FILE}={quote(str(file), safe='')}"


def for_driver(dsn: str) -> tuple[str, Callable[[], str] | None]:
    """Return the address as the driver knows it, and what reads the password, if a file has it."""
    file = dict(_parameters(dsn)).get(PASSWORD_FILE)
    if file is None:
        return dsn, None
    rest = urlencode([pair for pair in _parameters(dsn) if pair[0] != PASSWORD_FILE])
    base = dsn.partition("?")[0]
    return (f"{base}?{rest}" if rest else base), lambda: _read(Path(file))


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        text = opened.read(PASSWORD_BYTES)
    return text.decode().rstrip("\r\n")


def _parameters(dsn: str) -> list[tuple[str, str]]:
    return parse_qsl(dsn.partition("?")[2], keep_blank_values=True)


def _hosts(dsn: str) -> str:
    rest = dsn.partition("://")[2].partition("?")[0].partition("/")[0]
    return rest.rpartition("@")[2]
