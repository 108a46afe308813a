"""What callers of jobs are refused, in the words that were recorded (jobs 4.1)."""

from __future__ import annotations

from kastor.errors import Conflict, NotFound, TooManyRequests

_CODES = {"deletions": "DeleteJobNotFound"}


class JobNotFound(NotFound):
    """There is no job of this kind and id."""

    default_code = "JobNotFound"


class JobConflict(Conflict):
    """The id is taken, or the job is in a state in which this cannot be done."""

    default_code = "JobIdAlreadyExists"


class AnotherJobRuns(TooManyRequests):
    """A job is unfinished that has the graph to itself (decisions 6.6)."""


def job_not_found(kind: str, job_id: str) -> JobNotFound:
    """Return what is raised for an unknown job."""
    return JobNotFound(
        f"There is no job available that matches the provided id {job_id}. Check that the Job ID"
        " provided is valid by doing a Jobs_List API call.",
        code=_CODES.get(kind),
    )


def id_is_taken(job_id: str) -> JobConflict:
    """Return what is raised for an id that a job has."""
    return JobConflict(
        f"Provided Job ID already exists: {job_id}. Use Jobs_List API to view jobs that already"
        " exist."
    )


def another_job_runs() -> AnotherJobRuns:
    """Return what is raised where another job has to end first."""
    return AnotherJobRuns(
        "Cannot start another job while one is in progress. Please wait for it to complete before"
        " starting another one."
    )
