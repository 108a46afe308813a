"""Drawing and panning for `explorer.py`, beside cytoscape.js with the same places.

The explorer paints boxes with titles and leaves out the lines that boxes say; as a tree it draws
each mark and each line as the peer does, so that row compares like with like. The peer draws all
twins and relationships, with names as soon as they could be read, by each of its renderers, and
with the options that its documentation names for large graphs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser

from explorer_graphs import VERSION
from explorer_seen import HERE, STEPS, Row, cold, settled, shown
from tests.explorer.browser import Page
from tests.npm import packages

PEERS: dict[str, dict[str, Any]] = {
    "canvas": {},
    "canvas, options for large graphs": {
        "hideEdgesOnViewport": True,
        "textureOnViewport": True,
        "pixelRatio": 1,
    },
    "WebGL": {"renderer": {"name": "canvas", "webgl": True}},
}
NODES = "SELECT T.$dtId AS id FROM DIGITALTWINS T"
LINES = "SELECT R.$sourceId AS s, R.$relationshipId AS r, R.$targetId AS t FROM RELATIONSHIPS R"
PEER = HERE / "explorer_peer"
PEER_ROUNDS = 3


@dataclass(frozen=True)
class Graph:
    """A graph to draw, by how it is told of and what may be.

    Attributes:
        middle: a twin whose place tells how the camera moves.
    """

    url: str
    twins: int
    middle: str
    drawn_ms: float | None = None
    frames: float | None = None


def rows(browser: Browser, graph: Graph, rounds: int) -> Iterator[Row]:
    yield from _of_layout(browser, graph, "nested", rounds)
    yield from _of_layout(browser, graph, "tree", rounds)


def _of_layout(browser: Browser, graph: Graph, kind: str, rounds: int) -> Iterator[Row]:
    whole, alone, pans = [], [], []
    picture: dict[str, Any] = {}
    for _ in range(rounds):
        with cold(browser, graph.url) as page:
            opened, drawn = open_whole(page, graph, kind)
            whole.append(opened)
            alone.append(drawn)
            pans.append(
                _frames(
                    page.raw.evaluate(
                        "([id, steps]) => window.__bench.panExplorer(id, steps)",
                        [graph.middle, STEPS],
                    )
                )
            )
            picture = picture or _picture(page, graph)
    again = min(rounds, PEER_ROUNDS)
    peers = {name: _peer(browser, picture, options, again) for name, options in PEERS.items()}
    name = f"{graph.twins:,} twins, {len(picture['edges']):,} relationships, {kind}"
    # Budgets are of what is shown without being asked; the tree is for comparing.
    held = graph if kind == "nested" else replace(graph, drawn_ms=None, frames=None)
    yield Row(f"{name}: asked for to drawn", "ms", whole, held.drawn_ms)
    yield Row(
        f"{name}: places known to drawn", "ms", alone, beside=_beside(median(alone), peers, 0, "ms")
    )
    yield Row(
        f"{name}: pan",
        "frames/s",
        pans,
        held.frames,
        is_rate=True,
        beside=_beside(median(pans), peers, 1, "frames/s"),
    )


def open_whole(page: Page, graph: Graph, kind: str = "nested") -> tuple[float, float]:
    """Show a whole graph; return milliseconds from asking, and from knowing where things are."""
    began = 0.0
    page.open_graph(f"?lay={kind}")
    if page.canvas("nodes") != str(graph.twins):
        settled(page)
        began = page.raw.evaluate("() => performance.now()")
        page.get("graph.notice.more").click()
    whole = page.raw.locator(
        f'[data-testid="graph.canvas"][data-ready][data-nodes="{graph.twins}"]'
    )
    whole.wait_for()
    end = settled(page)
    return end - began, end - page.raw.evaluate("() => window.__bench.arrived")


def _picture(page: Page, graph: Graph) -> dict[str, Any]:
    """Return what the page shows, and where on the canvas: what the peer is given."""
    ids = [each["id"] for each in _all(graph.url, NODES)]
    lines = [(f"{each['s']} {each['r']}", each["s"], each["t"]) for each in _all(graph.url, LINES)]
    canvas = page.get("graph.canvas").bounding_box()
    assert canvas is not None
    parents = {source for _, source, _ in lines}
    nodes = [
        {"id": twin, "x": x - canvas["x"], "y": y - canvas["y"], "box": twin in parents}
        for twin, (x, y) in zip(ids, page.positions(ids), strict=True)
    ]
    return {"width": canvas["width"], "height": canvas["height"], "nodes": nodes, "edges": lines}


def _all(url: str, text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    body: dict[str, Any] = {"query": text}
    with httpx2.Client(params=VERSION, headers={"max-items-per-page": "1000"}) as client:
        while True:
            answer = client.post(f"{url}/query", json=body).raise_for_status().json()
            found += answer["value"]
            if answer["continuationToken"] is None:
                return found
            body = {"query": text, "continuationToken": answer["continuationToken"]}


def _peer(
    browser: Browser, picture: dict[str, Any], options: dict[str, Any], rounds: int
) -> tuple[list[float], list[float]] | None:
    """Return how long the peer draws, and its frames a second while it is panned."""
    try:
        library = packages(PEER) / "node_modules" / "cytoscape" / "dist" / "cytoscape.min.js"
    except pytest.skip.Exception as skipped:
        print(f"No peer: {skipped}")
        return None
    drawn, pans = [], []
    for _ in range(rounds):
        with cold(browser, "") as page:
            raw = page.raw
            raw.goto((PEER / "page.html").as_uri())
            for script in (library, PEER / "draw.js"):
                raw.add_script_tag(path=script)
            drawn.append(
                raw.evaluate("(each) => window.__peer(each)", {**picture, "options": options})
            )
            panned = raw.evaluate("(steps) => window.__panPeer(steps)", STEPS)
            assert panned["renders"] >= STEPS, panned
            pans.append(_frames(panned["times"]))
    return drawn, pans


def _frames(times: list[float]) -> float:
    return 1000 * len(times) / sum(times)


def _beside(
    ours: float, peers: dict[str, tuple[list[float], list[float]] | None], which: int, unit: str
) -> str:
    found = {name: median(each[which]) for name, each in peers.items() if each is not None}
    return "; ".join(
        f"cytoscape.js {name} {shown(value)} {unit} (x {ours / value:.2f})"
        for name, value in found.items()
    )
