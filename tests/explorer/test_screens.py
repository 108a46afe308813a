"""Every screen: light and dark, small and large, in short words and in long ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from kastor.testing import KastorServer
from tests.explorer.browser import SIZE, Page, context
from tests.npm import ROOT

ROOM = "room-2-14"
MODEL = "models/dtmi%3Akastor%3Asample%3AMeetingRoom%3B1"
SCREENS: dict[str, dict[str, str]] = {
    # By screen: addresses below the graph's, and what is there when it is whole.
    "graph": {
        "graph": "graph.legend",
        f"graph?sel={ROOM}&lens=thermostat.currentTemperature": "inspector.twin",
    },
    "query": {"query": "query.run"},
    "models": {"models": "models", "models?as=graph": "models.graph", MODEL: "models.detail"},
    "live": {"live": "live"},
    "history": {"history": "frame.live", "history?as=diff": "frame.live"},
    "scenes": {
        "scenes": "scenes.card.floor-2",
        "scenes/floor-2": "scenes.paper",
        "scenes/floor-2?edit=1": "scenes.editor",
    },
    "operate": {
        "operate": "operate.problems",
        **{
            f"operate/{part}": "operate"
            for part in (
                "routes",
                "deadletters",
                "endpoints",
                "inputs",
                "jobs",
                "indexes",
                "slow",
                "access",
                "limits",
            )
        },
        "operate/graphs": "operate.graph-make",
    },
    "io": {"io/import": "io.drop", "io/export": "io.export"},
    "twins": {
        f"twins/{ROOM}": "inspector.twin",
        f"twins/{ROOM}?tab=relationships": "inspector.relationships.add",
        f"twins/{ROOM}?tab=history": "inspector.twin",
        f"twins/{ROOM}?tab=json": "inspector.json",
    },
    "settings": {"../../settings": "settings"},
}
NARROW: ViewportSize = {"width": 320, "height": 640}
TWICE: ViewportSize = {"width": SIZE["width"] // 2, "height": SIZE["height"] // 2}
TIGHT: ViewportSize = {"width": 1100, "height": 768}
"""As small as a window may be in which the inspector still stands beside the screen."""

UNREACHED = """() => {
  const controls = 'button, a[href], input:not([type=file]):not([type=hidden]), textarea, select, [role=tab], [role=switch]'
  const name = (each) => `${each.dataset.testid ?? ''} <${each.tagName.toLowerCase()} class="${each.getAttribute('class') ?? ''}"> ${(each.ariaLabel ?? each.textContent ?? '').trim().slice(0, 40)}`
  const around = (each) => { const all = []; for (let at = each.parentElement; at; at = at.parentElement) all.push(at); return all }
  const found = []
  for (const each of document.querySelectorAll('body *')) {
    const { right, width } = each.getBoundingClientRect()
    if (right <= innerWidth + 1 || width === 0 || each.closest('svg, .unseen')) continue
    if (!around(each).some((outer) => outer !== document.body && outer !== document.documentElement && getComputedStyle(outer).overflowX !== 'visible')) found.push(`ends at ${Math.round(right)} px: ${name(each)}`)
  }
  for (const each of document.querySelectorAll(controls)) {
    if (!each.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || each.closest('.unseen, [inert], [aria-hidden=true], .models-stage') || each.disabled) continue
    const { width, height } = each.getBoundingClientRect()
    if (width < 2 || height < 2) continue
    each.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' })
    // What hides what is too much is scrolled by programs, and by nobody else.
    for (const outer of around(each)) {
      const style = getComputedStyle(outer)
      if (['hidden', 'clip'].includes(style.overflowX) && outer.scrollLeft !== 0) { found.push(`cut off at the side: ${name(each)}`); outer.scrollLeft = 0 }
      if (['hidden', 'clip'].includes(style.overflowY) && outer.scrollTop !== 0) { found.push(`cut off below: ${name(each)}`); outer.scrollTop = 0 }
    }
    const box = each.getBoundingClientRect()
    if (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1) { if (box.width <= innerWidth && box.height <= innerHeight) found.push(`outside (${Math.round(box.left)} to ${Math.round(box.right)}, ${Math.round(box.top)} to ${Math.round(box.bottom)}): ${name(each)}`); continue }
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)
    // A sheet that lies over a small screen is closed by its own cross.
    if (hit?.closest('.inspector-pane:has(.sheet-head)') && !each.closest('.inspector-pane')) continue
    if (hit && !each.contains(hit) && !hit.contains(each) && !hit.closest('label')?.contains(each)) found.push(`covered by ${name(hit)}: ${name(each)}`)
  }
  return found
}"""

SPILT = """() => {
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const range = document.createRange()
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const own = text.parentElement
    if (text.data.trim() === '' || !own.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || own.closest('.unseen, svg, .cm-editor, canvas, script, style, .models-stage, [data-testid="graph.tree"]')) continue
    range.selectNodeContents(text)
    const told = range.getBoundingClientRect()
    for (let at = own; at; at = at.parentElement) {
      const style = getComputedStyle(at)
      const box = at.getBoundingClientRect()
      // What may be scrolled, or ends in dots, is not lost.
      if (['auto', 'scroll'].includes(style.overflowX) || style.textOverflow === 'ellipsis') break
      const isEdge = at.matches('.screen, .inspector-pane, .topbar, .statusbar, .card, button, a, label, [role=tab]') && style.display !== 'inline' || ['hidden', 'clip'].includes(style.overflowX) || at === document.body
      if (isEdge && (told.right > box.right + 1 || told.left < box.left - 1)) {
        found.push(`“${text.data.trim().slice(0, 40)}” ends ${Math.round(told.right - box.right)} px behind <${at.tagName.toLowerCase()} class="${at.getAttribute('class') ?? ''}">`)
        break
      }
    }
  }
  return found
}"""


@pytest.fixture(scope="module")
def visitor(sample: KastorServer, browser: Browser) -> Iterator[Page]:
    """Somebody who walks through all screens."""
    # Colours that are on their way from one theme to the other are no colours of either.
    own = context(browser, reduced_motion="reduce")
    page = Page(own.new_page(), sample.url)
    page.open("g/default/live")
    page.get("live").wait_for()
    yield page
    own.close()


def _walk(page: Page, path: str, wait: str) -> None:
    """Go to an address without loading the page anew."""
    page.raw.evaluate(
        """(path) => {
          const address = new URL(`explorer/g/default/${path}`, new URL('..', document.baseURI))
          address.searchParams.set('test', '')
          history.pushState(null, '', address)
          dispatchEvent(new PopStateEvent('popstate'))
        }""",
        path,
    )
    page.get(wait).first.wait_for()
    if path.startswith("graph"):
        page.wait_for_graph()
    page.raw.wait_for_timeout(250)


def _settled(page: Page, what: str) -> list[str]:
    """Return what is found on the page when it has come to rest after its size has changed."""
    found: list[str] = []
    for pause in (100, 400, 1500):
        page.raw.wait_for_timeout(pause)
        found = page.raw.evaluate(what)
        if not found:
            break
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_passes_axe_in_both_themes_and_is_reached_whole_when_small(
    visitor: Page, screen: str
) -> None:
    page = visitor
    found = []
    for path, wait in SCREENS[screen].items():
        page.raw.set_viewport_size(SIZE)
        _walk(page, path, wait)
        # A twin's page stands in no rail.
        if screen != "twins":
            assert page.get(f"rail.{screen}").get_attribute("aria-current") == "page"
        for scheme in ("light", "dark"):
            page.raw.emulate_media(color_scheme=scheme)
            page.raw.wait_for_timeout(150)
            found += [f"{path}, {scheme}: {each}" for each in page.violations()]
        for name, size in (("320 px", NARROW), ("200 %", TWICE)):
            page.raw.set_viewport_size(size)
            found += [f"{path}, {name}: {each}" for each in _settled(page, UNREACHED)]
        page.look_for_errors()
    assert found == [], "\n".join(found)


def _longer(text: str) -> str:
    """Write a text as long as other languages need for it, in long words as German has."""
    share = 0.9 if len(text) <= 10 else 0.5 if len(text) <= 30 else 0.3
    words = re.split(r"(\{\w+\})", text)
    for at, word in enumerate(words):
        if re.search(r"[A-Za-z]{2}$", word):
            words[at] = word + "ungsverfahren"[: max(3, int(len(text) * share))]
    return "".join(words)


def _all_longer(tree: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _longer(value) if isinstance(value, str) else _all_longer(value)
        for key, value in tree.items()
    }


def test_longer_words_stay_in_their_places(sample: KastorServer, browser: Browser) -> None:
    texts: dict[str, Any] = {}
    for file in ("en.json", "operate.json"):
        texts |= _all_longer(json.loads((ROOT / "explorer/src/text" / file).read_text()))
    own = context(browser)
    page = Page(own.new_page(), sample.url)
    page.raw.set_viewport_size(TIGHT)
    page.raw.add_init_script(f"window.__kastorTexts = {json.dumps(texts)}")
    page.open("g/default/live")
    expect(page.get("live.telemetry")).to_have_text(texts["live"]["send"])
    found = []
    for paths in SCREENS.values():
        for path, wait in paths.items():
            _walk(page, path, wait)
            found += [f"{path}: {each}" for each in _settled(page, SPILT)]
    page.look_for_errors()
    own.close()
    assert found == [], "\n".join(sorted(set(found)))
