"""A real browser that looks at a real server: every page is held to what all of them have to keep.

A page may log no error, may ask no other origin for anything, and passes axe without a serious
issue. `Page.expect_trouble` names what a test provokes itself.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    FloatRect,
    Locator,
    Playwright,
    ViewportSize,
    expect,
)
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
    # Only WebGL: pages that are painted and put together so take twice as much of the processor.
    # Debian's launcher asks for the former.
    "--disable-gpu-rasterization",
    "--disable-gpu-compositing",
    "--font-render-hinting=none",
)
SECONDS = 15.0
SIZE: ViewportSize = {"width": 1440, "height": 900}
expect.set_options(timeout=SECONDS * 1000)
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
        friends: further origins that may be asked, such as that of an issuer.
    """

    raw: RawPage
    url: str
    friends: tuple[str, ...] = ()
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
        if f"{asked.scheme}://{asked.netloc}" in self.friends:
            return
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

    def command(self, key: str) -> None:
        """Run a command by its name in the registry, through the palette as everybody finds it."""
        self.raw.keyboard.press("Control+k")
        self.get("palette.field").fill(">")
        self.get(f"palette.command.{key}").click()

    def write(self, test_id: str, text: str) -> None:
        """Replace the text of an editor."""
        # What is offered may lie over it, so it is not clicked.
        self.get(test_id).locator(".cm-content").focus()
        self.raw.keyboard.press("Control+a")
        # In two steps: Chromium gives what is written over a selection the style of what was there,
        # in an attribute, which the page's policy forbids, and says so.
        self.raw.keyboard.press("Delete")
        self.raw.keyboard.insert_text(text)

    def drop(self, name: str, text: str) -> None:
        """Drop a file on the page, beside every place for files."""
        data = self.raw.evaluate_handle(
            """([name, text]) => {
              const data = new DataTransfer()
              data.items.add(new File([text], name))
              return data
            }""",
            [name, text],
        )

        def tell(event: str) -> None:
            self.raw.dispatch_event("body", event, {"dataTransfer": data})

        def is_shown() -> bool:
            # As browsers do, again and again while it is over the page.
            tell("dragover")
            return self.get("frame.drop").is_visible()

        tell("dragenter")
        self.until(is_shown, "nothing says that it may be dropped")
        tell("drop")
        expect(self.get("frame.drop")).to_have_count(0)

    def camera(self) -> dict[str, float]:
        """Return where the graph's camera is."""
        found: dict[str, float] = self.raw.evaluate("() => window.__kastor.camera()")
        return found

    def pulses(self) -> int:
        """Return how many marks have pulsed since the page was opened."""
        count: int = self.raw.evaluate("() => window.__kastor.pulses()")
        return count

    def positions(self, twins: Sequence[str]) -> list[tuple[float, float]]:
        """Return where twins are on the page."""
        found: list[dict[str, float]] = self.raw.evaluate(
            "ids => ids.map((id) => window.__kastor.positionOf(id))", list(twins)
        )
        return [(each["x"], each["y"]) for each in found]

    def zoom_to(self, twin: str, ratio: float) -> None:
        """Bring a twin into the middle, so near that the picture is `1 / ratio` times as large."""
        self.raw.evaluate(
            """([id, ratio]) => {
              const { positionOf, camera, setCamera } = window.__kastor
              // Twice: the first brings it near enough to be measured well.
              for (let again = 0; again < 2; again++) {
                setCamera({ ...camera(), ratio })
                const canvas = document.querySelector('[data-testid="graph.canvas"]')
                const box = canvas.getBoundingClientRect()
                const at = positionOf(id)
                const here = camera()
                setCamera({ x: here.x + 1, y: here.y, ratio })
                const step = positionOf(id).x - at.x
                setCamera({ x: here.x, y: here.y + 1, ratio })
                const stepY = positionOf(id).y - at.y
                setCamera({
                  x: here.x + (box.x + box.width / 2 - at.x) / step,
                  y: here.y + (box.y + box.height / 2 - at.y) / stepY, ratio,
                })
              }
            }""",
            [twin, ratio],
        )

    def colours_at(self, x: float, y: float, size: int = 12) -> Counter[str]:
        """Return how often each colour is seen around a place of the page."""
        clip: FloatRect = {"x": x - size / 2, "y": y - size / 2, "width": size, "height": size}
        picture = base64.b64encode(self.raw.screenshot(clip=clip)).decode()
        return Counter(
            self.raw.evaluate(
                """async (text) => {
                  const picture = new Image()
                  picture.src = `data:image/png;base64,${text}`
                  await picture.decode()
                  const canvas = document.createElement('canvas')
                  canvas.width = picture.width
                  canvas.height = picture.height
                  const pen = canvas.getContext('2d')
                  pen.drawImage(picture, 0, 0)
                  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height)
                  const hex = (at) => data[at].toString(16).padStart(2, '0')
                  return Array.from({ length: data.length / 4 }, (_, i) =>
                    `#${hex(4 * i)}${hex(4 * i + 1)}${hex(4 * i + 2)}`)
                }""",
                picture,
            )
        )

    def token(self, name: str) -> str:
        """Return a colour of the theme, written in six digits."""
        found: str = self.raw.evaluate(
            """(name) => {
              const pen = document.createElement('canvas').getContext('2d')
              pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name)
              return pen.fillStyle
            }""",
            name,
        )
        return found

    def until(self, found: Callable[[], bool], what: str) -> None:
        """Wait until something is so that no element tells of."""
        end = time.monotonic() + SECONDS
        while not found():
            assert time.monotonic() < end, what
            self.raw.wait_for_timeout(50)

    def copied(self) -> str:
        """Return what is in the clipboard."""
        text: str = self.raw.evaluate("() => navigator.clipboard.readText()")
        return text

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the address."""
        found: dict[str, str] = self.raw.evaluate(
            "() => Object.fromEntries(new URLSearchParams(location.search))"
        )
        return found

    def let_pass(self, pattern: str) -> None:
        """Let errors of the console pass that come late, until the end of the test."""
        self._expected.append(re.compile(pattern))

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
