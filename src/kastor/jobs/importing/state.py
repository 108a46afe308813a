"""How far an import has come: what is stored with the job, and what people are shown of it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kastor.jobs.importing.batches import FilePosition
from kastor.jobs.kinds import Progress

UNIT = "bytes"
"""Of `done` and `of`: bytes of the file as it came."""


class FirstFault(Struct, frozen=True):
    """The first line that was refused, for the job's error."""

    line: int
    id: str
    code: str
    message: str


class End(Struct, frozen=True):
    """How an import ended: with an error, or without where the code is empty."""

    code: str = ""
    message: str = ""


class ImportState(Struct, frozen=True):
    """An import at the end of a batch.

    Attributes:
        at: where the file was read to.
        taken: bytes of it, as it came.
        models, twins, relationships, vector_indexes, vectors: that were written.
        replaced: twins and relationships of these that were there before.
        unchanged: of those that were replaced, the ones that had the same values.
        errors, warnings: lines that were refused, or taken with a remark.
        listed: lines of the job's log that tell of single lines of the file.
        first: the first line that was refused.
        faults_of_section: lines of the section under way that were refused.
        missing: permissions that the caller lacks for sections of the file.
        lines: of the job's log.
        ended: how it ended, as its last line tells; the job itself may not have ended yet.
    """

    at: FilePosition = FilePosition()
    taken: int = 0
    models: int = 0
    twins: int = 0
    relationships: int = 0
    vector_indexes: int = 0
    vectors: int = 0
    replaced: int = 0
    unchanged: int = 0
    errors: int = 0
    warnings: int = 0
    listed: int = 0
    first: FirstFault | None = None
    faults_of_section: int = 0
    missing: tuple[str, ...] = ()
    lines: int = 0
    ended: End | None = None

    @property
    def counts(self) -> dict[str, int]:
        """What people are shown; vectors only where there were some."""
        some = {"vectorIndexes": self.vector_indexes, "vectors": self.vectors}
        return {
            "models": self.models,
            "twins": self.twins,
            "relationships": self.relationships,
            **{name: count for name, count in some.items() if count},
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "errors": self.errors,
            "warnings": self.warnings,
        }

    def with_lines(self, more: int) -> ImportState:
        """Return the state with more lines of the log."""
        return replace(self, lines=self.lines + more)

    def progress(self, size: int | None) -> Progress:
        """Return what is stored with the job.

        Args:
            size: bytes of the whole file as it comes; None where it is not known.
        """
        known: dict[str, Any] = {} if size is None else {"of": max(size, self.taken)}
        return {
            "done": self.taken,
            **known,
            "unit": UNIT,
            "counts": self.counts,
            "state": msgspec.to_builtins(self),
        }


def state_of(progress: Progress) -> ImportState:
    """Return where an import goes on; at its beginning where nothing is noted."""
    kept = progress.get("state")
    return ImportState() if kept is None else msgspec.convert(kept, ImportState)
