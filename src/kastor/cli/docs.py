"""`kastor docs`: the documentation's pages in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kastor.cli.output import Exit, fail, say
from kastor.pages import Page, all_pages, find_pages


def docs(
    page: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", help="Such as reference/settings, or only settings."),
    ] = None,
) -> None:
    """Print a page of the documentation; without a name, list the pages.

    A running server shows the same pages at /docs/pages. What goes into a file or pipe is Markdown.
    """
    if page is None:
        for each in all_pages().values():
            say(f"{each.name:<36}{each.title}")
        return
    found = find_pages(page)
    if not found:
        fail(f"There is no page {page}; `kastor docs` lists them.", Exit.NOT_FOUND)
    if len(found) > 1:
        fail(f"{page} may be {' or '.join(each.name for each in found)}.")
    _show(found[0])


def _show(page: Page) -> None:
    if not sys.stdout.isatty():
        say(page.text(), end="")
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page.text(), hyperlinks=False))
