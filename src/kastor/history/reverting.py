"""What a revert is asked for, how far it has come, and what it tells of what it could not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from kastor.clock import job_time, twin_time
from kastor.graph.restoring import Restored
from kastor.history.diff import GraphPart
from kastor.jobs.changing import told
from kastor.jobs.log_lines import log_line
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.records import AsOf
    from kastor.types import Json, Ticks

REVERTS = "reverts"
_LONGEST_FIRST = 300


class Revert(Struct, frozen=True):
    """What is asked of a job.

    Attributes:
        time: the instant to go back to, in ticks.
        then: the position of its state.
        base: that of the state that is replaced, the newest one when it was asked for.
        atomic: whether all of it is done, or nothing.
    """

    time: Ticks
    then: int
    base: int
    twin: str | None = None
    query: str | None = None
    parameters: Json = None
    atomic: bool = False

    @property
    def part(self) -> GraphPart:
        """Which part of the graph goes back."""
        return GraphPart(self.twin, self.query, self.parameters)

    def request(self) -> dict[str, Any]:
        """Return the JSON form that a job keeps; `shown` is for people."""
        shown: dict[str, Any] = {"asOf": twin_time(self.time), "change": self.then}
        shown |= {} if self.twin is None else {"twin": self.twin}
        shown |= {} if self.query is None else {"query": self.query}
        shown |= {"atomic": True} if self.atomic else {}
        given = {} if self.parameters is None else {"parameters": self.parameters}
        return {"shown": shown, "time": self.time, "base": self.base, **given}

    @classmethod
    def asked(cls, then: AsOf, base: AsOf, part: GraphPart, *, atomic: bool) -> Revert:
        """Return what leads from one state back to another, of a part of the graph."""
        given: Any = part.parameters
        return cls(then.time, then.change, base.change, part.twin, part.query, given, atomic)

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Revert:
        """Return what a job keeps as `request` made it."""
        shown = request["shown"]
        return cls(
            request["time"],
            shown["change"],
            request["base"],
            shown.get("twin"),
            shown.get("query"),
            request.get("parameters"),
            shown.get("atomic", False),
        )


class RevertItem(Struct, frozen=True):
    """A model, a twin or a relationship, as the log names it."""

    kind: str
    id: str
    source: str | None = None


class RevertCounts(Struct, frozen=True):
    """What was done: written by kind, left as it was already, left out, refused."""

    models: int = 0
    twins: int = 0
    relationships: int = 0
    already: int = 0
    left_out: int = 0
    failed: int = 0

    @property
    def done(self) -> int:
        """How many were dealt with."""
        kinds = self.models + self.twins + self.relationships
        return kinds + self.already + self.left_out + self.failed

    def with_outcome(self, kind: str, outcome: object) -> RevertCounts:
        """Return the counts with one more; what no decision says was written."""
        name = f"{kind}s"
        if isinstance(outcome, Exception):
            name = "failed"
        elif isinstance(outcome, Restored) and outcome.what != "written":
            name = "already" if outcome.what == "already" else "left_out"
        return structs.replace(self, **{name: getattr(self, name) + 1})


class SoFar(Struct, frozen=True):
    """How far a revert has come.

    Attributes:
        step: the one that it works on.
        after: the identity behind which that goes on; empty at its beginning.
        counts: of all steps.
        first: what was refused first, and why.
        marks: what a step has to know of itself after a crash.
    """

    step: int = 0
    after: tuple[str, ...] = ()
    counts: RevertCounts = RevertCounts()
    first: str = ""
    marks: tuple[str, ...] = ()

    @classmethod
    def noted(cls, progress: Mapping[str, Any]) -> SoFar:
        """Return what was noted last."""
        if not progress:
            return cls()
        counts = dict(progress["counts"])
        counts["left_out"] = counts.pop("leftOut")
        after, marks = tuple(progress["after"]), tuple(progress["marks"])
        return cls(progress["step"], after, RevertCounts(**counts), progress["first"], marks)

    def progress(self) -> dict[str, Any]:
        """Return what is noted of it; the first members are for people."""
        counts = structs.asdict(self.counts)
        counts["leftOut"] = counts.pop("left_out")
        return {
            "done": self.counts.done,
            "unit": "differences",
            "counts": counts,
            "step": self.step,
            "after": self.after,
            "first": self.first,
            "marks": self.marks,
        }

    def with_outcomes(
        self, after: tuple[str, ...], named: Sequence[RevertItem], outcomes: Sequence[object]
    ) -> SoFar:
        """Return how far it has come with some of them."""
        counts, first = self.counts, self.first
        for each, outcome in zip(named, outcomes, strict=True):
            counts = counts.with_outcome(each.kind, outcome)
            if not first and isinstance(outcome, Exception):
                first = worded(each, outcome)
        return structs.replace(self, after=after, counts=counts, first=first)


class RevertLog:
    """Words what was left out or refused, for the log of one job."""

    def __init__(self, job_id: str, clock: Callable[[], Ticks]) -> None:
        self._job_id, self._clock = job_id, clock

    def lines(self, named: Sequence[RevertItem], outcomes: Sequence[object]) -> list[bytes]:
        """Return a line for each that was not brought back."""
        lines = [self._line(each, one) for each, one in zip(named, outcomes, strict=True)]
        return [line for line in lines if line]

    def _line(self, named: RevertItem, outcome: object) -> bytes:
        details = {"kind": named.kind, "id": named.id}
        details |= {} if named.source is None else {"source": named.source}
        if isinstance(outcome, Exception):
            error = told(outcome)
            return self._of("Error", {**details, "status": "Failed", "error": error})
        if isinstance(outcome, Restored) and outcome.what == "leftOut":
            return self._of("Warning", {**details, "status": "LeftOut", "reason": outcome.why})
        return b""

    def _of(self, log_type: str, details: Mapping[str, object]) -> bytes:
        return log_line(
            {
                "timestamp": job_time(self._clock()),
                "jobId": self._job_id,
                "jobType": "Revert",
                "logType": log_type,
                "details": details,
            }
        )


def worded(named: RevertItem, error: Exception) -> str:
    """Return which one was refused, and why, for the error of a job."""
    said = told(error)
    text = ": ".join([said["message"], *(each["message"] for each in said.get("details", [])[:1])])
    return f"the {named.kind} {named.id[:128]}: {text[:_LONGEST_FIRST].rstrip('.')}"


def summary(counts: RevertCounts) -> str:
    """Return what was done, for the error of a job."""
    parts = [counted(counts.models, "model"), counted(counts.twins, "twin")]
    return ", ".join([*parts, counted(counts.relationships, "relationship")])
