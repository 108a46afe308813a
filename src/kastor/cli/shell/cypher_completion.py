"""What may stand where the cursor is in openCypher: labels, relationship names, properties, words.

Words and functions come from the language itself; what the server refuses is not offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kastor.cli.shell import cypher_places as places
from kastor.lang.cypher.words import LEFT_OUT, RESERVED, is_plain

if TYPE_CHECKING:
    from kastor.cli.shell.cypher_places import PatternSpot, TypedPatterns
    from kastor.cli.shell.declared import ValueFacts
    from kastor.cli.shell.graph_names import GraphNames
    from kastor.cli.shell.lexing import TypedToken

KEYWORD, FUNCTION = "keyword", "function"
_TAIL = ("ORDER BY", "SKIP", "LIMIT")
BEGIN = ("MATCH", "OPTIONAL MATCH", "WITH", "UNWIND", "RETURN")
"""Words that begin a query."""
_CLAUSES = ("MATCH", "OPTIONAL MATCH", "WHERE", "WITH", "UNWIND", "RETURN", "UNION", "UNION ALL")
_CONDITION = (
    *("AND", "OR", "XOR", "IN", "STARTS WITH", "ENDS WITH", "CONTAINS", "IS NULL", "IS NOT NULL"),
)
_GO_ON: Mapping[str, tuple[str, ...]] = {
    "MATCH": _CLAUSES,
    "WHERE": (*_CONDITION, *_CLAUSES),
    "RETURN": ("AS", *_TAIL, "UNION", "UNION ALL"),
    "WITH": ("AS", "WHERE", *_TAIL, *_CLAUSES),
    "UNWIND": ("AS", *_CLAUSES),
    "ORDER": ("ASC", "DESC", "SKIP", "LIMIT", *_CLAUSES),
    "SKIP": ("LIMIT", *_CLAUSES),
    "LIMIT": _CLAUSES,
    "CASE": ("WHEN", "THEN", "ELSE", "END", *_CONDITION),
}
"""Words that go on behind a value or a name of a clause."""
_BEHIND: Mapping[str, tuple[str, ...]] = {
    "ORDER": ("BY",),
    "OPTIONAL": ("MATCH",),
    "STARTS": ("WITH",),
    "ENDS": ("WITH",),
    "IS": ("NULL", "NOT NULL"),
    "UNION": ("ALL", "MATCH", "RETURN"),
    "AS": (),
    "SKIP": (),
    "LIMIT": (),
    "MATCH": (),
}
"""Words that alone may follow another one."""
_OPERAND = ("NOT", "EXISTS", "CASE", "TRUE", "FALSE", "NULL")
_OF_TWIN = ("$dtId", "$etag", "$metadata")
_OF_RELATIONSHIP = ("$relationshipId", "$relationshipName", "$sourceId", "$targetId", "$etag")
_OF_METADATA = ("$model", "$lastUpdateTime")
_OF_MODEL = ("id", "uploadTime", "decommissioned", "model")


def words(listed: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield those of which the first word is none that the server refuses."""
    for each in dict.fromkeys(listed):
        if each.partition(" ")[0] not in LEFT_OUT:
            yield each, KEYWORD


def function_names() -> frozenset[str]:
    """Return the names of functions, as they are written."""
    from kastor.query.cypher.functions import NAMES

    return NAMES


def in_string(tokens: Sequence[TypedToken], names: GraphNames) -> Iterator[tuple[str, str]]:
    """Yield what may stand in the string that begins behind these tokens, and what it is."""
    match places.string_place(tokens):
        case "model":
            for model in sorted(names.models):
                yield model, names.models[model].title
        case "twin":
            for twin in reversed(names.twins):
                yield twin.replace("\\", "\\\\").replace("'", "\\'"), "twin"
        case _:
            pass


def in_backticks(
    tokens: Sequence[TypedToken], found: TypedPatterns, names: GraphNames
) -> Iterator[tuple[str, str]]:
    """Yield names that may stand in backticks; labels as whole ids of models."""
    if _spot(tokens).kind == "label":
        for model in sorted(names.models):
            yield model, names.models[model].title
        return
    for name, note in in_text(tokens, found, names):
        if note not in (KEYWORD, FUNCTION):
            yield name.strip("`"), note


def in_text(
    tokens: Sequence[TypedToken], found: TypedPatterns, names: GraphNames
) -> Iterator[tuple[str, str]]:
    """Yield what may stand behind these tokens, the likeliest first, and what it is."""
    last = tokens[-1].key if tokens else ""
    path = places.path_before(tokens)
    if path or last == ".":
        yield from _members(path, found, names)
        return
    spot, clause = _spot(tokens), places.clause_of(tokens)[0]
    if spot.kind:
        yield from _in_pattern(spot, found, names)
    elif clause in {"", "EXPLAIN"}:
        yield from words(BEGIN if clause else ("EXPLAIN", *BEGIN))
    elif last in _BEHIND:
        yield from ((each, KEYWORD) for each in _BEHIND[last])
    elif places.ends_value(tokens, frozenset(each.upper() for each in function_names())):
        yield from words(_GO_ON.get(clause, ()))
    else:
        yield from _expression(clause, last, found)


def _spot(tokens: Sequence[TypedToken]) -> PatternSpot:
    return places.spot_of(tokens, *places.clause_of(tokens))


def _in_pattern(
    spot: PatternSpot, found: TypedPatterns, names: GraphNames
) -> Iterator[tuple[str, str]]:
    match spot.kind:
        case "label":
            yield from _labels(names)
        case "type":
            relationships = names.relationships(models_of(spot.of, found, names))
            for name in sorted(relationships, key=str.lower):
                yield written(name), f"to {relationships[name].target or 'any twin'}"
        case "map" if spot.of == "relationship":
            yield from _values(names.of_relationships(spot.words))
        case "map":
            yield from _values(names.properties(_heirs(_ids(spot.words, names), names)))
        case _:
            pass


def _labels(names: GraphNames) -> Iterator[tuple[str, str]]:
    for model in sorted(names.models, key=lambda each: label_of(each).lower()):
        yield written(label_of(model)), names.models[model].title or "model"
    yield "Twin", "every twin"
    yield "Model", "the stored models"


def label_of(model: str) -> str:
    """Return the word that names a model: the last part of its id."""
    return model.rpartition(":")[2].partition(";")[0]


def models_of(variable: str, found: TypedPatterns, names: GraphNames) -> list[str]:
    """Return the ids of models that a variable may have; none where anything may be."""
    labels = found.scope.models.get(variable)
    if labels:
        return _heirs(_ids(labels, names), names)
    for source, target, wanted in found.hops:
        if target == variable and wanted:
            known = names.relationships(
                _heirs(_ids(found.scope.models.get(source, ()), names), names)
            )
            targets = [known[each].target for each in wanted if each in known]
            if targets and None not in targets:
                return _heirs([each for each in targets if each], names)
    return []


def _ids(labels: Iterable[str], names: GraphNames) -> list[str]:
    wanted = set(labels)
    return [each for each in names.models if each in wanted or label_of(each) in wanted]


def _heirs(ids: Sequence[str], names: GraphNames) -> list[str]:
    """Return models with all that extend them."""
    wanted = set(ids)
    if not wanted:
        return []
    return [each for each in names.models if any(base.id in wanted for base in names.line(each))]


def _members(path: list[str], found: TypedPatterns, names: GraphNames) -> Iterator[tuple[str, str]]:
    """Yield what may stand behind the dot of a path."""
    variable, *steps = path or [""]
    kind = found.scope.aliases.get(variable)
    if kind == "model":
        yield from ((name, "model") for name in _OF_MODEL)
    if kind not in {"twin", "relationship"}:
        return
    if steps and steps[-1] == "$metadata":
        yield from ((name, "system") for name in _OF_METADATA)
        return
    models = models_of(variable, found, names)
    components = names.components(models) if kind == "twin" else {}
    values = (
        names.properties(models)
        if kind == "twin"
        else names.of_relationships(found.scope.relationships.get(variable, ()))
    )
    if steps and steps[0] in components:
        values, components, steps = names.properties([components[steps[0]]]), {}, steps[1:]
        if not steps:
            yield "$metadata", "system"
    elif not steps:
        system = _OF_TWIN if kind == "twin" else _OF_RELATIONSHIP
        yield from _values(values)
        yield from ((written(name), "component") for name in sorted(components))
        yield from ((name, "system") for name in system)
        return
    for step in steps:
        inner = values.get(step)
        values = {} if inner is None else dict(inner.fields)
    yield from _values(values)


def _values(values: Mapping[str, ValueFacts]) -> Iterator[tuple[str, str]]:
    for name in sorted(values, key=str.lower):
        yield written(name), values[name].schema or "property"


def _expression(clause: str, last: str, found: TypedPatterns) -> Iterator[tuple[str, str]]:
    from kastor.query.cypher.functions import AGGREGATES

    for name, kind in found.scope.aliases.items():
        yield written(name, variable=True), kind
    has_groups = clause in {"RETURN", "WITH", "ORDER"}
    for name in sorted(function_names(), key=lambda each: (each not in AGGREGATES, each.lower())):
        if has_groups or name not in AGGREGATES:
            yield f"{name}(", FUNCTION
    begin = ("DISTINCT", "*") if last in {"RETURN", "WITH"} else ()
    yield from words((*begin, *_OPERAND))


def written(name: str, *, variable: bool = False) -> str:
    """Return a name as it may stand; odd ones in backticks, and of variables reserved ones too."""
    bare = name.removeprefix("$")
    if is_plain(bare) or (not variable and bare.upper() in RESERVED):
        return name
    return f"`{name.replace('`', '``')}`"
