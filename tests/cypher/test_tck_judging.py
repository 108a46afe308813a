"""The harness of the openCypher kit: right answers pass, others do not, and the ledger only grows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given

from .fakes import Fake, Refusing, Row, Wire
from .tck import __main__ as command
from .tck import cells
from .tck.answers import Answer, Broken, Refused
from .tck.answers import value as read_back
from .tck.comparison import Comparison, difference
from .tck.kit import Kit, Skip
from .tck.ledger import Ledger
from .tck.report import Report
from .tck.running import Outcome, Verdict, Verdicts, judge, merged, run, run_all
from .tck.scenarios import Ask, Raised, Rows, Scenario
from .tck.servers import Result
from .tck.typed import TypedGraph
from .tck.values import Value
from .test_tck_reading import values

GRAPH = TypedGraph("some")


def equal(wanted: str, found: str, *, lists_in_order: bool = True) -> bool:
    """Whether two cells are equal, the second of them sent as Kastor sends it."""
    sent = Wire().value(cells.parse(found))
    return Comparison(lists_in_order=lists_in_order).equal(cells.parse(wanted), read_back(sent))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1", "1.0"),
        ("1.0", "1"),
        ("NaN", "NaN"),
        ("-Inf", "-Inf"),
        ("null", "null"),
        ("[1, [null]]", "[1, [null]]"),
        ("{a: 1, b: null}", "{b: null, a: 1}"),
        ("(:A:B {x: 1})", "(:B:A {x: 1})"),
        ("{x: 1}", "(:A {x: 1})"),
        ("{x: 1}", "[:T {x: 1}]"),
        ("<(:A)-[:T]->(:B)<-[:T]-(:C)>", "<(:A)-[:T]->(:B)<-[:T]-(:C)>"),
        ("[<(:A)-[:T]->(:B)>, {k: [:T]}]", "[<(:A)-[:T]->(:B)>, {k: [:T]}]"),
    ],
)
def test_equal_cells(wanted: str, found: str) -> None:
    assert equal(wanted, found)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1", "2"),
        ("1", "true"),
        ("0", "false"),
        ("true", "1"),
        ("1", "'1'"),
        ("'1'", "1"),
        ("null", "false"),
        ("null", "''"),
        ("false", "null"),
        ("NaN", "Inf"),
        ("NaN", "null"),
        ("Inf", "-Inf"),
        ("'NaN '", "NaN"),
        ("1", "[1]"),
        ("[1]", "1"),
        ("[1, 2]", "[2, 1]"),
        ("[1, 1]", "[1]"),
        ("[]", "null"),
        ("{a: 1}", "{}"),
        ("{}", "{a: null}"),
        ("(:A)", "()"),
        ("()", "(:A)"),
        ("(:A {x: 1})", "(:A)"),
        ("(:A {x: 1})", "(:A {x: 1, y: 1})"),
        ("(:A)", "[:A]"),
        ("()", "{}"),
        ("[:T]", "[:U]"),
        ("[:T]", "[[:T]]"),
        ("<(:A)-[:T]->(:B)>", "<(:A)<-[:T]-(:B)>"),
        ("<(:A)-[:T]->(:B)>", "<(:B)<-[:T]-(:A)>"),
        ("<(:A)-[:T]->(:B)>", "<(:A)>"),
        ("<(:A)>", "(:A)"),
        ("<(:A)-[:T]->(:B)>", "[(:A), [:T], (:B)]"),  # an edge that leads elsewhere
    ],
)
def test_unequal_cells(wanted: str, found: str) -> None:
    assert not equal(wanted, found)


def test_lists_without_order_are_multisets_at_any_depth() -> None:
    assert equal("[[1, 2], {k: [3, 4]}]", "[{k: [4, 3]}, [2, 1]]", lists_in_order=False)
    assert not equal("[1, 1, 2]", "[1, 2, 2]", lists_in_order=False)


def test_labels_and_keys_are_told_without_our_own_words() -> None:
    assert read_back(["Twin", "A", "B"]) == ["A", "B"]
    assert read_back(["Twin", "Unlabelled"]) == []
    assert read_back(["$dtId", "$etag", "$metadata", "x"]) == ["x"]
    assert read_back(["A", "$x", "Unlabelled"]) == ["A", "$x", "Unlabelled"]


@given(values)
def test_a_value_sent_and_read_back_is_equal(value: Value) -> None:
    # `$`-names apart, which the kit does not have, what is written is what is compared.
    assert Comparison().equal(value, read_back(Wire().value(value)))


@given(values, values)
def test_comparing_is_what_python_says(left: Value, right: Value) -> None:
    found = Comparison().equal(left, read_back(Wire().value(right)))
    assert found == (_plain(left) == _plain(right) or _is_map_of(left, right))


def _plain(value: Value) -> Any:
    """A value of tuples in which numbers stand apart from booleans."""
    if isinstance(value, bool | str) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return (
        type(value).__name__,
        *(_plain(each) for each in vars(value).values() if isinstance(each, dict)),
        *(each for each in vars(value).values() if not isinstance(each, dict)),
    )


def _is_map_of(left: Value, right: Value) -> bool:
    """A map is also the document of a node or edge, at any depth."""
    return Comparison().equal(left, right) and _has_documents(right)


def _has_documents(value: Value) -> bool:
    if isinstance(value, list):
        return any(map(_has_documents, value))
    if isinstance(value, dict):
        return any(map(_has_documents, value.values()))
    return hasattr(value, "properties")


def rows(*found: tuple[Value, ...], columns: str = "ab") -> list[Row]:
    return [dict(zip(columns, row, strict=True)) for row in found]


TABLE = Rows(("a", "b"), ((1, "x"), (2, "y"), (2, "y")))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([(1, "x"), (2, "y")], "2 rows instead of 3"),
        ([(1, "x"), (1, "x"), (2, "y")], "not expected: [1, 'x']"),
        ([(1, "x"), (2, "y"), (2, "z")], "not expected: [2, 'z']"),
    ],
)
def test_how_tables_differ(found: list[tuple[Value, ...]], why: str) -> None:
    assert (difference(TABLE, Answer(tuple(rows(*found)))) or "").startswith(why)


def test_the_order_of_rows_counts_only_in_order() -> None:
    turned = Answer(tuple(rows((2, "y"), (1, "x"), (2, "y"))))
    assert difference(TABLE, turned) is None
    ordered = replace(TABLE, in_order=True)
    assert (difference(ordered, turned) or "").startswith("not expected there: [2, 'y'], [1, 'x']")


def test_columns_count_by_name() -> None:
    assert difference(Rows(("b", "a"), ((1, 2),)), Answer(({"a": 2, "b": 1},))) is None
    other = difference(Rows(("a",), ((1,),)), Answer(({"A": 1},)))
    assert other == "columns ['A'] instead of ['a']"
    assert difference(Rows(("a",), ((None,),)), Answer(({},))) is not None
    assert difference(Rows(), Answer(())) is None
    assert difference(Rows(), Answer(({"a": 1},))) == "1 rows instead of 0: {'a': 1}"


def scenario(name: str, expected: Rows | Raised = TABLE, graph: TypedGraph = GRAPH) -> Scenario:
    return Scenario(name, name, graph, [Ask("RETURN 1", {}, expected)])


class Always(Fake):
    """Answers the same whatever is asked."""

    def __init__(self, result: Result, name: str = "always") -> None:
        super().__init__(name)
        self._result = result

    def ask(self, ask: Ask, page_size: int | None) -> Result:
        return self._result


EARLY, LATE = Raised("SyntaxError", at_compile_time=True), Raised("TypeError")


@pytest.mark.parametrize(
    ("expected", "result", "outcome"),
    [
        (TABLE, Refused("no"), Outcome.REFUSED),
        (TABLE, Refused("no", late=True), Outcome.REFUSED),
        (TABLE, Broken("500"), Outcome.WRONG),
        (TABLE, Answer(()), Outcome.WRONG),
        (EARLY, Refused("no"), Outcome.PASSED),
        (EARLY, Refused("no", late=True), Outcome.WRONG),
        (EARLY, Answer(()), Outcome.WRONG),
        (LATE, Refused("no", late=True), Outcome.PASSED),
        (LATE, Refused("no"), Outcome.PASSED),
        (LATE, Answer(()), Outcome.WRONG),
        (LATE, Broken("500"), Outcome.WRONG),
    ],
)
def test_errors_are_judged_by_their_phase(
    expected: Rows | Raised, result: Result, outcome: Outcome
) -> None:
    assert judge(Always(result), scenario("F [1]", expected)).outcome is outcome


def test_pages_of_two_are_judged_too() -> None:
    verdict = judge(Fake(change=lambda rows: rows[1:], only=(2,)), scenario("F [1]"))
    assert verdict.outcome is Outcome.WRONG
    assert verdict.why.startswith("in pages of 2: 2 rows instead of 3")


def test_the_worst_of_the_engines_counts() -> None:
    told: list[str] = []
    engines = [Fake("one"), Always(Refused("not yet"), "two")]
    assert run_all(engines, [scenario("F [1]")], told.append) == {
        "F [1]": Verdict(Outcome.REFUSED, "two: not yet")
    }
    assert told == ["engines differ: F [1]: one passed, two refused"]
    wrong: Verdicts = {"F [1]": Verdict(Outcome.WRONG, "1")}
    refused: Verdicts = {"F [1]": Verdict(Outcome.REFUSED, "2")}
    assert merged({"a": wrong, "b": refused}) == merged({"b": refused, "a": wrong})


def test_a_graph_that_is_not_taken_is_a_skip() -> None:
    class Full(Fake):
        def load(self, graph: TypedGraph) -> str | None:
            return "full"

    verdict = judge(Full(), scenario("F [1]"))
    assert verdict == Verdict(Outcome.SKIPPED, "Kastor does not load the graph: full")


def test_scenarios_of_one_graph_follow_each_other() -> None:
    class Noting(Fake):
        loaded: list[str]

        def load(self, graph: TypedGraph) -> str | None:
            self.loaded.append(graph.key)
            return None

    runner = Noting()
    runner.loaded = []
    found = run(runner, [scenario(f"F [{i}]", graph=TypedGraph("ab"[i % 2])) for i in range(6)])
    assert runner.loaded == [*"aaabbb"]
    assert len(found) == 6


def verdicts(**outcomes: Outcome) -> Verdicts:
    return {f"{name} [1]": Verdict(each, "sqlite: why 12") for name, each in outcomes.items()}


def report(ledger: Ledger, found: Verdicts, graph: TypedGraph = GRAPH) -> Report:
    return Report(Kit([scenario(each, graph=graph) for each in found]), found, ledger)


P, R, W = Outcome.PASSED, Outcome.REFUSED, Outcome.WRONG


def test_a_known_folder_may_refuse_what_never_passed() -> None:
    ledger = Ledger({"A [1]"}, {"B [1]": "why"})
    assert report(ledger, verdicts(A=P, B=R)).faults() == []
    assert report(ledger, verdicts(A=R, B=P)).faults() == ["1 passed before: A [1]"]
    assert report(ledger, verdicts(A=P, B=W)).faults() == ["1 answered with a wrong table"]


def test_what_passed_may_not_be_left_out_all_of_a_sudden() -> None:
    ledger = Ledger({"A [1]"})
    found = Report(Kit([], {"A [1]": Skip("why", has_graph=True)}), {}, ledger)
    assert found.faults() == ["1 passed before: A [1]"]
    assert Report(Kit(), {}, ledger).faults() == []


def test_an_unknown_folder_needs_three_quarters_of_what_has_a_graph() -> None:
    ledger = Ledger({"Z [1]"})
    assert report(ledger, verdicts(A=P, B=P, C=P, D=R)).faults() == []
    assert report(ledger, verdicts(A=P, B=P, C=R)).faults() == [
        "only 2 of 3 pass that the ledger does not know"
    ]
    alone = Report(Kit([Scenario("A [1]", "", asks=[])]), verdicts(A=R), ledger)
    assert alone.faults() == []
    assert report(ledger, verdicts(A=P, B=P, C=P, D=P, E=W)).faults() != []


def test_the_ledger_only_grows(tmp_path: File) -> None:
    file = tmp_path / "ledger.json"
    ledger = Ledger({"A [1]"}, {"B [1]": "old", "C [1]": "old"})
    ledger.improve(verdicts(A=R, B=P, C=W, D=R, E=W))
    assert ledger.passing == {"A [1]", "B [1]"}
    assert ledger.gaps == {"C [1]": "old", "D [1]": "why N"}
    ledger.save(file)
    assert Ledger.load(file) == ledger
    first = file.read_text()
    Ledger.load(file).save(file)
    assert file.read_text() == first
    assert Ledger.load(tmp_path / "none.json") == Ledger()


def test_the_ledger_of_this_project_can_be_read() -> None:
    ledger = Ledger.load()
    assert not ledger.passing & set(ledger.gaps)


def told(
    kit: Kit, runner: Fake, ledger: File, capsys: pytest.CaptureFixture[str], *flags: str
) -> tuple[int, str]:
    """Run a kit as the command does; return its status and the last two lines."""
    options = command._options(["--ledger", str(ledger), *flags])
    status = command.report(kit, [runner], options, is_whole=True)
    return status, "\n".join(capsys.readouterr().out.splitlines()[-2:])


LAST = re.compile(
    r"of the failed: (\d+) refused, (\d+) gave a wrong table\n"
    r"(\d+) passed, (\d+) failed, (\d+) skipped"
)


def numbers(said: str) -> tuple[int, ...]:
    """Return refused, wrong, passed, failed, skipped."""
    match = LAST.fullmatch(said)
    assert match is not None, said
    return tuple(map(int, match.groups()))


def small_kit() -> Kit:
    return Kit([scenario("A [1]"), scenario("B [1]")], {"C [1]": Skip("why", has_graph=True)})


def test_the_last_lines_and_the_status(tmp_path: File, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = tmp_path / "ledger.json"
    wrong = Fake(change=lambda rows: rows[1:])
    assert told(small_kit(), Refusing(), ledger, capsys) == (
        1,
        "of the failed: 2 refused, 0 gave a wrong table\n0 passed, 2 failed, 1 skipped",
    )
    status, said = told(small_kit(), wrong, ledger, capsys)
    assert (status, numbers(said)) == (1, (0, 2, 0, 2, 1))
    status, said = told(small_kit(), Fake(), ledger, capsys, "--update")
    assert (status, numbers(said)) == (0, (0, 0, 2, 0, 1))
    assert Ledger.load(ledger).passing == {"A [1]", "B [1]"}
    assert told(small_kit(), Refusing(), ledger, capsys)[0] == 1
    assert told(small_kit(), Fake(), ledger, capsys)[0] == 0


def test_the_ledger_is_of_both_engines(tmp_path: File, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = tmp_path / "ledger.json"
    options = command._options(["--ledger", str(ledger), "--update"])
    assert command.report(small_kit(), [Fake()], options, is_whole=False) == 2
    assert not ledger.exists()
    capsys.readouterr()


def test_a_folder_without_scenarios_is_a_misuse(
    tmp_path: File, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(tmp_path)]) == 2
    assert "name a folder" in capsys.readouterr().err


def drop_first(rows: list[Row]) -> list[Row]:
    return rows[1:] if rows else [{"a": 1}]


def twice(rows: list[Row]) -> list[Row]:
    return [*rows, *(rows[:1] or [{"a": 1}])]


def other_cell(rows: list[Row]) -> list[Row]:
    if not rows:
        return [{"a": 1}]
    column = next(iter(rows[0]))
    return [{**rows[0], column: "a value that is in no table"}, *rows[1:]]


def other_column(rows: list[Row]) -> list[Row]:
    return [{f"{name} ": row[name] for name in row} for row in rows] or [{"a": 1}]


def test_who_answers_what_the_kit_expects_passes_whole(
    kit: Kit, tmp_path: File, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = told(kit, Fake(), tmp_path / "ledger.json", capsys)
    refused, wrong, passed, failed, skips = numbers(said)
    assert (status, refused, wrong, failed) == (0, 0, 0, 0)
    assert passed == sum(each.has_graph for each in kit.scenarios)
    assert passed > 400
    assert skips == sum(each.has_graph for each in kit.skipped.values())
    assert all(each.why for each in kit.skipped.values())


@pytest.mark.parametrize("change", [drop_first, twice, other_cell, other_column])
def test_who_answers_otherwise_passes_nowhere(
    kit: Kit, change: Callable[[list[Row]], list[Row]]
) -> None:
    found = run(Fake(change=change, raises=False), kit.scenarios)
    assert {each for each, verdict in found.items() if verdict.outcome is not W} == set()


def test_who_turns_rows_fails_in_order_alone(kit: Kit) -> None:
    found = run(Fake(change=lambda rows: rows[::-1]), kit.scenarios)
    for each in kit.scenarios:
        tables = [ask.expected for ask in each.asks if isinstance(ask.expected, Rows)]
        turned = any(
            table.in_order and repr(table.rows) != repr(table.rows[::-1]) for table in tables
        )
        assert found[each.id].outcome is (W if turned else P), each.id
