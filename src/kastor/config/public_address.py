"""The path below which clients find the server, where a proxy gives it one."""

from __future__ import annotations

import re

_LONGEST = 256
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")
OWN = frozenset(
    (
        *("digitaltwins", "models", "query", "eventroutes", "jobs", "relationships", "graphs"),
        *("kastor", "metrics", "explorer", "mcp", "docs", "openapi.json", "favicon.ico"),
        *("health", "healthz", "readyz"),
    )
)
"""First segments of the server's own paths: a prefix of the same name could be either."""


def read_prefix(text: str) -> str | None:
    """Return a path prefix without a slash at its end, empty for none; None where it can be none.

    It stands in addresses and in HTML, so that it has no character that means something there.
    """
    path = text.rstrip("/")
    if not path:
        return ""
    if len(text) > _LONGEST or _PATH.fullmatch(path) is None:
        return None
    segments = path[1:].split("/")
    if not {".", ".."}.isdisjoint(segments) or segments[0].lower() in OWN:
        return None
    return path
