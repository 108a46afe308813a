"""How much the first screen costs before it is there: bytes, which do not depend on the machine."""

from __future__ import annotations

from pathlib import Path

from tests.explorer.browser import Page

JS, CSS, FONTS = 300_000, 20_000, 90_000
EDITOR, CHARTS = 130_000, 25_300


def _loaded(page: Page) -> list[str]:
    found: list[str] = page.raw.evaluate(
        "() => performance.getEntriesByType('resource').map(each => new URL(each.name).pathname)"
    )
    return [each.rpartition("/")[2] for each in found if "/assets/" in each]


def _packed(built: Path, names: list[str], ending: str) -> int:
    return sum(
        (built / "assets" / f"{name}.gz").stat().st_size
        for name in set(names)
        if name.endswith(ending)
    )


def test_the_first_screen_stays_within_its_bytes(page: Page, built: Path) -> None:
    # What is loaded once there is time is no part of it, however long a busy machine takes.
    page.raw.add_init_script(
        """
        const wait = window.setTimeout
        window.setTimeout = (run, ms, ...rest) => ms >= 3000 ? 0 : wait(run, ms, ...rest)
        """
    )
    page.open_graph()
    # The palette comes after three seconds, whether the graph is there by then or not.
    names = [name for name in _loaded(page) if not name.startswith("Palette")]
    assert _packed(built, names, ".js") <= JS, names
    assert _packed(built, names, ".css") <= CSS
    fonts = [name for name in names if name.endswith(".woff2")]
    assert sum((built / "assets" / name).stat().st_size for name in fonts) <= FONTS, fonts


def test_what_is_loaded_later_is_not_loaded_before(page: Page, built: Path) -> None:
    page.open_graph()
    before = _loaded(page)
    assert not [name for name in before if name.startswith(("CodeEditor", "dagre", "uPlot"))]
    page.open("g/default/query")
    page.raw.locator(".cm-content").wait_for()
    later = {name for name in _loaded(page) if name not in before and name.endswith(".js")}
    editor = [name for name in later if "cm-content" in (built / "assets" / name).read_text()]
    assert 0 < _packed(built, editor, ".js") <= EDITOR, editor
