"""Values of a plan as SQL: guarded by kind, or as JSON text for a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.query.functions import argument_kinds
from kastor.query.kinds import RANKS, kind_of
from kastor.query.plan import (
    Aggregate,
    Call,
    Condition,
    Const,
    Doc,
    Field,
    Flag,
    Scalar,
    Slot,
    Undefined,
    Value,
    Walked,
)
from kastor.query.sql.distances import KINDS, distance
from kastor.query.sql.parameters import AtRun
from kastor.query.sql.tables import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.query.plan import Graph
    from kastor.query.sql.dialect import Dialect
    from kastor.query.sql.parameters import Parameters

_FIELD_STEPS: dict[str, tuple[str, ...]] = {
    "model": ("$metadata", "$model"),
    "source": ("$sourceId",),
    "target": ("$targetId",),
    "name": ("$relationshipName",),
}
_ID_STEPS = {"twin": ("$dtId",), "relationship": ("$relationshipId",), "model": ("@id",)}


@dataclass(slots=True)
class Values:
    """Writes values into one statement.

    Attributes:
        graph: the sources that indexes in values refer to.
        condition: how to write a condition, for conditions used as values.
        walks: per ranged hop the SQL of the JSON array of what it walked.
    """

    dialect: Dialect
    parameters: Parameters
    graph: Graph
    condition: Callable[[Condition], str]
    walks: dict[int, str]

    def alias(self, source: int) -> str:
        """The table alias of a source."""
        return ("t" if self.graph.sources[source].kind == "twin" else "r") + str(source)

    def place(self, value: Doc) -> tuple[str, str]:
        """Document and path of a value."""
        return f"{self.alias(value.source)}.doc", self.dialect.path(value.steps, self.parameters)

    def constant(self, value: Scalar) -> str:
        """A bound constant."""
        return self.parameters.add(self.dialect.bound(value))

    def text_of(self, const: Const) -> str | AtRun:
        """What is bound for a string that something is compared with: it, or a variable."""
        if const.given is None:
            return str(const.value)
        return AtRun(const.given, self.dialect.bound)

    def compared(self, const: Const) -> str:
        """A string or a number that something is compared with, bound."""
        if const.given is None:
            return self.constant(const.value)
        return self.parameters.add(AtRun(const.given, self.dialect.bound))

    def number(self, value: Value) -> str | None:
        """The guarded number, or None if it can be none."""
        match value:
            case Const() if kind_of(value.value) == "number":
                return self.dialect.constant(self.constant(value.value), "number")
            case Doc() if value.steps:
                return self.dialect.number(*self.place(value))
            case Call() if value.kind == "number":
                return self._call(value)
            case Slot():
                return self._slot(value, "number")
            case _:
                return None

    def text(self, value: Value) -> str | None:
        """The guarded string, or None if it can be none."""
        match value:
            case Const() if isinstance(value.value, str):
                return self.dialect.constant(self.constant(value.value), "string")
            case Doc() if value.steps:
                return self.dialect.text(*self.place(value))
            case Field():
                return self.field(value)
            case Call() if value.kind == "string":
                return self._call(value)
            case Slot():
                return self._slot(value, "string")
            case _:
                return None

    def boolean(self, value: Value) -> str | None:
        """The guarded boolean as 0 or 1, or None if it can be none."""
        match value:
            case Const() if isinstance(value.value, bool):
                return "1" if value.value else "0"
            case Doc() if value.steps:
                return self.dialect.boolean(*self.place(value))
            case Flag():
                true, false = self.condition(value.true), self.condition(value.false)
                return f"CASE WHEN {true} THEN 1 WHEN {false} THEN 0 END"
            case Slot():
                return self._slot(value, "boolean")
            case _:
                return None

    def comparable(self, value: Value) -> str | None:
        """A number, string or boolean so that values of different kinds are never equal."""
        match value:
            case Doc() if value.steps:
                return self.dialect.comparable(*self.place(value))
            case Slot():
                letters = [letter for letter, _ in self.dialect.sort_columns]
                columns = [f"k.g{value.number}{letter}" for letter in letters]
                return self.dialect.comparable_slot(*columns)
            case _:
                return None

    def field(self, value: Field) -> str:
        """The text of a system field; NULL only if an optional source is missing."""
        alias = self.alias(value.source)
        if value.name == "id":
            return f"{alias}.id"
        if value.name == "etag":
            return f"""('W/"' || {alias}.etag || '"')"""
        path = self.dialect.path(_FIELD_STEPS[value.name], self.parameters)
        return self.dialect.raw_text(f"{alias}.doc", path)

    def key_match(self, value: Field, values: Sequence[str | AtRun]) -> str | None:
        """The test of a field against ids by its key column, which an index serves."""
        alias = self.alias(value.source)
        column, table, name = {
            "model": ("model_key", "model_keys", "id"),
            "source": ("source_key", "twins", "id"),
            "target": ("target_key", "twins", "id"),
            "name": ("name_key", "relationship_names", "name"),
            "id": ("key", "twins", "id") if self._seeks(value) else ("", "", ""),
        }.get(value.name, ("", "", ""))
        if not column:
            return None
        inner = self.dialect.in_texts(name, values, self.parameters)
        equal = "=" if len(values) == 1 else "IN"
        listed = alone(self.dialect.ids() if table == "twins" else self.dialect.table(table))
        return f"{alias}.{column} {equal} (SELECT key FROM {listed} WHERE {inner})"

    def _seeks(self, value: Field) -> bool:
        """Whether an id is looked for by its key."""
        return self.dialect.by_key and self.graph.sources[value.source].kind == "twin"

    def json(self, value: Value) -> str:
        """The value as JSON text; NULL when it is missing."""
        match value:
            case Const():
                return self.constant(json.dumps(value.value, ensure_ascii=False))
            case Doc():
                return self._part(value)
            case Field():
                return self._system_field(value)
            case Call():
                call = self._call(value)
                quote = self.dialect.quote_text if value.kind == "string" else None
                return (quote or self.dialect.quote_number)(call)
            case Flag():
                true, false = self.condition(value.true), self.condition(value.false)
                return f"CASE WHEN {true} THEN 'true' WHEN {false} THEN 'false' END"
            case Walked():
                return self.walks[value.hop]
            case Slot():
                return f"k.g{value.number}j"
            case Undefined() | Aggregate():
                return "NULL"

    def _part(self, value: Doc) -> str:
        """A part of a document, or all of it; twins and relationships bring their ETag along."""
        if value.steps or self.graph.sources[value.source].kind == "model":
            return self.dialect.json(*self.place(value))
        return self.dialect.document(self.alias(value.source))

    def _system_field(self, value: Field) -> str:
        """A system field; the document has it as JSON already, but for the ETag."""
        if value.name == "etag":
            return self.dialect.quote_text(self.field(value))
        steps = _FIELD_STEPS.get(value.name)
        if steps is None:
            steps = _ID_STEPS[self.graph.sources[value.source].kind]
        return self._part(Doc(value.source, steps))

    def ranked(self, value: Value) -> tuple[str, ...]:
        """The columns for ORDER BY and GROUP BY; none is ever NULL."""
        match value:
            case Slot():
                letters = [letter for letter, _ in self.dialect.sort_columns]
                return tuple(f"k.g{value.number}{letter}" for letter in letters)
            case Const(value=None):
                return self.dialect.ranked_as(str(RANKS["null"]), "number", "0")
            case Doc() if value.steps:
                return self.dialect.ranked(*self.place(value))
            case Doc():
                key = f"{self.alias(value.source)}.key"
                rank = f"CASE WHEN {key} IS NULL THEN 0 ELSE {RANKS['object']} END"
                return self.dialect.ranked_as(rank, "number", key)
            case Walked():
                return self.dialect.ranked_as(str(RANKS["array"]), "string", self.walks[value.hop])
            case _:
                return self._ranked_as(value)

    def _ranked_as(self, value: Value) -> tuple[str, ...]:
        """The same of what can be of one kind only."""
        kinds = (("string", self.text), ("number", self.number), ("boolean", self.boolean))
        for kind, make in kinds:
            made = make(value)
            if made is not None:
                rank = f"CASE WHEN ({made}) IS NULL THEN 0 ELSE {RANKS[kind]} END"
                if isinstance(value, Const):
                    rank = str(RANKS[kind])
                return self.dialect.ranked_as(rank, kind, made)
        return self.dialect.ranked_as("0", "number", "0")

    def _slot(self, value: Slot, kind: str) -> str:
        name = f"k.g{value.number}"
        letter, _ = self.dialect.sort_columns[-1 if kind == "string" else 1]
        return f"CASE WHEN {name}r = {RANKS[kind]} THEN {name}{letter} END"

    def _call(self, value: Call) -> str:
        """A call over guarded arguments; each function says which kind it takes where."""
        if value.name in KINDS:
            return distance(self, value)
        wanted = argument_kinds(value.name, len(value.args))
        args = []
        for arg, kind in zip(value.args, wanted, strict=True):
            make = {"number": self.number, "string": self.text}.get(kind, self.json)
            args.append(make(arg) or self.dialect.constant("NULL", kind))
        return self.dialect.call(value.name, args)
