"""What may stand where the cursor is: words of the language, and names of the graph.

Functions and words come from `kastor.lang`; here stands only which of them goes where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from kastor.cli.shell import places
from kastor.cli.shell.declared import ValueFacts
from kastor.cli.shell.graph_names import GraphNames
from kastor.cli.shell.lexing import BAD, OPEN, TypedToken, lexed
from kastor.cli.shell.places import NamesInQuery
from kastor.lang.cypher import is_cypher
from kastor.lang.tokens import WORD
from kastor.lang.words import (
    AGGREGATES,
    CONDITIONS,
    CONTEXTUAL,
    FUNCTIONS,
    SCALARS,
    SYSTEM_NAMES,
    is_plain,
)

MOST = 300
"""Candidates of one place; whoever sees as many types a letter."""
_OPERAND = ("NOT", "EXISTS", "TRUE", "FALSE", "NULL")
_BEGIN: Mapping[str, tuple[str, ...]] = {
    "": ("SELECT", "EXPLAIN"),
    "EXPLAIN": ("SELECT",),
    "SELECT": ("TOP", "DISTINCT", "*"),
    "FROM": ("DIGITALTWINS", "RELATIONSHIPS", "MODELS"),
    "ORDER": ("BY",),
    "GROUP": ("BY",),
    "WHERE": _OPERAND,
    "HAVING": _OPERAND,
}
"""Words that begin something in a clause, beside names and functions."""
_REST = ("ORDER BY", "LIMIT", "OFFSET")
_GO_ON: Mapping[str, tuple[str, ...]] = {
    "SELECT": ("FROM", "AS"),
    "FROM": ("WHERE", "JOIN", "MATCH", "LEFT JOIN", "GROUP BY", *_REST),
    "JOIN": ("RELATED",),
    "RELATED": ("WHERE", "JOIN", "LEFT JOIN", "GROUP BY", *_REST),
    "MATCH": ("WHERE", "GROUP BY", *_REST),
    "WHERE": ("AND", "OR", "IN", "NIN", "NOT IN", "LIKE", "BETWEEN", "GROUP BY", *_REST),
    "GROUP": ("HAVING", *_REST),
    "HAVING": ("AND", "OR", "IN", *_REST),
    "ORDER": ("ASC", "DESC", "LIMIT", "OFFSET"),
}
"""Words that go on behind a value or a name of a clause."""
SUPERSET = frozenset(
    {"EXPLAIN", "DISTINCT", "EXISTS", "MODELS", "LEFT JOIN", "GROUP BY", "HAVING", "LIKE"}
    | {"BETWEEN", "ORDER", "GROUP", "BY", "ASC", "DESC", *_REST, *SCALARS, "ST_WITHIN"}
    | (AGGREGATES - {"COUNT"})
)
"""What a server without Kastor's additions refuses, so that it is not offered for one."""
_SYSTEM = {
    "twin": ("$dtId", "$etag", "$metadata"),
    "relationship": (*("$relationshipId", "$relationshipName", "$sourceId", "$targetId", "$etag"),),
    "model": (),
}
_OF_MODEL = ("id", "uploadTime", "decommissioned", "model")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may stand there.

    Attributes:
        text: what is written.
        start: how many characters before the cursor it replaces.
        note: what it is, for a second column.
    """

    text: str
    start: int
    note: str = ""


def completed(text: str, cursor: int, names: GraphNames) -> list[Candidate]:
    """Return what may stand at a place of a query, the likeliest first."""
    before = _of_statement(lexed(text[:cursor]))
    begin = before[0].start if before else cursor
    if names.has_superset and is_cypher(text[begin:]):
        return _completed_cypher(before, text, cursor, names)
    if before and before[-1].kind == OPEN:
        quoted, behind = before[-1], text[cursor : cursor + 1]
        typed = quoted.text[1:]
        close = "" if behind == quoted.text[0] else quoted.text[0]
        found = _in_string(places.string_place(before[:-1]), names)
        return _matching(((name + close, note) for name, note in found), typed, anywhere=True)
    typed = ""
    if before and before[-1].kind == WORD and before[-1].end == cursor:
        typed = before.pop().text
    after = [token for token in lexed(text[cursor:]) if token.key != ";"]
    scope = places.scope_of([*before, *after])
    found = _names_and_words(before, scope, names, typed)
    lower = typed.islower()
    return _matching(((_cased(name, note, lower=lower), note) for name, note in found), typed)


def _completed_cypher(
    before: list[TypedToken], text: str, cursor: int, names: GraphNames
) -> list[Candidate]:
    """Return what may stand at a place of a query of openCypher."""
    from kastor.cli.shell import cypher_completion as cypher
    from kastor.cli.shell.cypher_places import scope_of

    after = _first_statement(lexed(text[cursor:], cypher=True))
    if before and before[-1].kind == OPEN:
        quoted = before.pop()
        behind = text[cursor : cursor + 1]
        close = "" if behind == quoted.text[0] else quoted.text[0]
        found = (
            cypher.in_backticks(before, scope_of([*before, *after]), names)
            if quoted.text[0] == "`"
            else cypher.in_string(before, names)
        )
        closed = ((name + close, note) for name, note in found)
        return _matching(closed, quoted.text[1:], anywhere=True)
    typed = ""
    if before and before[-1].kind == WORD and before[-1].end == cursor:
        typed = before.pop().text
    scope = scope_of([*before, HOLE, *after])
    lower = typed.islower()
    found = cypher.in_text(before, scope, names)
    return _matching(((_cased(name, note, lower=lower), note) for name, note in found), typed)


def _first_statement(tokens: list[TypedToken]) -> list[TypedToken]:
    """Return what belongs to the statement that goes on."""
    ends = next((at for at, token in enumerate(tokens) if token.key == ";"), len(tokens))
    return tokens[:ends]


def _of_statement(tokens: list[TypedToken]) -> list[TypedToken]:
    """Return what belongs to the last statement."""
    ends = [at for at, token in enumerate(tokens) if token.key == ";"]
    return tokens[ends[-1] + 1 :] if ends else tokens


HOLE = TypedToken(BAD, BAD, "", -1)
"""Stands for what is being typed, so that what follows it is not taken for it."""
_KEYWORD, _FUNCTION = "keyword", "function"


def _cased(name: str, note: str, *, lower: bool) -> str:
    return name.lower() if lower and note in (_KEYWORD, _FUNCTION) else name


def _matching(
    found: Iterable[tuple[str, str]], typed: str, *, anywhere: bool = False
) -> list[Candidate]:
    """Return those that begin with what is typed, then those of which a part does.

    Args:
        found: names, and what they are.
        typed: what stands before the cursor.
        anywhere: whether also those that hold it anywhere.
    """
    wanted = typed.lower()
    ranked: tuple[dict[str, Candidate], ...] = ({}, {}, {})
    for name, note in found:
        bare = name.removeprefix("[[")
        at = bare.lower().find(wanted)
        begins_part = at > 0 and bare[at - 1] in ".:"
        if at == 0 or begins_part or (at > 0 and anywhere):
            rank = 0 if at == 0 else 1 if begins_part else 2
            ranked[rank].setdefault(name, Candidate(name, -len(typed), note))
    return list(islice((each for part in ranked for each in part.values()), MOST))


def _in_string(place: str, names: GraphNames) -> Iterator[tuple[str, str]]:
    match place:
        case "model":
            for model in sorted(names.models):
                yield model, names.models[model].title
        case "relationship":
            for name in sorted(names.relationships()):
                yield name, "relationship"
        case "twin":
            for twin in reversed(names.twins):
                yield twin.replace("\\", "\\\\").replace("'", "\\'"), "twin"
        case _:
            pass


def _names_and_words(
    before: Sequence[TypedToken], scope: NamesInQuery, names: GraphNames, typed: str
) -> Iterator[tuple[str, str]]:
    clause, path = places.clause_of(before), places.path_before(before)
    if path:
        if clause == "RELATED":
            yield from _relationships(names, scope.models_of(path[0]))
        else:
            yield from _members(path, scope, names)
        return
    if places.names_relationship(before):
        yield from _relationships(names, ())
        return
    if places.ends_value(before):
        yield from _words(_GO_ON.get(clause, ()), names)
        return
    if clause == "RELATED":
        yield from ((alias, kind) for alias, kind in scope.aliases.items() if kind == "twin")
        return
    last = before[-1].key if before else ""
    if clause in {"FROM", "JOIN", "MATCH", "EXPLAIN", ""} or last in {"ORDER", "GROUP"}:
        yield from _words(_BEGIN.get(clause, ()), names)
        if clause in {"", "EXPLAIN"} and names.has_superset:
            from kastor.cli.shell.cypher_completion import BEGIN, words

            yield from words(BEGIN)
        return
    yield from _expression(clause, scope, names, typed)


def _words(words: Iterable[str], names: GraphNames) -> Iterator[tuple[str, str]]:
    for word in words:
        if names.has_superset or word not in SUPERSET:
            yield word, _KEYWORD


def _expression(
    clause: str, scope: NamesInQuery, names: GraphNames, typed: str
) -> Iterator[tuple[str, str]]:
    yield from scope.aliases.items()
    if len(scope.aliases) <= 1:
        # With several a property alone says nothing; with one it is taken as that one's.
        yield from _own(next(iter(scope.aliases), ""), scope, names, typed)
    begin = () if clause in {"ORDER", "GROUP"} else _BEGIN.get(clause, ())
    yield from _words(begin, names)
    functions = FUNCTIONS if clause in {"SELECT", "HAVING"} else CONDITIONS | SCALARS.keys()
    for name in sorted(functions):
        if names.has_superset or name not in SUPERSET:
            yield f"{name}(", _FUNCTION


def _own(
    alias: str, scope: NamesInQuery, names: GraphNames, typed: str
) -> Iterator[tuple[str, str]]:
    """Yield the members of what an alias stands for, without one of the collection.

    Where something is typed, those of components too, as paths.
    """
    kind = scope.aliases.get(alias, scope.collection)
    if kind == "model":
        yield from ((name, "model") for name in _OF_MODEL)
    elif kind == "relationship":
        yield from _values(names.of_relationships(scope.relationships.get(alias, ())))
    else:
        models = scope.models_of(alias)
        yield from _values(names.properties(models))
        components = names.components(models)
        for name in sorted(components):
            yield _written(name), "component"
        if typed:
            for name in sorted(components):
                for inner, schema in _values(names.properties([components[name]])):
                    yield f"{_written(name)}.{inner}", schema
    yield from ((name, "system") for name in _SYSTEM[kind])


def _members(path: list[str], scope: NamesInQuery, names: GraphNames) -> Iterator[tuple[str, str]]:
    """Yield what may stand behind the dot of a path."""
    known = scope.aliases
    is_alias = path[0] in known or (not known and path[0] not in names.roots())
    alias, steps = (path[0], path[1:]) if is_alias else ("", path)
    if not steps:
        yield from _own(alias, scope, names, "")
        return
    if steps[-1] == "$metadata":
        yield "$model", "system"
        yield "$lastUpdateTime", "system"
    models = scope.models_of(alias)
    fields: Mapping[str, ValueFacts] = {}
    if scope.aliases.get(alias) == "relationship":
        fields = names.of_relationships(scope.relationships.get(alias, ()))
    elif (component := names.components(models).get(steps[0])) is not None:
        fields, steps = names.properties([component]), steps[1:]
        if not steps:
            yield "$metadata", "system"
    else:
        fields = names.properties(models)
    for step in steps:
        found = fields.get(step)
        fields = {} if found is None else found.fields
    yield from _values(fields)


def _values(values: Mapping[str, ValueFacts]) -> Iterator[tuple[str, str]]:
    for name in sorted(values, key=str.lower):
        yield _written(name), values[name].schema or "property"


def _relationships(names: GraphNames, models: Iterable[str]) -> Iterator[tuple[str, str]]:
    found = names.relationships(models)
    for name in sorted(found, key=str.lower):
        yield _written(name), f"to {found[name].target or 'any twin'}"


def _written(name: str) -> str:
    """Return a name as it may stand anywhere; only reserved and odd ones need brackets."""
    is_word = is_plain(name) or name in SYSTEM_NAMES or name.upper() in CONTEXTUAL
    return name if is_word else f"[[{name}]]"
