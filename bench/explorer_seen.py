"""A browser for `explorer.py`, and rows of its table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright
from playwright.sync_api import Page as RawPage

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.explorer.browser import Page, context, launch

HERE = Path(__file__).parent
STEPS = 12
SECONDS = 120.0


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        budget: the most it may be; the least, where `is_rate`.
        worst: reached by any round, where that is not the worst of the values.
        beside: what the same cost otherwise, measured in the same run.
    """

    name: str
    unit: str
    values: list[float]
    budget: float | None = None
    is_rate: bool = False
    worst: float | None = None
    beside: str = ""

    @property
    def median(self) -> float:
        return median(self.values)

    def line(self) -> str:
        worst = (min if self.is_rate else max)(self.values) if self.worst is None else self.worst
        return " | ".join(
            (
                f"| {self.name}",
                f"{shown(self.median)} {self.unit}",
                f"{shown(worst)}",
                self._verdict(),
                f"{self.beside} |",
            )
        )

    def _verdict(self) -> str:
        if self.budget is None:
            return ""
        is_met = self.median >= self.budget if self.is_rate else self.median <= self.budget
        bound = "at least" if self.is_rate else "at most"
        return f"{bound} {shown(self.budget)}: {'met' if is_met else '**missed**'}"


def shown(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@contextmanager
def cold(browser: Browser, url: str) -> Iterator[Page]:
    """Yield a page of a context that knows nothing yet, which measures."""
    own: BrowserContext = context(browser)
    own.add_init_script(path=HERE / "explorer_page.js")
    page = Page(own.new_page(), url)
    page.raw.set_default_timeout(SECONDS * 1000)
    yield page
    own.close()


def marks(page: Page) -> dict[str, float]:
    """Return when the app's marks were set first, in milliseconds after navigation."""
    found: dict[str, float] = page.raw.evaluate(
        """() => Object.fromEntries([...performance.getEntriesByType('mark')].reverse()
          .map(({ name, startTime }) => [name, startTime]))"""
    )
    return found


def settled(page: Page) -> float:
    """Wait until everything is drawn; return when, by the page's clock."""
    when: float = page.raw.evaluate("() => window.__bench.settled()")
    return when


def used_megabytes(raw: RawPage) -> float:
    """Return what the page's scripts hold, once nothing is left that nobody needs."""
    session = raw.context.new_cdp_session(raw)
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = session.send("Runtime.getHeapUsage")
    session.detach()
    return float(used["usedSize"]) / 1e6
