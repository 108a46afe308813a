"""Fails for functions of more than 15 branches, and for those of more than 10 without a reason.

Counted is McCabe's number as ruff's rule C901 counts it. The reason stands in the function, or
directly above it, in a comment that begins with `Branches because`. From 12 on it warns besides.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
RUFF = Path(sys.executable).with_name("ruff")
EXPLAINED, WARNED, MOST = 11, 12, 15
_FOUND = re.compile(r"`(.+)` is too complex \((\d+) > \d+\)")
_REASON = re.compile(r"\s*# Branches because \w")


@dataclass(frozen=True)
class Branching:
    """A function that has many branches, and whether it says why."""

    place: str
    name: str
    branches: int
    is_explained: bool

    @property
    def is_wrong(self) -> bool:
        return self.branches > MOST or not self.is_explained

    def __str__(self) -> str:
        text = f"{self.place}: {self.name} has {self.branches} branches"
        if self.branches > MOST:
            return f"{text}; at most {MOST}"
        if not self.is_explained:
            return f"{text}; take it apart, or say why in a comment: # Branches because ..."
        return f"{text}; is there no simpler way? (warning)"


def main(folder: Path = ROOT / "src") -> int:
    """Print what branches too often; return 1 if anything fails."""
    found = list(branching(folder))
    for one in found:
        if one.is_wrong or one.branches >= WARNED:
            print(one)
    return int(any(one.is_wrong for one in found))


def branching(folder: Path) -> Iterator[Branching]:
    """Every function with enough branches to need a reason, in order of its place."""
    limit = f"lint.mccabe.max-complexity={EXPLAINED - 1}"
    options = ["--isolated", "--no-cache", "--ignore-noqa", "--select", "C901", "--config", limit]
    command = [str(RUFF), "check", *options, "--exit-zero", "--output-format", "json", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    for row in sorted(rows, key=lambda row: (row["filename"], row["location"]["row"])):
        match = _FOUND.fullmatch(row["message"])
        assert match is not None, row["message"]  # also what cannot be parsed
        path, line = Path(row["filename"]), row["location"]["row"]
        place = f"{path.relative_to(folder.resolve().parent).as_posix()}:{line}"
        reason = any(_REASON.match(text) for text in _lines_of(path, line))
        yield Branching(place, match[1], int(match[2]), reason)


def _lines_of(path: Path, line: int) -> list[str]:
    """The lines of the function whose `def` stands there, with the comment above it."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    node = next(
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno == line
    )
    begin = min([line, *(each.lineno for each in node.decorator_list)]) - 1
    while begin and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    return lines[begin : node.end_lineno]


if __name__ == "__main__":
    sys.exit(main())
