"""Names in reach: which source a path belongs to, and what it leads to there (query-language 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from kastor.lang import ast
from kastor.lang.errors import query_error
from kastor.lang.words import suggestion
from kastor.query.notes import Notes
from kastor.query.plan import Doc, Field, Source, Undefined, Value, Walked

if TYPE_CHECKING:
    from kastor.query.given import Item
    from kastor.query.models import ModelIndex
    from kastor.query.settings import QuerySettings

_TWIN_FIELDS: dict[tuple[str | int, ...], str] = {
    ("$dtId",): "id",
    ("$etag",): "etag",
    ("$metadata", "$model"): "model",
}
_RELATIONSHIP_FIELDS: dict[tuple[str | int, ...], str] = {
    ("$relationshipId",): "id",
    ("$etag",): "etag",
    ("$sourceId",): "source",
    ("$targetId",): "target",
    ("$relationshipName",): "name",
}
_MODEL_FIELDS: dict[tuple[str | int, ...], str] = {("$etag",): "none"}
_FIELDS: dict[str, dict[tuple[str | int, ...], str]] = {
    "twin": _TWIN_FIELDS,
    "relationship": _RELATIONSHIP_FIELDS,
    "model": _MODEL_FIELDS,
}
_KIND_NAMES = {
    "null": "null",
    "number": "a number",
    "list": "a list",
    "nested": "a list of lists or maps",
}


class Scope:
    """The sources of one query or pattern, by name; inner scopes see the outer ones.

    `default` is the source that unqualified paths belong to: the collection of a query without
    JOIN and MATCH (query-language 7, rule 2).
    """

    LANGUAGE: ClassVar = "SQL"

    def __init__(
        self,
        text: str,
        models: ModelIndex,
        settings: QuerySettings,
        outer: Scope | None = None,
        notes: Notes | None = None,
    ) -> None:
        self.text = text
        self.models = models
        self.settings = settings
        self.outer = outer
        self.notes = notes or Notes()
        self.sources: list[Source] = []
        self.names: dict[str, int] = {}
        self.walks: dict[str, int] = {}
        self.default: int | None = None
        self.patterned = False
        self.joined: dict[str, int | None] = {}
        self._added = 0

    def add(self, source: Source, name: ast.Name | None = None) -> int:
        """The index of a new source.

        Raises:
            QueryError: its name is taken.
        """
        index = len(self.sources)
        self.count_source()
        if name is not None:
            self.claim(name)
            self.names[name.text] = index
        self.sources.append(source)
        return index

    def count_source(self, at: int = 0) -> None:
        """Refuses one more node or edge than engines can plan in reasonable time."""
        self._added += 1
        most = self.settings.max_sources
        if self._added > most:
            self.fail(f"more than {most} nodes and edges (limit max_sources)", at)

    def add_walk(self, name: ast.Name, hop: int) -> None:
        """Names the relationships that a ranged hop walks."""
        self.claim(name)
        self.walks[name.text] = hop

    def claim(self, name: ast.Name) -> None:
        """Refuses a name that is taken."""
        if name.text in self.names or name.text in self.walks:
            self.fail(f"'{name.text}' is declared twice", name.span[0])

    def find(self, name: ast.Name) -> int | None:
        """The source of that name, if there is one."""
        return self.names.get(name.text)

    def require(self, name: ast.Name) -> int:
        """The source of that name.

        Raises:
            QueryError: there is none; the message lists those that are known.
        """
        index = self.names.get(name.text)
        if index is None:
            self._unknown(name.text, name.span[0])
        return index

    def resolve(self, path: ast.Path) -> Value:
        """What the path leads to.

        Raises:
            QueryError: its first name is no alias, and no collection is implied.
        """
        first = path.steps[0]
        steps = tuple(
            step.text if isinstance(step, ast.Name) else step.value for step in path.steps
        )
        if isinstance(first, ast.Name):
            if first.text in self.names:
                return self.inside(self.names[first.text], steps[1:])
            if first.text in self.walks and len(steps) == 1:
                return Walked(self.walks[first.text])
        if self.default is not None:
            self._check_first(path)
            return self.inside(self.default, steps)
        by_relationship = self.joined.get(str(steps[0]))
        if by_relationship is not None:
            return self.inside(by_relationship, steps[1:])
        return self._unknown(str(steps[0]), path.span[0])

    def alias_of(self, node: ast.Parameter) -> ast.Path | None:
        """The path that a parameter is in truth, since an alias is spelt so."""
        text = f"${node.name}"
        if text not in self.names and text not in self.walks:
            return None
        return ast.Path((ast.Name(text, node.span),), node.span)

    def given(self, name: str, at: int, *kinds: str) -> Item:
        """The value of a parameter, which must be of one of these kinds.

        Raises:
            QueryError: it is not given, is of another kind, or the request is strict.
        """
        if self.settings.strict:
            self.fail(f"${name} is no system property, and this request is strict", at)
        given = self.notes.given
        if given is None or name not in given.values:
            names = frozenset(given.values) if given is not None else frozenset()
            self.fail(
                f"the parameter ${name} is not given; the body's member parameters holds the "
                f"values by name.{suggestion(name, names)}",
                at,
            )
        kind = dict(given.kinds)[name]
        if kind not in kinds:
            wanted = " or ".join(_KIND_NAMES.get(one, f"a {one}") for one in kinds)
            found = _KIND_NAMES.get(kind, f"a {kind}")
            self.fail(f"the parameter ${name} is {found}; {wanted} can stand here", at)
        return given.values[name]

    def _check_first(self, path: ast.Path) -> None:
        """``a.b`` over one collection with an alias: `a` was meant as an alias, or is a property.

        In strict mode it is a property always (query-language 7, rule 2).
        """
        source = self.sources[self.default or 0]
        first = path.steps[0]
        if len(path.steps) == 1 or source.alias is None or source.kind == "model":
            return
        if not isinstance(first, ast.Name) or first.text[:1] == "$" or self.settings.strict:
            return
        if not self.models.model_ids():
            self.notes.doubt(
                f"{first.text[:100]} is read as a property, since the alias is {source.alias[:100]}"
            )
        elif first.text not in self.models.property_names():
            self._unknown(first.text, first.span[0])

    def inside(self, source: int, steps: tuple[str | int, ...]) -> Value:
        """What these steps lead to in a source."""
        fields = _FIELDS[self.sources[source].kind]
        field = fields.get(steps)
        if field is not None:
            return Field(source, field) if field != "none" else Undefined()
        if steps and steps[0] == "$etag":
            return Undefined()
        if any(isinstance(step, str) and "\0" in step for step in steps):
            return Undefined()  # no stored key holds it, and the engines' path texts cannot
        if steps and fields is not _MODEL_FIELDS:
            name = steps[0]
            if isinstance(name, str) and name[:1] != "$":
                self.notes.properties.add(name)
        return Doc(source, steps)

    def _unknown(self, name: str, at: int) -> NoReturn:
        names = frozenset([*self.names, *self.walks])
        known = f"known are {', '.join(sorted(names))}" if names else "no alias is declared"
        self.fail(f"unknown alias '{name}'; {known}.{suggestion(name, names)}", at)

    def fail(self, message: str, at: int) -> NoReturn:
        """Raises a `QueryError` at offset `at`."""
        raise query_error(self.text, at, message, self.LANGUAGE)
