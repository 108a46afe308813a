"""Changes of many that a query selects, twins or relationships: patches, deletions (decisions 5).

A page of the query at a time: what is selected is changed in one transaction, and where to go on is
noted in it. So a crash neither skips one nor changes it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kastor.clock import job_time, now_ticks
from kastor.errors import Conflict, KastorError
from kastor.graph.relationship import DeleteRelationship, PatchRelationship
from kastor.graph.twin import DeleteTwin, PatchTwin, RelationshipsLeft
from kastor.jobs.kinds import JobFailedError
from kastor.jobs.log_lines import log_line
from kastor.query.targets import Target, TargetPage, Targets
from kastor.types import override
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.graph.command import Command
    from kastor.graph.service import GraphService
    from kastor.jobs.kinds import Run
    from kastor.query.service import QueryService
    from kastor.query.targets import Kind
    from kastor.storage.batches import MakeNote, Note, Results
    from kastor.types import Document, Json, Ticks

UPDATES, DELETES = "updates", "deletes"
PAGE = 250
"""Twins or relationships that are changed together; others write in between."""
_LONGEST_MESSAGE, _LONGEST_FIRST, _MOST_DETAILS = 1_000, 300, 5


class Bound(Struct, frozen=True):
    """How many are to be changed: just so many, or no more."""

    expect: int | None = None
    at_most: int | None = None

    @property
    def most(self) -> int:
        """The largest number that is allowed."""
        return (self.at_most or 0) if self.expect is None else self.expect

    def allows(self, count: int) -> bool:
        """Return whether so many may be changed."""
        return count <= self.most if self.expect is None else count == self.expect

    @override
    def __str__(self) -> str:
        return f"at most {self.at_most}" if self.expect is None else f"{self.expect}"


class Change(Struct, frozen=True):
    """What is asked of a job: which, how many, and the patch if they are not to be deleted.

    Attributes:
        kind: of what the query selects.
        count: how many there were when it was asked for.
    """

    query: str
    bound: Bound
    kind: Kind
    count: int
    parameters: Json = None
    patch: tuple[Document, ...] | None = None

    def request(self) -> dict[str, Any]:
        """Return the JSON form that a job keeps; `shown` is for people."""
        bound = self.bound
        shown: dict[str, Any] = {"query": self.query}
        shown |= {"atMost": bound.at_most} if bound.expect is None else {"expect": bound.expect}
        given = {} if self.parameters is None else {"parameters": self.parameters}
        patch = {} if self.patch is None else {"patch": list(self.patch)}
        return {"shown": shown, "kind": self.kind, "count": self.count, **given, **patch}

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Change:
        """Return what a job keeps as `request` made it."""
        shown, patch = request["shown"], request.get("patch")
        return cls(
            shown["query"],
            Bound(shown.get("expect"), shown.get("atMost")),
            request["kind"],
            request["count"],
            request.get("parameters"),
            None if patch is None else tuple(patch),
        )

    def command(self, target: Target) -> Command[Any]:
        """Return the write of one of them."""
        if target.source is None:
            if self.patch is None:
                return DeleteTwin(target.id)
            return PatchTwin(target.id, self.patch)
        if self.patch is None:
            return DeleteRelationship(target.source, target.id)
        return PatchRelationship(target.source, target.id, self.patch)


def require_count(change: Change) -> None:
    """Refuse to change another number than was said.

    Raises:
        Conflict: `CountMismatch`, with the number.
    """
    if not change.bound.allows(change.count):
        raise Conflict(
            f"The query selects {counted(change.count, change.kind)}, and {change.bound} were "
            "expected. Nothing was changed. Look at what it selects, then send that number.",
            code="CountMismatch",
        )


class ChangingKind:
    """A kind of job that changes what a query selects.

    Attributes:
        word: what it does, for the log.
        did: the same as what was done.
        code: of the error where some were refused.
    """

    name: str
    word: str
    did: str
    code: str

    def __init__(
        self, graph: GraphService, query: QueryService, clock: Callable[[], Ticks] = now_ticks
    ) -> None:
        self._graph, self._query, self._clock = graph, query, clock

    async def run(self, run: Run) -> None:
        """See `kinds.JobKind`.

        Raises:
            JobFailedError: `CountMismatch`, or some were refused.
        """
        change = Change.of(run.request)
        targets = Targets(self._query, change.query, change.parameters)
        so_far = _SoFar.noted(run.progress)
        while not so_far.ended:
            run.check()
            page = await targets.page(so_far.after, PAGE, run.context)
            if so_far.done + len(page.targets) > change.bound.most:
                raise self._too_many(change, so_far)
            commands = [change.command(each) for each in page.targets]
            note = self._noting(run, change, so_far, page)
            results = await self._graph.execute_many(commands, run.context, note=note)
            so_far = so_far.behind(page, results)
        self._finish(change, so_far)

    def _noting(self, run: Run, change: Change, so_far: _SoFar, page: TargetPage) -> MakeNote:
        def note(results: Results) -> Note:
            lines = [
                self._line(run.row.id, target, outcome)
                for target, outcome in zip(page.targets, results.outcomes, strict=True)
                if isinstance(outcome, Exception)
            ]
            progress = so_far.behind(page, results).progress(change)
            return run.note(progress, lines)(results)

        return note

    def _line(self, job_id: str, target: Target, error: Exception) -> bytes:
        source = {} if target.source is None else {"source": target.source}
        details = {"id": target.id, **source, "status": "Failed", "error": told(error)}
        return log_line(
            {
                "timestamp": job_time(self._clock()),
                "jobId": job_id,
                "jobType": self.word,
                "logType": "Error",
                "details": details,
            }
        )

    def _too_many(self, change: Change, so_far: _SoFar) -> JobFailedError:
        message = (
            f"The query selects more than the {change.bound} that were said: others were written "
            f"meanwhile. {self._done(so_far)} No more were touched."
        )
        return JobFailedError(code="CountMismatch", message=message)

    def _finish(self, change: Change, so_far: _SoFar) -> None:
        if so_far.failed:
            message = (
                f"{so_far.failed} of {so_far.done} were refused, the first {so_far.first}; "
                f"{self._done(so_far)} The log of the job names every one."
            )
            raise JobFailedError(code=self.code, message=message)
        if not change.bound.allows(so_far.done):
            message = (
                f"{change.bound} were said, and {so_far.done} were found when their turn came: "
                f"others were written meanwhile. {self._done(so_far)}"
            )
            raise JobFailedError(code="CountMismatch", message=message)

    def _done(self, so_far: _SoFar) -> str:
        return f"{so_far.done - so_far.failed} were {self.did}."


class UpdatesKind(ChangingKind):
    """Patches what a query selects."""

    name, word, did = UPDATES, "Update", "changed"
    code = "UpdatePartiallyFailed"


class DeletesKind(ChangingKind):
    """Deletes what a query selects."""

    name, word, did = DELETES, "Delete", "deleted"
    code = "DeletePartiallyFailed"


class _SoFar(Struct, frozen=True):
    """How far a job has come.

    Attributes:
        after: the position behind the last one; empty before the first.
        ended: whether there is none behind it.
        first: which one was refused first, and why.
    """

    done: int = 0
    failed: int = 0
    after: tuple[int | float | str, ...] = ()
    ended: bool = False
    first: str = ""

    @classmethod
    def noted(cls, progress: Mapping[str, Any]) -> _SoFar:
        """Return what was noted last."""
        if not progress:
            return cls()
        failed, after = progress["counts"]["failed"], tuple(progress["after"])
        return cls(progress["done"], failed, after, progress["ended"], progress["first"])

    def behind(self, page: TargetPage, results: Results) -> _SoFar:
        """Return how far it has come with a page."""
        refused = [
            (target, outcome)
            for target, outcome in zip(page.targets, results.outcomes, strict=True)
            if isinstance(outcome, Exception)
        ]
        first = self.first or (_worded(*refused[0]) if refused else "")
        done, failed = self.done + len(page.targets), self.failed + len(refused)
        return _SoFar(done, failed, page.after, not page.after, first)

    def progress(self, change: Change) -> dict[str, Any]:
        """Return what is noted of it; the first members are for people."""
        return {
            "done": self.done,
            "of": max(self.done, change.count),
            "unit": f"{change.kind}s",
            "counts": {"succeeded": self.done - self.failed, "failed": self.failed},
            "after": self.after,
            "ended": self.ended,
            "first": self.first,
        }


def told(error: Exception) -> dict[str, Any]:
    """Return why one was refused, as the log and a dry run tell it."""
    if not isinstance(error, KastorError):
        return {"code": "InternalServerError", "message": "Kastor's log has the details."}
    message = error.message[:_LONGEST_MESSAGE]
    if isinstance(error, RelationshipsLeft):
        message = (
            f"{message} A query finds them: SELECT * FROM RELATIONSHIPS R WHERE R.$sourceId = ... "
            "OR R.$targetId = ...; delete what it selects, then ask for this once more."
        )
    found: dict[str, Any] = {"code": error.code, "message": message}
    if error.details:
        found["details"] = [
            {"code": each.code, "message": each.message[:_LONGEST_MESSAGE]}
            for each in error.details[:_MOST_DETAILS]
        ]
    return found


def _worded(target: Target, error: Exception) -> str:
    said = told(error)
    text = ": ".join([said["message"], *(each["message"] for each in said.get("details", [])[:1])])
    return f"{target.id[:128]}: {text[:_LONGEST_FIRST].rstrip('.')}"
