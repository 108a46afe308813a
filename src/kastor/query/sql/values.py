"""Values of a plan as SQL: guarded by kind, or as JSON text for a row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kastor.errors import QueryError
from kastor.query.functions import argument_kinds
from kastor.query.kinds import RANKS, kind_of, kinds_of
from kastor.query.plan import (
    Aggregate,
    Block,
    ByModel,
    Call,
    Case,
    Condition,
    Const,
    Doc,
    Each,
    ElementOf,
    Field,
    Flag,
    Gathered,
    ListOf,
    MapOf,
    PartOf,
    Scalar,
    Slot,
    Trail,
    Truth,
    Undefined,
    Value,
    Walked,
)
from kastor.query.sql.distances import KINDS, distance
from kastor.query.sql.parameters import AtRun
from kastor.query.sql.tables import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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


_LETTERS = {"twin": "t", "rows": "v", "items": "v"}
_MADE = (ListOf, MapOf, PartOf, Case, ByModel, Each, Gathered, ElementOf, Walked, Trail)
_SCALAR_CALLS = frozenset({"number", "string"})


def _known(value: Value) -> str | None:
    """The JSON text of what no row changes, null where it is missing; else None."""
    match value:
        case Const():
            return json.dumps(value.value, ensure_ascii=False)
        case Undefined():
            return "null"
        case ListOf():
            items = [_known(one) for one in value.items]
            return None if None in items else f"[{','.join(filter(None, items))}]"
        case MapOf():
            members = {key: _known(one) for key, one in value.entries}
            named = [f"{json.dumps(key, ensure_ascii=False)}:{one}" for key, one in members.items()]
            return None if None in members.values() else f"{{{','.join(named)}}}"
        case _:
            return None


def _require_text(value: Value) -> None:
    """Of a constant that something is made of: PostgreSQL's texts have no such character.

    It may be compared with, since no stored text has it, and shown as it is.

    Raises:
        QueryError: it has.
    """
    if isinstance(value, Const) and isinstance(value.value, str) and "\0" in value.value:
        raise QueryError("A text with the character U+0000 can be compared or shown, no more.")


def is_made(value: Value) -> bool:
    """Whether a value is JSON text that the statement puts together."""
    if isinstance(value, Call):
        return value.kind not in _SCALAR_CALLS
    return isinstance(value, _MADE)


@dataclass(slots=True)
class Values:
    """Writes values into one statement.

    Attributes:
        graph: the sources that indexes in values refer to.
        condition: how to write a condition, for conditions used as values.
        gathered: how to write what is gathered of another graph.
        renamed: aliases of sources that have others than by their number.
        walks: per ranged hop the text ``.3.17.`` of what it walked.
    """

    dialect: Dialect
    parameters: Parameters
    graph: Graph
    condition: Callable[[Condition], str]
    walks: dict[Walked, str]
    gathered: Callable[[Gathered], str]
    depth: int = 0
    renamed: Mapping[int, str] = field(default_factory=dict)
    elements: dict[int, str] = field(default_factory=dict)

    def alias(self, source: int) -> str:
        """The table alias of a source."""
        renamed = self.renamed.get(source)
        if renamed is not None:
            return renamed
        return _LETTERS.get(self.graph.sources[source].kind, "r") + str(source)

    def slot(self, value: Slot) -> tuple[str, ...]:
        """The sort columns of a slot, then its JSON text."""
        letters = [*(letter for letter, _ in self.dialect.sort_columns), "j"]
        if value.source < 0:
            return tuple(f"k.g{value.number}{letter}" for letter in letters)
        alias = self.alias(value.source)
        if self.graph.sources[value.source].kind == "items":
            return self.dialect.item(alias)
        return tuple(f"{alias}.c{value.number}{letter}" for letter in letters)

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
                return self._guarded(value, "number", self.number, self.dialect.number)

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
                return self._guarded(value, "string", self.text, self.dialect.text)

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
                return self._guarded(value, "boolean", self.boolean, self.dialect.boolean)

    def _guarded(
        self,
        value: Value,
        kind: str,
        make: Callable[[Value], str | None],
        read: Callable[[str, str], str],
    ) -> str | None:
        """The same of a value that is made; a choice among values of one kind is made of those."""
        if not is_made(value) or kind not in kinds_of(value):
            return None
        if isinstance(value, Case) and kinds_of(value) - {"null"} == {kind}:
            chosen = self._chosen(value, lambda one: make(one) or "NULL")
            return self.dialect.constant(f"({chosen})", kind) if kind != "boolean" else chosen
        return self.over(value, read)

    def _chosen(self, value: Case, make: Callable[[Value], str]) -> str:
        for one in (value.otherwise, *(one for _, one in value.branches)):
            _require_text(one)
        branches = " ".join(
            f"WHEN {self.condition(test)} THEN {make(one)}" for test, one in value.branches
        )
        return self.parameters.written(f"CASE {branches} ELSE {make(value.otherwise)} END")

    def over(self, value: Value, make: Callable[[str, str], str]) -> str:
        """What `make` says of the place of a value: in its document, or in one that is made."""
        if isinstance(value, Doc) and value.steps:
            return make(*self.place(value))
        base, steps = (value.base, value.steps) if isinstance(value, PartOf) else (value, ())
        if isinstance(base, ElementOf):
            return make(self.elements[base.number], self.dialect.path(steps, self.parameters))
        return self.over_json(self.json(base), make, steps)

    def over_json(
        self, json: str, make: Callable[[str, str], str], steps: tuple[str | int, ...] = ()
    ) -> str:
        """The same of a JSON text. Names differ by depth, since `make` may look at outer ones."""
        self.depth += 1
        name = f"d{self.depth}"
        made = make(f"{name}.v", self.dialect.path(steps, self.parameters))
        self.depth -= 1
        return self.parameters.written(f"(SELECT {made} FROM {self.dialect.named(json, name)})")

    def with_element(self, element: ElementOf, json: str, make: Callable[[], str]) -> str:
        """What `make` says while the element has this JSON text."""

        def made(doc: str, path: str) -> str:
            del path
            before = self.elements.get(element.number)
            self.elements[element.number] = doc
            text = make()
            if before is not None:
                self.elements[element.number] = before
            return text

        return self.over_json(json, made)

    def _each(self, value: Each, array: tuple[str, str]) -> str:
        source, one = self.dialect.items(*array)
        item = self.with_element(
            value.element, one, lambda: f"coalesce({self.json(value.item)}, 'null')"
        )
        test = ""
        if value.where != Truth(value=True):
            test = self.with_element(value.element, one, lambda: self.condition(value.where))
        kind = self.dialect.is_kind(*array, frozenset({"array"}))
        return f"CASE WHEN {kind} THEN {self.dialect.filtered(source, item, test)} END"

    def comparable(self, value: Value) -> str | None:
        """A number, string or boolean so that values of different kinds are never equal."""
        match value:
            case Doc() if value.steps:
                return self.dialect.comparable(*self.place(value))
            case Slot():
                return self.dialect.comparable_slot(*self.slot(value)[:-1])
            case _:
                return self.over(value, self.dialect.comparable) if is_made(value) else None

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
        # Branches because each kind of value is written in its own way.
        match value:
            case Const():
                return self.constant(json.dumps(value.value, ensure_ascii=False))
            case Doc():
                return self._part(value)
            case Field():
                return self._system_field(value)
            case Call() if is_made(value):
                return self._call(value)
            case Call():
                call = self._call(value)
                quote = self.dialect.quote_text if value.kind == "string" else None
                return (quote or self.dialect.quote_number)(call)
            case Flag():
                true, false = self.condition(value.true), self.condition(value.false)
                return f"CASE WHEN {true} THEN 'true' WHEN {false} THEN 'false' END"
            case Walked():
                return self._walked(value)
            case Trail():
                return self._path(value)
            case Slot():
                return self.slot(value)[-1]
            case Undefined() | Aggregate():
                return "NULL"
            case _:
                return self._made(value)

    def _made(
        self, value: ListOf | MapOf | PartOf | ElementOf | Each | Gathered | Case | ByModel
    ) -> str:
        match value:
            case ListOf() | MapOf():
                return self._joined(value)
            case PartOf() | ElementOf():
                return self.over(value, self.dialect.json)
            case Each():
                return self.over(value.array, lambda *array: self._each(value, array))
            case Gathered():
                return self.gathered(value)
            case Case():
                return self._case(value)
            case ByModel():
                return self._by_model(value)

    def _walked(self, value: Walked) -> str:
        """The array of relationships; a walk of none is an empty one."""
        text = self.walks[value]
        made = self.dialect.walk(text)
        part = self.graph.apart[value.apart] if value.apart >= 0 else None
        hops = part.graph.hops if isinstance(part, Block) else self.graph.hops
        return (
            f"CASE WHEN {text} = '.' THEN '[]' ELSE {made} END"
            if hops[value.hop].low == 0
            else made
        )

    def _path(self, value: Trail) -> str:
        """The array of a path; a walk brings the node that it ends at."""
        pieces, walked = [f"'[' || {self.json(value.parts[0])}"], False
        for before, one in zip(value.parts, value.parts[1:], strict=False):
            if isinstance(one, Walked) and isinstance(before, Doc):
                text, start = self.walks[one], f"{self.alias(before.source)}.key"
                trail = self.dialect.trail(text, start)
                pieces.append(f"CASE WHEN {text} = '.' THEN '' ELSE ',' || {trail} END")
            elif not walked:
                pieces.append(f"',' || {self.json(one)}")
            walked = isinstance(one, Walked)
        joined = " || ".join(pieces)
        return self.parameters.written(f"({joined} || ']')")

    def _steps(self, value: Value) -> str:
        """How many relationships a walk or a path has; NULL where it is missing."""
        if isinstance(value, Walked):
            text = self.walks[value]
            return f"(length({text}) - length(replace({text}, '.', '')) - 1)"
        if not isinstance(value, Trail):
            return f"(({self.dialect.call('SIZE', [self.json(value)])} - 1) / 2)"
        parts = value.parts[1::2]
        terms = [self._steps(one) for one in parts if isinstance(one, Walked)]
        made = " + ".join([*terms, str(sum(isinstance(one, Doc) for one in parts))])
        docs = [one for one in value.parts if isinstance(one, Doc)]
        missing = [
            f"{self.alias(one.source)}.key IS NULL"
            for one in docs
            if self.graph.sources[one.source].optional
        ]
        return f"CASE WHEN {' OR '.join(missing)} THEN NULL ELSE {made} END" if missing else made

    def _every_second(self, value: Value, first: int) -> str:
        """The nodes of a path, or its relationships."""
        if isinstance(value, Trail) and not any(isinstance(one, Walked) for one in value.parts):
            made = [self.json(one) for one in value.parts[first::2]]
            listed = " || ',' || ".join(made) if made else "''"
            found = f"('[' || {listed} || ']')"
            if not made:
                found = f"CASE WHEN {self.json(value)} IS NOT NULL THEN '[]' END"
            return self.parameters.written(found)
        return self.dialect.every_second(self.json(value), first)

    def _joined(self, value: ListOf | MapOf) -> str:
        """The text of an array or an object; what is constant in a row stands in one piece."""
        opening, closing = ("[", "]") if isinstance(value, ListOf) else ("{", "}")
        members: list[tuple[str, Value]] = []
        if isinstance(value, MapOf):
            members = [
                (json.dumps(key, ensure_ascii=False) + ":", one) for key, one in value.entries
            ]
        else:
            members = [("", one) for one in value.items]
        pieces: list[str] = []
        constant = opening
        for number, (name, one) in enumerate(members):
            constant += ("," if number else "") + name
            known = _known(one)
            if known is not None:
                constant += known
                continue
            if constant:
                pieces.append(self.dialect.constant(self.constant(constant), "string"))
            pieces.append(self.parameters.written(f"coalesce({self.json(one)}, 'null')"))
            constant = ""
        pieces.append(self.dialect.constant(self.constant(constant + closing), "string"))
        return pieces[0] if len(pieces) == 1 else self.dialect.joined(pieces)

    def _case(self, value: Case) -> str:
        kinds = kinds_of(value) - {"null"}
        if kinds == {"number"}:
            return self.dialect.quote_number(self.number(value) or "NULL")
        if kinds == {"string"}:
            return self.dialect.quote_text(self.text(value) or "NULL")
        return self._chosen(value, self.json)

    def _by_model(self, value: ByModel) -> str:
        texts = {str(key): words for key, words in value.texts}
        table = self.constant(json.dumps(texts, ensure_ascii=False))
        return self.dialect.by_model(table, self.alias(value.source))

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
                return self.slot(value)[:-1]
            case Const(value=None):
                return self.dialect.ranked_as(str(RANKS["null"]), "number", "0")
            case Doc() if value.steps:
                return self.dialect.ranked(*self.place(value))
            case Doc():
                key = f"{self.alias(value.source)}.key"
                rank = f"CASE WHEN {key} IS NULL THEN 0 ELSE {RANKS['object']} END"
                return self.dialect.ranked_as(rank, "number", key)
            case Walked():
                made = self._walked(value)
                rank = str(RANKS["array"])
                if value.apart >= 0:
                    rank = f"CASE WHEN {self.walks[value]} IS NULL THEN 0 ELSE {rank} END"
                return self.dialect.ranked_as(rank, "string", made)
            case _ if is_made(value):
                width = len(self.dialect.sort_columns)
                return tuple(
                    self.over(value, lambda *at, n=number: self.dialect.ranked_deep(*at)[n])
                    for number in range(width)
                )
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
        columns = self.slot(value)[:-1]
        made = columns[-1 if kind == "string" else 1]
        return f"CASE WHEN {columns[0]} = {RANKS[kind]} THEN {made} END"

    def _call(self, value: Call) -> str:
        """A call over guarded arguments; each function says which kind it takes where."""
        if value.name == "COALESCE":
            return self._coalesced(value)
        if value.name == "STEPS":
            return self._steps(value.args[0])
        if value.name in {"NODES", "RELATIONSHIPS"}:
            return self._every_second(value.args[0], int(value.name == "RELATIONSHIPS"))
        if value.name in KINDS:
            return distance(self, value)
        wanted = argument_kinds(value.name, len(value.args))
        makes = {"number": self.number, "string": self.text, "boolean": self.boolean}
        args = []
        for arg, kind in zip(value.args, wanted, strict=True):
            _require_text(arg)
            make = makes.get(kind, self.json)
            args.append(make(arg) or self.dialect.constant("NULL", kind))
        return self.dialect.call(value.name, args)

    def _coalesced(self, value: Call) -> str:
        """The first value that is not null."""
        make = {"number": self.number, "string": self.text}.get(value.kind)
        for arg in value.args:
            _require_text(arg)
        if make is not None:
            return f"coalesce({', '.join([make(arg) or 'NULL' for arg in value.args])}, NULL)"
        made = [f"nullif({self.json(arg)}, 'null')" for arg in value.args]
        return self.parameters.written(f"coalesce({', '.join(made)}, NULL)")
