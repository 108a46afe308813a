"""Commands that are imported when they are called: what is told of them before, and how fast."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kastor.cli.commands import Later
from tests.system.program import environment, invoked

from .tree import COMMANDS

HEAVY = (
    "asyncio",
    "httpx2",
    "ssl",
    "pydantic",
    "starlette",
    "apsw",
    "kastor.dtdl",
    "kastor.config",
)
"""What no help and no completion has to wait for."""
GROUPS = {path: each for path, each in COMMANDS.items() if hasattr(each, "commands")}


def _later(group: Any) -> list[Later]:
    return [each for each in group.commands.values() if isinstance(each, Later)]


@pytest.mark.parametrize("path", GROUPS, ids=lambda path: " ".join(path) or "kastor")
def test_the_line_of_a_command_is_the_first_of_its_own_help(path: tuple[str, ...]) -> None:
    for each in _later(GROUPS[path]):
        first = (each.now().help or "").partition("\n\n")[0].replace("\n", " ")
        assert each.help == first, each.name


@pytest.mark.parametrize("words", ["--help"])
def test_help_imports_nothing_that_it_does_not_need(words: str) -> None:
    script = (
        "import sys; from kastor.cli.main import app\n"
        f"try: app({words.split()!r})\nexcept SystemExit: pass\n"
        f"print([each for each in {HEAVY!r} if each in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_an_alias_is_another_name_that_no_list_shows() -> None:
    by_alias = invoked("model", "--help", NO_COLOR="1", COLUMNS="90").stdout
    assert by_alias == invoked("models", "--help", NO_COLOR="1", COLUMNS="90").stdout
    assert " model " not in invoked("--help", NO_COLOR="1").stdout
