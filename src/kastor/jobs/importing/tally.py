"""What a batch means for the counts and for the log, once it is known what became of its lines.

Pure, the time in the log aside: it is asked within the transaction, which may be tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from kastor.errors import KastorError
from kastor.graph.commands import Fitted, Written
from kastor.jobs.importing.batches import MODELS, RELATIONSHIPS, TWINS, FileBatch, FileEntry, Notice
from kastor.jobs.importing.log import MOST_LISTED, ImportLog
from kastor.jobs.importing.state import FirstFault, ImportState
from kastor.jobs.importing.vectors import VECTOR_INDEXES, VECTORS

_WRONG_PROPERTIES = "PropertiesNotDeclared"
_LONGEST_KEPT = 2_000
"""Characters of the first fault, which is kept with the progress of the job."""
_SKIPPED, _FORBIDDEN = "SectionSkipped", "SectionForbidden"


def after_batch(
    state: ImportState, batch: FileBatch, outcomes: Sequence[Any], log: ImportLog
) -> tuple[ImportState, list[bytes]]:
    """Return the state after a batch, and the lines of the log that tell of it.

    Args:
        state: before it.
        batch: what was done.
        outcomes: of its entries that have a command, in order: what was written, or an error.
        log: words the lines.
    """
    told = _Teller(state, log)
    for notice in batch.notices:
        told.notice(notice)
    rest = iter(outcomes)
    for entry in batch.entries:
        # A model has no command: it is stored by now, or nothing would be told.
        has_outcome = entry.command is not None or entry.given is not None
        told.entry(batch.section, entry, entry.error or (next(rest) if has_outcome else None))
    if batch.ends:
        told.end_section(batch.section)
    # Where lines are skipped, it still says how far the file was read.
    after = replace(told.state, at=batch.end, taken=batch.taken)
    return replace(after, lines=state.lines + len(told.lines)), told.lines


class _Teller:
    """Counts and words one batch."""

    def __init__(self, state: ImportState, log: ImportLog) -> None:
        self.lines: list[bytes] = []
        self._before, self._log = state, log
        self._replaced = self._unchanged = self._errors = self._warnings = 0
        self._listed, self._first = state.listed, state.first
        self._faults, self._missing = state.faults_of_section, state.missing
        self._counts = {
            MODELS: state.models,
            TWINS: state.twins,
            RELATIONSHIPS: state.relationships,
            VECTOR_INDEXES: state.vector_indexes,
            VECTORS: state.vectors,
        }

    @property
    def state(self) -> ImportState:
        """The state with what was told."""
        before = self._before
        return replace(
            before,
            models=self._counts[MODELS],
            twins=self._counts[TWINS],
            relationships=self._counts[RELATIONSHIPS],
            vector_indexes=self._counts[VECTOR_INDEXES],
            vectors=self._counts[VECTORS],
            replaced=before.replaced + self._replaced,
            unchanged=before.unchanged + self._unchanged,
            errors=before.errors + self._errors,
            warnings=before.warnings + self._warnings,
            listed=self._listed,
            first=self._first,
            faults_of_section=self._faults,
            missing=self._missing,
        )

    def notice(self, notice: Notice) -> None:
        """Tell of a section that starts or is skipped."""
        section, line, reason = notice.section, notice.line, notice.reason
        if notice.kind == "begun":
            self._faults = 0
            self.lines.append(self._log.section(section, "Started"))
        elif notice.kind == "unknown":
            self._warnings += 1
            self._list(section, self._log.about_section("Warning", section, line, _SKIPPED, reason))
        else:
            code = _FORBIDDEN if notice.kind == "forbidden" else _SKIPPED
            if notice.kind == "forbidden":
                self._missing = (*self._missing, reason)
            self._count_fault(FirstFault(line, section, code, reason))
            self._list(section, self._log.about_section("Error", section, line, code, reason))

    def entry(self, section: str, entry: FileEntry, outcome: Any) -> None:  # any: of any command
        """Tell of a line, if there is anything to tell."""
        if isinstance(outcome, Exception):
            error = outcome if isinstance(outcome, KastorError) else _unforeseen()
            said = sentence(error)[:_LONGEST_KEPT]
            self._count_fault(FirstFault(entry.line, entry.id, error.code, said))
            self._list(section, self._log.refused(section, entry.line, entry.id, error))
            return
        self._counts[section] += 1
        if isinstance(outcome, Written) and outcome.shown is None:
            self._replaced += 1
            self._unchanged += outcome.same
        if isinstance(outcome, Fitted) and outcome.warning:
            self._warnings += 1
            text = self._log.warning(
                section, entry.line, entry.id, _WRONG_PROPERTIES, outcome.warning
            )
            self._list(section, text)

    def end_section(self, section: str) -> None:
        """Tell that a section has ended, and whether all of its lines were taken."""
        self.lines.append(self._log.section(section, "Failed" if self._faults else "Succeeded"))
        self._faults = 0

    def _count_fault(self, fault: FirstFault) -> None:
        self._errors += 1
        self._faults += 1
        self._first = self._first or fault

    def _list(self, section: str, line: bytes) -> None:
        self._listed += 1
        if self._listed <= MOST_LISTED:
            self.lines.append(line)
        elif self._listed == MOST_LISTED + 1:
            self.lines.append(self._log.no_more(section))


def sentence(error: KastorError) -> str:
    """Return an error as one text for people, with the first of its details."""
    if not error.details:
        return error.message
    more = len(error.details) - 1
    others = f" ({more} more in the log)" if more else ""
    return f"{error.message}: {error.details[0].message}{others}"


def _unforeseen() -> KastorError:
    return KastorError(
        "The line could not be written because of a fault of the server; see its log."
    )
