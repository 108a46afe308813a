"""openCypher in the editor: its errors in place, what fits is offered, its rows are drawn."""

from __future__ import annotations

import httpx2
from playwright.sync_api import expect

from tests.explorer.browser import Page
from tests.explorer.editor import offered, run_query

GRAPH = "MATCH (unit:AirHandlingUnit)-[f:feeds]->(next) RETURN unit, f, next"


def test_an_error_is_marked_in_its_place_and_mended(page: Page) -> None:
    page.open("g/default/query")
    page.let_pass("400")
    run_query(page, "MATCH (r:Room)\nRETURN q.name")
    marked = page.get("query.editor").locator(".cm-lintRange-error")
    expect(marked).to_have_text("q")
    expect(page.get("query.error")).to_contain_text("unknown variable 'q'")
    expect(page.get("query.error")).to_contain_text("2")
    page.check()


def test_labels_names_and_properties_are_offered(page: Page) -> None:
    page.open("g/default/query")
    page.let_pass("400")
    assert "dtmi:kastor:sample:MeetingRoom;1" in offered(page, "MATCH (r:Meet", "MeetingRoom")
    assert "Sensor" in offered(page, "MATCH (r:Room)-[:", "hasSensor")
    assert "double" in offered(
        page, "MATCH (r:Room)-[:hasSensor]->(s:TemperatureSensor) WHERE s.te", "temperature"
    )
    assert "Thermostat" in offered(page, "MATCH (r:Room) RETURN r.th", "thermostat")
    assert "value" in offered(page, "MATCH (r:Room) RETURN co", "count")
    page.write("query.editor", "MATCH (r:Meet")
    page.raw.keyboard.press("Control+Space")
    page.raw.get_by_role("option").filter(has_text="MeetingRoom").first.click()
    expect(page.get("query.editor").locator(".cm-line")).to_have_text("MATCH (r:MeetingRoom")
    page.check()


def test_parameters_are_given_in_either_language(page: Page) -> None:
    page.open("g/default/query")
    page.let_pass("400")
    cypher = "MATCH (r:MeetingRoom) WHERE r.capacity > $least RETURN r.name, r.capacity"
    adt = (
        "SELECT T.name, T.capacity FROM DIGITALTWINS T "
        "WHERE IS_OF_MODEL(T, 'dtmi:kastor:sample:MeetingRoom;1') AND T.capacity > $least"
    )
    for text in (cypher, adt):
        page.write("query.editor", text)
        page.get("query.parameter.least").fill("15")
        page.raw.keyboard.press("Enter")
        expect(page.get("query.status")).to_have_attribute("data-rows", "2")
        expect(page.get("query.table.row.0")).to_contain_text("Auditorium Millpond")
    page.check()


def test_rows_are_a_table_a_graph_and_explained(page: Page, api: httpx2.Client) -> None:
    rows = api.post("/query", json={"query": GRAPH}).json()["value"]
    twins = {row[each]["$dtId"] for row in rows for each in ("unit", "next")}
    page.open("g/default/query")
    run_query(page, GRAPH)
    for column in ("unit", "f", "next"):
        expect(page.get(f"query.table.head.{column}")).to_be_visible()
    expect(page.get("query.table.row.0")).to_contain_text("feeds")
    expect(page.get("query.live")).to_be_disabled()
    page.raw.get_by_role("radio", name="Graph").click()
    drawn = page.raw.locator('[data-testid="query.graph"][data-ready]')
    expect(drawn).to_have_attribute("data-nodes", str(len(twins)))
    assert int(drawn.get_attribute("data-edges") or 0) >= len(rows)
    page.check()
    page.raw.get_by_role("radio", name="Explain").click()
    expect(page.get("query.explain.steps")).to_contain_text("SEARCH")
    page.check()


def test_one_question_stands_beside_itself_in_both_languages(page: Page) -> None:
    page.open("g/default/query")
    page.get("query.both").locator("summary").click()
    found = []
    for language, column in (("adt", "name"), ("cypher", "room.name")):
        page.write("query.editor", "")
        page.get(f"query.both.{language}").click()
        page.get("query.run").click()
        expect(page.get(f"query.table.head.{column}")).to_be_visible()
        status = page.get("query.status")
        found.append(
            (status.get_attribute("data-rows"), page.get("query.table.row.0").inner_text())
        )
    assert found[0] == found[1]
    page.check()
