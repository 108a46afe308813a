"""What pages and messages tell to install works today: from a clone, while nothing is released."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kastor.extras import install_extra

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
INSTALLED = re.compile(r"\b(?:pipx?|uvx?(?: pip| tool)?) (?:install|run|add) [^\n`]*")
BY_NAME = re.compile(r"(?<![\w/.-])kastor(?:==|\[|\s|'|\"|$)")


@pytest.mark.parametrize("line", ["kastor", "'kastor[agents]'", "-U kastor==1.0", "x kastor "])
def test_names_without_a_place_are_found(line: str) -> None:
    assert BY_NAME.search(line)
    assert not BY_NAME.search("'/path/to/kastor[agents]' ./kastor dist/kastor-*.whl kastor-sdk")


def texts() -> Iterator[tuple[Path, str]]:
    for pattern in ("docs/**/*.md", "*.md", "src/**/*.py", "explorer/src/**/*.ts*"):
        for path in ROOT.glob(pattern):
            yield path, path.read_text("utf-8")


def test_nothing_is_installed_from_an_index_that_does_not_have_it() -> None:
    found = [
        (path.relative_to(ROOT), line)
        for path, text in texts()
        for line in INSTALLED.findall(text)
        if BY_NAME.search(line.partition("install ")[2])
    ]
    assert found == []


def test_extras_that_are_named_are_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), extra.strip())
        for path, text in texts()
        for line in INSTALLED.findall(text)
        for extras in re.findall(r"\[([a-z,]+)\]", line)
        for extra in extras.split(",")
    }
    assert len(named) > 10
    assert not [each for each in named if each[1] not in EXTRAS]
    asked = {
        extra
        for _, text in texts()
        for extra in re.findall(r"install_extra\(\"(\w+)\"\)|install_extra\('(\w+)'\)", text)
        for extra in extra
        if extra
    }
    assert len(asked) > 5
    assert asked <= set(EXTRAS)


def test_the_page_of_the_installation_names_every_extra() -> None:
    page = (ROOT / "docs/start/install.md").read_text("utf-8")
    assert not [each for each in EXTRAS if f"`{each}`" not in page]


def test_a_message_names_the_clone() -> None:
    assert install_extra("agents").startswith("in the clone of Kastor, run pip install '.[agents]'")
