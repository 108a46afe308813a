"""From bytes of a file to batches: sections in their order, lines as entries (jobs 4.2).

Meant to run in a thread, a batch at a time. What is read again after a crash is only looked at
closely enough to know that it is the same file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from zlib import crc32

from msgspec import Struct

from kastor.errors import InvalidArgument, KastorError
from kastor.jobs.importing import documents
from kastor.jobs.importing.batches import (
    HEADER,
    MODELS,
    MOST_BATCH_BYTES,
    MOST_ENTRIES,
    RELATIONSHIPS,
    SECTIONS,
    TWINS,
    FileBatch,
    FileEntry,
    FilePosition,
    Notice,
)
from kastor.jobs.importing.faults import (
    FileChangedError,
    FileDamagedError,
    HeaderWrongError,
    ImportFailedError,
    ImportTooLargeError,
    ModelsRefusedError,
)
from kastor.jobs.importing.lines import Line, LineReader
from kastor.jobs.importing.unpacking import Unpacker
from kastor.jobs.importing.vectors import VECTOR_SECTIONS
from kastor.types import Document

FILE_VERSION = "1.0.0"
OURS = "Kastor."
"""Begins sections that only Kastor writes, in exports; uploads of those of vectors are taken."""
MOST_SECTIONS = 1_000
"""Lines that begin one, those included whose lines are skipped."""
_LONGEST_NAME = 100


class ReadingLimits(Struct, frozen=True):
    """What a file may hold.

    Attributes:
        text_bytes: of the whole file, unpacked.
        model_bytes: of all models together.
        entries: lines of a section, by its name; one without a number has no limit.
        add_components: as of `PutTwin`.
    """

    text_bytes: int
    model_bytes: int
    entries: Mapping[str, int]
    add_components: bool | None = False


class FileReader:
    """Reads one file.

    Args:
        limits: what it may hold.
        forbidden: sections that the caller may not write, each with the permission it lacks.
        start: where to go on.
        own: sections of ours that are taken, in the order of the file; they come last.
    """

    def __init__(
        self,
        limits: ReadingLimits,
        forbidden: Mapping[str, str] | None = None,
        start: FilePosition | None = None,
        own: Sequence[str] = (),
    ) -> None:
        self._known = (*SECTIONS, *own)
        self._limits = limits
        self._forbidden = forbidden or {}
        self._start = start or FilePosition()
        self._unpacker, self._lines = Unpacker(limits.text_bytes), LineReader()
        self._line = self._digest = self._entries_of_section = self._sections = 0
        self._before = 0, 0  # line and digest before the line that is looked at
        self._section, self._skipping, self._ended = "", False, False
        self._begun: tuple[str, ...] = ()
        self._has_header = bool(self._start.begun)
        self._notices: list[Notice] = []
        self._entries: list[FileEntry] = []
        self._size = 0

    def batches(self, chunk: bytes) -> Iterator[FileBatch]:
        """Yield the batches that are full once the next chunk of the file is read.

        Raises:
            ImportFailedError: the file cannot be read on; what was read before is yielded first.
        """
        try:
            for piece in self._unpacker.pieces(chunk):
                for line in self._lines.lines(piece):
                    yield from self._take(line)
        except ImportFailedError as error:
            yield from self._what_came_before(error)
            raise

    def end(self) -> Iterator[FileBatch]:
        """Yield the batches at the end of the file.

        Raises:
            ImportFailedError: as `batches`; or there is no header.
        """
        try:
            for piece in self._unpacker.end():
                for line in self._lines.lines(piece):
                    yield from self._take(line)
            if (last := self._lines.last()) is not None:
                yield from self._take(last)
            if self._line < self._start.line:
                raise _changed()
            if not self._has_header:
                raise _no_header(self._line)
        except ImportFailedError as error:
            yield from self._what_came_before(error)
            raise
        if not self._ended:
            yield self._full(ends=True)

    def _what_came_before(self, error: ImportFailedError) -> Iterator[FileBatch]:
        """Yield what may be imported of a file that cannot be read on: all but models."""
        no_import = isinstance(error, HeaderWrongError | ModelsRefusedError | FileChangedError)
        if not no_import and self._section != MODELS and self._entries:
            yield self._full()

    def _take(self, line: Line) -> Iterator[FileBatch]:
        self._before = self._line, self._digest
        self._line = line.number
        if line.text is not None:
            self._digest = crc32(line.text, self._digest)
        if line.number <= self._start.line:
            if line.number == self._start.line:
                self._go_on()
            return
        document = self._decoded(line)
        if document is None:
            pass
        elif "Section" in document and len(document) == 1:
            yield from self._begin_section(document["Section"])
        else:
            self._add(document, line.text or b"")
        if self._is_full():
            yield self._full()

    def _decoded(self, line: Line) -> Document | None:
        """Return what a line says; None of a blank one, and of one that is refused."""
        text = line.text
        if text is not None and (not text or text.isspace()):
            return None
        try:
            if text is None:
                raise documents.TOO_LONG
            return documents.decode_line(text)
        except KastorError as error:
            self._add_refused(error)
            return None

    def _is_full(self) -> bool:
        if self._section == MODELS or not self._has_header:
            return False  # models are one batch, however many: all or none of them are stored
        return (
            len(self._entries) >= MOST_ENTRIES
            or self._size >= MOST_BATCH_BYTES
            or self._line % _LINES_BETWEEN == 0
        )

    def _go_on(self) -> None:
        start = self._start
        if self._digest != start.digest:
            raise _changed()
        self._section, self._skipping = start.section, start.skipping
        self._ended = start.ended
        self._begun, self._entries_of_section = start.begun, start.entries

    def _add(self, document: Document, text: bytes) -> None:
        section = self._section
        if not self._has_header:
            self._take_header(document)
        elif self._skipping or section == HEADER:
            return
        elif section == TWINS:
            add = self._limits.add_components
            self._append(documents.twin_entry(self._line, document, add_components=add), len(text))
        elif section == RELATIONSHIPS:
            self._append(documents.relationship_entry(self._line, document), len(text))
        elif section in VECTOR_SECTIONS:
            self._append(documents.given_entry(self._line, section, document), len(text))
        else:
            self._append(documents.model_entry(self._line, document, text), len(text))

    def _add_refused(self, error: KastorError) -> None:
        if not self._has_header:
            raise _no_header(self._line, error.message)
        if self._section == MODELS and not self._skipping:
            raise ModelsRefusedError(
                f"Line {self._line} is no model: {error.message} Nothing of the file was imported: "
                "its models are stored all or none, and before anything else."
            )
        if not self._skipping:
            self._append(FileEntry(self._line, error=error), 0)

    def _append(self, entry: FileEntry, size: int) -> None:
        self._entries_of_section += 1
        self._size += size
        most = self._limits.entries.get(self._section)
        if most is not None and self._entries_of_section > most:
            raise _too_many(self._section, most, self._line)
        if self._section == MODELS and self._size > self._limits.model_bytes:
            raise ModelsRefusedError(
                f"The models have more than {self._limits.model_bytes} bytes together (setting "
                "max_models_body_bytes). Nothing of the file was imported; upload some of the "
                "models before, dependencies first."
            )
        self._entries.append(entry)

    # --- sections ---------------------------------------------------------------------------------

    def _take_header(self, document: Document) -> None:
        if self._section != HEADER:
            raise _no_header(self._line)
        version = document.get("fileVersion")
        if version != FILE_VERSION:
            shown = str(version)[:_LONGEST_NAME]
            raise HeaderWrongError(
                f"Line {self._line}: the header's fileVersion is {shown}, and only {FILE_VERSION} "
                "is known. Nothing was imported."
            )
        self._has_header = True

    def _begin_section(self, name: object) -> Iterator[FileBatch]:
        self._sections += 1
        if self._sections > MOST_SECTIONS:
            raise FileDamagedError(
                f"Line {self._line}: the file has more than {MOST_SECTIONS} lines that begin a "
                "section, and one of each is known. What came before is imported."
            )
        if not isinstance(name, str):
            self._add_refused(InvalidArgument("The name of a section is a string."))
            return
        if not self._has_header:
            if name != HEADER or self._section:
                raise _no_header(self._line)
        elif not self._ended:
            # Who goes on from there has to meet the line that begins the next section.
            yield self._full(self._before, ends=True)
        self._section, self._entries_of_section = name[:_LONGEST_NAME], 0
        self._ended = False
        notice = self._notice_of(self._section)
        self._skipping = notice.kind != "begun"
        if self._section in self._known and self._section not in self._begun:
            self._begun = (*self._begun, self._section)
        if self._section != HEADER or self._skipping:
            self._notices.append(notice)

    def _notice_of(self, name: str) -> Notice:
        if name not in self._known:
            if name.startswith(OURS):
                reason = f"An import does not take the section {name}; its lines are skipped."
                return Notice("unknown", name, self._line, reason)
            known = ", ".join(SECTIONS)
            reason = f"There is no section {name}; its lines are skipped. Sections are {known}."
            return Notice("skipped", name, self._line, reason)
        if (misplaced := _misplaced(name, self._begun, self._known)) is not None:
            return Notice("skipped", name, self._line, misplaced)
        if (permission := self._forbidden.get(name)) is not None:
            reason = f"The caller lacks the permission {permission}; the section is skipped."
            return Notice("forbidden", name, self._line, reason)
        return Notice("begun", name, self._line)

    def _full(self, through: tuple[int, int] | None = None, *, ends: bool = False) -> FileBatch:
        """Return what was read since the last batch.

        Args:
            through: number and digest of the last line of it; by default the one looked at.
            ends: whether its section ends.
        """
        line, digest = through or (self._line, self._digest)
        notices, entries = tuple(self._notices), tuple(self._entries)
        self._notices, self._entries, self._size = [], [], 0
        end = FilePosition(
            line=line,
            digest=digest,
            section=self._section,
            skipping=self._skipping,
            begun=self._begun,
            entries=self._entries_of_section,
            ended=ends,
        )
        is_told = ends and self._section not in ("", HEADER) and not self._skipping
        return FileBatch(self._section, notices, entries, end, self._unpacker.taken, is_told)


_LINES_BETWEEN = 100_000
"""Blank or skipped ones, after which it is noted how far the file was read."""


def _misplaced(name: str, begun: Collection[str], order: Sequence[str]) -> str | None:
    if name in begun:
        return f"The section {name} comes twice; the lines of the second one are skipped."
    later = [each for each in order[order.index(name) + 1 :] if each in begun]
    if later:
        return (
            f"The section {name} comes after {later[0]}, but belongs before it; its lines are "
            "skipped. Put it before, or into a file of its own."
        )
    return None


def _no_header(line: int, reason: str = "") -> HeaderWrongError:
    found = f" {reason}" if reason else ""
    file = f"Line {line}: the file" if line else "The file is empty; it"
    return HeaderWrongError(
        f'{file} has to begin with {{"Section": "Header"}} and then '
        f'{{"fileVersion": "{FILE_VERSION}"}}, each on a line of its own.{found} Nothing was '
        "imported."
    )


def _too_many(section: str, most: int, line: int) -> ImportFailedError:
    if section == MODELS:
        return ModelsRefusedError(
            f"Line {line}: the file has more than {most} models. Nothing of it was imported; "
            "upload the models in several files, dependencies first."
        )
    return ImportTooLargeError(
        f"Line {line}: the section {section} has more than {most} lines, the limit of one import. "
        "What came before is imported; import the rest by another file."
    )


def _changed() -> FileChangedError:
    return FileChangedError(
        "The file is another one than when the import was begun. What was imported until then "
        "stays; import the new file by a job of its own."
    )
