"""The documentation's pages, which come with the program, and how a message refers to one.

They are served below `/docs`, with their pictures, and printed by `kastor docs`. An installed
package has them beside its code; from a clone they are read from its folder `docs`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_HERE = Path(__file__).resolve().parent
_TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
_TITLE_LENGTH = 4_096
_INDEX = "index"
_PICTURES = "pictures/*.webp"


@dataclass(frozen=True)
class Page:
    """A page; its name is its path without the ending, such as `reference/settings`."""

    name: str
    path: Path

    @property
    def title(self) -> str:
        """The first heading."""
        with self.path.open(encoding="utf-8") as lines:
            match = _TITLE.search(lines.read(_TITLE_LENGTH))
        return self.name if match is None else match[1].replace("`", "")

    def text(self) -> str:
        """Return the Markdown."""
        return self.path.read_text(encoding="utf-8")


def refer(page: str, *, to: Literal["http", "cli"]) -> str:
    """Return how a message names a page: the only way that one does.

    Args:
        page: its name, such as `reference/settings`.
        to: who reads the message: a client of the server, or whoever types commands.
    """
    return f"/docs/{page}" if to == "http" else f"`kastor docs {page}`"


@cache
def all_pages() -> dict[str, Page]:
    """Return every page by its name, in order; empty where none came with the program."""
    folder = _folder()
    if folder is None:
        return {}
    paths = {
        path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.md")
    }
    return {name: Page(name, paths[name]) for name in sorted(paths)}


@cache
def all_pictures() -> dict[str, Path]:
    """Return the files of the pages' pictures by their path from the pages' folder."""
    folder = _folder()
    if folder is None:
        return {}
    return {path.relative_to(folder).as_posix(): path for path in folder.glob(_PICTURES)}


def _folder() -> Path | None:
    folders = (_HERE / "_pages", _HERE.parents[1] / "docs")
    return next((each for each in folders if each.is_dir()), None)


def page_at(name: str) -> Page | None:
    """Return the page of this name; the one of a folder is its `index`."""
    pages = all_pages()
    return pages.get(name) or pages.get(f"{name}/{_INDEX}")


def find_pages(wanted: str) -> list[Page]:
    """Return the pages that a person may mean: by name, by path, or by the name's last part."""
    name = wanted.strip("/").removeprefix("docs/").removesuffix(".md")
    page = page_at(name)
    if page is not None:
        return [page]
    return [page for page in all_pages().values() if name in _last_parts(page)]


def _last_parts(page: Page) -> tuple[str, str]:
    """Return what a page may be called by people; an `index` also as its folder is."""
    folder, _, last = page.name.rpartition("/")
    return last, folder.rpartition("/")[2] if last == _INDEX else last
