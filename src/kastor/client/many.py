"""Calls that write many at once: batches, and changes of what a query selects (decisions 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kastor.client import features
from kastor.client.calls import Document, HttpAnswer, HttpCall, Repetition, document, encoded
from kastor.client.errors import UnexpectedAnswerError, UnsendableError
from kastor.client.job_calls import OPERATION_ID, begin
from kastor.client.job_state import JobState


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one operation of a batch.

    Attributes:
        status: the one that its own call would have had.
        etag: of what was written.
        error: `code` and `message` of what was refused; None where it was done.
    """

    status: int
    etag: str | None
    error: Document | None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of a batch: a result for each operation, in their order."""

    results: list[WriteResult]
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class TriedChange:
    """What a change of what a query selects would do.

    Attributes:
        count: of what the query selects.
        tried: how many of them were rehearsed, the first thousand at most.
        failed: how many of those would be refused.
        errors: of the first of these, with their ids.
        shown: the first documents as they would be; of a deletion, their ids.
    """

    count: int
    tried: int
    failed: int
    errors: list[Document]
    shown: list[Document]


def batch(
    operations: Sequence[Document], *, atomic: bool, operation_id: str | None
) -> HttpCall[BatchAnswer]:
    """Kastor_Batch; with an `operation_id` it is repeated until its answer comes."""
    return HttpCall(
        *("POST", "/kastor/v1/batch", batch_answer, {}, {OPERATION_ID: operation_id}),
        encoded({"atomic": atomic, "operations": list(operations)}),
        repeat=Repetition.UNDONE if operation_id is None else Repetition.RECOGNISED,
        needs=features.BATCH,
    )


def results_of(found: Document) -> list[WriteResult]:
    """Return the results in the answer to a batch, also to one that was refused.

    Raises:
        UnexpectedAnswerError: there are none.
    """
    rows = found.get("results")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswerError("The answer to the batch has no results.")
    try:
        return [WriteResult(int(row["status"]), row.get("etag"), row.get("error")) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise UnexpectedAnswerError("A result of the batch has no status.") from None


def update(
    query: str,
    patch: Sequence[Document],
    parameters: Mapping[str, object] | None,
    bound: Mapping[str, int],
    operation_id: str | None,
) -> HttpCall[JobState]:
    """Kastor_Update."""
    body = {**_selection(query, parameters, bound), "patch": list(patch)}
    return begin("updates", "/kastor/v1/update", body, operation_id, features.UPDATES)


def delete(
    query: str,
    parameters: Mapping[str, object] | None,
    bound: Mapping[str, int],
    operation_id: str | None,
) -> HttpCall[JobState]:
    """Kastor_Delete."""
    body = _selection(query, parameters, bound)
    return begin("deletes", "/kastor/v1/delete", body, operation_id, features.UPDATES)


def try_update(
    query: str,
    patch: Sequence[Document],
    parameters: Mapping[str, object] | None,
    bound: Mapping[str, int],
) -> HttpCall[TriedChange]:
    """Kastor_Update, of which only a dry run is answered so."""
    body = {**_selection(query, parameters, bound), "patch": list(patch)}
    return _trial("/kastor/v1/update", body)


def try_delete(
    query: str, parameters: Mapping[str, object] | None, bound: Mapping[str, int]
) -> HttpCall[TriedChange]:
    """Kastor_Delete, of which only a dry run is answered so."""
    return _trial("/kastor/v1/delete", _selection(query, parameters, bound))


def bound_of(expect: int | None, at_most: int | None) -> Mapping[str, int]:
    """Return how many are to be changed, as the body says it.

    Raises:
        UnsendableError: not one of the two is given.
    """
    if (expect is None) == (at_most is None):
        raise UnsendableError("Say how many are to be changed: expect or at_most, and not both.")
    return {"atMost": at_most} if at_most is not None else {"expect": expect or 0}


def _selection(
    query: str, parameters: Mapping[str, object] | None, bound: Mapping[str, int]
) -> Document:
    given = {} if parameters is None else {"parameters": dict(parameters)}
    return {"query": query, **given, **bound}


def _trial(path: str, body: Document) -> HttpCall[TriedChange]:
    return HttpCall("POST", path, _tried, content=encoded(body), needs=features.UPDATES)


def batch_answer(answer: HttpAnswer) -> BatchAnswer:
    """Decode the answer to a batch that was taken."""
    found = document(answer)
    results = results_of(found)
    refused = sum(each.error is not None for each in results)
    return BatchAnswer(results, len(results) - refused, refused)


def _tried(answer: HttpAnswer) -> TriedChange:
    found = document(answer)
    try:
        counts = (int(found["count"]), int(found["tried"]), int(found["failed"]))
        return TriedChange(*counts, list(found["errors"]), list(found["value"]))
    except (KeyError, TypeError, ValueError):
        raise UnexpectedAnswerError("The answer is none of a change that is tried.") from None
