"""What a migration writes and does not write, between two Kastors."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kastor.client import AsyncKastorClient, KastorClient, OutcomeUnknownError
from kastor.client.calls import HttpCall
from kastor.moving.migration.migrator import NotEmptyError
from kastor.moving.migration.models import ModelConflictError
from kastor.moving.migration.state import GONE, MigrationState, StateError, Thing
from kastor.moving.writing.operations import ThingKind
from kastor.testing import KastorServer
from tests.cli.terminal import Cli

from .graphs import HALL, MODELS, documents, link, room
from .program import inside, start
from .sides import migrated, tried

OTHERS = "somebody else wrote it at the target"


@pytest.fixture
def ends(kastor: KastorServer, second: KastorServer, source: KastorClient) -> tuple[str, str]:
    """The addresses of source and target; the source has a small graph."""
    source.models.upload(MODELS)
    for number in range(4):
        source.twins.put(f"t{number}", room(number))
    source.relationships.put("t0", "r", link("t1"))
    source.relationships.put("t1", "r", link("t2"))
    return kastor.url, second.url


class TestTheTarget:
    def test_one_that_holds_something_is_asked_about(
        self, ends: tuple[str, str], target: KastorClient, state: Path
    ) -> None:
        target.models.upload(MODELS)
        target.twins.put("mine", room(1))
        target.twins.put("t0", room(0))
        target.twins.put("t1", room(99))
        with pytest.raises(NotEmptyError):
            migrated(state, *ends)
        trial = tried(*ends)
        assert (trial.there, trial.others, trial.models_there) == (1, 1, 3)
        report = migrated(state, *ends, into_existing=True)
        assert report.verification.different == 1
        assert OTHERS in report.verification.differences[0]
        assert target.twins.get("t1")["label"] == room(99)["label"]
        assert report.rounds[0].of("adopted") == 1
        assert migrated(state, *ends, overwrite=True).whole
        assert target.twins.get("t1")["label"] == room(1)["label"]
        assert target.twins.get("mine")["$dtId"] == "mine"

    def test_what_others_changed_there_is_told_and_stays(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        assert migrated(state, *ends).whole
        target.twins.patch("t0", [{"op": "replace", "path": "/size", "value": -1}])
        target.twins.delete("t3")
        source.twins.patch("t0", [{"op": "replace", "path": "/size", "value": 7}])
        source.twins.patch("t2", [{"op": "replace", "path": "/size", "value": 8}])
        report = migrated(state, *ends)
        assert report.verification.different == 2
        told = "\n".join(report.verification.differences)
        assert f"twin t0 has other content at the target: {OTHERS}" in told
        assert "twin t3 is missing at the target: somebody else deleted it" in told
        assert target.twins.get("t0")["size"] == -1
        assert target.twins.get("t2")["size"] == 8
        assert migrated(state, *ends, overwrite=True).whole
        assert documents(ends[0]) == documents(ends[1])

    def test_what_is_gone_goes_unless_others_have_it(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        assert migrated(state, *ends).whole
        target.twins.patch("t3", [{"op": "replace", "path": "/size", "value": -1}])
        target.twins.put("mine", room(5))
        source.relationships.delete("t1", "r")
        for twin in ("t2", "t3"):
            source.twins.delete(twin)
        report = migrated(state, *ends)
        assert report.rounds[0].of("deleted") == 2
        assert report.verification.differences == [
            f"twin t3 is at the target alone: {OTHERS}; --overwrite replaces it"
        ]
        found = {row["$dtId"] for row in target.query("SELECT * FROM digitaltwins")}
        assert found == {"t0", "t1", "t3", "mine"}

    def test_models_that_are_others_stop_it(
        self, ends: tuple[str, str], target: KastorClient, state: Path
    ) -> None:
        target.models.upload([{**MODELS[2], "contents": []}])
        with pytest.raises(ModelConflictError, match="dtmi:migrate:Part;1"):
            migrated(state, *ends, into_existing=True)
        assert len(target.models.list().collect()) == 1


class TestWhatComes:
    def test_changes_of_every_kind(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        migrated(state, *ends)
        source.twins.put("t0", {**room(1), "label": "a ~ / b"})  # of another model now
        source.twins.patch("t1", [{"op": "remove", "path": "/label"}])
        source.twins.patch("t2", [{"op": "add", "path": "/part/state", "value": "x"}])
        time = {"op": "add", "path": "/$metadata/size/sourceTime", "value": "2026-01-01T00:00:00Z"}
        source.twins.patch("t3", [time])
        source.relationships.put("t0", "r", link("t3"))
        source.relationships.patch("t1", "r", [{"op": "remove", "path": "/metres"}])
        report = migrated(state, *ends)
        assert report.whole
        assert report.rounds[0].of("changed") == 6
        assert documents(ends[0]) == documents(ends[1])
        source.twins.put("t3", room(3))  # whose time is gone again
        assert migrated(state, *ends).whole
        assert documents(ends[0]) == documents(ends[1])

    def test_models_are_decommissioned_after_their_twins_are_there(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        source.models.decommission(HALL)
        report = migrated(state, *ends)
        assert (report.whole, report.decommissioned) == (True, 1)
        assert target.models.get(HALL)["decommissioned"] is True
        assert target.twins.get("t0")["$metadata"]["$model"] == HALL
        assert migrated(state, *ends).decommissioned == 0

    def test_event_routes_and_endpoints_that_are_missing(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        hook = {"url": "https://events.example.org/hook"}
        for client, names in ((source, ("there", "elsewhere")), (target, ("there",))):
            for name in names:
                client.endpoints.put(name, "webhook", hook)
        source.routes.put("one", "there", "type = 'Microsoft.DigitalTwins.Twin.Create'")
        source.routes.put("two", "elsewhere")
        trial = tried(*ends)
        assert (trial.routes.created, trial.routes.missing) == (["one"], {"elsewhere": ["two"]})
        report = migrated(state, *ends)
        assert report.verification.equal
        assert not report.whole
        assert report.routes.missing == {"elsewhere": ["two"]}
        assert [each["id"] for each in target.routes.list()] == ["one"]
        target.endpoints.put("elsewhere", "webhook", hook)
        again = migrated(state, *ends)
        assert (again.routes.there, again.routes.created, again.whole) == (["one"], ["two"], True)


class TestTheState:
    def test_is_its_owners_alone_and_of_its_addresses(
        self, ends: tuple[str, str], target: KastorClient, state: Path
    ) -> None:
        migrated(state, *ends)
        files = list(state.parent.glob(f"{state.name}*"))
        assert files
        assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)
        with pytest.raises(StateError, match="is the state of a migration from http"):
            MigrationState.open(state, (ends[0], "http://other.example.org"))
        state.with_name("text").write_text("no state" * 100)
        with pytest.raises(StateError, match="is no state of a migration"):
            MigrationState.open(state.with_name("text"), ends)

    def test_one_process_has_it(self, tmp_path: Path) -> None:
        path = tmp_path / "folder" / "state"
        first = MigrationState.open(path, ("http://a", "http://b"))
        with pytest.raises(StateError, match="Another kastor migrate works with"):
            MigrationState.open(path, ("http://a", "http://b"))
        first.close()
        MigrationState.open(path, ("http://b", "http://a")).close()


class TestTheCommand:
    def test_says_what_it_did_and_how_to_go_on(
        self, ends: tuple[str, str], target: KastorClient, tmp_path: Path
    ) -> None:
        source_url, target_url = ends
        words = ("--from", source_url, "--to", target_url)
        trial = inside(tmp_path, "migrate", *words, "--dry-run", "--output", "json")
        assert trial.returncode == 0
        assert json.loads(trial.stdout)["counts"] == {"models": 3, "twins": 4, "relationships": 2}
        assert target.models.list().collect() == []
        done = inside(tmp_path, "migrate", *words)
        assert done.returncode == 0, done
        assert "Source and target are equal: every document was compared." in done.stdout
        assert "the same command goes on" in done.stderr
        again = inside(tmp_path, "migrate", *words, "--output", "json", "--quiet")
        assert (again.returncode, again.stderr) == (0, "")
        found = json.loads(again.stdout)
        assert found["equal"] is True
        assert found["counts"]["twins"]["sourceHash"] == found["counts"]["twins"]["targetHash"]
        fresh = ("--state", tmp_path / "another")
        refused = inside(tmp_path, "migrate", *words, *fresh, "--quiet")
        assert refused.returncode == 4
        assert refused.stderr == (
            f"kastor: {target_url} holds 4 twins already. --into-existing puts the graph beside "
            "them.\n"
        )

    def test_ends_with_one_line_at_ctrl_c(
        self, ends: tuple[str, str], target: KastorClient, tmp_path: Path
    ) -> None:
        words = ("--from", ends[0], "--to", ends[1], "--follow", "--quiet")
        with start(tmp_path, *words) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Round 1: ")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (
            130,
            "kastor: Stopped. The same command goes on from here.\n",
        )

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--from", "http://127.0.0.1:9"), "Name one of --to URL and --to-context NAME."),
            (("--from", "ftp://a", "--to", "b"), "--from: The address of the server must be"),
            (("--from", "http://a/", "--to", "http://a"), "--from and --to are the same address."),
        ],
    )
    def test_says_what_is_wrong_with_its_words(
        self, words: tuple[str, ...], told: str, tmp_path: Path
    ) -> None:
        done = inside(tmp_path, "migrate", *words)
        assert done.returncode == 2
        assert done.stderr.startswith(f"kastor: {told}")

    def test_each_side_has_its_own_token(
        self, second: KastorServer, target: KastorClient, tmp_path: Path
    ) -> None:
        with KastorServer(("--auth", "tokens")) as server:
            words = ("migrate", "--from", server.url, "--to", second.url)
            refused = inside(tmp_path, *words, KASTOR_TOKEN=server.token("owner"))
            assert refused.returncode == 5, refused
            done = inside(tmp_path, *words, KASTOR_FROM_TOKEN=server.token("reader"))
            assert done.returncode == 0, done


def test_a_target_that_lost_answers_is_asked_what_it_has(
    ends: tuple[str, str], target: KastorClient, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every first answer to a batch gets lost, after the server did what it says."""
    send = AsyncKastorClient.send
    lost: list[HttpCall[Any]] = []

    async def losing(client: AsyncKastorClient, call: HttpCall[Any]) -> Any:
        answer = await send(client, call)
        if call.path == "/kastor/v1/batch" and len(lost) < 2:
            lost.append(call)
            raise OutcomeUnknownError("lost")
        return answer

    monkeypatch.setattr(AsyncKastorClient, "send", losing)
    report = migrated(state, *ends)
    assert len(lost) == 2
    assert report.whole, report
    assert report.rounds[0].of("created") == 6
    assert documents(ends[0]) == documents(ends[1])


def test_the_graph_of_a_source_may_be_empty(
    kastor: KastorServer, second: KastorServer, source: KastorClient, target: KastorClient,
    state: Path,
) -> None:  # fmt: skip
    assert migrated(state, kastor.url, second.url).whole
    assert tried(kastor.url, second.url).would_be_whole


class TestDoubt:
    """What a process was doing when it was killed, as its state has it."""

    def test_what_was_written_and_not_noted_is_ours(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        migrated(state, *ends)
        _doubt(state, ends, "t0", lambda each: (each.digest, None))
        _doubt(state, ends, "t3", lambda each: (each.digest, None))
        source.twins.delete("t3")
        report = migrated(state, *ends)
        assert report.whole
        assert (report.rounds[0].of("created"), report.rounds[0].of("deleted")) == (0, 1)
        source.relationships.delete("t0", "r")
        source.twins.delete("t0")
        again = migrated(state, *ends)
        assert (again.whole, again.rounds[0].of("deleted")) == (True, 2), "it was made by others"

    def test_a_deletion_is_done_again_or_was_done(
        self, ends: tuple[str, str], source: KastorClient, target: KastorClient, state: Path
    ) -> None:
        source.twins.put("t4", room(4))
        migrated(state, *ends)
        for twin in ("t3", "t4"):
            source.twins.delete(twin)
            _doubt(state, ends, twin, lambda each: (GONE, each.to_etag))
        target.twins.delete("t4")
        assert migrated(state, *ends).whole
        assert documents(ends[0]) == documents(ends[1])

    def test_what_others_wrote_meanwhile_is_theirs(
        self, ends: tuple[str, str], target: KastorClient, state: Path
    ) -> None:
        migrated(state, *ends)
        _doubt(state, ends, "t0", lambda _: (b"another", None))
        target.twins.patch("t0", [{"op": "replace", "path": "/size", "value": -1}])
        report = migrated(state, *ends)
        assert OTHERS in report.verification.differences[0]
        assert target.twins.get("t0")["size"] == -1


def _doubt(
    path: Path,
    ends: tuple[str, str],
    twin: str,
    change: Callable[[Thing], tuple[bytes | None, str | None]],
) -> None:
    """Make a twin one that was being written; the change is what is pending, and the ETag."""
    state = MigrationState.open(path, ends)
    (thing,) = state.things(ThingKind.TWIN, [("", twin)]).values()
    thing.pending, thing.to_etag = change(thing)
    if thing.to_etag is None:
        thing.digest = thing.from_etag = None
        thing.owned = False
    with state.change():
        state.keep([thing])
    state.close()


def test_in_a_terminal_it_asks_and_shows_how_far_it_is(
    ends: tuple[str, str], target: KastorClient, tmp_path: Path
) -> None:
    target.models.upload(MODELS)
    target.twins.put("mine", room(1))
    cli, words = Cli(), ("migrate", "--from", ends[0], "--to", ends[1])
    try:
        for answer, status in (("n", 1), ("y", 0)):
            with cli.terminal(*words, columns=100, XDG_DATA_HOME=str(tmp_path)) as terminal:
                terminal.wait_for("Put the graph beside them?")
                terminal.send(f"{answer}\r")
                assert terminal.end() == status
                lines = terminal.lines
        assert "Source and target are equal: every document was compared." in lines
        assert "The target also holds 1 that did not come from here." in lines
        assert not [line for line in lines if "verify" in line or "\x1b" in line]
    finally:
        cli.close()
