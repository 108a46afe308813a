"""The examples of docs/reference/cli.md: what stands there is run, in the order of the page.

In a block of the language `console`:

    $ kastor twin show building-1           run; it has to exit with 0
    $ kastor twin show nobody  # exits 3    run; it has to exit with 3
    $ kastor export > graph.ndjson          `>` and `<` name files; a line ending in \\ goes on
    $ cat rooms.csv                         what follows is a file, and is written

Lines behind a command are what it prints in a pipe, on both streams; `...` in a line stands for
anything, a line of its own for any lines. Without lines everything is accepted.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .tree import LEAVES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
ADDRESS = "http://127.0.0.1:8080"
"""Stands for that of the server."""
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STATUS = re.compile(r"\s+# exits (\d+)\Z")


@dataclass(slots=True)
class Example:
    """A command of the page, or a file.

    Attributes:
        line: of the page.
        words: what is typed behind `kastor`; of a file, `cat` and its name.
        status: with which it has to exit.
        stdin, stdout: names of files.
        printed: what stands behind it.
    """

    line: int
    words: list[str]
    status: int = 0
    stdin: str | None = None
    stdout: str | None = None
    printed: list[str] = field(default_factory=list)

    @property
    def path(self) -> tuple[str, ...]:
        """The words that lead to its command."""
        return next(
            (
                tuple(self.words[:length])
                for length in range(len(self.words), 0, -1)
                if tuple(self.words[:length]) in LEAVES
            ),
            (),
        )

    @property
    def is_file(self) -> bool:
        """Whether it is the text of a file."""
        return self.words[0] == "cat"

    def __str__(self) -> str:
        return f"cli.md:{self.line}: kastor {shlex.join(self.words)}"

    def is_printed(self, text: str) -> bool:
        """Tell whether a text is what stands behind the command."""
        if not self.printed:
            return True
        parts = [
            r"(?:.*\n)*?" if line.strip() == "..." else _pattern(line) + "\n"
            for line in self.printed
        ]
        return re.fullmatch("".join(parts), text.rstrip("\n") + "\n") is not None


def _pattern(line: str) -> str:
    return r".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*"


def examples(page: str | None = None) -> list[Example]:
    """Return the examples of the page."""
    text = PAGE.read_text("utf-8") if page is None else page
    return [
        each
        for block in _BLOCK.finditer(text)
        for each in _of_block(text.count("\n", 0, block.start(1)) + 1, block[1])
    ]


def _of_block(first: int, text: str) -> Iterator[Example]:
    found: Example | None = None
    lines = enumerate(text.splitlines(), first)
    for number, line in lines:
        if not line.startswith("$ "):
            assert found is not None, f"cli.md:{number}: a block begins with `$ `"
            found.printed.append(line)
            continue
        if found is not None:
            yield found
        command = line[2:]
        while command.endswith("\\"):
            command = command[:-1] + next(lines)[1]
        found = _read(number, command)
    if found is not None:
        yield found


def _read(number: int, command: str) -> Example:
    status = _STATUS.search(command)
    words = shlex.split(_STATUS.sub("", command), comments=True)
    assert words[0] in ("kastor", "cat"), f"cli.md:{number}: `$ kastor` or `$ cat FILE`"
    made = Example(number, words[1:] if words[0] == "kastor" else words)
    made.status = int(status[1]) if status else 0
    for sign, name in (("<", "stdin"), (">", "stdout")):
        if sign in made.words:
            place = made.words.index(sign)
            setattr(made, name, made.words[place + 1])
            del made.words[place : place + 2]
    return made
