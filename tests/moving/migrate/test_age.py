"""From a server with the dialect of AgeDigitalTwins."""

from __future__ import annotations

from pathlib import Path

import pytest

from kastor.client import KastorClient
from kastor.moving.migration.report import RoundReport
from kastor.testing import KastorServer

from .age_server import AgeServer
from .graphs import HALL, MODELS, ROOM, link
from .sides import migrated, tried

LAG = 0.2


@pytest.fixture
def filled(age: AgeServer) -> AgeServer:
    """Seven twins, of which one has the component of its model."""
    age.models = list(MODELS)
    for number in range(6):
        age.put_twin(f"t{number}", HALL if number == 0 else ROOM, size=number + 0.5)
    age.put_twin("whole", ROOM, part={"$metadata": {"$lastUpdateTime": "x"}, "state": "on"})
    for number in range(5):
        age.put_relationship(f"t{number}", "r", **link(f"t{number + 1}", number))
    return age


def test_twins_without_components_get_them_empty(
    filled: AgeServer, second: KastorServer, target: KastorClient, state: Path
) -> None:
    filled.refusals = 2
    report = migrated(state, filled.url, second.url, add_components=True, lag=0.0)
    assert report.whole, report
    assert report.verification.tallies["twins"].at_target == 7
    assert report.verification.tallies["relationships"].at_target == 5
    hall = target.twins.get("t0")
    assert (hall["size"], hall["part"]["$metadata"].keys()) == (0.5, {"$lastUpdateTime"})
    assert target.twins.get("whole")["part"]["state"] == "on"


def test_without_the_switch_they_are_told_and_the_rest_comes(
    filled: AgeServer, second: KastorServer, target: KastorClient, state: Path
) -> None:
    report = migrated(state, filled.url, second.url, lag=0.0)
    assert not report.whole
    assert report.problem_count == 6 + 5  # twins, and relationships between them
    assert "part" in report.verification.differences[0]
    assert [row["$dtId"] for row in target.query("SELECT * FROM digitaltwins")] == ["whole"]
    again = migrated(state, filled.url, second.url, add_components=True, lag=0.0)
    assert again.whole, again


def test_a_dry_run_names_them_and_what_no_server_takes(
    filled: AgeServer, second: KastorServer, target: KastorClient
) -> None:
    filled.put_relationship("t1", "strange", **{**link("t2"), "$relationshipName": "unknown"})
    filled.put_relationship("t1", "loose", **link("nobody"))
    filled.put_twin("bad", ROOM, size="large", part={"$metadata": {}})
    report = tried(filled.url, second.url)
    assert (report.models, report.refused) == (3, 9)
    assert any("twin t1 would be refused: part" in line for line in report.problems)
    report = tried(filled.url, second.url, add_components=True)
    assert report.refused == 3
    (size, loose, strange) = sorted(report.problems, key=lambda line: line.partition(" ")[2][:4])
    assert "size" in size
    assert "no twin at its target" in loose
    assert "has no relationship unknown" in strange
    assert target.models.list().collect() == []


def test_rows_that_a_listing_leaves_out_are_not_taken_for_deleted(
    filled: AgeServer, second: KastorServer, target: KastorClient, state: Path
) -> None:
    migrated(state, filled.url, second.url, add_components=True, lag=0.0)
    filled.hidden = {"t2", "t4"}
    del filled.relationships["t4", "r"], filled.twins["t5"]
    found: list[RoundReport] = []
    report = migrated(
        state, filled.url, second.url, add_components=True, lag=0.0, tell=found.append
    )
    assert found[0].of("deleted") == 2
    assert not report.whole, "what is hidden was not compared, and that is said"
    assert {row["$dtId"] for row in target.query("SELECT * FROM digitaltwins")} == {
        *("t0", "t1", "t2", "t3", "t4"),
        "whole",
    }


def test_a_listing_that_shifts_while_it_is_read_ends_equal(
    filled: AgeServer, second: KastorServer, target: KastorClient, state: Path
) -> None:
    moved: list[str] = []

    def shift(number: int) -> None:
        if number == 1 and not moved:
            moved.append("t0")
            first = filled.twins.pop("t0")
            filled.twins["t0"] = first

    filled.on_page = shift
    report = migrated(state, filled.url, second.url, add_components=True, lag=0.0)
    assert moved
    assert report.whole, report
    assert len(target.query("SELECT * FROM digitaltwins").collect()) == 7


def test_following_waits_for_listings_that_lag(
    filled: AgeServer, second: KastorServer, target: KastorClient, state: Path
) -> None:
    """A twin that is written just before the source stops appears in listings only later."""
    filled.put_twin("late", ROOM, size=1.0)
    filled.hidden = {"late"}
    rounds: list[RoundReport] = []

    def tell(report: RoundReport) -> None:
        rounds.append(report)
        if len(rounds) == 3:
            filled.hidden = set()

    report = migrated(
        *(state, filled.url, second.url),
        follow=LAG,
        add_components=True,
        lag=3 * LAG,
        tell=tell,
    )
    assert report.whole
    assert len(rounds) > 5
    assert target.twins.get("late")["size"] == 1.0
