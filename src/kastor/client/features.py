"""What a server announces beyond the contract, by which a client refuses before it sends.

Azure Digital Twins would do a write that is meant as a dry run, since it ignores headers that it
does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.client.calls import HttpAnswer, HttpCall, read
from kastor.client.errors import NotAnnouncedError

if TYPE_CHECKING:
    from collections.abc import Collection

DRY_RUN = "dry-run"
BATCH = "batch"
FEED = "events"
LIVE = "live-queries"
EXPORT = "export"
UPLOADS = "import-upload"
JOBS = "jobs"
UPDATES = "updates"
ENDPOINTS = "endpoints"
INPUTS = "inputs"
INDEXES = "indexes"
GRAPHS = "graphs"
STATUS = "status"
DELETIONS = "deletions"
ROUTES = "routes"


def announced(answer: HttpAnswer) -> frozenset[str]:
    """Decode the root of an address: what it announces; nothing where it is no Kastor."""
    try:
        found = answer.json()
    except Exception:  # noqa: BLE001 - whatever stands there, it announces nothing
        return frozenset()
    if not isinstance(found, dict) or not isinstance(found.get("features"), list):
        return frozenset()
    return frozenset(each for each in found["features"] if isinstance(each, str))


ROOT: HttpCall[frozenset[str]] = read("/", announced)


def require(feature: str, found: Collection[str], where: str) -> None:
    """Raise NotAnnouncedError where a feature is not among those found."""
    if feature not in found:
        raise NotAnnouncedError(
            f"{where} does not announce {feature!r}, which this needs. Nothing was sent."
        )
