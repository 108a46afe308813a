"""`kastor history` and `--as-of`: what is printed, in a pipe and in a terminal, and what is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer

from kastor.cli.changes_told import words_of_patch
from kastor.cli.instants import required_instant
from kastor.cli.kept_told import lines_of
from kastor.cli.sparkline import BARS, sparkline
from kastor.client import KastorClient
from kastor.testing import KastorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .terminal import Cli, Piped

MODEL = {
    "@id": "dtmi:past:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "name", "schema": "string"},
        {"@type": "Relationship", "name": "next"},
    ],
}


@pytest.fixture(scope="module")
def past() -> Iterator[tuple[KastorServer, list[int]]]:
    """A server on which a twin got warmer, lost its name and went, with the changes of that."""
    with KastorServer() as server, KastorClient(server.url) as client:
        client.models.upload([MODEL])
        for twin in ("a", "b"):
            body = {"$metadata": {"$model": MODEL["@id"]}, "temperature": 20, "name": twin}
            client.twins.put(twin, body)
        client.relationships.put("b", "ba", {"$relationshipName": "next", "$targetId": "a"})
        for value in (21, 22, 25, 24):
            client.twins.patch("a", [{"op": "add", "path": "/temperature", "value": value}])
        client.twins.patch("a", [{"op": "remove", "path": "/name"}])
        client.relationships.delete("b", "ba")
        client.twins.delete("b")
        found = client.history.twin("a").collect()
        yield server, [each["change"] for each in found]


@pytest.fixture
def run(cli: Cli, past: tuple[KastorServer, list[int]]) -> Callable[..., Piped]:
    def pipe(*words: object) -> Piped:
        return cli.pipe(*words, KASTOR_URL=past[0].url)

    return pipe


def lines(done: Piped) -> list[str]:
    assert (done.status, done.err) == (0, "")
    return [re.sub(r"20\S+Z", "TIME", line) for line in done.out.splitlines()]


def test_versions_say_what_was_changed(run: Callable[..., Piped]) -> None:
    told = [line.split(None, 4)[4] for line in lines(run("history", "show", "a"))]
    assert told == [
        "what",
        "created",
        *(f"temperature = {value}" for value in (21, 22, 25, 24)),
        "name removed",
    ]
    newest = lines(run("history", "show", "a", "--newest", "--limit", "1"))
    assert newest[1:] == [line for line in newest if "name removed" in line]


def test_a_deleted_twin_and_a_deleted_relationship_have_a_history(
    run: Callable[..., Piped],
) -> None:
    assert lines(run("history", "show", "b"))[-1].endswith("deleted")
    assert lines(run("history", "show", "b", "-r", "ba"))[-1].endswith("deleted")
    done = run("history", "show", "b", "-o", "ndjson")
    assert [json.loads(line).get("deleted") for line in done.out.splitlines()] == [None, True]
    assert run("history", "show", "c").status == 3


def test_whole_documents_where_they_are_wanted(run: Callable[..., Piped]) -> None:
    found = json.loads(run("history", "show", "a", "--documents", "-o", "json").out)
    assert [each["document"]["temperature"] for each in found] == [20, 21, 22, 25, 24, 24]


def test_a_series_has_bars_in_a_terminal_and_none_in_a_pipe(
    run: Callable[..., Piped], cli: Cli, past: tuple[KastorServer, list[int]]
) -> None:
    words = ("history", "series", "a", "temperature")
    assert [line.split()[-1] for line in lines(run(*words))] == [
        "value",
        "20",
        "21",
        "22",
        "25",
        "24",
    ]
    shown = cli.shown(*words, KASTOR_URL=past[0].url)
    assert shown.status == 0
    assert shown.lines[0] == "▁▂▄█▇  20 to 25"
    assert not any(bar in line for line in shown.lines[1:] for bar in BARS)
    as_json = json.loads(run(*words, "-o", "json").out)
    assert [each["value"] for each in as_json] == [20, 21, 22, 25, 24]


def test_buckets_tell_what_was_asked_for(run: Callable[..., Piped]) -> None:
    words = ("history", "series", "a", "/temperature", "--bucket", "1d", "--agg", "max")
    found = json.loads(run(*words, "--agg", "avg", "-o", "json").out)
    assert max(each["max"] for each in found) == 25
    assert all(set(each) == {"from", "to", "avg", "max"} for each in found)


def test_what_reads_a_graph_reads_that_of_then(
    run: Callable[..., Piped], past: tuple[KastorServer, list[int]]
) -> None:
    then = ("--as-of", f"change:{past[1][2]}")
    assert lines(run("query", "SELECT T.temperature FROM DIGITALTWINS T", *then, "-o", "csv")) == [
        "temperature",
        "22",
        "20",
    ]
    shown = [line.split() for line in lines(run("twin", "show", "a", *then))]
    assert ["temperature", "22"] in shown
    assert len(lines(run("twin", "list", *then))) == 3
    assert len(lines(run("twin", "relationship", "list", "b", *then))) == 2
    assert run("twin", "relationship", "show", "b", "ba", *then).status == 0
    assert run("twin", "relationship", "show", "b", "ba").status == 3
    assert lines(run("models", "list", "--as-of", "change:0")) == [
        "No models. `kastor models upload` brings some."
    ]
    assert run("models", "show", MODEL["@id"], "--as-of", "change:0").status == 3


def test_a_diff_names_what_came_what_went_and_what_became_different(
    run: Callable[..., Piped], past: tuple[KastorServer, list[int]]
) -> None:
    found = lines(run("history", "diff", f"change:{past[1][1]}"))
    assert [" ".join(line.split()) for line in found] == [
        "what kind source id changes",
        "changed twin a name removed, temperature = 24",
        "removed twin b",
        "removed relationship b ba",
    ]
    assert lines(run("history", "diff", "change:3", "change:3")) == ["Nothing differs."]
    assert json.loads(run("history", "diff", "change:3", "change:3", "-o", "json").out) == []


def test_a_dry_run_of_a_revert_changes_nothing_and_a_revert_does(
    run: Callable[..., Piped], past: tuple[KastorServer, list[int]]
) -> None:
    then = f"change:{past[1][0]}"
    words = ("history", "revert", then, "--twin", "a")
    told = [" ".join(line.split()) for line in lines(run(*words, "--dry-run"))]
    assert told[1].startswith("changed twin a ")
    assert {"temperature = 20", 'name = "a"'} <= set(
        told[1].removeprefix("changed twin a ").split(", ")
    )
    assert told[-1] == "Dry run: nothing was changed."
    refused = run(*words)
    assert (refused.status, refused.out) == (2, "")
    assert "--yes" in refused.err
    done = run(*words, "--yes", "-o", "json")
    assert json.loads(done.out)["status"] == "succeeded"
    assert '"temperature": 20' in run("twin", "show", "a", "-o", "json").out.replace(".0", "")
    assert lines(run(*words, "--dry-run")) == ["It is so already.", "Dry run: nothing was changed."]


def test_the_status_says_what_is_kept(run: Callable[..., Piped]) -> None:
    shown = lines(run("history", "status"))
    assert [line.split("  ")[0] for line in shown] == [
        "oldest state",
        "newest state",
        "old versions",
        "of them packed",
        "telemetry",
        "upkeep so far",
        "kept",
        "kept of telemetry",
    ]
    assert shown[-2].endswith(" 7 d, up to 2.0 GB")
    assert shown[-1].endswith(" nothing")
    assert json.loads(run("history", "status", "-o", "json").out)["versions"]["count"] >= 5


def test_rules_of_models_are_told() -> None:
    state = {"time": "2026-01-01T00:00:00.0000000Z", "change": 1}
    told = lines_of(
        {
            "oldest": state,
            "newest": state,
            "versions": {"count": 1200, "packed": 1000, "wholeBytes": 500, "packedBytes": 1500},
            "telemetry": {"count": 0, "bytes": 0},
            "keeps": {
                "graph": {"seconds": 5400.0},
                "models": {"dtmi:a;1": {"bytes": 0}, "dtmi:b;1": {"seconds": 30}},
                "telemetry": {"seconds": 86_400, "bytes": 2_000_000},
            },
        }
    )
    assert list(told) == [
        ("oldest state", "2026-01-01T00:00:00Z, change 1"),
        ("newest state", "2026-01-01T00:00:00Z, change 1"),
        ("old versions", "1,200 (2.0 kB)"),
        ("of them packed", "1,000 (1.5 kB)"),
        ("telemetry", "0 (0 bytes)"),
        ("kept", "1.5 h"),
        ("kept of dtmi:a;1", "nothing"),
        ("kept of dtmi:b;1", "30 s"),
        ("kept of telemetry", "1 d, up to 2.0 MB"),
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("history", "show", "a", "--from", "soon"), "--from soon: an instant is"),
        (("history", "diff", "2026-01-01T00:00:00"), "FROM 2026-01-01T00:00:00 has no zone"),
        (("history", "diff", "999999999d"), "before the calendar begins"),
        (("history", "series", "a"), "PATH is missing"),
        (("history", "series", "a", "x", "--agg", "avg"), "give --bucket too"),
        (("history", "series", "a", "x", "--component", "y"), "--component is of --telemetry"),
        (("history", "series", "a", "x", "-r", "y", "--telemetry"), "no telemetry"),
        (("history", "series", "a", "x", "-r", "y", "--source-time"), "no source times"),
        (("history", "revert", "1h", "--yes"), "Give one of --twin, --query and --all"),
        (("history", "revert", "1h", "--all", "--twin", "a"), "Give one of"),
        (("query", "SELECT * FROM DIGITALTWINS", "--watch", "--as-of", "1h"), "leave out --as-of"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_is_asked(
    cli: Cli, words: tuple[str, ...], why: str
) -> None:
    done = cli.pipe(*words, KASTOR_URL="http://127.0.0.1:9")
    assert (done.status, done.out) == (2, "")
    assert why in done.err


def test_the_future_is_refused_by_the_server(run: Callable[..., Piped]) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    done = run("twin", "show", "a", "--as-of", later)
    assert done.status == 1
    assert "future" in done.err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("5h", 18_000), ("2d", 172_800)]
)
def test_how_long_ago_is_an_instant(text: str, seconds: int) -> None:
    then = datetime.fromisoformat(required_instant(text, "--as-of"))
    assert abs((datetime.now(UTC) - then).total_seconds() - seconds) < 5


@pytest.mark.parametrize(
    "text", ["", "5", "h", "-5h", "5w", "change:", "change:x", "\u0665h", "now"]
)
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(typer.Exit):
        required_instant(text, "--as-of")


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [
        ([], 10, ""),
        ([1.0], 10, "▅"),
        ([3.0, 3.0], 10, "▅▅"),
        ([0.0, 7.0, 8.0], 10, "▁██"),
        (list(range(16)), 8, BARS),
        ([1.0, 2.0], 0, "▅"),
    ],
)
def test_bars(values: list[float], width: int, bars: str) -> None:
    assert sparkline(values, width) == bars


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ([{"op": "add", "path": "", "value": {}}], "created"),
        ([{"op": "replace", "path": "/$etag", "value": "x"}], "the same values once more"),
        ([{"op": "remove", "path": "/a~1b/c"}], "a/b.c removed"),
        ([{"op": "replace", "path": "/$metadata/$model", "value": "m"}], '$model = "m"'),
        ([{"op": "add", "path": "/$metadata/x", "value": {"lastUpdateTime": "t"}}],
         "the same values once more"),
        ([{"op": "add", "path": "/c", "value": {"x": 1, "$metadata": {}}}], 'c = {"x": 1}'),
    ],
)  # fmt: skip
def test_words_of_a_patch(patch: list[dict[str, Any]], words: str) -> None:
    assert words_of_patch(patch) == words
