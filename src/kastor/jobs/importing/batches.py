"""What becomes of lines: entries, and batches of them that go to the store together."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from kastor.errors import KastorError
from kastor.graph.commands import Command
from kastor.jobs.importing.vectors import Given

HEADER, MODELS, TWINS, RELATIONSHIPS = "Header", "Models", "Twins", "Relationships"
SECTIONS = (HEADER, MODELS, TWINS, RELATIONSHIPS)
"""In the order of the file (jobs 4.2)."""

MOST_ENTRIES = 1_000
"""Of one batch: what other writers wait for is some 60 ms, and a commit has its price."""
MOST_BATCH_BYTES = 1_048_576
"""Of the lines of one batch, the one that goes over it included."""


class FileEntry(Struct, frozen=True):
    """A line of a section.

    Attributes:
        line: its number.
        id: of the twin, relationship or model; empty where it could not be read.
        command: what it asks for; None where it is refused already.
        error: why it is.
        text: of a model.
        given: what no command says: a vector index, or a vector beside a twin.
    """

    line: int
    id: str = ""
    command: Command[Any] | None = None
    error: KastorError | None = None
    text: bytes = b""
    given: Given | None = None


NoticeKind: TypeAlias = Literal["begun", "skipped", "unknown", "forbidden"]


class Notice(Struct, frozen=True):
    """Something about a section as a whole.

    Attributes:
        kind: it begins; or its lines are skipped: since it stands in the wrong place, since
            this version does not know it, or since the caller may not write what it holds.
        section: its name in the file.
        line: the line that names it.
        reason: for people, where it is skipped.
    """

    kind: NoticeKind
    section: str
    line: int
    reason: str = ""


class FilePosition(Struct, frozen=True):
    """Where a file has been read to, so that another process can go on from there.

    Attributes:
        line: number of the last line that is done.
        digest: CRC-32 of all lines so far, to know the file again.
        section: that the next line belongs to.
        skipping: whether lines of this section are skipped.
        begun: names of the sections so far.
        entries: lines of this section that were taken.
        ended: whether its end was told of.
    """

    line: int = 0
    digest: int = 0
    section: str = ""
    skipping: bool = False
    begun: tuple[str, ...] = ()
    entries: int = 0
    ended: bool = False


class FileBatch(Struct, frozen=True):
    """Lines that go to the store together, all of one section.

    Attributes:
        section: of the entries.
        notices: what is to be told before them.
        entries: the lines, blank and skipped ones aside.
        end: where the file has been read to once the batch is done.
        taken: bytes of the file, as it came, that were read until then.
        ends: whether the section ends with them.
    """

    section: str
    notices: tuple[Notice, ...]
    entries: tuple[FileEntry, ...]
    end: FilePosition
    taken: int
    ends: bool = False
