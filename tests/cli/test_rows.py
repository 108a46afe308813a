"""Rows on stdout: as a table in a terminal and in a pipe, as JSON, NDJSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pytest
import typer

from kastor.cli import rows as module
from kastor.cli.rows import show_document, show_rows
from kastor.cli.screen import Screen, shown, shown_json
from kastor.cli.table import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TWIN = {
    "$dtId": "room1",
    "$etag": "W/1",
    "name": "Lab",
    "temperature": 21.5,
    "address": {"wing": "B"},
    "$metadata": {"$model": "dtmi:a:Room;1"},
}
NASTY = "\x1b[31m\r\n\t\x9b2J\u202e\ud800end"


class Sink(io.StringIO):
    """Keeps what was written, and how often somebody flushed."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def shown_as(
    output: str, rows: Iterable[dict[str, Any]], width: int | None = None, **options: Any
) -> str:
    sink = Sink()
    screen = Screen(sink, width is not None, width or 80, colour=False)
    show_rows(rows, output, screen=screen, **options)
    return sink.getvalue()


def test_a_table_in_a_pipe_is_aligned_and_cuts_nothing() -> None:
    text = shown_as("table", [TWIN, {"$dtId": "room22", "name": "x" * 100}])
    assert text.splitlines() == [
        "$dtId   $model         name" + " " * 98 + "temperature  address",
        "room1   dtmi:a:Room;1  Lab" + " " * 106 + '21.5  {"wing": "B"}',
        "room22                 " + "x" * 100,
    ]  # fmt: skip


@pytest.mark.parametrize("width", [200, 80, 50, 30, 12])
def test_a_table_in_a_terminal_is_never_wider_than_it(width: int) -> None:
    many = [{"$dtId": f"room{number}", **{f"p{x}": "v" * x for x in range(9)}} for number in (1, 2)]
    for rows in ([TWIN], many, [{"COUNT": 3}], [{"a": "日本語" * 30, "b": 1}]):
        text = shown_as("table", rows, width)
        from rich.cells import cell_len

        records = "-[ 1 ]" in text
        assert records or all(cell_len(line.rstrip()) <= width for line in text.splitlines())
        assert "room1" in text or "room1" not in str(rows)


def test_twins_with_many_properties_are_folded_and_keep_their_ids() -> None:
    text = shown_as("table", [TWIN], 42)
    assert "$dtId  $model         properties" in text
    assert "room1  dtmi:a:Room;1  name: Lab, temperat…" in text
    assert "etag" not in text


def test_a_projection_that_does_not_fit_has_a_line_for_each_value() -> None:
    text = shown_as("table", [{f"column{x}": x for x in range(12)}], 40)
    assert text.splitlines()[:3] == ["-[ 1 ]".ljust(40, "-"), "column0   0", "column1   1"]


def test_one_aliased_document_is_shown_as_what_it_is() -> None:
    assert shown_as("table", [{"T": TWIN}]) == shown_as("table", [TWIN])


def test_columns_that_are_named_are_those_that_are_shown() -> None:
    columns = ("name", "$etag", "missing")
    assert shown_as("table", [TWIN], columns=columns) == "name  $etag  missing\nLab   W/1\n"
    assert shown_as("csv", [TWIN], columns=columns) == "name,$etag,missing\nLab,W/1,\n"


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv"])
def test_nothing_that_stands_in_a_row_reaches_a_terminal_as_a_control(output: str) -> None:
    for expanded in (False, True):
        row = {"name": NASTY, NASTY: 1, "nested": {NASTY: [NASTY]}}
        text = shown_as(output, [row], 200, expanded=expanded)
        assert not {"\x1b", "\r", "\t", "\x9b", "\u202e", "\ud800"} & set(text)
        if output in ("json", "ndjson"):
            assert json.loads(text) in (row, [row])


def test_a_text_that_harms_nobody_stays_as_it_is() -> None:
    assert shown("Grüße 日本 😀 \\n") == "Grüße 日本 😀 \\n"
    assert json.loads(shown_json(json.dumps({"a": NASTY}, ensure_ascii=False))) == {"a": NASTY}


def test_json_is_one_array_and_ndjson_a_line_for_each() -> None:
    rows: list[dict[str, Any]] = [TWIN, {"n": 10**30, "ü": None}]
    assert json.loads(shown_as("json", rows)) == rows
    assert shown_as("json", []) == "[]\n"
    lines = shown_as("ndjson", rows).splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert lines[1] == '{"n":1000000000000000000000000000000,"ü":null}'
    assert shown_as("ndjson", []) == ""


def test_csv_has_all_columns_of_all_rows_and_nested_values_as_json() -> None:
    rows: list[dict[str, Any]] = [
        {"a": 'x,"y"\nz', "b": True},
        {"c": {"d": [1, None]}, "b": 1.5},
        {"a": None},
    ]
    text = shown_as("csv", rows)
    assert list(csv.reader(io.StringIO(text))) == [
        ["a", "b", "c"],
        ['x,"y"\nz', "true", ""],
        ["", "1.5", '{"d":[1,null]}'],
        ["", "", ""],
    ]
    assert shown_as("csv", []) == ""


def test_csv_keeps_large_results_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", 100)
    rows = [{f"c{number % 3}": number} for number in range(500)]
    found = list(csv.DictReader(io.StringIO(shown_as("csv", rows))))
    assert [next(int(v) for v in row.values() if v) for row in found[1:]] == list(range(1, 500))


def test_csv_with_too_many_columns_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        shown_as("csv", ({f"c{number}": 1} for number in range(module.MAX_COLUMNS + 1)))
    assert "Name the columns in SELECT" in capsys.readouterr().err


class Endless:
    """Rows without an end, of which it is known how many were taken."""

    taken = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in count():
            self.taken += 1
            yield {"n": number}


class Full(Exception):
    """The sink takes no more."""


class Narrow(Sink):
    """Takes only so much."""

    def write(self, text: str) -> int:
        if self.tell() > 2_000:
            raise Full
        return super().write(text)


@pytest.mark.parametrize(("output", "ahead"), [("ndjson", 1), ("json", 1), ("table", PAGE)])
def test_rows_are_written_as_they_come(output: str, ahead: int) -> None:
    rows, sink = Endless(), Narrow()
    with pytest.raises(Full):
        show_rows(rows, output, screen=Screen(sink, False, 80, colour=False))
    written = sink.getvalue().count("\n")
    assert rows.taken <= written + 2 * ahead


def test_the_pages_of_a_table_are_counted_through_and_flushed() -> None:
    sink = Sink()
    screen = Screen(sink, True, 80, colour=False)
    rows = islice(Endless(), PAGE + 5)
    assert show_rows(rows, "table", expanded=True, screen=screen) == PAGE + 5
    assert f"-[ {PAGE + 5} ]" in sink.getvalue()
    assert sink.flushes == 2


def test_an_empty_table_says_what_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_rows([], "table", empty="No rooms.") == 0
    assert show_rows([], "json", empty="No rooms.") == 0
    assert capsys.readouterr().out == "No rooms.\n[]\n"


def test_one_document_in_each_form(capsys: pytest.CaptureFixture[str]) -> None:
    for output in ("table", "json", "ndjson", "csv"):
        show_document({"a": {"b": "ü"}, "long": 1}, output)
    assert capsys.readouterr().out == (
        'a     {"b": "ü"}\nlong  1\n'
        '{\n  "a": {\n    "b": "ü"\n  },\n  "long": 1\n}\n'
        '{"a":{"b":"ü"},"long":1}\n'
        'a,long\n"{""b"":""ü""}",1\n'
    )
