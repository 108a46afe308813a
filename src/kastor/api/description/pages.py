"""The documentation's pages as HTML, with links between them that lead somewhere.

Only pages that exist have an address: a request's path is looked up among their names and never
becomes a path of a file.
"""

from __future__ import annotations

import posixpath
import re
import threading
from functools import cache
from html import escape
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

from kastor.api.http.mount import ENTRY
from kastor.pages import Page, all_pages, all_pictures, page_at, refer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from starlette.requests import Request

    from kastor.api.http.mount import Entry

INDEX = "/docs/pages"
_ELSEWHERE = re.compile(r"[a-z]+:", re.IGNORECASE)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
}
_OF_PICTURES = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Kastor</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }}
pre, code {{ font: .875em/1.4 ui-monospace, monospace; background: #f3f3f3 }}
pre code {{ font-size: 1em }}
pre {{ padding: .7rem 1rem; overflow-x: auto }}
table {{ border-collapse: collapse; display: block; overflow-x: auto }}
td code {{ overflow-wrap: anywhere }}
p, li {{ max-width: 48rem }}
img {{ max-width: 100%; border: 1px solid #ccc }}
td, th {{ border: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top }}
nav {{ border-bottom: 1px solid #ccc; padding-bottom: .5rem }}
</style>
</head>
<body>
<nav><a href="{index}">Pages</a> &middot; <a href="/docs">API</a></nav>
{body}
</body>
</html>
"""
_lock = threading.Lock()
_rendered: dict[str, bytes] = {}


async def serve_index(request: Request) -> Response:
    """Answer the list of pages."""
    return HTMLResponse(below_prefix(request, _index().encode()), headers=_HEADERS)


async def serve_page(request: Request) -> Response:
    """Answer one page; its first reader waits for a thread that renders it."""
    page = page_at(str(request.path_params["page"]).removesuffix(".md"))
    if page is None:
        return PlainTextResponse(f"There is no such page; {INDEX} lists them.\n", 404)
    if page.name not in _rendered:
        await run_in_threadpool(_render_once, page.name)
    return HTMLResponse(below_prefix(request, _rendered[page.name]), headers=_HEADERS)


async def serve_picture(request: Request) -> Response:
    """Answer one of the pages' pictures."""
    found = all_pictures().get(f"pictures/{request.path_params['name']}")
    if found is None:
        return PlainTextResponse("There is no such picture.\n", 404)
    return FileResponse(found, media_type="image/webp", headers=_OF_PICTURES)


def below_prefix(request: Request, html: bytes) -> bytes:
    """Return a page as clients see it that have a path before the server's own.

    Texts have no bare quotes in them, so that what begins with one is an address.
    """
    entry: Entry = request.scope[ENTRY]
    return html.replace(b'"/docs', f'"{entry.prefix}/docs'.encode()) if entry.prefix else html


def _render_once(name: str) -> None:
    with _lock:
        if name not in _rendered:
            _rendered[name] = render(name).encode()


def render(name: str) -> str:
    """Return an existing page as HTML."""
    page = all_pages()[name]
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(page.text())
    _name_headings(tokens)
    for token in tokens:
        _lead_links(token.children or [], posixpath.dirname(name))
    body = reader.renderer.render(tokens, reader.options, {})
    return _FRAME.format(title=escape(page.title), index=INDEX, body=body)


def link(href: str, folder: str) -> str | None:
    """Return where a link of a page leads, None where readers of these pages have nothing.

    Args:
        href: as it stands in the page.
        folder: of the page, such as `how-to`; empty at the top.
    """
    if href.startswith("#") or _ELSEWHERE.match(href):
        return href
    path, _, anchor = href.partition("#")
    target = posixpath.normpath(posixpath.join(folder, path)).removesuffix(".md")
    page = page_at(target)
    if page is not None:
        return refer(page.name, to="http") + (f"#{anchor}" if anchor else "")
    if any(name.startswith(f"{target}/") for name in all_pages()):
        return f"{INDEX}#{target}"
    return None


@cache
def _index() -> str:
    parts = ["<h1>Documentation</h1>"]
    in_order = sorted(all_pages().values(), key=_folder)
    for folder, pages in groupby(in_order, _folder):
        if folder:
            parts.append(f'<h2 id="{escape(folder)}">{escape(folder)}</h2>')
        items = "".join(
            f'<li><a href="{refer(page.name, to="http")}">{escape(page.title)}</a></li>'
            for page in pages
        )
        parts.append(f"<ul>{items}</ul>")
    return _FRAME.format(title="Documentation", index=INDEX, body="\n".join(parts))


def _folder(page: Page) -> str:
    return posixpath.dirname(page.name)


def _name_headings(tokens: Sequence[Token]) -> None:
    """Give headings the anchors that links to them use, which are those of code-hosting sites."""
    taken: dict[str, int] = {}
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            words = "".join(each.content for each in inline.children or [])
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            number = taken[anchor] = taken.get(anchor, -1) + 1
            heading.attrSet("id", f"{anchor}-{number}" if number else anchor)


def _lead_links(tokens: Sequence[Token], folder: str) -> None:
    """Lead links to other pages and pictures; what is only in the repository becomes plain text."""
    closed = True
    for token in tokens:
        if token.type == "image":
            path = posixpath.normpath(posixpath.join(folder, str(token.attrGet("src"))))
            token.attrSet("src", f"/docs/{path}")
        elif token.type == "link_open":
            href = link(str(token.attrGet("href") or ""), folder)
            closed = href is None
            if href is None:
                token.tag, token.attrs = "span", {}
            else:
                token.attrSet("href", href)
        elif token.type == "link_close" and closed:
            token.tag = "span"
