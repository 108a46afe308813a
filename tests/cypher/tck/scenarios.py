"""Tells what a scenario asks and expects, and why it is left out if it is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from . import cells
from .creation import Graph, create
from .gherkin import Script, Step
from .typed import EMPTY, NotTyped, TypedGraph, typed
from .values import Value
from .words import Reader, TextError, Token, tokens

WRITES = frozenset({"CREATE", "MERGE", "DELETE", "DETACH", "SET", "REMOVE", "DROP", "FOREACH"})
TEMPORAL = frozenset({"DATE", "TIME", "DATETIME", "LOCALTIME", "LOCALDATETIME", "DURATION"})
NO_CLAUSE_BEHIND = frozenset({".", ":", "$", "|", "&"})
FEW_BEHIND = frozenset({"AS"})
NOT_IN_A_CLAUSE = frozenset({".", ":", ",", ")", "]", "}", "=", ""})
"""Signs that stand behind a name, and never behind the word that begins a clause; "" is the end."""
RESULT = re.compile(
    r"the result should be, in (?P<order>any order|order)(?P<lists> \(ignoring element order for lists\))?:"
    r"|the result should be (?P<alone>\(ignoring element order for lists\)):"
    r"|the result should be (?P<none>empty)"
)
ERROR = re.compile(
    r"an? (?P<kind>\w+) should be raised at (?P<phase>compile time|runtime|any time)"
)
NAMED_GRAPH = re.compile(r"the ([\w-]+) graph")
SETUP = "having executed:"
NO_GRAPH = ("an empty graph", "any graph")
NO_EFFECTS = "no side effects"
MAX_ROWS = 20_000


@dataclass(frozen=True)
class Rows:
    """A table that has to come."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    in_order: bool = False
    lists_in_order: bool = True


@dataclass(frozen=True)
class Raised:
    """An error that has to come: when the text is compiled, or at any time."""

    kind: str
    at_compile_time: bool = False


@dataclass(frozen=True)
class Ask:
    """One query with what has to come."""

    query: str
    parameters: dict[str, Value]
    expected: Rows | Raised


@dataclass
class Scenario:
    """A scenario that can be run: on a graph, which is empty if the scenario brings none."""

    id: str
    title: str
    graph: TypedGraph = EMPTY
    asks: list[Ask] = field(default_factory=list)

    @property
    def has_graph(self) -> bool:
        """Whether it brings a graph; those without one count apart."""
        return self.graph is not EMPTY


class Skipped(Exception):
    """A scenario is left out; the message is the reason, the same words for the same reason."""


Graphs = Callable[[str], str]
"""Returns the CREATE text of a named graph; raises Skipped where there is none."""


def understand(script: Script, graphs: Graphs) -> Scenario:
    """Return what a scenario asks.

    Raises:
        Skipped: it cannot be run here.
    """
    made = _Understanding(graphs)
    for step in script.steps:
        made.add(step)
    return made.scenario(script)


def brings_graph(script: Script) -> bool:
    """Whether a scenario has a setup, or the name of a graph."""
    return any(
        step.text == SETUP or (step.text not in NO_GRAPH and NAMED_GRAPH.fullmatch(step.text))
        for step in script.steps
    )


class _Understanding:
    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs
        self._graph = Graph()
        self._has_graph = False
        self._parameters: dict[str, Value] = {}
        self._query: str | None = None
        self._asks: list[Ask] = []

    def add(self, step: Step) -> None:
        """Take one step."""
        text = step.text
        if text in (*NO_GRAPH, NO_EFFECTS):
            return
        if named := NAMED_GRAPH.fullmatch(text):
            self._create(self._graphs(named[1]))
        elif text == SETUP:
            self._create(step.doc or "")
        elif text == "parameters are:":
            self._parameters = {name: _literal(value) for name, value in step.table}
        elif text in ("executing query:", "executing control query:"):
            self._query = step.doc or ""
            _refuse_left_out(self._query)
        elif text == "the side effects should be:":
            if any(count.lstrip("+-") != "0" for _, count in step.table):
                raise Skipped("the query writes")
        elif text.startswith("there exists a procedure "):
            raise Skipped("the query calls a procedure")
        elif text.startswith("there exists a "):
            raise Skipped("the query reads a file")
        else:
            self._asks.append(Ask(self._asked(), self._parameters, _expected(step)))

    def scenario(self, script: Script) -> Scenario:
        if not self._asks:
            raise Skipped("nothing is asked")
        graph = EMPTY
        if self._has_graph:
            try:
                graph = typed(self._graph)
            except NotTyped as error:
                raise Skipped(f"no typed twins: {error}") from error
        return Scenario(script.id, script.title, graph, self._asks)

    def _asked(self) -> str:
        if self._query is None:
            raise Skipped("a result without a query")
        return self._query

    def _create(self, text: str) -> None:
        self._has_graph = True
        try:
            if _has_word(tokens(text), TEMPORAL, "("):
                raise Skipped("the setup has temporal values")
            create(self._graph, text)
        except TextError as error:
            reason = str(error) if "more than CREATE" in str(error) else "no literal CREATE"
            raise Skipped(f"the setup cannot be read: {reason}") from error


def _refuse_left_out(query: str) -> None:
    """Raises Skipped for what is no read: clauses that write, procedures, temporal functions."""
    try:
        found = tokens(query)
    except TextError:
        return  # wrong on purpose, or a character that only its parser can judge
    if _has_clause(found, WRITES):
        raise Skipped("the query writes")
    if _has_clause(found, frozenset({"CALL"})):
        raise Skipped("the query calls a procedure")
    if _has_word(found, TEMPORAL, "(") or _has_word(found, TEMPORAL, "."):
        raise Skipped("the query has temporal values")


def _has_clause(found: list[Token], words: frozenset[str]) -> bool:
    """Whether a clause begins with one of the words: no name, label, property or alias."""
    return any(
        token.word in words
        and after.text not in NOT_IN_A_CLAUSE
        and before.text not in NO_CLAUSE_BEHIND
        and before.word not in FEW_BEHIND
        for before, token, after in zip([found[-1], *found], found, found[1:], strict=False)
    )


def _has_word(found: list[Token], words: frozenset[str], sign: str) -> bool:
    """Whether one of the words stands before a sign, and not behind a dot."""
    return any(
        token.word in words and after.text == sign and before.text != "."
        for before, token, after in zip([found[-1], *found], found, found[1:], strict=False)
    )


def _expected(step: Step) -> Rows | Raised:
    if error := ERROR.match(step.text):
        return Raised(error["kind"], error["phase"] == "compile time")
    result = RESULT.fullmatch(step.text)
    if result is None:
        raise Skipped(f"a step that is not known: {step.text[:60]}")
    if result["none"]:
        return Rows()
    header, *rows = step.table
    if len(rows) > MAX_ROWS:
        raise Skipped(f"a table of more than {MAX_ROWS} rows")
    try:
        values = tuple(tuple(cells.parse(cell) for cell in row) for row in rows)
    except TextError as error:
        raise Skipped("a cell that is no value") from error
    lists_in_order = result["lists"] is None and result["alone"] is None
    return Rows(header, values, result["order"] == "order", lists_in_order)


def _literal(text: str) -> Value:
    try:
        reader = Reader(text)
        value = reader.value()
        reader.end()
    except TextError as error:
        raise Skipped("a parameter that is no literal") from error
    if not _is_json(value):
        raise Skipped("a parameter that JSON cannot hold")
    return value


def _is_json(value: Value) -> bool:
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    return not isinstance(value, float) or math.isfinite(value)
