"""The rows of a live query as they are known here, and what became of each, also across a break.

When the connection was lost the stream begins anew with all rows. Only what has become of them
meanwhile is told then: whoever reads the changes does not notice the break.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kastor.client.errors import (
    ServerFailedError,
    ServiceError,
    TooManyRequestsError,
    UnreachableError,
)

if TYPE_CHECKING:
    from kastor.cli.shell.question import Question
    from kastor.client import ClientError, KastorClient
    from kastor.client.streams import LiveUpdate

Document: TypeAlias = dict[str, Any]  # any: JSON
PATIENCE_SECONDS = 600.0
"""For which a server that went away is waited for."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_PASSING = (UnreachableError, ServerFailedError, TooManyRequestsError)


@dataclass(frozen=True, slots=True)
class RowChange:
    """What became of a row.

    Attributes:
        key: JSON of what the row is known by.
        row: as it is; None where it is gone.
        before: as it was; None where it is new.
    """

    kind: Literal["added", "changed", "removed"]
    key: str
    row: Document | None
    before: Document | None = None


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The result is whole; from here on changes follow.

    Attributes:
        rows: all of them, by their keys.
        details: `mode`, `why`, and `warnings` of the server.
    """

    rows: dict[str, Document]
    details: Document


class KnownRows:
    """Applies updates; between a beginning and `ready` it only gathers."""

    def __init__(self) -> None:
        self._rows: dict[str, Document] = {}
        self._gathered: dict[str, Document] | None = {}
        self._was_ready = False

    def begin(self) -> None:
        """Take what comes until `ready` for the whole result."""
        self._gathered = {}

    def apply(self, update: LiveUpdate) -> Iterator[RowChange | FirstRows]:
        """Yield what an update means to whoever was told all before it."""
        if update.kind == "ready":
            yield from self._ready(update)
            return
        for told in update.rows:
            if self._gathered is not None:
                self._gathered[told.key] = told.row
            elif update.kind == "removed":
                before = self._rows.pop(told.key, None)
                if before is not None:
                    yield RowChange("removed", told.key, None, before)
            else:
                yield from self._put(told.key, told.row)

    def _ready(self, update: LiveUpdate) -> Iterator[RowChange | FirstRows]:
        gathered, self._gathered = self._gathered, None
        if gathered is None:
            return  # other models, another plan; the rows go on
        if not self._was_ready:
            self._rows, self._was_ready = gathered, True
            yield FirstRows(gathered, update.details)
            return
        for key in [each for each in self._rows if each not in gathered]:
            yield RowChange("removed", key, None, self._rows.pop(key))
        for key, row in gathered.items():
            yield from self._put(key, row)

    def _put(self, key: str, row: Document) -> Iterator[RowChange]:
        before = self._rows.get(key)
        self._rows[key] = row
        if before is None:
            yield RowChange("added", key, row)
        elif before != row:
            yield RowChange("changed", key, row, before)


def changes_of(
    client: KastorClient, question: Question, lost: Callable[[ClientError, float], None]
) -> Iterator[RowChange | FirstRows]:
    """Yield the first rows of a query, then each change; ends by an error only.

    Args:
        client: of the server.
        question: what is asked.
        lost: is told what broke, and the seconds after which it is tried again.

    Raises:
        ClientError: the query cannot be followed, or the server is away for too long.
    """
    known, pause = KnownRows(), _FIRST_PAUSE
    lived: float | None = None
    while True:
        known.begin()
        try:
            for update in client.live(question.text, question.parameters or None):
                yield from known.apply(update)
                lived, pause = time.monotonic(), _FIRST_PAUSE
        except _PASSING as error:
            if lived is None or time.monotonic() - lived > PATIENCE_SECONDS:
                raise
            asked = error.retry_after if isinstance(error, ServiceError) else None
            wait = max(pause, asked or 0.0)
            lost(error, wait)
        else:
            wait = pause
        time.sleep(wait)
        pause = min(_LONGEST_PAUSE, 2 * pause)
