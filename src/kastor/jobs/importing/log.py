"""Lines of an import's log, in the form of the contract (jobs 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from kastor.clock import job_time, now_ticks
from kastor.errors import Detail, KastorError
from kastor.jobs.kinds import JobFailedError
from kastor.jobs.log_lines import log_line
from kastor.types import Document, Ticks

Failure: TypeAlias = KastorError | JobFailedError

MOST_LISTED = 100_000
"""Lines of a log that tell of single lines of the file; of those after, it says how many."""
MOST_DETAILS = 10
"""Of one error; nobody reads more of them."""
_LONGEST_MESSAGE, _LONGEST_DETAIL = 2_000, 500
"""Characters: a line of the log has 16 KB at most."""


class ImportLog(Struct, frozen=True):
    """Words the lines of one job's log.

    Attributes:
        job_id: of the job.
        clock: gives the time of each line.
    """

    job_id: str
    clock: Callable[[], Ticks] = now_ticks

    def job(self, status: str, error: Failure | None = None) -> bytes:
        """Return the line of the job as a whole: that it started, or how it ended."""
        failed: Document = {} if error is None else {"error": error_object(error)}
        return self._line("Info" if error is None else "Error", {"status": status, **failed})

    def section(self, section: str, status: str) -> bytes:
        """Return the line of a section that starts or has ended."""
        return self._line("Info", {"section": section, "status": status})

    def about_section(
        self, kind: Literal["Error", "Warning"], section: str, line: int, code: str, message: str
    ) -> bytes:
        """Return the line of a section that is skipped, and why."""
        about = {"code": code, "message": _cut(message, _LONGEST_MESSAGE)}
        details = {"section": section, "status": "Skipped", "line": line, kind.lower(): about}
        return self._line(kind, details)

    def refused(self, section: str, line: int, item_id: str, error: KastorError) -> bytes:
        """Return the line of a line of the file that was refused."""
        named = {"id": item_id} if item_id else {}
        details = {"section": section, "status": "Failed", "line": line, **named}
        return self._line("Error", {**details, "error": error_object(error)})

    def warning(self, section: str, line: int, item_id: str, code: str, message: str) -> bytes:
        """Return the line of a line of the file that was taken with a remark."""
        about = {"code": code, "message": _cut(message, _LONGEST_MESSAGE)}
        details = {"section": section, "status": "Succeeded", "line": line, "id": item_id}
        return self._line("Warning", {**details, "warning": about})

    def no_more(self, section: str) -> bytes:
        """Return the line after which single lines of the file are not told any more."""
        text = f"{MOST_LISTED} lines are told of; more are counted, and not listed."
        about = {"code": "MoreNotListed", "message": text}
        return self._line("Warning", {"section": section, "warning": about})

    def _line(self, kind: Literal["Info", "Warning", "Error"], details: Document) -> bytes:
        return log_line(
            {
                "timestamp": job_time(self.clock()),
                "jobId": self.job_id,
                "jobType": "Import",
                "logType": kind,
                "details": details,
            }
        )


def error_object(error: Failure) -> dict[str, Any]:
    """Return an error as the contract writes it: code, message, and details where it has some."""
    message = _cut(error.message, _LONGEST_MESSAGE)
    found: dict[str, Any] = {"code": error.code, "message": message}
    if error.details:
        found["details"] = [_detail(each) for each in error.details[:MOST_DETAILS]]
    return found


def _detail(detail: Detail) -> dict[str, Any]:
    place = {
        name: _cut(value, _LONGEST_DETAIL) if isinstance(value, str) else value
        for name, value in detail.place.items()
    }
    return {"code": detail.code, "message": _cut(detail.message, _LONGEST_DETAIL), **place}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
