"""Reads feature files: as much of Gherkin as the kit uses, within bounds.

Known: Feature, Background, Scenario, Scenario Outline with Examples, steps, tables, doc strings,
tags, comments. An outline becomes one scenario for each row of its examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

MAX_BYTES = 4_000_000
MAX_SCENARIOS = 10_000
MAX_TEXT = 50_000_000
STEP = re.compile(r"(Given|When|Then|And|But|\*)\s+(.*)")
HEADING = re.compile(r"(Feature|Background|Scenario Outline|Scenario|Examples):\s*(.*)")
NUMBERED = re.compile(r"(\[\d+\])")
QUOTES = '"""'

Table = tuple[tuple[str, ...], ...]


class FeatureError(Exception):
    """A file that is no feature file, or that is beyond the bounds; the message says where."""


@dataclass(frozen=True)
class Step:
    """One step: its text without the keyword, and the table or the doc string below it."""

    text: str
    table: Table = ()
    doc: str | None = None

    def filled(self, values: dict[str, str]) -> Step:
        """Return the step with the placeholders `<name>` of an outline replaced."""
        doc = None if self.doc is None else _fill(self.doc, values)
        table = tuple(tuple(_fill(cell, values) for cell in row) for row in self.table)
        return Step(_fill(self.text, values), table, doc)

    @property
    def size(self) -> int:
        """How many characters it holds."""
        cells = sum(len(cell) for row in self.table for cell in row)
        return len(self.text) + len(self.doc or "") + cells


@dataclass(frozen=True)
class Script:
    """One scenario as it is written; `id` names it within the kit: `Match5 [3] #2`."""

    id: str
    title: str
    steps: tuple[Step, ...]
    tags: tuple[str, ...] = ()


@dataclass
class _Block:
    kind: str
    title: str
    tags: tuple[str, ...] = ()
    steps: list[Step] = field(default_factory=list)
    examples: list[Table] = field(default_factory=list)
    takes_examples: bool = False


def read(file: Path) -> list[Script]:
    """Return the scenarios of a feature file, in order.

    Raises:
        FeatureError: it is too large, no UTF-8, or not of the form above.
    """
    if file.stat().st_size > MAX_BYTES:
        raise FeatureError(f"{file.name} has more than {MAX_BYTES} bytes")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeatureError(f"{file.name} is not UTF-8: {error}") from error
    return parse(text, file.stem)


def parse(text: str, name: str) -> list[Script]:
    """Return the scenarios of a feature file's text.

    Raises:
        FeatureError: as `read`.
    """
    background: list[Step] = []
    found: list[Script] = []
    seen: dict[str, int] = {}
    size = 0
    for block in _blocks(text, name):
        if block.kind == "Background":
            background = block.steps
            continue
        number = NUMBERED.match(block.title)
        first = f"{name} {number[1] if number else block.title}"
        seen[first] = again = seen.get(first, 0) + 1
        base = Script(first if again == 1 else f"{first} ({again})", block.title, (), block.tags)
        for script in _expanded(base, (*background, *block.steps), block):
            size += sum(step.size for step in script.steps)
            if len(found) == MAX_SCENARIOS or size > MAX_TEXT:
                raise FeatureError(f"{name} has too many scenarios, or too long ones")
            found.append(script)
    return found


def _expanded(base: Script, steps: tuple[Step, ...], block: _Block) -> Iterator[Script]:
    if block.kind == "Scenario":
        yield replace(base, steps=steps)
        return
    count = 0
    for header, *rows in block.examples:
        for row in rows:
            count += 1
            values = dict(zip(header, row, strict=True))
            yield replace(
                base, id=f"{base.id} #{count}", steps=tuple(step.filled(values) for step in steps)
            )


def _blocks(text: str, name: str) -> Iterator[_Block]:
    """Yield Background, Scenario and Scenario Outline with their steps."""
    lines = _Lines(text.splitlines(), name)
    block: _Block | None = None
    tags: tuple[str, ...] = ()
    while (line := lines.next()) is not None:
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            tags += tuple(line.split())
        elif heading := HEADING.match(line):
            kind, title = heading.groups()
            if kind == "Examples":
                lines.require(block is not None and block.kind == "Scenario Outline", line)
                assert block is not None
                block.takes_examples = True
            elif kind != "Feature":
                if block is not None:
                    yield block
                block = _Block(kind, title, tags)
            tags = ()
        elif block is not None and block.takes_examples and line.startswith("|"):
            block.examples.append(lines.table(line))
        elif step := STEP.match(line):
            lines.require(block is not None and not block.takes_examples, line)
            assert block is not None
            block.steps.append(lines.step(step[2].strip()))
        else:  # words below a heading
            lines.require(block is None or not block.steps, line)
    if block is not None:
        yield block


class _Lines:
    """The lines of a file and where reading is."""

    def __init__(self, lines: list[str], name: str) -> None:
        self._lines = lines
        self._name = name
        self._at = 0

    def next(self) -> str | None:
        """Return the next line without the blanks around it, None at the end."""
        if self._at == len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at - 1].strip()

    def require(self, holds: bool, line: str) -> None:
        if not holds:
            raise FeatureError(f"{self._name}:{self._at}: not expected here: {line[:80]}")

    def step(self, text: str) -> Step:
        """Return a step with what stands below it."""
        start = self._at
        while (line := self.next()) is not None:
            if line.startswith(QUOTES):
                return Step(text, doc=self._doc())
            if line.startswith("|"):
                return Step(text, table=self.table(line))
            if line and not line.startswith("#"):
                break
        self._at = start
        return Step(text)

    def table(self, first: str) -> Table:
        """Return a table whose first line is given; all rows have as many cells as the first."""
        rows = [_cells(first)]
        while self._at < len(self._lines):
            line = self._lines[self._at].strip()
            if line.startswith("|"):
                rows.append(_cells(line))
            elif line and not line.startswith("#"):
                break
            self._at += 1
            self.require(len(rows[-1]) == len(rows[0]), line)
        return tuple(rows)

    def _doc(self) -> str:
        indent = len(self._lines[self._at - 1]) - len(self._lines[self._at - 1].lstrip())
        start = self._at
        while (line := self.next()) is not None:
            if line == QUOTES:
                inside = self._lines[start : self._at - 1]
                return "\n".join(each[min(indent, _margin(each)) :] for each in inside)
        raise FeatureError(f"{self._name}:{start}: the doc string has no end")


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _cells(line: str) -> tuple[str, ...]:
    """Split a row at bars; `\\|` is a bar, `\\\\` a backslash, `\\n` a line break."""
    cells, cell, escaped = [], "", False
    for char in line[1:]:
        if escaped:
            cell += {"|": "|", "\\": "\\", "n": "\n"}.get(char, "\\" + char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "|":
            cells.append(cell.strip())
            cell = ""
        else:
            cell += char
    return tuple(cells)


def _fill(text: str, values: dict[str, str]) -> str:
    # One pass, so that what a value holds is no placeholder again.
    return re.sub(r"<([^<>\n]+)>", lambda match: values.get(match[1], match[0]), text)
