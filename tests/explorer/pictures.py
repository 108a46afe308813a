"""How a picture of a page is taken, for whoever looks and for the documentation."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from playwright.sync_api import ViewportSize

from tests.explorer.browser import Page

SCHEMES = ("light", "dark")
SIZES: tuple[ViewportSize, ...] = ({"width": 1440, "height": 900}, {"width": 1024, "height": 768})
DOCS = ("light", 1440)
"""What the pictures of the documentation are: one look, one size."""
QUALITY = 80
STILL_MS = 600


def shots() -> Path | None:
    """Return the folder for screenshots, where whoever runs the suite named one."""
    folder = os.environ.get("KASTOR_SCREENSHOTS")
    return Path(folder) if folder else None


def take(page: Page, folder: Path, name: str, scheme: str) -> None:
    """Take a picture of a page; of the one look also a small one, below `docs`."""
    page.raw.wait_for_timeout(STILL_MS)
    size = page.raw.viewport_size
    assert size is not None
    page.raw.screenshot(path=folder / f"{name}-{size['width']}-{scheme}.png")
    if (scheme, size["width"]) == DOCS:
        session = page.raw.context.new_cdp_session(page.raw)
        taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        (folder / "docs").mkdir(exist_ok=True)
        (folder / "docs" / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))
        session.detach()
