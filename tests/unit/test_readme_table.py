"""README and the package's page lead to every page of the documentation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from kastor.pages import all_pages

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _linked(path: Path) -> set[Path]:
    """The files that a page links to."""
    found = LINK.findall(path.read_text(encoding="utf-8"))
    return {(path.parent / each).resolve() for each in found if "://" not in each}


def test_every_page_is_in_readme_or_one_page_further() -> None:
    direct = _linked(ROOT / "README.md")
    further = {each for path in direct if path.suffix == ".md" for each in _linked(path)}
    folders = {path for path in direct if path.is_dir()}
    missing = {
        name
        for name, page in all_pages().items()
        if page.path.resolve() not in direct | further and page.path.resolve().parent not in folders
    }
    assert missing == set()


def test_every_link_of_readme_leads_somewhere() -> None:
    assert [path for path in _linked(ROOT / "README.md") if not path.exists()] == []


def test_the_page_of_the_package_stands_alone() -> None:
    """Nobody who reads it on an index has the files beside it."""
    text = (ROOT / METADATA["readme"]).read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if "://" not in link] == []
    for name in re.findall(r"`kastor docs (\S+)`", text):
        assert name in all_pages()
