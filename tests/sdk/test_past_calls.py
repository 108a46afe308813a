"""`kastor.client` reads the past of Kastor, with either client."""

from __future__ import annotations

import csv
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from kastor.client import BadRequestError, NotFoundError, UnsendableError, writes

from .graph import ROOM, near, replace, room

if TYPE_CHECKING:
    from kastor.client import KastorClient

ALL = "SELECT T.$dtId AS id, T.Temperature AS value FROM DIGITALTWINS T"


def change_of(client: KastorClient) -> int:
    """The state of now."""
    (page,) = client.query("SELECT COUNT() FROM MODELS", as_of=datetime.now(UTC)).pages()
    return int(page.as_of.partition("change=")[2])


@pytest.fixture
def then(client: KastorClient) -> int:
    """Twelve twins in a row that changed and went since; the state of then."""
    puts = [writes.put_twin(f"r{n:02}", room(Temperature=n)) for n in range(12)]
    puts += [
        writes.put_relationship("r00", f"to-{n:02}", near("r00", f"to-{n:02}", f"r{n:02}"))
        for n in range(1, 12)
    ]
    assert client.batch(puts).failed == 0
    found = change_of(client)
    client.twins.patch("r05", replace("/Temperature", 500))
    for n in range(1, 12):
        client.relationships.delete("r00", f"to-{n:02}")
    client.twins.delete("r11")
    return found


def test_reads_are_of_an_instant(client: KastorClient, then: int) -> None:
    assert client.twins.get("r05", as_of=then)["Temperature"] == 5
    assert client.twins.get("r05")["Temperature"] == 500
    assert client.twins.get("r11", as_of=f"change:{then}")["Temperature"] == 11
    assert client.twins.get_component("r11", "Thermostat", as_of=then)
    assert client.relationships.get("r00", "to-03", as_of=then)["$targetId"] == "r03"
    (incoming,) = client.relationships.incoming("r03", as_of=then)
    assert incoming["$relationshipId"] == "to-03"
    assert list(client.relationships.incoming("r03")) == []
    assert client.models.get(ROOM, as_of=then)["id"] == ROOM
    with pytest.raises(NotFoundError):
        client.twins.get("r11", as_of=datetime.now(UTC))


def test_pages_are_of_the_same_instant(client: KastorClient, then: int) -> None:
    pages = list(client.relationships.list("r00", as_of=then).pages())
    assert [len(page.items) for page in pages] == [10, 1]
    assert {page.as_of.partition("change=")[2] for page in pages} == {str(then)}
    pages = list(client.query(ALL, as_of=then, page_size=5).pages())
    assert [len(page.items) for page in pages] == [5, 5, 2]
    assert {page.as_of.partition("change=")[2] for page in pages} == {str(then)}
    now = datetime.now(UTC)
    assert len(client.query(ALL, as_of=now, page_size=5).collect()) == 11
    models = client.models.list(as_of=then, page_size=1)
    assert len(models.collect()) == 2
    assert client.explain(ALL, as_of=then)


def test_exports_are_of_an_instant(client: KastorClient, then: int) -> None:
    with client.export(as_of=then) as export:
        assert export.change == then
        lines = list(export.lines())
    assert sum(b"to-" in line for line in lines) == 11
    output = f"exchange/default/past-{uuid4().hex}.ndjson"
    job = client.jobs.wait(client.jobs.begin_export(output, as_of=then), seconds=60)
    assert (job.status, job.counts["change"]) == ("succeeded", then)


def test_what_is_no_instant_is_not_sent(client: KastorClient) -> None:
    for instant in (-1, True, datetime(2026, 1, 1)):  # noqa: DTZ001 - it has to be refused
        with pytest.raises(UnsendableError):
            client.twins.get("r05", as_of=instant)
    with pytest.raises(BadRequestError, match="future"):
        client.twins.get("r05", as_of=datetime.now(UTC) + timedelta(days=1))


def test_versions_come_as_documents_and_patches(client: KastorClient, then: int) -> None:
    entries = client.history.twin("r05").collect()
    assert [each["document"]["Temperature"] for each in entries] == [5, 500]
    (patched,) = client.history.twin("r05", start=then + 1, as_patches=True)
    assert {"op": "replace", "path": "/Temperature", "value": 500} in patched["patch"]
    newest = client.history.twin("r11", newest_first=True, page_size=1).collect()
    assert [each.get("deleted", False) for each in newest] == [True, False]
    gone = client.history.relationship("r00", "to-03", end=then).collect()
    assert [each["version"] for each in gone] == [1]
    with pytest.raises(NotFoundError):
        client.history.twin("nobody").collect()


def test_values_come_as_series(client: KastorClient, then: int) -> None:
    values = client.history.series("r05", "/Temperature", page_size=1).collect()
    assert [each["value"] for each in values] == [5, 500]
    (bucket,) = client.history.series(
        "r05", "/Temperature", bucket="100d", aggregates=["min", "max"]
    )
    assert (set(bucket), bucket["max"]) == ({"from", "to", "min", "max"}, 500)
    by_source = client.history.series("r05", "Temperature", by_source_time=True, start=then + 1)
    assert [each["value"] for each in by_source] == [500]
    assert client.history.relationship_series("r00", "to-03", "/distance").collect() == []
    assert client.history.telemetry("r05", "/watts").collect() == []
    frame = client.history.series("r05", "/Temperature").to_pandas()
    assert list(frame["value"]) == [5, 500]


def test_a_query_comes_over_time(client: KastorClient, then: int) -> None:
    begin = datetime.now(UTC)
    time.sleep(0.12)
    client.twins.patch("r05", replace("/Temperature", -1))
    end = datetime.now(UTC)
    query = "SELECT T.Temperature AS value FROM DIGITALTWINS T WHERE T.$dtId = $id"
    rows: list[Any] = list(
        client.history.query_series(query, {"id": "r05"}, start=begin, end=end, bucket="10ms")
    )
    values = [each["row"]["value"] for each in rows]
    assert (values[0], values[-1]) in ((500, -1), (500, 500))
    assert len(rows) == (end - begin) // timedelta(milliseconds=10) + 1
    with client.history.query_series_csv(ALL, start=begin, end=begin, bucket="1s") as answer:
        table = list(csv.reader(line.decode() for line in answer.lines()))
    assert table[0] == ["time", "change", "id", "value"]
    assert len(table) == 12
    with pytest.raises(BadRequestError):
        list(client.history.query_series("SELECT", start=begin, bucket="1s"))


def test_two_instants_are_compared(client: KastorClient, then: int) -> None:
    found = list(client.history.differences(then))
    assert [(each["kind"], each["what"], each["id"]) for each in found] == [
        ("twin", "changed", "r05"),
        ("twin", "removed", "r11"),
        *(("relationship", "removed", f"to-{n:02}") for n in range(1, 12)),
    ]
    query = "SELECT * FROM DIGITALTWINS T WHERE T.Temperature = 500"
    now = datetime.now(UTC)
    (changed,) = client.history.differences(then, now, query=query, as_documents=True)
    assert (changed["before"]["Temperature"], changed["after"]["Temperature"]) == (5, 500)


def test_a_graph_goes_back(client: KastorClient, then: int) -> None:
    query = "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = $id"
    lines = list(client.history.try_revert(then, query=query, parameters={"id": "r05"}))
    assert [(each["id"], each["what"]) for each in lines] == [
        ("r05", "changed"),
        ("to-05", "added"),
    ]
    job = client.history.revert(then, query=query, parameters={"id": "r05"})
    job = client.jobs.wait(job, seconds=60)
    assert (job.kind, job.status) == ("reverts", "succeeded")
    assert client.twins.get("r05")["Temperature"] == 5
    name = f"back-{uuid4().hex}"
    job = client.history.revert(then, operation_id=name)
    assert client.history.revert(then, operation_id=name).id == job.id
    assert client.jobs.wait(job, seconds=60).status == "succeeded"
    assert len(client.relationships.list("r00").collect()) == 11
    assert [each.id for each in client.jobs.list("reverts")].count(job.id) == 1
    with pytest.raises(UnsendableError):
        client.dry_run().history.revert(1)


def test_how_much_is_kept_is_told_and_set(client: KastorClient) -> None:
    found = client.history.status()
    assert found["oldest"]["change"] <= found["newest"]["change"]
    changed = client.history.configure({"graph": {"seconds": 3_600}})
    assert changed["settings"] == {"graph": {"seconds": 3_600.0}}
    assert client.history.configure({})["settings"] == {}
