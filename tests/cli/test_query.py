"""`kastor query TEXT` in a pipe and in a terminal: rows, values, explanations, watching, faults."""

from __future__ import annotations

import csv
import http.server
import io
import json
import os
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from kastor.cli.shell import following
from kastor.cli.shell.faults import lines_of
from kastor.cli.shell.following import FirstRows, RowChange, changes_of
from kastor.cli.shell.question import Question
from kastor.client.errors import BadRequestError, UnreachableError
from kastor.client.streams import LiveRow, LiveUpdate

from .rooms import ROOM, put_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kastor.client import KastorClient
    from kastor.testing import KastorServer

    from .terminal import Cli, Piped

ROOMS = f"SELECT T.$dtId, T.name, T.temperature FROM DIGITALTWINS T WHERE IS_OF_MODEL('{ROOM}')"


@pytest.fixture(scope="module")
def query(cli: Cli, graph: tuple[KastorServer, KastorClient]) -> Callable[..., Piped]:
    """Runs `kastor query` in a pipe."""

    def run(*words: object, **options: Any) -> Piped:
        return cli.pipe("query", *words, KASTOR_URL=graph[0].url, **options)

    return run


def test_rows_are_columns_in_a_pipe(query: Callable[..., Piped]) -> None:
    done = query(ROOMS)
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "$dtId  name           temperature",
        "room1  Lab                   20.5",
        "room2  Kitchen               21.5",
        "room3  \\u001b[31mRed         22.5",
    ]


def test_rows_are_json_ndjson_and_csv(query: Callable[..., Piped]) -> None:
    expected = [("room1", "Lab", 20.5), ("room2", "Kitchen", 21.5), ("room3", "\x1b[31mRed", 22.5)]
    rows = [dict(zip(("$dtId", "name", "temperature"), each, strict=True)) for each in expected]
    assert json.loads(query(ROOMS, "--output", "json").out) == rows
    lines = query(ROOMS, "-o", "ndjson").out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    read = list(csv.DictReader(io.StringIO(query(ROOMS, "-o", "csv").out)))
    assert [row | {"temperature": float(row["temperature"])} for row in read] == rows
    nested = query("SELECT T.knob FROM DIGITALTWINS T WHERE T.$dtId='room1'", "-o", "csv").out
    assert json.loads(next(iter(csv.DictReader(io.StringIO(nested))))["knob"])["setPoint"] == 21


def test_a_text_comes_from_standard_input_or_a_file(
    query: Callable[..., Piped], tmp_path: Path
) -> None:
    (tmp_path / "rooms.sql").write_text("\ufeffSELECT COUNT()\nFROM DIGITALTWINS;\n", "utf-8")
    for done in (
        query("-", stdin="SELECT COUNT() FROM DIGITALTWINS"),
        query(stdin="SELECT COUNT() FROM DIGITALTWINS"),
        query("@rooms.sql", folder=tmp_path),
    ):
        assert (done.status, done.out.split(), done.err) == (0, ["COUNT", "13"], "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["@nowhere.sql"], "Cannot read nowhere.sql: No such file or directory."),
        (["@."], "Cannot read .: Is a directory."),
        (["-"], "The query is empty. Give a text, - for standard input, or @FILE."),
        (["SELECT 1", "--param", "low"], "--param low is no NAME=VALUE; for example"),
        (["SELECT 1", "--param", "a=1", "--param", "$a=2"], "--param gives a twice."),
        (["SELECT 1", "--watch", "--limit", "1"], "--watch goes without --explain and --limit."),
        (["SELECT 1", "--watch", "-o", "csv"], "--watch prints a table for people, or lines"),
    ],
)
def test_what_makes_no_query_is_told_before_anything_is_sent(
    query: Callable[..., Piped], words: list[str], told: str
) -> None:
    done = query(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"kastor: {told}")


def test_values_are_json_or_texts(query: Callable[..., Piped]) -> None:
    text = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.temperature > $low AND T.name IN $names"
    done = query(text, "--param", "low=21", "--param", '$names=["Lab","Kitchen"]', "-o", "ndjson")
    assert done.out == '{"$dtId":"room2"}\n'
    one = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.name = $n"
    assert query(one, "--param", "n=Lab", "-o", "ndjson").out == '{"$dtId":"room1"}\n'
    assert query(one, "--param", 'n="Lab"', "-o", "ndjson").out == '{"$dtId":"room1"}\n'
    assert query(one, "--param", "n=NaN").out == "No rows.\n"


def test_a_value_that_is_not_given_is_asked_for_by_its_flag(query: Callable[..., Piped]) -> None:
    done = query("SELECT T FROM DIGITALTWINS T WHERE T.name = $name")
    assert "$name is not given; `kastor query` takes it as --param NAME=VALUE." in done.err
    near = query("SELECT T FROM DIGITALTWINS T WHERE T.name = $name", "--param", "nam=a")
    assert "--param NAME=VALUE. Did you mean nam?" in near.err


def test_a_limit_counts_rows_and_asks_for_no_more(query: Callable[..., Piped]) -> None:
    assert len(json.loads(query(ROOMS, "--limit", 2, "-o", "json").out)) == 2
    assert query(ROOMS, "--limit", 0).status == 2


def test_no_rows_are_told_in_a_table_and_are_none_elsewhere(query: Callable[..., Piped]) -> None:
    none = "SELECT * FROM DIGITALTWINS T WHERE T.name = 'nobody'"
    assert query(none).out == "No rows.\n"
    assert query(none, "-o", "json").out == "[]\n"
    assert query(none, "-o", "csv").out == query(none, "-o", "ndjson").out == ""


def test_names_that_no_model_knows_are_told_beside_the_rows(query: Callable[..., Piped]) -> None:
    done = query("SELECT T.$dtId FROM DIGITALTWINS T WHERE T.temprature > 1", "-o", "json")
    assert (done.status, done.out) == (0, "[]\n")
    assert "warning: no model declares a property temprature. Did you mean" in done.err


def test_an_explanation_is_lines_for_people_and_a_document_for_programs(
    query: Callable[..., Piped],
) -> None:
    text = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.temperature > 21"
    for words in ([text, "--explain"], [f"EXPLAIN {text}"], [f"EXPLAIN {text}", "--explain"]):
        out = query(*words).out
        assert out.startswith("first page  2 rows in ")
        assert "advice      an index on temperature would help: kastor index create" in out
        assert '"node"' not in out
    (row,) = json.loads(query(text, "--explain", "-o", "json").out)
    assert {"plan", "sql", "steps", "advice"} <= row.keys()


def test_an_error_points_at_its_place(query: Callable[..., Piped]) -> None:
    done = query("SELECT *\n  FORM DIGITALTWINS")
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines() == [
        "kastor: line 2: mismatched input 'FORM' expecting 'FROM'",
        "kastor:     FORM DIGITALTWINS",
        "kastor:     ^^^^",
        "kastor: The language: `kastor docs reference/query`.",
    ]


def test_the_place_is_found_in_the_words_of_other_servers_and_in_wide_texts() -> None:
    message = "SQL query parse failed: SQL Parser Error, Line=1, Position=9, Message=no '日'\nmore"
    error = BadRequestError(400, "SqlQueryError", message)
    assert lines_of(error, "SELECT * 日 FROM x")[:3] == [
        "no '日'",
        "  SELECT * 日 FROM x",
        "           ^^",
    ]
    far = f"SELECT {'x, ' * 100} y FORM z"
    error = BadRequestError(400, "", "", details=[{"message": "m", "line": 1, "column": 310,
                                                   "length": 4}])  # fmt: skip
    _, excerpt, marks, _ = lines_of(error, far)
    assert len(excerpt) < 90
    assert excerpt[marks.index("^") : marks.rindex("^") + 1] == "FORM"
    odd = BadRequestError(400, "", "other", details=[{"line": 7, "column": 0, "message": "m"}])
    assert lines_of(odd, "x") == ["m"]


def test_a_server_that_is_not_there_is_told_with_its_own_status(cli: Cli) -> None:
    done = cli.pipe("query", "SELECT 1", KASTOR_URL="http://127.0.0.1:9")
    assert (done.status, done.out) == (6, "")
    assert "Nobody answers at http://127.0.0.1:9" in done.err


def test_a_terminal_gets_a_table_that_fits(
    cli: Cli, graph: tuple[KastorServer, KastorClient]
) -> None:
    url = graph[0].url
    seen = cli.shown("query", "SELECT * FROM DIGITALTWINS", columns=46, KASTOR_URL=url)
    assert seen.status == 0
    assert seen.lines[0].split() == ["$dtId", "$model", "properties"]
    assert all(len(line) <= 46 for line in seen.lines)
    assert "\x1b[31m" not in seen.raw
    plain = cli.shown("query", ROOMS, KASTOR_URL=url, NO_COLOR="1")
    assert "\x1b[1m" not in plain.raw
    assert "\x1b[1m" in cli.shown("query", ROOMS, KASTOR_URL=url).raw


def test_watching_in_a_terminal_shows_what_becomes_of_rows(
    cli: Cli, graph: tuple[KastorServer, KastorClient]
) -> None:
    server, client = graph
    with cli.terminal(
        "query", f"{ROOMS} AND T.temperature > 21", "--watch", KASTOR_URL=server.url, columns=100
    ) as terminal:
        terminal.wait_for("(2 rows; changes follow, Ctrl+C ends it)")
        put_room(client, "room4", "New", 30)
        terminal.wait_for("+ room4  $dtId: room4, name: New, temperature: 30")
        put_room(client, "room4", "Old", 31)
        terminal.wait_for("~ room4  name: New -> Old, temperature: 30 -> 31")
        client.twins.delete("room4")
        terminal.wait_for("- room4")
        terminal.interrupt()
        assert terminal.end() == 0
        assert "\x1b[32m+ room4" in terminal.raw


def test_watching_in_a_pipe_is_lines_of_json(
    cli: Cli, graph: tuple[KastorServer, KastorClient], tmp_path: Path
) -> None:
    server, client = graph
    text = "SELECT COUNT() FROM DIGITALTWINS T WHERE T.temperature > 40"
    with (
        (tmp_path / "out").open("wb") as out,
        cli.terminal("query", text, "--watch", stdout=out.fileno(), KASTOR_URL=server.url) as run,
    ):
        _wait_for_lines(tmp_path / "out", 2)
        put_room(client, "room5", "Hot", 45)
        _wait_for_lines(tmp_path / "out", 3)
        client.twins.delete("room5")
        os.kill(run._running.process, 2)
        assert run.end() == 0
        assert run.raw == ""
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert lines[:3] == [
        {"event": "added", "key": [], "row": {"COUNT": 0}},
        {"event": "ready", "rows": 1},
        {"event": "changed", "key": [], "row": {"COUNT": 1}},
    ]


def _wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.02)


def test_what_cannot_be_watched_ends_with_its_reason(query: Callable[..., Piped]) -> None:
    done = query("SELECT T.$dtId FROM DIGITALTWINS T WHERE T.name > NOW()", "--watch")
    assert (done.status, done.out) == (1, "")
    assert "A query with NOW() cannot be followed" in done.err


class Streams:
    """Is asked for a live query, and answers one stream after the other."""

    def __init__(self, *streams: list[LiveUpdate | Exception]) -> None:
        self._streams = list(streams)

    def live(self, _text: str, _parameters: object) -> Iterator[LiveUpdate]:
        for each in self._streams.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each


def told(kind: str, **rows: int | None) -> LiveUpdate:
    listed = [LiveRow(key, {} if value is None else {"v": value}) for key, value in rows.items()]
    return LiveUpdate(kind, listed, 1, {})


def test_a_break_is_told_to_nobody_who_reads_the_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_FIRST_PAUSE", 0.001)
    lost: list[str] = []
    client: Any = Streams(
        [told("added", a=1, b=1), told("ready"), told("changed", a=2), UnreachableError("gone")],
        [UnreachableError("away")],
        [told("added", a=2, b=3), told("added", c=1), told("ready"), told("removed", c=None),
         told("changed", a=2), BadRequestError(400, "", "enough")],
    )  # fmt: skip
    changes = changes_of(client, Question("q"), lambda error, _: lost.append(str(error)))
    first, *found = islice(changes, 5)
    with pytest.raises(BadRequestError, match="enough"):
        next(changes)
    assert isinstance(first, FirstRows)
    assert found == [
        RowChange("changed", "a", {"v": 2}, {"v": 1}),
        RowChange("changed", "b", {"v": 3}, {"v": 1}),
        RowChange("added", "c", {"v": 1}),
        RowChange("removed", "c", None, {"v": 1}),
    ]
    assert lost == ["gone", "away"]


def test_a_server_that_stays_away_ends_the_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.02)
    away: list[list[LiveUpdate | Exception]] = [[UnreachableError("b")] for _ in range(99)]
    client: Any = Streams([told("ready"), UnreachableError("a")], *away)
    with pytest.raises(UnreachableError):
        list(changes_of(client, Question("q"), lambda *_: None))
    never: Any = Streams([UnreachableError("was never there")])
    with pytest.raises(UnreachableError, match="never"):
        list(changes_of(never, Question("q"), lambda *_: None))


class Cloud(http.server.BaseHTTPRequestHandler):
    """A service of the contract that announces nothing, as Azure's."""

    asked: list[str]

    def do_GET(self) -> None:
        self._answer(404, {"error": {"code": "NotFound", "message": "no"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body["query"])
        self._answer(200, {"value": [{"$dtId": "a"}], "continuationToken": None})

    def _answer(self, status: int, document: object) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Cloud,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_the_cloud_is_asked_for_nothing_that_it_does_not_announce(
    cli: Cli, cloud: tuple[str, list[str]]
) -> None:
    url, asked = cloud
    done = cli.pipe("query", "SELECT * FROM DIGITALTWINS", "-o", "ndjson", KASTOR_URL=url)
    assert (done.status, done.out, done.err) == (0, '{"$dtId":"a"}\n', "")
    for flags in (["--explain"], ["--param", "a=1"], ["--watch"]):
        done = cli.pipe("query", "SELECT $dtId FROM DIGITALTWINS", *flags, KASTOR_URL=url)
        assert (done.status, done.out) == (1, "")
        assert "Nothing was sent." in done.err
    assert asked == ["SELECT * FROM DIGITALTWINS"]


def test_the_shell_is_refused_without_a_terminal(cli: Cli, tmp_path: Path) -> None:
    done = cli.pipe("shell")
    assert (done.status, done.out) == (2, "")
    assert (
        done.err == "kastor: The shell needs a terminal. For scripts there is kastor query TEXT.\n"
    )
    with (
        (tmp_path / "out").open("wb") as out,
        cli.terminal("query", stdout=out.fileno()) as terminal,
    ):
        terminal.wait_for("Give the text of a query, - for standard input, or @FILE.")
        assert terminal.end() == 2
