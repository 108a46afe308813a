"""A folder as the explorer's build leaves it, with hardly anything in it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="__BASE__">'
    '<meta name="nonce" content="__NONCE__"><title>Kastor</title></head><body></body></html>'
)
SCRIPT = "assets/index-Bx81_q-Z.js"
PLAIN = "robots.txt"
CODE = b"console.log('twins');\n" * 100


def built(folder: Path) -> Path:
    """Make the folder; return it."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / PLAIN).write_text("User-agent: *\n")
    (folder / SCRIPT).write_bytes(CODE)
    (folder / f"{SCRIPT}.gz").write_bytes(gzip.compress(CODE))
    (folder / f"{SCRIPT}.br").write_bytes(b"as brotli")
    (folder / "assets" / "secret.txt").symlink_to("/etc/hostname")
    return folder
