"""Operating: endpoints and rules are tried, rights are looked at, and readers change nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from msgspec import structs
from playwright.sync_api import Browser, expect

from kastor.auth.tokens import create_token
from kastor.events.endpoints import KINDS
from kastor.testing import KastorServer
from tests.explorer.browser import Page, context
from tests.explorer.test_operating import Receiver, receiver

__all__ = ["receiver"]

TABLES = {"tables", "removals"}
"""What is for rows of the history alone, which few send and no form explains."""
PARTS = (
    *("overview", "routes", "endpoints", "inputs", "deadletters", "jobs", "proposals"),
    *("indexes", "slow", "limits", "graphs", "access"),
)
NOT_OF_READERS = {"inputs", "proposals"}
READS = re.compile(
    r"Close|Open|Look|Explain|Refresh|Retry|Choose .*|Copy.*|Judge",
)
RULE = {
    "name": "temperature",
    "match": {"from": "/sensor"},
    "twin": "{value}",
    "patch": {"/temperature": {"from": "/value", "as": "number"}},
}
SENSOR = "temp-2-14"
POLICY = """
[roles.operator]
permissions = ["digitaltwins/read", "query/action"]

[[rules]]
roles = ["operator"]
graphs = ["plant-*"]
to = { groups = ["3f2c"] }
"""


def _put(api: httpx2.Client, path: str, kind: str, **settings: object) -> None:
    done = api.put(f"/kastor/v1/{path}", json={"kind": kind, "settings": settings})
    assert done.is_success, done.text


def test_a_test_of_an_endpoint_says_what_came_of_it(
    page: Page, api: httpx2.Client, receiver: Receiver
) -> None:
    _put(api, "endpoints/tried", "webhook", url=receiver.url)
    newest = api.get("/kastor/v1/status").json()["counts"]["changeLog"]
    page.open("g/default/operate/endpoints")
    page.get("operate.endpoint.tried.test").click()
    told = page.get("operate.endpoint.tried.tested")
    expect(told).to_have_attribute("data-delivered", "true")
    [event] = receiver.events
    assert (event["type"], event["data"]["test"]) == ("Kastor.Endpoint.Test", True)
    receiver.status = 503
    page.get("operate.endpoint.tried.test").click()
    expect(told).to_have_attribute("data-delivered", "false")
    expect(told).to_contain_text("answered 503")
    assert api.get("/kastor/v1/status").json()["counts"]["changeLog"] == newest
    page.check()


def test_the_form_of_an_endpoint_has_every_setting_of_its_kind(page: Page) -> None:
    page.open("g/default/operate/endpoints")
    page.get("operate.endpoints.add").click()
    editor = page.get("operate.endpoint-editor")
    for kind, form in KINDS.items():
        page.get("operate.endpoint-kind").click()
        page.raw.get_by_role("option", name=kind, exact=True).click()
        labels = editor.locator(".field-label")
        names = [each.removesuffix(" *") for each in labels.all_inner_texts()[2:]]
        assert {*names} == {each.name for each in structs.fields(form)} - TABLES, kind
        needed = {each.removesuffix(" *") for each in labels.all_inner_texts() if " *" in each}
        assert needed == {each.name for each in structs.fields(form) if each.required}, kind
    page.check()


def test_a_message_is_tried_against_rules_saved_or_not(page: Page, api: httpx2.Client) -> None:
    _put(api, "inputs/gateway", "webhook", rules=[RULE])
    before = api.get(f"/digitaltwins/{SENSOR}").json()["temperature"]
    rejected = {"sensor": "temp-none", "value": 21}
    assert api.post("/kastor/v1/inputs/gateway/messages", json=rejected).json()["rejected"] == 1
    page.open("g/default/operate/inputs")
    card = page.get("operate.input.gateway")
    card.get_by_text("1 rejected message").click()
    page.get("operate.rejected.try").click()
    page.get("operate.try.run").click()
    outcome = page.get("operate.try.outcome")
    expect(outcome).to_have_attribute("data-outcome", "rejected")
    expect(outcome).to_contain_text("temp-none")
    page.write("operate.try.payload", json.dumps({"sensor": SENSOR, "value": "88.5"}))
    page.get("operate.try.run").click()
    expect(outcome).to_have_attribute("data-outcome", "written")
    expect(page.get("operate.try.patch")).to_contain_text("88.5")
    page.check()
    page.raw.keyboard.press("Escape")
    card.get_by_role("button", name="Edit").click()
    rule = {**RULE, "patch": {"/temperature": {"from": "/value", "as": "number", "scale": 2}}}
    page.write("operate.input-settings", json.dumps({"rules": [rule]}))
    page.get("operate.input-try").click()
    page.write("operate.try.payload", json.dumps({"sensor": SENSOR, "value": 40}))
    page.get("operate.try.run").click()
    expect(page.get("operate.try.patch")).to_contain_text("80")
    assert api.get(f"/digitaltwins/{SENSOR}").json()["temperature"] == before
    assert "scale" not in api.get("/kastor/v1/inputs/gateway").text
    page.check()


def test_some_dead_letters_are_chosen(page: Page, api: httpx2.Client, receiver: Receiver) -> None:
    _put(api, "endpoints/refusing", "webhook", url=receiver.url)
    receiver.status = 400
    route = {"endpointName": "refusing", "filter": "CHANGED(temperature)"}
    assert api.put("/eventroutes/lost", json=route).is_success
    for value in (31, 32, 33):
        patch = [{"op": "replace", "path": "/temperature", "value": value}]
        assert api.patch(f"/digitaltwins/{SENSOR}", json=patch).is_success
    page.open("g/default/operate/overview")
    problem = page.get("operate.problems").get_by_text("lost", exact=False).first
    expect(problem).to_be_visible()
    page.get("operate.part.deadletters").click()
    marks = page.get("operate.deadletter.mark")
    expect(marks).to_have_count(3)
    marks.nth(1).check()
    page.get("operate.delete-chosen").click()
    page.get("confirm.act").click()
    expect(marks).to_have_count(2)
    receiver.status = 200
    marks.nth(0).check()
    page.get("operate.requeue-chosen").click()
    page.until(lambda: len(receiver.events) == 1, "the chosen letter did not arrive")
    expect(marks).to_have_count(1)
    page.check()
    assert api.delete("/eventroutes/lost").is_success


def test_an_index_that_explain_asked_for_is_built_here(page: Page, api: httpx2.Client) -> None:
    query = "SELECT * FROM DIGITALTWINS T WHERE T.temperature > 22"
    page.open(f"g/default/query?as=explain&q={query.replace(' ', '%20')}")
    page.get("query.explain.advice").first.wait_for()
    page.get("rail.operate").click()
    page.get("operate.part.indexes").click()
    expect(page.get("operate.index-expected")).to_contain_text("342 twins")
    expect(page.get("operate.indexes.asked")).to_contain_text(query)
    page.check()
    page.get("operate.index.build.temperature").click()
    expect(page.get("operate.index.temperature")).to_be_visible()
    expect(page.get("operate.indexes.asked")).to_have_count(0)
    assert api.delete("/kastor/v1/indexes/temperature").is_success


def test_a_replay_stays_within_the_log(page: Page, api: httpx2.Client, receiver: Receiver) -> None:
    _put(api, "endpoints/again", "webhook", url=receiver.url)
    assert api.put(
        "/eventroutes/again", json={"endpointName": "again", "filter": "false"}
    ).is_success
    begins = api.get("/kastor/v1/status").json()["oldestLogEntry"]
    page.open("g/default/operate/routes/again")
    page.raw.get_by_role("button", name="Replay").click()
    dialog = page.raw.get_by_role("dialog")
    field = dialog.locator("input[type=datetime-local]")
    expect(field).to_have_attribute("min", begins[:19])
    expect(dialog).to_contain_text("The change log begins at")
    page.check()
    dialog.get_by_role("button", name="Replay").click()
    expect(dialog).to_have_count(0)
    assert api.delete("/eventroutes/again").is_success


def test_a_graph_is_moved_or_says_how_it_goes_elsewhere(page: Page, api: httpx2.Client) -> None:
    assert api.put("/kastor/v1/graphs/wanderer", json={}).is_success
    is_file = api.get("/kastor/v1/status").json()["engine"] == "sqlite"
    page.open("g/default/operate/graphs")
    expect(page.get("operate.graph.default.move")).to_have_count(1 if is_file else 0)
    page.get("operate.graph.wanderer.move").click()
    if not is_file:
        schema = f"moved_{uuid4().hex[:8]}"
        expect(page.get("operate.move.act")).to_be_disabled()
        page.get("operate.move.schema").fill(schema)
        page.get("operate.move.check").click()
        expect(page.raw.get_by_text("wanderer can be moved there")).to_be_visible()
        page.check()
        page.get("operate.move.act").click()
        expect(page.get("operate.move")).to_have_count(0)
        expect(page.get("operate.graphs.row.wanderer")).to_contain_text(schema)
        page.check()
        return
    expect(page.get("operate.move.command")).to_contain_text("kastor copy ")
    page.check()
    page.get("operate.move.export").click()
    page.raw.wait_for_url("**/g/wanderer/io/export**")


def test_without_tokens_everybody_is_an_owner(page: Page) -> None:
    page.open("g/default/operate/access")
    expect(page.get("operate.access.me")).to_contain_text("anonymous")
    expect(page.get("operate.access.mine")).to_contain_text("digitaltwins")
    expect(page.get("operate.access.book")).to_contain_text("asks nobody")
    page.check()


@pytest.fixture(scope="module")
def guarded(built: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KastorServer]:
    """A server with one of everything that asks who one is."""
    assert built
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text(POLICY)
    policy.chmod(0o600)
    with KastorServer(("--explorer", "--auth", "tokens", "--policy", str(policy))) as server:
        headers = {"Authorization": f"Bearer {server.token('owner')}"}
        with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
            sample = {"name": "building", "simulate": False}
            assert client.post("/kastor/v1/sample", json=sample).status_code == 200
            _put(client, "endpoints/hook", "webhook", url="http://127.0.0.1:9/x")
            _put(client, "inputs/gateway", "webhook", rules=[RULE])
            query = {"api-version": "2023-10-31"}
            route = {"endpointName": "hook", "filter": "true"}
            assert client.put("/eventroutes/first", json=route, params=query).is_success
            assert client.put("/kastor/v1/indexes/temperature").is_success
            assert client.put("/kastor/v1/graphs/second", json={}).is_success
        create_token(server.data_dir / "tokens", "none", "dashboard")
        yield server


def _guest(guarded: KastorServer, browser: Browser, token: str, path: str) -> Page:
    page = Page(context(browser).new_page(), guarded.url)
    page.let_pass("401")
    page.open(path)
    page.get("access.token").fill(token)
    page.get("access.go").click()
    expect(page.get("access")).to_have_count(0)
    return page


def test_a_reader_sees_no_write_control_in_any_part(
    guarded: KastorServer, browser: Browser
) -> None:
    page = _guest(guarded, browser, guarded.token("reader"), "g/default/operate")
    page.get("operate.part.overview").wait_for()
    for part in PARTS:
        link = page.get(f"operate.part.{part}")
        expect(link).to_have_count(0 if part in NOT_OF_READERS else 1)
        if part in NOT_OF_READERS:
            continue
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        view = page.raw.locator(".operate-view")
        view.get_by_role("heading").first.wait_for()
        if part == "routes":
            page.get("operate.routes.row.first").click()
            page.get("operate.route").wait_for()
        names = view.get_by_role("button").evaluate_all(
            "all => all.map((each) => each.getAttribute('aria-label') ?? each.textContent)"
        )
        assert [each for each in names if not READS.fullmatch(each)] == [], part
        assert view.locator("input, textarea, form").count() == 0, part
        page.check()
    expect(page.get("operate.access.roles")).to_have_text("reader")
    expect(page.get("operate.access.book")).to_have_count(0)


def test_an_owner_sees_roles_and_rules_and_asks_what_others_may(
    guarded: KastorServer, browser: Browser
) -> None:
    page = _guest(guarded, browser, guarded.token("owner"), "g/default/operate/access")
    expect(page.get("operate.access.book")).to_contain_text("policy.toml")
    expect(page.get("operate.access.rules")).to_contain_text("groups: 3f2c")
    expect(page.get("operate.access.tokens")).to_contain_text("dashboard")
    expect(page.get("operate.access.all-roles")).to_contain_text("operator")
    page.get("operate.access.who").fill("group=3f2c")
    page.get("operate.access.judge").click()
    judged = page.get("operate.access.judged")
    expect(judged).to_have_attribute("data-allowed", "false")
    expect(judged).to_contain_text("lets in static tokens alone")
    page.get("operate.access.who").fill("token:nobody")
    with page.expect_trouble("404"):
        page.get("operate.access.judge").click()
        expect(judged).to_contain_text("There is no static token named nobody")
    page.check()
    text = page.raw.content()
    assert guarded.token("owner") not in text
    assert "sha256" not in text
