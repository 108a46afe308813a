"""The page for users of `az dt` names commands that are there, with the flags that they have."""

from __future__ import annotations

import re
import shlex

import pytest

from kastor.pages import all_pages
from tests.cli.tree import COMMANDS, LEAVES

PAGE = all_pages()["how-to/for-az-dt-users"].text()
QUOTED = re.findall(r"`(kastor [^`]+)`", PAGE)
AZURE = {
    "twin": "create show update delete delete-all query",
    "twin relationship": "create show list update delete delete-all",
    "twin component": "show update",
    "twin telemetry": "send",
    "model": "create show list update delete delete-all",
    "route": "create list show delete",
    "endpoint": "list show delete wait",
    "endpoint create": "eventgrid eventhub servicebus",
    "job import": "create list show cancel delete",
    "job deletion": "create list show",
    "data-history connection": "create list show delete wait",
    "identity": "assign show remove",
    "role-assignment": "create list delete",
    "network": "private-endpoint private-link",
    "": "create delete show list wait reset",
}


def words_of(text: str) -> tuple[tuple[str, ...], list[str]]:
    """The longest command that a text begins with, and what stands behind it."""
    words = shlex.split(text)[1:]
    length = next(n for n in range(len(words), -1, -1) if tuple(words[:n]) in COMMANDS)
    return tuple(words[:length]), words[length:]


@pytest.mark.parametrize("text", sorted(set(QUOTED)))
def test_a_command_that_is_named_is_there(text: str) -> None:
    path, rest = words_of(text)
    assert path, f"{text}: there is no such command"
    # What follows a group can only be the name of a command that it does not have.
    assert path in LEAVES or not rest, f"{text}: there is no such command"
    parameters = COMMANDS[path].params
    known = {flag for each in parameters for flag in (*each.opts, *each.secondary_opts)}
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    valued = {
        flag for each in parameters if not getattr(each, "is_flag", False) for flag in each.opts
    }
    given = []
    for before, word in zip(["", *rest], rest, strict=False):
        if word.startswith("-"):
            assert word in known, f"{text}: there is no {word}"
        elif before not in valued:
            given.append(word)
    most = sum(each.nargs if each.nargs > 0 else 99 for each in arguments)
    assert len(given) <= most, f"{text}: takes no more than {most} arguments"


def rows() -> list[tuple[str, str]]:
    """The commands of Kastor in each row of a table, and what is remarked on them."""
    cells = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    return [(row[1], row[2]) for row in cells if len(row) == 3 and "`kastor " in row[1]]


def test_flags_in_remarks_are_those_of_the_commands_in_the_row() -> None:
    checked = 0
    for commands, remark in rows():
        known = {
            flag
            for text in re.findall(r"`(kastor [^`]+)`", commands)
            for each in COMMANDS[words_of(text)[0]].params
            for flag in each.opts
        }
        for flag in re.findall(r"(?<!no )`(--[a-z-]+)", remark):
            assert flag in known, f"{commands}: there is no {flag}"
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("group", AZURE)
def test_every_command_of_azure_is_named(group: str) -> None:
    said = " ".join(re.findall(r"`([^`]+)`", PAGE))
    for verb in AZURE[group].split():
        whole = " ".join(filter(None, ("az dt", group, verb)))
        # In a row the first is whole, and those beside it perhaps the last word alone.
        rows = [line for line in PAGE.splitlines() if f"az dt {group}".rstrip() in line]
        assert whole in said or any(f"`{verb}`" in line for line in rows), whole
