"""Wrong command lines: what is said beside what the library that reads them says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kastor.cli.output import Exit

if TYPE_CHECKING:
    from .terminal import Cli


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("export -o room.ndjson", "A file is named without a flag: `kastor export FILE`."),
        ("import --template X -o a.csv", "A file is named without a flag: `kastor import FILE`."),
        ("query X -o rooms.csv", "into a file goes what is printed by `> FILE`."),
        ("models json-schema -o a.json", "Into a file goes what is printed by `> FILE`."),
        ("--url http://127.0.0.1:1 twin list", "It goes behind the whole command"),
        ("twin -o json list", "It goes behind the whole command"),
        ("query SELECT T FROM", "goes into quotes."),
        ("query X --limit many", "'--limit': it should be a valid integer."),
        ("job list --kind import", "'import' is not one of 'imports'"),
        ("twin shwo", "Did you mean 'show'?"),
        ("twin show a --ouput json", "--output"),
    ],
)
def test_it_is_said_what_would_be_right(cli: Cli, line: str, said: str) -> None:
    done = cli.pipe(*line.split())
    told = " ".join(done.err.replace("│", " ").split())
    assert said in told
    assert "Value error" not in told
    assert (done.status, done.out) == (Exit.USAGE, "")
