"""Who may come in: tokens, readers, and a proxy that puts a path before it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from kastor.auth.tokens import create_token, revoke_token
from kastor.testing import KastorServer
from tests.auth.issuer import AUDIENCE, OWNER
from tests.explorer.browser import Page, context
from tests.explorer.sign_in import CLIENT, SignIn
from tests.ports import free_port

SCREENS = ("graph", "query", "models", "live", "history", "scenes", "operate", "io")
SHOWN = {"graph": "graph.canvas", "history": "frame.live", "scenes": "frame.live"}
WRITES = (
    "graph.empty.sample",
    "inspector.create",
    "inspector.menu.create",
    "inspector.menu.delete",
    "inspector.relationships.add",
    "live.telemetry",
    "models.upload",
    "operate.endpoints.add",
    "operate.routes.add",
    "query.save",
)
"""Controls that change something; a reader sees none of them on any screen."""


@pytest.fixture(scope="module")
def guarded(built: object) -> Iterator[KastorServer]:
    """A server that asks who one is, below a path, with the sample and another graph."""
    assert built
    port = free_port()
    address = ("--public-url", f"http://127.0.0.1:{port}/twins", "--port", str(port))
    with KastorServer(("--explorer", "--auth", "tokens", *address)) as server:
        headers = {"Authorization": f"Bearer {server.token('owner')}"}
        sample = {"name": "building", "simulate": False}
        base = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=base, headers=headers, timeout=60) as client:
            assert client.post("/kastor/v1/sample", json=sample).status_code == 200
            assert client.put("/kastor/v1/graphs/second", json={}).is_success
        yield server


@pytest.fixture
def guest(guarded: KastorServer, browser: Browser) -> Iterator[Page]:
    """Somebody whom the server does not know yet."""
    own = context(browser)
    url = guarded.url if guarded.url.endswith("/twins") else f"{guarded.url}/twins"
    opened = Page(own.new_page(), url)
    opened.let_pass("401")
    yield opened
    opened.look_for_errors()
    own.close()


def _enter(page: Page, token: str) -> None:
    page.get("access.token").fill(token)
    page.get("access.go").click()


def test_story_23_access(guest: Page, guarded: KastorServer) -> None:
    page = guest
    page.open("g/default/graph")
    page.get("access").wait_for()
    page.check()
    _enter(page, "kst_wrong")
    expect(page.get("access")).to_contain_text("does not take this token")
    _enter(page, guarded.token("reader"))
    page.wait_for_graph()
    expect(page.get("access")).to_have_count(0)
    assert page.canvas("nodes") == "342"
    page.click_twin("room-2-14")
    expect(page.get("inspector.name")).to_have_text("Meeting room Hazel")
    expect(page.get("inspector.input.name")).to_have_count(0)
    for screen in SCREENS:
        page.get(f"rail.{screen}").click()
        expect(page.get(f"rail.{screen}")).to_have_attribute("aria-current", "page")
        page.get(SHOWN.get(screen, screen)).wait_for()
        found = [each for each in WRITES if page.get(each).count() > 0]
        assert found == [], f"a reader sees on the screen {screen}"
    page.check()
    page.get("rail.graph").click()
    page.get("frame.graph").click()
    page.raw.get_by_role("menuitemcheckbox", name="second").click()
    expect(page.get("graph.empty")).to_contain_text("An empty graph.")
    expect(page.get("graph.empty").get_by_role("button")).to_have_count(0)
    page.check()


def test_story_23_a_token_that_ends_keeps_the_draft(guest: Page, guarded: KastorServer) -> None:
    page = guest
    tokens = guarded.data_dir / "tokens"
    first = create_token(tokens, "owner", "for-a-while")
    page.open("g/default/twins/room-2-14")
    _enter(page, first)
    page.get("inspector.input.name").fill("Written before the end")
    expect(page.get("inspector.bar")).to_be_visible()
    revoke_token(tokens, "for-a-while")
    # The stream of events is the first that hears of it.
    page.get("access").wait_for()
    page.check()
    _enter(page, guarded.token("owner"))
    expect(page.get("access")).to_have_count(0)
    expect(page.get("inspector.bar")).to_be_visible()
    page.get("inspector.save").click()
    expect(page.get("inspector.bar")).to_have_count(0)
    expect(page.get("inspector.name")).to_have_text("Written before the end")
    page.check()


def test_story_23_a_path_before_it_and_a_second_graph(guest: Page, guarded: KastorServer) -> None:
    page = guest
    page.open()
    _enter(page, guarded.token("owner"))
    page.wait_for_graph()
    assert page.raw.url.startswith(f"{page.url}/explorer/g/default/graph")
    page.get("frame.graph").click()
    page.raw.get_by_role("menuitemcheckbox", name="second").click()
    page.raw.wait_for_url("**/twins/explorer/g/second/graph**")
    expect(page.get("graph.empty")).to_be_visible()
    page.check()


def test_story_23_signing_in_at_an_issuer(built: object, browser: Browser) -> None:
    assert built
    with SignIn() as issuer:
        issuer.claims["roles"] = [OWNER]
        issuer.seconds_of_tokens = (
            121  # it is renewed two minutes before its end, at the earliest after ten seconds
        )
        at = ("--oidc-issuer", issuer.url, "--oidc-audience", AUDIENCE, "--oidc-client-id", CLIENT)
        with KastorServer(("--explorer", "--auth", "oidc", *at)) as server:
            own = context(browser)
            page = Page(own.new_page(), server.url, friends=(issuer.url,))
            page.let_pass("401")
            page.open("settings?sel=kept")
            expect(page.get("access.token")).to_have_count(0)
            page.get("access.sign-in").click()
            expect(page.get("frame.me")).to_contain_text("owner")
            expect(page.get("access")).to_have_count(0)
            # What was looked at before; neither the code nor the state stay in the address.
            assert page.raw.url == f"{server.url}/explorer/settings?sel=kept&test"
            page.until(lambda: issuer.refreshed > 0, "the token is not renewed")
            kept = page.raw.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage})")
            assert "eyJ" not in kept, "a token is kept"
            page.check()
            own.close()
