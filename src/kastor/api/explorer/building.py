"""What is shown while the explorer is built beside the server, and where it was not built.

In a clone the task runner builds it. It tells how far it is in a file beside the folder that it
builds; a page that loads itself again shows that.
"""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING, Literal

import msgspec

from kastor.api.explorer.page import ALONE, HTML, new_nonce
from kastor.api.http.request import Response

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 65_536
_LINES = 40
_SOON, _LATER = 1, 5
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{seconds}">
<title>{title} - Kastor</title>
<link rel="icon" href="{icon}">
<style nonce="{nonce}">
:root {{ color-scheme: light dark; --bg: #F4F3EF; --fg: #1B2326; --soft: #4C595E; --well: #FFFFFF }}
@media (prefers-color-scheme: dark) {{
  :root {{ --bg: #0C1113; --fg: #E4EAEC; --soft: #A9B5B9; --well: #151C1F }}
}}
body {{ font: 13px/20px system-ui, sans-serif; color: var(--fg); background: var(--bg);
  max-width: 42rem; margin: 20vh auto 0; padding: 0 1.5rem }}
h1 {{ font-size: 20px; line-height: 28px; font-weight: 600; margin: 0 0 .5rem }}
p {{ color: var(--soft); margin: 0 0 1rem }}
pre {{ font: 12px/18px ui-monospace, monospace; background: var(--well); padding: .75rem 1rem;
  border-radius: 6px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
{lines}</main>
</body>
</html>
"""


class Building(msgspec.Struct, frozen=True):
    """How far a build is, as the task runner writes it.

    Attributes:
        state: whether it goes on.
        step: what it is at, for people.
        pid: of the process that builds.
        since: when it began, in seconds since 1970.
        lines: the last ones that it said.
    """

    state: Literal["building", "failed"]
    step: str
    pid: int = 0
    since: float = 0.0
    lines: tuple[str, ...] = ()


def told_beside(folder: Path) -> Building | None:
    """Return what is told of a build that is under way, or has failed; None where there is none."""
    file = folder.with_name(f"{folder.name}.building.json")
    try:
        with file.open("rb") as opened:
            found = msgspec.json.decode(opened.read(_LARGEST), type=Building)
    except (OSError, msgspec.DecodeError):
        return None
    if found.state == "building" and not _lives(found.pid):
        return None
    return found


def _lives(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


def waiting_page(found: Building | None, now: float, prefix: str) -> Response:
    """Return the page that is shown in place of the explorer.

    Args:
        found: what is told of its build; None: nobody builds it.
        now: seconds since 1970.
        prefix: path that clients have before the server's own.
    """
    if found is None:
        title, seconds, lines = "The explorer is not built", _LATER, ""
        text = (
            "In a clone, python3 dev serve builds it; a package of Kastor has it with it. The API "
            "is served meanwhile."
        )
    elif found.state == "building":
        title, seconds, lines = "The explorer is being built", _SOON, ""
        text = f"{found.step} ({max(0, int(now - found.since))} s). The API is served meanwhile."
    else:
        title, seconds = "The explorer could not be built", _LATER
        text = (
            f"{found.step} Mend it and start python3 dev serve again; the API is served all the "
            "same."
        )
        lines = f"<pre>{escape(chr(10).join(found.lines[-_LINES:]))}</pre>\n"
    nonce = new_nonce()
    body = _PAGE.format(
        title=escape(title),
        text=escape(text),
        lines=lines,
        seconds=seconds,
        nonce=nonce,
        icon=escape(f"{prefix}/favicon.ico"),
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )
    headers = [
        *ALONE,
        (b"cache-control", b"no-store"),
        (b"retry-after", str(seconds).encode()),
        (b"content-security-policy", policy.encode()),
    ]
    return Response(503, body.encode(), headers, HTML)
