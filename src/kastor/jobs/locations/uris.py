"""URIs of locations, taken apart so strictly that every program reads the same place in them.

What a prefix allows is compared part by part, after decoding: `https://a.example` does not allow
`https://a.example.evil`, and no step leads upwards, however it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

MOST_CHARACTERS = 8_192
"""Of a URI, its signature included."""
MOST_SEGMENTS = 64
MOST_NAME_BYTES = 255
_SHOWN_CHARACTERS = 300
_SCHEMES = ("file", "https", "http", "s3", "gs")
_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65_535
_DECODINGS = 4
"""How often a server may decode a name; none is taken that changes its meaning in these."""

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?")
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]+")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class UriFormError(ValueError):
    """A URI that is no place; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class LocationUri:
    """A URI in parts.

    Attributes:
        scheme: of `_SCHEMES`, in small letters.
        host: in small letters; of s3 and gs the bucket; empty for files.
        port: None where the scheme has none, or its usual one is meant.
        steps: of the path, decoded once; none is empty, `.` or `..`, none holds a slash.
        query: as it came, without the question mark; for Azure a signature. Never shown.
    """

    scheme: str
    host: str
    port: int | None
    steps: tuple[str, ...]
    query: str = field(default="", repr=False)

    def begins_with(self, prefix: LocationUri) -> bool:
        """Whether a prefix, whose query does not count, allows this."""
        mine = (self.scheme, self.host, self.port)
        return (
            mine == (prefix.scheme, prefix.host, prefix.port)
            and self.steps[: len(prefix.steps)] == prefix.steps
        )


def parse_uri(text: str) -> LocationUri:
    """Return a URI in parts.

    Raises:
        UriFormError: it is none, has another scheme, or could be read in two ways.
    """
    _check_characters(text)
    found = _URI.fullmatch(text)
    if found is None:
        raise UriFormError("it does not have the form scheme://place/path")
    scheme, authority, path, query = found[1].lower(), found[2], found[3], found[4] or ""
    if scheme not in _SCHEMES:
        raise UriFormError(f"the scheme is none of {', '.join(_SCHEMES)}")
    if query and scheme in ("file", "s3", "gs"):
        raise UriFormError(f"a URI of the scheme {scheme} takes no query string")
    host, port = _host(scheme, authority)
    return LocationUri(scheme, host, port, path_steps(path), query)


def path_steps(path: str) -> tuple[str, ...]:
    """Return the steps of an encoded path, one slash at its end aside.

    Raises:
        UriFormError: a step leads upwards, is empty, or is not what it looks like.
    """
    if path in ("", "/"):
        return ()
    parts = path.removeprefix("/").removesuffix("/").split("/")
    if len(parts) > MOST_SEGMENTS:
        raise UriFormError(f"the path has more than {MOST_SEGMENTS} steps")
    return tuple(_step(part) for part in parts)


def require_name(name: str) -> None:
    """Refuse a name of a file or object that is no plain one; raises UriFormError."""
    if name in ("", ".", ".."):
        raise UriFormError("the path has a step that is empty, . or ..")
    if any(char in "/\\" or not char.isprintable() for char in name):
        raise UriFormError("a step of the path holds a slash, a backslash or a control character")
    if len(name.encode("utf-8", "surrogatepass")) > MOST_NAME_BYTES:
        raise UriFormError(f"a step of the path has more than {MOST_NAME_BYTES} bytes")


def shown(text: str) -> str:
    """Return a URI for people: no query, no name and password, no control characters, not long."""
    head, question, _ = text.partition("?")
    head = head.partition("#")[0]
    scheme, separator, rest = head.partition("://")
    if separator:
        authority, slash, path = rest.partition("/")
        head = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    head = "".join(char if char.isprintable() else " " for char in head)
    if len(head) > _SHOWN_CHARACTERS:
        return f"{head[:_SHOWN_CHARACTERS]}..."
    return f"{head}?..." if question else head


def _check_characters(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise UriFormError(f"it has more than {MOST_CHARACTERS} characters")
    if not _CHARACTERS.fullmatch(text) or _ESCAPE.search(text):
        raise UriFormError(
            "it has a fragment or a character that stands in no URI; encode it in percents"
        )


def _host(scheme: str, authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise UriFormError("it names a user before the host")
    host, port = authority.lower(), None
    if scheme in _PORTS:
        found = re.fullmatch(r"(.*?)(?::([0-9]{1,5}))?", host)
        host, digits = (found[1], found[2]) if found else (host, None)
        port = _port(scheme, digits)
    if scheme == "file":
        if host not in ("", "localhost"):
            raise UriFormError("a file has three slashes and its absolute path: file:///path")
        return "", None
    if not _HOST.fullmatch(host) or ".." in host:
        raise UriFormError("it has no host or bucket, or one that is no name")
    return host, port


def _port(scheme: str, digits: str | None) -> int | None:
    if digits is None:
        return None
    port = int(digits)
    if not 0 < port <= _LAST_PORT:
        raise UriFormError("its port is none")
    return None if port == _PORTS[scheme] else port


def _step(part: str) -> str:
    try:
        name = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise UriFormError("a step of the path is not UTF-8") from None
    require_name(name)
    further = name
    for _ in range(_DECODINGS):
        decoded = unquote_to_bytes(further).decode("utf-8", "replace")
        if decoded == further:
            return name
        require_name(decoded)
        further = decoded
    raise UriFormError("a step of the path is encoded over and over")
