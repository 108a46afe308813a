"""What a server announces beyond the contract, by which a client refuses before it sends.

Azure Digital Twins would do a write that is meant as a dry run, since it ignores headers that it
does not know; and it would answer with the present who asks it for the past.
"""

from __future__ import annotations

from dataclasses import dataclass

from kastor.client.calls import HttpAnswer, HttpCall, read
from kastor.client.errors import (
    NotAnnouncedError,
    ServerFailedError,
    ServiceError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)

DIFFERENCES = "differences"
DRY_RUN = "dry-run"
BATCH = "batch"
FEED = "events"
LIVE = "live-queries"
EXPORT = "export"
UPLOADS = "import-upload"
JOBS = "jobs"
UPDATES = "updates"
ACCESS = "access"
ENDPOINTS = "endpoints"
ENDPOINT_TESTS = "endpoint-tests"
INPUTS = "inputs"
INPUT_TRIALS = "input-trials"
INDEXES = "indexes"
GRAPHS = "graphs"
LIMITS = "limits"
SLOW_QUERIES = "slow-queries"
STATUS = "status"
DELETIONS = "deletions"
ROUTES = "routes"
BACKUP = "backup"
BACKUP_JOBS = "backup-jobs"
EXPLAIN = "explain"
ME = "me"
MODEL_DELETION = "model-deletion"
PARAMETERS = "parameters"
PROPOSALS = "proposals"
RESET = "reset"
RESOLVED_MODELS = "resolved-models"
REVERT = "revert"
SAMPLE = "sample"
RESUME = "import-resume"
AS_OF = "as-of"
ACTIVITY = "activity"
HISTORY = "history"
HISTORY_SETTINGS = "history-settings"
SAVED = "saved"
SCENE_FILES = "scene-files"
SEARCH = "search"
SERIES = "series"
VECTORS = "vectors"


@dataclass(frozen=True, slots=True)
class Announced:
    """What the other side said when it was asked.

    Attributes:
        names: of what it announces.
        because: why there are none, as the end of a message; empty where it said so itself.
    """

    names: frozenset[str]
    because: str = ""


def announced(answer: HttpAnswer) -> Announced:
    """Decode the root of an address: what it announces; nothing where it is no Kastor."""
    try:
        found = answer.json()
    except UnexpectedAnswerError:
        return Announced(frozenset(), " (it answers with something else)")
    if not isinstance(found, dict) or not isinstance(found.get("features"), list):
        return Announced(frozenset(), " (it answers with something else)")
    return Announced(frozenset(each for each in found["features"] if isinstance(each, str)))


def refused(error: ServiceError | UnexpectedAnswerError) -> Announced:
    """Return what an answer announces that refuses to say it.

    Azure Digital Twins has nothing at its root; Kastor tells everybody, without a token.

    Raises:
        ServiceError: it is a fault that passes, and says nothing of what is there.
    """
    if isinstance(error, TooManyRequestsError | ServerFailedError):
        raise error
    told = str(error.status) if isinstance(error, ServiceError) else str(error)
    return Announced(frozenset(), f" (asked for it, it answered: {told.rstrip('.')})")


ROOT: HttpCall[Announced] = read("/", announced, of_server=True)


def require(feature: str, found: Announced, where: str) -> None:
    """Raise NotAnnouncedError where a feature is not among those found."""
    if feature in found.names:
        return
    said = f"does not announce {feature!r}, which this needs"
    if found.because:
        message = f"What answers at {where} is no Kastor: it {said}{found.because}."
    else:
        message = f"{where} {said}."
    raise NotAnnouncedError(f"{message} Nothing was sent.")
