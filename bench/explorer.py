"""The explorer in Debian's Chromium, held to its budgets: `python3 dev python bench/explorer.py`.

    python3 dev python bench/explorer.py                   all rows, within ten minutes
    python3 dev python bench/explorer.py --quick           one round of each, events for 10 s
    python3 dev python bench/explorer.py first input       only these

Servers, pages and writers are started by it; WebGL is played by the processor, as in tests. Prints
a table in Markdown; what is drawn is also drawn by cytoscape.js, which npm fetches once.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Browser

import explorer_draw
import explorer_graphs
from explorer_seen import HERE, Row, chromium, cold, marks, settled, used_megabytes
from tests.explorer.browser import Page

sys.path.insert(0, str(HERE.parent / "packaging"))

from explorer_build import build

TWINS = 10_000
SAMPLE_TWINS, SAMPLE_ROOM, SAMPLE_SENSOR = 342, "room-2-14", "temp-2-14"
RATE = 200.0
ROWS = 100_000
PAIRS = (
    "SELECT R.name AS room, S.name AS other, D.name AS device FROM DIGITALTWINS F "
    "JOIN R RELATED F.hasPart JOIN S RELATED F.hasPart JOIN D RELATED R.hasPart "
    "WHERE IS_OF_MODEL(F, 'dtmi:bench:Floor;1')"
)
LATER = (
    ("charts", "u-legend", 25.3),
    ("layered layout", "network-simplex", 18.7),
    ("3D", "WebGLRenderer", 173.8),
    ("sign-in with OIDC", "code_challenge", 7.7),
)
"""Libraries that are fetched when needed, what tells their files, kB that each may have."""


def bytes_rows(browser: Browser, built: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """What the first screen fetches, and what comes later; bytes as gzip packs them."""
    del rounds, seconds
    assets = built / "assets"

    def packed(names: set[str]) -> list[float]:
        return [sum((assets / f"{name}.gz").stat().st_size for name in names) / 1000]

    with explorer_graphs.sample() as url, cold(browser, url) as page:
        page.open_graph()
        settled(page)
        # The palette and others come when all is drawn and nothing is to do.
        first = _assets(page, marks(page)["ready"])
        scripts = {name for name in first if name.endswith(".js")}
        yield Row(f"first screen: scripts ({len(scripts)} files)", "kB", packed(scripts), 300)
        yield Row(
            "first screen: styles", "kB", packed({n for n in first if n.endswith(".css")}), 20
        )
        fonts = sum((assets / n).stat().st_size for n in first if n.endswith(".woff2"))
        yield Row("first screen: fonts", "kB", [fonts / 1000], 90)
        page.open("g/default/query")
        page.raw.locator(".cm-content").wait_for()
        later = {name for name in _assets(page) - first if name.endswith(".js")}
        editor = {name for name in later if "cm-content" in (assets / name).read_text()}
        yield Row("later: the editor", "kB", packed(editor), 130)
    # The layouts' worker has the layered one a second time, for its own.
    texts = {each.name: each.read_text() for each in assets.glob("*.js")}
    for what, mark, budget in LATER:
        names = {name for name, text in texts.items() if mark in text}
        if names:
            yield Row(f"later: {what}", "kB", [max(packed({name})[0] for name in names)], budget)


def _assets(page: Page, until: float = math.inf) -> set[str]:
    found: list[str] = page.raw.evaluate(
        """(until) => performance.getEntriesByType('resource')
          .filter(({ startTime }) => startTime < until)
          .map(({ name }) => new URL(name).pathname)""",
        until,
    )
    return {each.rpartition("/")[2] for each in found if "/assets/" in each}


def first_rows(browser: Browser, built: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """The sample from navigation, in browsers that know nothing yet."""
    del built, seconds
    boxes, ready, floor = [], [], []
    with explorer_graphs.sample() as url:
        for _ in range(rounds):
            with cold(browser, url) as page:
                page.raw.goto(f"{url}/healthz")
                floor.append(
                    page.raw.evaluate(
                        """() => new Promise((resolve) => new PerformanceObserver((list) =>
                          resolve(list.getEntries()[0].startTime)
                        ).observe({ type: 'paint', buffered: true }))"""
                    )
                )
            with cold(browser, url) as page:
                page.open(test=False)
                page.wait_for_graph()
                settled(page)
                found = marks(page)
                boxes.append(found["boxes"])
                ready.append(found["ready"])
    beside = f"a line of text from the same server {median(floor):.0f} ms"
    yield Row("sample: boxes and titles painted", "ms", boxes, 1200, beside=beside)
    yield Row("sample: marks in WebGL", "ms", ready, 1500)


def input_rows(browser: Browser, built: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """From an input to the frame that shows its outcome; beside it Chromium's Event Timing."""
    del built, seconds
    found: dict[str, list[float]] = {"palette open": [], "hover": [], "select": []}
    told: dict[str, list[float]] = {name: [] for name in found}
    with explorer_graphs.sample() as url, cold(browser, url) as page:
        page.open_graph()
        settled(page)
        room, sensor = page.position_of(SAMPLE_ROOM), page.position_of(SAMPLE_SENSOR)
        mouse, keys = page.raw.mouse, page.raw.keyboard
        page.raw.wait_for_timeout(2000)
        acts: dict[str, tuple[str, str, Callable[[], object]]] = {
            "palette open": (
                "keydown",
                _there("palette.field"),
                lambda: keys.press("Control+k", delay=200),
            ),
            "hover": (
                "pointermove",
                "() => document.querySelector('[data-cursor=\"pointer\"]') !== null",
                lambda: mouse.move(*sensor),
            ),
            "select": ("pointerdown", _there("inspector.name"), lambda: mouse.click(*room)),
        }
        for _ in range(rounds + 1):
            for name, (event, is_there, act) in acts.items():
                page.raw.wait_for_function(f"() => !({is_there})()")
                page.raw.evaluate(f"() => window.__bench.expectInput('{event}', {is_there})")
                act()
                took, by_event_timing = page.raw.evaluate("() => window.__bench.found")
                found[name].append(took)
                told[name].append(by_event_timing)
                keys.press("Escape")
                mouse.move(5, 450)
                page.raw.wait_for_timeout(500)
    for name, values in found.items():
        # The first has parts fetched that are there from then on.
        first, others = values[0], values[1:]
        beside = f"first time {first:.0f} ms; Event Timing {median(told[name][1:]):.0f} ms"
        yield Row(f"sample: {name}, input to paint", "ms", others, 100, beside=beside)


def _there(test_id: str) -> str:
    return f"""() => document.querySelector('[data-testid="{test_id}"]') !== null"""


def drawing_rows(browser: Browser, built: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """Drawing and panning beside cytoscape.js."""
    del built, seconds
    with explorer_graphs.sample() as url:
        sample = explorer_draw.Graph(url, SAMPLE_TWINS, SAMPLE_ROOM)
        yield from explorer_draw.rows(browser, sample, rounds)
    with explorer_graphs.large() as url:
        large = explorer_draw.Graph(url, TWINS, "b4", drawn_ms=6000, frames=1)
        yield from explorer_draw.rows(browser, large, rounds)


def events_rows(browser: Browser, built: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """200 events a second on the sample, and on 10,000 twins."""
    del built, rounds
    with explorer_graphs.sample() as url, cold(browser, url) as page:
        page.open("g/default/graph", test=False)
        page.wait_for_graph()
        yield from _live("sample", page, seconds, 200, 20)
    with explorer_graphs.large() as url, cold(browser, url) as page:
        page.open("g/default/graph", test=False)
        page.wait_for_graph()
        page.get("graph.notice.more").click()
        page.raw.locator(f'[data-testid="graph.canvas"][data-nodes="{TWINS}"]').wait_for()
        yield from _live("10,000 twins", page, seconds, 1000, None)


def _live(
    name: str, page: Page, seconds: float, longest: float, growth: float | None
) -> Iterator[Row]:
    settled(page)
    page.raw.wait_for_timeout(3000)
    before = used_megabytes(page.raw)
    began = page.raw.evaluate("() => performance.now()")
    command = [sys.executable, str(HERE / "explorer_graphs.py"), page.url, str(RATE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        page.raw.wait_for_timeout(seconds * 1000)
        shown = " ".join(page.get("frame.live").inner_text().split())
        written = float(writer.communicate()[0])
    page.raw.wait_for_timeout(1000)
    tasks: list[float] = page.raw.evaluate("(since) => window.__bench.tasksSince(since)", began)
    beside = f"{written:.0f} written a second, the page says {shown!r}"
    beside += f"; {len(tasks)} tasks over 50 ms"
    row = f"{name}: {RATE:.0f} events/s for {seconds:.0f} s"
    # Each is held to it, so the longest is what counts.
    yield Row(f"{row}, longest task", "ms", [max(tasks, default=0.0)], longest, beside=beside)
    grown = used_megabytes(page.raw) - before
    yield Row(f"{row}, memory", "MB more", [grown], growth, beside=f"before {before:.0f} MB")


def table_rows(browser: Browser, built: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """100,000 rows of a query, scrolled ten rows each frame."""
    del built, seconds
    with explorer_graphs.large() as url, cold(browser, url) as page:
        page.open(f"g/default/query?{urlencode({'q': PAIRS})}")
        page.get("query.run").click()
        page.get("query.table").wait_for()
        with page.raw.expect_download():
            page.get("query.csv").click()
        status = page.get("query.status")
        count = int(status.get_attribute("data-rows") or 0)
        assert count >= ROWS, count
        rates: list[float] = []
        for _ in range(rounds):
            rates += page.get("query.table").evaluate(
                "(element) => window.__bench.scroll(element, 300, 2)"
            )
    yield Row(f"table of {count:,} rows: scroll", "frames/s", rates, 30, is_rate=True)


PARTS: dict[str, Callable[[Browser, Path, int, float], Iterator[Row]]] = {
    "bytes": bytes_rows,
    "first": first_rows,
    "input": input_rows,
    "drawing": drawing_rows,
    "events": events_rows,
    "table": table_rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *PARTS], help="default: all")
    parser.add_argument("--quick", action="store_true", help="one round of each")
    arguments = parser.parse_args()
    built = build(tell=lambda step: print(step, file=sys.stderr))
    rounds, seconds = (1, 10.0) if arguments.quick else (5, 60.0)
    print("| what | median | worst | budget | beside |\n|---|---|---|---|---|", flush=True)
    with chromium() as browser:
        for name in arguments.rows or PARTS:
            began = time.monotonic()
            for row in PARTS[name](browser, built, rounds, seconds):
                print(row.line(), flush=True)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
