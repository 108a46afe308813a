"""Relationships that wait in a temporary file for the last twin."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from kastor.moving.items import Placed, RelationshipItem

_IN_MEMORY = 8_388_608
"""Bytes up to which there is no file."""


class RelationshipSpool:
    """Keeps relationships in the order that they came in; its file has no name and goes with it."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, mode="w+b")  # noqa: SIM115 - closed with this
        self.count = 0

    def add(self, item: RelationshipItem, where: str) -> None:
        """Keep one.

        Raises:
            OSError: there is no room.
            ValueError, TypeError: a value that JSON lacks.
        """
        line = json.dumps([where, item.source, item.id, item.body], allow_nan=False)
        self._file.write(line.encode() + b"\n")
        self.count += 1

    def items(self) -> Iterator[Placed]:
        """Yield them; nothing is added any more."""
        self._file.seek(0)
        for line in self._file:
            where, source, identity, body = json.loads(line)
            yield Placed(RelationshipItem(source, identity, body), where)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
