"""Jobs as a client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kastor.client.calls import Document, HttpAnswer, document
from kastor.client.errors import UnexpectedAnswerError

_ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as it was when it was asked for.

    Attributes:
        kind: `imports`, `deletions`, `uploads`, `exports`, `backups`, `updates`, `deletes`
            or `reverts`.
        document: all that the other side tells of it (`docs/reference/jobs.md`).
    """

    kind: str
    document: Document

    @property
    def id(self) -> str:
        """Its id, unique for its kind."""
        return str(self.document["id"])

    @property
    def status(self) -> str:
        """`notstarted`, `running`, `cancelling`, `succeeded`, `failed` or `cancelled`."""
        return str(self.document["status"]).lower()

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more."""
        return self.status in _ENDED

    @property
    def done(self) -> int | None:
        """How much is done, in `unit`; None where it is not told."""
        return _number(self._progress, "done")

    @property
    def of(self) -> int | None:
        """How much there is to do, in `unit`; None where it is not known."""
        return _number(self._progress, "of")

    @property
    def unit(self) -> str:
        """What is counted, such as `lines`."""
        return str(self._progress.get("unit", ""))

    @property
    def counts(self) -> Mapping[str, int]:
        """What was counted, by its name."""
        found = self.document.get("counts")
        return found if isinstance(found, dict) else {}

    @property
    def error_code(self) -> str:
        """Of a job that failed; else the empty string."""
        return str(self._error.get("code", ""))

    @property
    def error_message(self) -> str:
        """Why it failed; else the empty string."""
        return str(self._error.get("message", ""))

    @property
    def _progress(self) -> Document:
        found = self.document.get("progress")
        return found if isinstance(found, dict) else {}

    @property
    def _error(self) -> Document:
        found = self.document.get("error")
        return found if isinstance(found, dict) else {}


def _number(found: Document, name: str) -> int | None:
    value = found.get(name)
    return value if isinstance(value, int) else None


def job_of(found: object, kind: str = "") -> JobState:
    """Return a job that was answered.

    Args:
        found: what was decoded.
        kind: of the job, where the answer does not name it.

    Raises:
        UnexpectedAnswerError: it is none.
    """
    if not isinstance(found, dict):
        raise UnexpectedAnswerError("The answer is no job.")
    named = kind or found.get("kind")
    if not all(isinstance(each, str) for each in (named, found.get("id"), found.get("status"))):
        raise UnexpectedAnswerError("The answer is no job: its id, kind or status is missing.")
    return JobState(str(named), found)


def decode_job(answer: HttpAnswer, kind: str) -> JobState:
    """Decode the answer with one job."""
    return job_of(document(answer), kind)
