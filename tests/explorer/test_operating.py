"""Operating: a route is written with its effect in sight, fails, and is mended."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from tests.explorer.browser import Page

SENSOR = "temp-2-14"
FILTER = "CHANGED(temperature) AND $changed.temperature > 90"


class Receiver:
    """A webhook's receiver; it answers with `status`, and keeps what it takes."""

    def __init__(self) -> None:
        self.status = 200
        self.events: list[dict[str, Any]] = []
        taken = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if taken.status == 200:
                    taken.events.append(json.loads(body))
                self.send_response(taken.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def _write(api: httpx2.Client, value: float) -> None:
    patch = [{"op": "replace", "path": "/temperature", "value": value}]
    assert api.patch(f"/digitaltwins/{SENSOR}", json=patch).status_code == 204


def test_story_21_route_with_preview(page: Page, api: httpx2.Client, receiver: Receiver) -> None:
    endpoint = {"kind": "webhook", "settings": {"url": receiver.url}}
    assert api.put("/kastor/v1/endpoints/hook", json=endpoint).is_success
    page.let_pass("400")
    page.open("g/default/operate/routes")
    page.get("operate.routes.add").click()
    page.get("operate.route-id").fill("temperatures")
    page.get("operate.route-endpoint").click()
    page.raw.get_by_role("option", name="hook").click()
    # The list gives the focus back when it goes, which may be while the editor is written in.
    expect(page.raw.get_by_role("option")).to_have_count(0)
    expect(page.get("operate.route-endpoint")).to_be_focused()
    page.write("operate.filter", FILTER.replace(")", "", 1))
    expect(page.get("operate.filter-error")).to_be_visible()
    wrong = page.get("operate.filter").locator(".cm-lintRange-error")
    expect(wrong).to_have_text("AND")
    expect(page.get("operate.route-save")).to_be_disabled()
    page.check()
    page.write("operate.filter", FILTER)
    expect(page.get("operate.filter-error")).to_have_count(0)
    preview = page.get("operate.preview")
    expect(preview).to_have_attribute("data-total", re.compile("[1-9]"))
    expect(preview).to_have_attribute("data-passed", "0")
    for passed in (1, 2):
        _write(api, 94 + passed)
        expect(preview).to_have_attribute("data-passed", str(passed))
    page.get("operate.route-save").click()
    expect(page.get("operate.route-editor")).to_have_count(0)

    page.get("operate.routes.row.temperatures").click()
    _write(api, 97)
    page.until(lambda: len(receiver.events) == 1, "the event did not arrive")
    expect(page.get("operate.route.lag")).to_have_text("0")
    expect(page.get("operate.route.rate")).not_to_have_text("0")
    state = page.get("operate.route.state")
    running = state.inner_text()
    receiver.status = 400
    _write(api, 98)
    expect(page.get("operate.deadletter")).to_contain_text(SENSOR)
    expect(state).not_to_have_text(running)
    expect(page.get("operate.route.error")).to_contain_text("400")
    page.check()
    receiver.status = 200
    page.get("operate.requeue").click()
    page.until(lambda: len(receiver.events) == 2, "the dead letter did not arrive")
    # What went before says nothing of how it is now; the next event does.
    _write(api, 99)
    page.until(lambda: len(receiver.events) == 3, "the event did not arrive")
    expect(state).to_have_text(running)
    page.check()
