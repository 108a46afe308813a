"""Names in reach of a query of this language, and the bound of what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from kastor.lang.cypher import tree
from kastor.lang.words import suggestion
from kastor.query.plan import (
    Aggregate,
    Call,
    Compare,
    Const,
    Doc,
    ElementOf,
    Field,
    ListOf,
    OfModel,
    Source,
    Trail,
    Truth,
    Walked,
)
from kastor.query.references import has_walks
from kastor.query.scope import Scope
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Collection

    from kastor.query.models import ModelIndex
    from kastor.query.notes import Notes
    from kastor.query.plan import Condition, Value
    from kastor.query.settings import QuerySettings

_MOST_MADE = 20_000
TWIN, MODEL = "Twin", "Model"


class CypherScope(Scope):
    """The scope of one query or EXISTS.

    Attributes:
        columns: names of RETURN, in reach of ORDER BY.
        ends: for each relationship the nodes left and right of it, and its direction.
        bound: what names stand for that are no twins and relationships.
        local: what names stand for inside a comprehension or a quantifier.
        nested: their elements, the innermost last.
        entities: which elements are twins or relationships.
        paths: of named paths what they are made of.
        listed: values that are lists of twins, or of relationships.
        trails: values that are paths, made by a WITH.
        hidden: names around that cannot be looked at here.
        found: what the patterns demand beside their hops, in order.
        made: values and conditions so far, one count for a query and all EXISTS in it.
    """

    LANGUAGE: ClassVar = "Cypher"

    def __init__(
        self,
        text: str,
        models: ModelIndex,
        settings: QuerySettings,
        outer: CypherScope | None = None,
        notes: Notes | None = None,
    ) -> None:
        super().__init__(text, models, settings, outer, notes)
        self.columns: dict[str, Value] = {}
        self.bound: dict[str, Value] = {}
        self.local: dict[str, ElementOf] = {}
        self.nested: list[ElementOf] = []
        self.entities: dict[ElementOf, str] = {}
        self.paths: dict[str, Trail] = {}
        self.listed: dict[Value, str] = {}
        self.trails: set[Value] = set()
        self.hidden: set[str] = set()
        self.found: list[Condition] = []
        self.never = False
        self.ends: dict[int, tuple[int, int, str]] = {}
        self.patterned = True
        self.made: list[int] = outer.made if outer is not None else [0]

    def count_made(self, at: int) -> None:
        """One value or condition more; conditions as values are written twice, and nest."""
        self.made[0] += 1
        if self.made[0] > _MOST_MADE:
            self.fail("conditions used as values are nested too deep here", at)

    def inner(self) -> CypherScope:
        """The scope of an EXISTS: it sees the names around it."""
        return CypherScope(self.text, self.models, self.settings, self, self.notes)

    def fresh(self) -> CypherScope:
        """The scope of another part of the query, in which no name is bound."""
        made = CypherScope(self.text, self.models, self.settings, notes=self.notes)
        made.made = self.made
        return made

    def rename(
        self, columns: dict[str, Value], ends: dict[int, tuple[int, int, str]] | None = None
    ) -> None:
        """From now on names stand for these columns, and no others for anything."""
        entities = {
            key: one.source
            for key, one in columns.items()
            if isinstance(one, Doc) and not one.steps
        }
        self.names, self.walks = entities, {}
        self.bound = {key: one for key, one in columns.items() if key not in entities}
        self.paths = {key: one for key, one in columns.items() if isinstance(one, Trail)}
        if ends is not None:
            self.ends = ends

    def within(self) -> CypherScope:
        """The scope of a graph that shares the sources so far, and what names stand for here."""
        inner = self.inner()
        for source in self.sources:
            inner.sources.append(Source(source.kind, source.alias, source.optional, outer=True))
        inner.names.update(self.names)
        inner.ends.update(self.ends)
        inner.listed.update(self.listed)
        inner.trails |= self.trails
        walked = {name for name, value in self.bound.items() if has_walks(value)}
        inner.bound.update({name: self.bound[name] for name in self.bound.keys() - walked})
        inner.hidden = self.hidden | walked | self.walks.keys()
        return inner

    def where(self) -> list[Condition]:
        """What the patterns demand."""
        return [*self.found, Truth(value=False)] if self.never else self.found

    def named(self, node: tree.Variable) -> Value:
        """What a variable stands for: a column, a whole source, or what a range walked.

        Raises:
            QueryError: nothing is called so.
        """
        if node.name in self.local:
            return self.local[node.name]
        if node.name in self.columns:
            return self.columns[node.name]
        if node.name in self.names:
            return Doc(self.names[node.name])
        if node.name in self.walks:
            return Walked(self.walks[node.name])
        if node.name in self.bound:
            return self.bound[node.name]
        if node.name in self.hidden:
            told = "is what a range walked, which a MATCH of its own or EXISTS cannot look at"
            self.fail(f"'{node.name}' {told}; look at it outside", node.span[0])
        known = frozenset([*self.names, *self.walks, *self.bound, *self.columns])
        listed = f"known are {', '.join(sorted(known))}" if known else "no name is bound"
        return self.fail(
            f"unknown variable '{node.name}'; {listed}.{suggestion(node.name, known)}", node.span[0]
        )

    @override
    def claim(self, name: tree.Name) -> None:
        if name.text in self.bound:
            self.fail(f"'{name.text}' is bound already, and not to this", name.span[0])
        super().claim(name)

    def kind_of_items(self, value: Value) -> str | None:
        """Whether a value is a list of twins, or one of relationships, as far as known."""
        match value:
            case Walked() | Call(name="RELATIONSHIPS"):
                return "relationship"
            case Call(name="NODES"):
                return "twin"
            case Call(name="SLICE" | "REVERSE" | "AS_LIST"):
                return self.kind_of_items(value.args[0])
            case ListOf(items):
                sources = [self.source_of(one) for one in items]
            case Aggregate(name="COLLECT", argument=argument) if argument is not None:
                sources = [self.source_of(argument)]
            case _:
                return self.listed.get(value)
        kinds = {None if one is None else one.kind for one in sources}
        found = kinds.pop() if len(kinds) == 1 else None
        return found if found in {"twin", "relationship"} else None

    def is_optional(self, value: Value) -> bool:
        """Whether a value is a twin or a relationship that may be missing."""
        source = self.source_of(value)
        return source is not None and source.optional

    def source_of(self, value: Value) -> Source | None:
        """The source that a value is as a whole."""
        if isinstance(value, Doc) and not value.steps:
            return self.sources[value.source]
        return None

    def labelled(self, source: int, label: tree.Name) -> Condition:
        """The condition that a twin has a label, or a relationship a type."""
        if self.sources[source].kind == "relationship":
            self.notes.relationships.add(label.text)
            return Compare("=", Field(source, "name"), Const(label.text))
        if self.sources[source].kind == "model" or label.text == MODEL:
            is_model = self.sources[source].kind == "model" and label.text == MODEL
            return Truth(value=is_model)
        if label.text == TWIN:
            return Truth(value=True)
        ids = self.models.model_ids()
        asked = [label.text] if label.text.startswith("dtmi:") else _ending_in(label.text, ids)
        keys = frozenset[int]().union(*(self.models.matching(one, exact=False) for one in asked))
        if not keys and not asked:
            self.notes.models.add(label.text)
        return OfModel(source, tuple(sorted(keys)))


def _ending_in(word: str, ids: Collection[str]) -> list[str]:
    """The ids whose path ends in this word."""
    return [one for one in ids if one.partition(";")[0].rpartition(":")[2] == word]
