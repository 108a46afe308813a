"""A graph's file that went on: an earlier state of it is the graph, and its present is not.

What became of each twin and relationship is drawn, within what is to have become of all of them:
other documents only; new ones as well; or deletions, other models, other ends and second lives.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import apsw
from query_graphs import KEY, SCHEMA, Graph, Reader, dump

from kastor.query.service import QueryService
from kastor.query.settings import QuerySettings
from kastor.query.sql.sqlite import Sqlite
from kastor.records import SYSTEM, AsOf, Context, Others, Since
from kastor.storage.sqlite.documents import add_unpacking, packed

STATE = 100
"""The entry after which the file holds the graph."""
ALL = [Since(one, other) for one in Others for other in Others]
_LATER = "b3d1f0a2-0000-4000-8000-000000000000"


class Past:
    """Writes a graph as the state STATE of a file."""

    def __init__(self, graph: Graph, since: Since, random: Random) -> None:
        self.graph, self.since, self.random = graph, since, random
        self.connection = apsw.Connection("")
        self.connection.execute(SCHEMA.read_text())
        add_unpacking(self.connection)
        self._names: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._change = STATE

    def service(self, **settings: Any) -> QueryService:
        """Answers queries of the file, which knows what became of the state."""
        return QueryService(
            Reader(self.connection), lambda: self.graph.models, KEY, QuerySettings(**settings),
            dialect=Sqlite(), since=lambda _: self.since,
        )  # fmt: skip

    @property
    def context(self) -> Context:
        """Of a request for the graph."""
        models: Any = self.graph.models
        return Context(SYSTEM.actor, at=AsOf(STATE, 0, models))

    def write(self) -> Past:
        """Write the state, what was before it and what came later."""
        with self.connection:
            for model, key in self.graph.models.keys.items():
                self._insert("model_keys", key, model)
            for key, (twin_id, doc) in enumerate(self.graph.twins.items(), 1):
                self._keys[twin_id] = key
                model_key = self.graph.models.keys[doc["$metadata"]["$model"]]
                self._write("twin", key, (twin_id, model_key), doc, self.since.twins)
            for key, doc in enumerate(self.graph.relationships, 1):
                source, target = self._keys[doc["$sourceId"]], self._keys[doc["$targetId"]]
                name = self._name(doc["$relationshipName"])
                place = (source, doc["$relationshipId"], name, target)
                self._write("relationship", key, place, doc, self.since.relationships)
            self._write_new()
        return self

    def _write(
        self, kind: str, key: int, place: tuple[Any, ...], doc: dict[str, Any], others: Others
    ) -> None:
        """One that was there, with a version before it, and what became of it."""
        begun = self.random.randint(2, STATE)
        if self.random.randrange(3) == 0:
            self._version(kind, key, place, {"p": 7}, 1, begun)
        fate = self.random.randrange(5 if others is Others.ANY else 2)
        if fate == 0:
            self._present(kind, key, place, doc, begun)
            return
        change = self._next()
        self._version(kind, key, place, doc, begun, change)
        if fate == 2:
            self._bury(kind, key, place)
            return
        if fate == 4:
            change = self._next()
        if fate > 1:
            place = self._other(kind, place)
        if self.random.randrange(2):
            following = self._next()
            self._version(kind, key, place, {"q": 8}, change, following)
            change = following
        self._present(kind, key, place, {"p": 9, "name": "later"}, change)

    def _write_new(self) -> None:
        """Twins and relationships that the state has not."""
        twins = list(self._keys.values())
        if self.since.twins is not Others.NONE:
            key = len(self.graph.twins) + 1
            place: tuple[Any, ...] = ("new", next(iter(self.graph.models.keys.values())))
            self._version("twin", key, place, {"p": 1}, STATE - 2, STATE - 1)  # an earlier life
            self._present("twin", key, place, {"p": 1, "name": "a"}, self._next())
            twins.append(key)
        if self.since.relationships is not Others.NONE and len(twins) > 1:
            for key in range(len(self.graph.relationships) + 1, len(self.graph.relationships) + 4):
                one, other = self.random.sample(twins, 2)
                place = (one, f"new{key}", self._name("contains"), other)
                self._present("relationship", key, place, {"p": 1}, self._next())

    def _other(self, kind: str, place: tuple[Any, ...]) -> tuple[Any, ...]:
        if kind == "twin":
            return place[0], self.random.choice(list(self.graph.models.keys.values()))
        source, one, _, _ = place
        others = [key for key in self._keys.values() if key != source]
        return source, one, self._name("feeds"), self.random.choice(others)

    def _present(
        self, kind: str, key: int, place: tuple[Any, ...], doc: dict[str, Any], change: int
    ) -> None:
        row = (key, *place, _etag(doc), 3, 0, change, "", dump(doc))
        self._insert(f"{kind}s", *row, docs=1)

    def _version(
        self, kind: str, key: int, place: tuple[Any, ...], doc: dict[str, Any], *life: int
    ) -> None:
        """A superseded version, packed or whole."""
        change, ended = life
        text, version = dump(doc), change
        row = (key, *place, _etag(doc), version, 0, change, "")
        if self.random.randrange(2):
            marks = ", ".join("?" * len(row))
            statement = f"INSERT INTO {kind}_versions VALUES ({marks}, jsonb(?), 0, ?, '')"
            self.connection.execute(statement, (*row, text, ended))
            return
        binary: Any = self.connection.execute("SELECT jsonb(?)", (text,)).fetchall()[0][0]
        self._insert(f"{kind}_versions", *row, b"", 0, ended, "")
        self._insert("version_blocks", kind, key, version, version, ended, packed([binary]))

    def _bury(self, kind: str, key: int, place: tuple[Any, ...]) -> None:
        named = place[0] if kind == "twin" else f"{place[0]}/{place[1]}"
        self._insert("tombstones", kind, named, key, 4, 0)

    def _name(self, name: str) -> int:
        if name not in self._names:
            self._names[name] = len(self._names) + 1
            self._insert("relationship_names", self._names[name], name)
        return self._names[name]

    def _next(self) -> int:
        self._change += 1
        return self._change

    def _insert(self, table: str, *row: object, docs: int = 0) -> None:
        marks = ["?"] * (len(row) - docs) + ["jsonb(?)"] * docs
        self.connection.execute(f"INSERT INTO {table} VALUES ({', '.join(marks)})", row)


def _etag(doc: dict[str, Any]) -> str:
    text: str = json.dumps(doc["$etag"])[5:-3] if "$etag" in doc else _LATER
    return text
