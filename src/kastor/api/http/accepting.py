"""What a client says that it takes: headers with weights (RFC 9110, section 12.5)."""

from __future__ import annotations

from collections.abc import Mapping

_MOST = 32
"""Entries of a header that are looked at."""


def weights(header: bytes) -> Mapping[bytes, float]:
    """Return what a header of the Accept family names, in lower case, with its weight."""
    found: dict[bytes, float] = {}
    for each in header.lower().split(b",", _MOST)[:_MOST]:
        name, *parameters = (part.strip() for part in each.split(b";"))
        if name:
            found[name] = next((_weight(p) for p in parameters if p.startswith(b"q=")), 1.0)
    return found


def _weight(parameter: bytes) -> float:
    try:
        return min(max(float(parameter[2:]), 0.0), 1.0)
    except ValueError:
        return 0.0


def prefers_html(header: bytes) -> bool:
    """Return whether a page is named and wanted no less than JSON: browsers say so."""
    found = weights(header)
    page = found.get(b"text/html", 0.0)
    return page > 0 and page >= found.get(b"application/json", 0.0)
