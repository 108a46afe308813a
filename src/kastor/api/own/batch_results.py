"""What became of a batch's operations, as its answer tells it (decisions 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from kastor.api.http.problem import told
from kastor.graph.batch_told import taken_text
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.graph.batch import BatchOperation

FULL_BYTES = 2_097_152
"""Of results; the errors behind them are told without details: each may have as many as a body."""

_REFUSED_AT = 400


class BatchResults:
    """The results so far, in order, as JSON texts.

    Attributes:
        texts: one for each operation.
        failed: how many of them were refused.
    """

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.failed = 0
        self._size = 0

    @classmethod
    def restored(cls, partial: bytes) -> BatchResults:
        """Return the results that `partial` told of."""
        made = cls()
        found = orjson.loads(partial)
        made.add([orjson.dumps(each) for each in found], sum(map(_is_refused, found)))
        return made

    def add(self, texts: Sequence[bytes], failed: int) -> None:
        """Add what `more` returned."""
        self.texts += texts
        self.failed += failed
        self._size += sum(map(len, texts))

    def more(
        self, operations: Sequence[BatchOperation], outcomes: Sequence[Any], *, etags: bool = True
    ) -> tuple[list[bytes], int]:
        """Return the texts of further results and how many were refused; adds none.

        Args:
            operations: those that follow the ones here.
            outcomes: of each, what its decision said or why it was refused.
            etags: whether what they say was written is there.
        """
        texts: list[bytes] = []
        size, failed = self._size, 0
        for operation, outcome in zip(operations, outcomes, strict=True):
            if isinstance(outcome, Exception):
                failed += 1
                text = _refusal(outcome, short=size > FULL_BYTES)
            else:
                text = taken_text(operation, outcome, etags=etags)
            size += len(text)
            texts.append(text)
        return texts, failed

    def partial(self, more: Sequence[bytes] = ()) -> bytes:
        """Return these results, and more, as what is kept until there are all."""
        return b"[%b]" % b",".join([*self.texts, *more])

    def whole(self, more: Sequence[bytes] = (), failed: int = 0) -> bytes:
        """Return the answer to a batch that was taken, with further results as `partial` has."""
        failed += self.failed
        succeeded = len(self.texts) + len(more) - failed
        counts = b',"succeeded":%d,"failed":%d}' % (succeeded, failed)
        return b'{"results":' + self.partial(more) + counts

    def refused(self) -> bytes:
        """Return the answer to a batch that was to be applied as a whole, and was not."""
        first = next(n for n, each in enumerate(self.texts) if _is_refused(orjson.loads(each)))
        count = counted(len(self.texts), "operation")
        said = "was" if self.failed == 1 else "were"
        message = (
            f"{self.failed} of {count} {said} refused, so none was applied; the first is number "
            f"{first + 1}. Mend those whose result has an error, and send the batch again."
        )
        error = orjson.dumps({"code": "BatchRefused", "message": message})
        tail = b',"succeeded":0,"failed":%d}' % self.failed
        return b'{"error":' + error + b',"results":' + self.partial() + tail


def _refusal(error: Exception, *, short: bool) -> bytes:
    status, said = told(error, short=short)
    return orjson.dumps({"status": status, "error": said})


def _is_refused(result: Any) -> bool:
    return bool(result["status"] >= _REFUSED_AT)
