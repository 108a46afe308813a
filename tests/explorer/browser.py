"""A real browser that looks at a real server: every page is held to what all of them have to keep.

A page may log no error, may ask no other origin for anything, and passes axe without a serious
issue. `Page.expect_trouble` names what a test provokes itself.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Playwright, ViewportSize
from playwright.sync_api import Page as RawPage

from tests.npm import ROOT
from tests.programs import need

FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # WebGL in software: machines of tests have no graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--font-render-hinting=none",
)
SECONDS = 15.0
SIZE: ViewportSize = {"width": 1440, "height": 900}
SERIOUS = ("serious", "critical")


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium; the test is skipped where it is missing."""
    return playwright.chromium.launch(executable_path=str(need("chromium")), args=list(FLAGS))


@cache
def _axe() -> str:
    return (ROOT / "explorer" / "node_modules" / "axe-core" / "axe.min.js").read_text()


@dataclass
class Page:
    """One tab at the explorer.

    Attributes:
        raw: Playwright's page.
        url: address of the server, with its path prefix.
    """

    raw: RawPage
    url: str
    _errors: list[str] = field(default_factory=list)
    _foreign: list[str] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.raw.set_default_timeout(SECONDS * 1000)
        self.raw.on("console", self._on_console)
        self.raw.on("pageerror", lambda error: self._errors.append(str(error)))
        self.raw.on("request", self._on_request)

    def _on_console(self, message: Any) -> None:  # any: Playwright's messages
        if message.type == "error":
            self._errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Any) -> None:  # any: Playwright's requests
        asked, own = urlsplit(request.url), urlsplit(self.url)
        if asked.scheme in ("http", "https") and asked.netloc != own.netloc:
            self._foreign.append(request.url)

    def open(self, path: str = "", *, test: bool = True) -> Page:
        """Go to an address below /explorer/, in the mode for tests."""
        mark = ("&" if "?" in path else "?") + "test" if test else ""
        address, hash_, fragment = path.partition("#")
        self.raw.goto(f"{self.url}/explorer/{address}{mark}{hash_}{fragment}")
        return self

    def open_graph(self, query: str = "", graph: str = "default") -> Page:
        """Go to a graph and wait until it is drawn."""
        self.open(f"g/{graph}/graph{query}")
        self.wait_for_graph()
        return self

    def wait_for_graph(self) -> None:
        """Wait until the graph is drawn whole."""
        self.raw.locator('[data-testid="graph.canvas"][data-ready]').wait_for()

    def get(self, test_id: str) -> Locator:
        """Return what has a test id."""
        return self.raw.get_by_test_id(test_id)

    def canvas(self, name: str) -> str:
        """Return what the canvas tells of itself: `nodes`, `edges`, `layout`, `at` …"""
        return self.get("graph.canvas").get_attribute(f"data-{name}") or ""

    def position_of(self, twin: str) -> tuple[float, float]:
        """Return where a twin is on the page, in pixels."""
        place = self.raw.evaluate("id => window.__kastor.positionOf(id)", twin)
        assert place is not None, f"{twin} is not drawn"
        return place["x"], place["y"]

    def click_twin(self, twin: str, **options: Any) -> None:  # any: Playwright's options
        """Click a twin where it is drawn."""
        x, y = self.position_of(twin)
        self.raw.mouse.click(x, y, **options)

    def command(self, text: str) -> None:
        """Run a command by its name in the palette."""
        self.raw.keyboard.press("Control+k")
        self.get("palette.field").fill(f"> {text}")
        self.raw.keyboard.press("Enter")

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the address."""
        found: dict[str, str] = self.raw.evaluate(
            "() => Object.fromEntries(new URLSearchParams(location.search))"
        )
        return found

    @contextmanager
    def expect_trouble(self, *patterns: str) -> Iterator[None]:
        """Let errors of the console pass that the test itself provokes."""
        added = [re.compile(each) for each in patterns]
        self._expected += added
        yield
        self.raw.wait_for_timeout(100)
        self.look_for_errors()
        for each in added:
            self._expected.remove(each)

    def look_for_errors(self) -> None:
        """Fail for what the console said since the last look."""
        errors = [e for e in self._errors if not any(p.search(e) for p in self._expected)]
        self._errors.clear()
        assert errors == [], errors
        assert self._foreign == [], f"requests left the origin: {self._foreign}"

    def check(self, *, axe: bool = True) -> None:
        """Hold the page to what every page has to keep."""
        self.look_for_errors()
        if axe:
            found = self.violations()
            assert found == [], "\n".join(found)

    def violations(self) -> list[str]:
        """Return what axe finds that is serious, in words."""
        # By the protocol of the debugger: the page's own policy would forbid a foreign script.
        self.raw.evaluate(_axe())
        found: dict[str, Any] = self.raw.evaluate(
            "() => axe.run(document, {resultTypes: ['violations']})"
        )
        return [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"][:5]
        ]


def context(browser: Browser, **options: Any) -> BrowserContext:  # any: Playwright's options
    """Make a context of its own: another person, another browser."""
    made = browser.new_context(viewport=SIZE, locale="en-GB", timezone_id="UTC", **options)
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    # The tour would lie over what other tests click.
    made.add_init_script(f"localStorage.setItem('kastor.settings', {json.dumps(_settings())!r})")
    return made


def _settings() -> str:
    return json.dumps({"state": {"tour": "skipped"}, "version": 1})


def shots() -> Path | None:
    """Return the folder for screenshots, where whoever runs the suite named one."""
    folder = os.environ.get("KASTOR_SCREENSHOTS")
    return Path(folder) if folder else None
