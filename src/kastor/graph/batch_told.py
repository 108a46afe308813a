"""What is told of an operation of a batch that was taken (decisions 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.graph.batch import Verb
from kastor.graph.command import Written

if TYPE_CHECKING:
    from kastor.graph.batch import BatchOperation

_STATUS = {Verb.PUT: 200, Verb.PATCH: 204, Verb.DELETE: 204}
_HEAD = {verb: b'{"status":%d' % status for verb, status in _STATUS.items()}


def taken_text(operation: BatchOperation, outcome: object, *, etags: bool = True) -> bytes:
    """Return the result of an operation as JSON text.

    Args:
        operation: that was taken.
        outcome: what its decision said.
        etags: whether what it says was written is there.
    """
    if etags and isinstance(outcome, Written):
        return b'%b,"etag":"W/\\"%b\\""}' % (_HEAD[operation.op], outcome.etag.encode())
    return _HEAD[operation.op] + b"}"
