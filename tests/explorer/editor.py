"""The editor of queries, as a story writes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.explorer.browser import Page


def run_query(page: Page, text: str) -> None:
    """Write a query in the place of what is there, and run it."""
    page.write("query.editor", text)
    page.raw.keyboard.press("Control+Enter")


def offered(page: Page, text: str, name: str) -> str:
    """Return what the completion says of a name at the end of a text."""
    page.write("query.editor", text)
    page.raw.keyboard.press("Control+Space")
    options = page.raw.get_by_role("listbox").get_by_role("option")
    found = options.filter(has_text=name).first
    found.wait_for()
    told = found.inner_text()
    page.raw.keyboard.press("Escape")
    return told
