"""The case files: one query each, with all that the compiler makes of it.

A file says what it shows and asks the query; the rest is written by `--update` and compared by the
tests. What is asked: `query`, and where they matter `given` (parameters), `indexes` (property
indexes, dotted) and `page` (first, next, or single: rows one by one). What is written: `plan`, and
for each engine the statement and what it binds.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from query_graphs import T0, Graph, Models
from query_lines import in_lines
from query_plans import print_plan

from kastor.query.compiled import Compiled, Compiler, ask
from kastor.query.given import read_given
from kastor.query.settings import QuerySettings
from kastor.query.sql.dialect import Dialect
from kastor.query.sql.parameters import filled
from kastor.query.sql.postgres import Postgres
from kastor.query.sql.sqlite import Sqlite
from kastor.query.sql.statement import Sql
from kastor.query.sql.tables import NOW

FOLDER = Path(__file__).parent / "cases"
ENGINES: dict[str, Dialect] = {"sqlite": Sqlite(), "postgresql": Postgres("graph_default")}
SETTINGS = QuerySettings()
ASKED = ("query", "given", "indexes", "page")
PAGES = ("first", "next", "single")


def models() -> Models:
    """A building's models, told to the compiler: names that they do not declare are warned of."""
    made = Models(
        {
            "dtmi:example:Space;1": [],
            "dtmi:example:Floor;1": ["dtmi:example:Space;1"],
            "dtmi:example:Room;1": ["dtmi:example:Space;1"],
            "dtmi:example:Room;2": ["dtmi:example:Space;1"],
            "dtmi:example:Sensor;1": [],
        }
    )
    made.known = True
    twins = (
        "name level temperature target occupied tags address thermostat location installed serial"
    )
    made.declared = frozenset([*twins.split(), "since"])
    made.schemas = {"temperature": {"double"}, "level": {"integer"}, "name": {"string"}}
    made.related = frozenset(["contains", "adjacentTo", "observedBy", "feeds"])
    return made


def building() -> Graph:
    """A graph of those models in which every query finds something, if it can."""
    graph = Graph()
    graph.models = models()
    at = {"type": "Point", "coordinates": [10.0, 48.4]}
    corners = [[9.0, 48.0], [11.0, 48.0], [11.0, 49.0], [9.0, 49.0], [9.0, 48.0]]
    address = {"street name": "Elm", "area": {"type": "Polygon", "coordinates": [corners]}}
    thermostat = {"target": 21.5, "$metadata": {"$lastUpdateTime": T0}}
    graph.twin("hq", "dtmi:example:Space;1", name="Headquarters", location=at, address=address)
    graph.twin("floor1", "dtmi:example:Floor;1", name="First floor", level=1, temperature=20)
    room = {"level": 1, "target": 20.5, "occupied": True, "tags": ["quiet", "lab"]}
    graph.twin("room1", "dtmi:example:Room;1", name="Lab", temperature=21.5, serial="AB1", **room)
    room = {"level": None, "target": 21, "occupied": False, "thermostat": thermostat}
    graph.twin("room2", "dtmi:example:Room;2", name="Room 2", temperature=25, serial="AC12", **room)
    graph.twin("room3", "dtmi:example:Room;1", name="Room 3", level=9, temperature=22.6, target=3)
    graph.twins["room3"] |= {"tags": ["small"], "address": {"a": 1}, "thermostat": {"a": 1}}
    installed = "2026-01-01T08:00:00+01:00"
    graph.twin("s1", "dtmi:example:Sensor;1", name="it's hot", serial="AB1", installed=installed)
    graph.twin("s2", "dtmi:example:Sensor;1", temperature=22, Group="north", level=1)
    graph.relate("hq", "contains", "floor1")
    graph.relate("floor1", "contains", "room1", since=2020)
    graph.relate("floor1", "contains", "room2", since=2024)
    graph.relate("room1", "adjacentTo", "room2")
    graph.relate("room2", "adjacentTo", "room1")
    graph.relate("room1", "observedBy", "s1")
    graph.relate("room2", "observedBy", "s2")
    graph.relate("floor1", "feeds", "room1")
    return graph


@dataclass(frozen=True)
class Case:
    """A case file: what it asks, and what was written beneath."""

    path: Path
    title: str
    shows: str
    asked: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def query(self) -> str:
        return self.asked["query"]

    @property
    def given(self) -> dict[str, Any] | None:
        return json.loads(self.asked["given"]) if "given" in self.asked else None

    @property
    def indexed(self) -> frozenset[tuple[str | int, ...]]:
        lines = self.asked.get("indexes", "").splitlines()
        return frozenset(tuple(line.split(".")) for line in lines)

    @property
    def page(self) -> str:
        return self.asked.get("page", "first")

    def text(self) -> str:
        """The file."""
        parts = {**self.asked, **self.written}
        head = f"{self.title}\n\n{self.shows}\n"
        return head + "".join(f"\n== {name}\n{text}\n" for name, text in parts.items())


def read_case(path: Path) -> Case:
    """What a file says."""
    head, *parts = re.split(r"^== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    title, _, shows = head.strip().partition("\n\n")
    found = {}
    for part in parts:
        name, _, text = part.partition("\n")
        found[name] = text.strip("\n")
    asked = {name: found.pop(name) for name in ASKED if name in found}
    return Case(path, title, shows, asked, found)


def all_cases() -> list[Case]:
    """Every case, in the order of their names."""
    return [read_case(path) for path in sorted(FOLDER.glob("*.case"))]


def compiled(case: Case, engine: str) -> Compiled:
    """What the compiler makes of the query, with the values of its parameters."""
    given = read_given(case.given, SETTINGS)
    asked = ask(case.query, models(), strict=False, indexed=case.indexed, view=NOW, given=given)
    return Compiler(SETTINGS, ENGINES[engine]).make(asked)


def statement(case: Case, made: Compiled) -> Sql:
    """The statement of the page that the case is about."""
    if case.page == "single":
        return made.steps(resumes=False)
    return made.next() if case.page == "next" else made.first()


def bound(case: Case, made: Compiled, sql: Sql, mark: str) -> str:
    """What each number in the statement stands for, a line each."""
    reserved = []
    if not made.plan.counts:
        reserved = ["most rows"]
        reserved += [f"position {n}" for n in range(1, 1 + sql.keys)] if sql.resumes else []
    values = [*reserved, *map(_shown, filled(sql.constants, made.values, None))]
    return "\n".join(f"{mark}{n}  {text}" for n, text in enumerate(values, 1))


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def plan_of(case: Case) -> str:
    """The plan; it is the same for both engines."""
    return print_plan(compiled(case, "sqlite").plan)


def sql_of(case: Case, engine: str) -> dict[str, str]:
    """The statement in lines and what it binds, by the titles of their parts."""
    made = compiled(case, engine)
    sql = statement(case, made)
    mark = ENGINES[engine].mark(1)[0]
    found = {engine: in_lines(sql.text)}
    values = bound(case, made, sql, mark)
    return {**found, f"{engine} parameters": values} if values else found


def rewrite(case: Case) -> None:
    """Write the file anew; whoever reads it meanwhile sees the one or the other."""
    written = {"plan": plan_of(case)}
    for engine in ENGINES:
        written |= sql_of(case, engine)
    text = Case(case.path, case.title, case.shows, case.asked, written).text()
    if text != case.path.read_text(encoding="utf-8"):
        made = case.path.with_suffix(f".{os.getpid()}")
        made.write_text(text, encoding="utf-8")
        made.replace(case.path)
