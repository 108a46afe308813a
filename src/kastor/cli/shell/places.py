"""Where in a query the cursor stands, and which names the query itself makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kastor.cli.shell.lexing import TypedToken
from kastor.lang.tokens import ESCAPED, NUMBER, STRING, WORD
from kastor.lang.words import FUNCTIONS, RESERVED

Kind: TypeAlias = Literal["twin", "relationship", "model"]
_CLAUSES = frozenset(
    {"SELECT", "FROM", "JOIN", "RELATED", "MATCH", "WHERE", "ORDER", "GROUP", "HAVING", "EXPLAIN"}
)
_NOT_NAMES = RESERVED | {"JOIN", "RELATED", "MATCH", "LEFT", "LIMIT", "OFFSET", "HAVING", "EXPLAIN"}
_LITERALS = frozenset({"TRUE", "FALSE", "NULL"})
_COLLECTIONS: Mapping[str, Kind] = {
    "DIGITALTWINS": "twin",
    "RELATIONSHIPS": "relationship",
    "MODELS": "model",
}


@dataclass(slots=True)
class NamesInQuery:
    """What a query says of its own names, as far as it is written.

    Attributes:
        aliases: what each alias stands for.
        models: ids that `IS_OF_MODEL` and `$metadata.$model` name, by alias; without one under "".
        relationships: names that each alias of a relationship has.
        collection: what FROM names; twins until it does.
    """

    aliases: dict[str, Kind] = field(default_factory=dict)
    models: dict[str, list[str]] = field(default_factory=dict)
    relationships: dict[str, list[str]] = field(default_factory=dict)
    collection: Kind = "twin"

    def models_of(self, alias: str) -> list[str]:
        """Return the models of an alias, or of what has none."""
        return self.models.get(alias) or self.models.get("", [])


def scope_of(tokens: Sequence[TypedToken]) -> NamesInQuery:
    """Return what a query says, wherever it says it: the cursor may stand before that."""
    scope = NamesInQuery()
    for at, token in enumerate(tokens):
        match token.key:
            case "FROM":
                _read_from(tokens, at, scope)
            case "JOIN":
                _read_join(tokens, at, scope)
            case "(" | "[" if _key(tokens, at - 1) in {"MATCH", "-", ">", ",", ")", "]"}:
                _read_pattern(tokens, at, scope)
            case "IS_OF_MODEL":
                alias = "" if _kind(tokens, at + 2) == STRING else _text(tokens, at + 2)
                literal = _text(tokens, at + 2 if not alias else at + 4)
                _note(scope.models, alias, literal)
            case "$MODEL" if _key(tokens, at + 1) == "=":
                is_of_alias = at >= 4 and _text(tokens, at - 4) in scope.aliases  # noqa: PLR2004 - T . $metadata . $model
                _note(
                    scope.models,
                    _text(tokens, at - 4) if is_of_alias else "",
                    _text(tokens, at + 2),
                )
            case _:
                pass
    return scope


def _read_from(tokens: Sequence[TypedToken], at: int, scope: NamesInQuery) -> None:
    kind = _COLLECTIONS.get(_key(tokens, at + 1))
    if kind is not None:
        scope.collection = kind
        after = at + 3 if _key(tokens, at + 2) == "AS" else at + 2
        if _is_name(tokens, after):
            scope.aliases[_text(tokens, after)] = kind


def _read_join(tokens: Sequence[TypedToken], at: int, scope: NamesInQuery) -> None:
    """``JOIN target RELATED source.name [AS] alias``."""
    if _is_name(tokens, at + 1):
        scope.aliases[_text(tokens, at + 1)] = "twin"
    if _key(tokens, at + 2) != "RELATED" or _key(tokens, at + 4) != ".":
        return
    after = at + 7 if _key(tokens, at + 6) == "AS" else at + 6
    if _is_name(tokens, after):
        alias = _text(tokens, after)
        scope.aliases[alias] = "relationship"
        scope.relationships.setdefault(alias, []).append(_text(tokens, at + 5))


def _read_pattern(tokens: Sequence[TypedToken], at: int, scope: NamesInQuery) -> None:
    """``(a)`` and ``-[r:name|name]-`` of a MATCH."""
    is_node = tokens[at].key == "("
    following = _key(tokens, at + 2)
    if not _is_name(tokens, at + 1) or following not in ({")"} if is_node else {":", "]", "*"}):
        return
    alias = _text(tokens, at + 1)
    scope.aliases.setdefault(alias, "twin" if is_node else "relationship")
    step = at + 2
    while not is_node and _key(tokens, step) in {":", "|"}:
        scope.relationships.setdefault(alias, []).append(_text(tokens, step + 1))
        step += 2


def _note(where: dict[str, list[str]], alias: str, literal: str) -> None:
    if literal[:1] in {"'", '"'}:
        where.setdefault(alias, []).append(literal.strip("'\""))


def clause_of(tokens: Sequence[TypedToken]) -> str:
    """Return the clause that follows these tokens or goes on; the empty string at the start."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].key in _CLAUSES and _key(tokens, at - 1) != ".":
            return tokens[at].key
    return ""


def string_place(tokens: Sequence[TypedToken]) -> Literal["model", "relationship", "twin", ""]:
    """Return what the string that begins behind these tokens names."""
    at = len(tokens) - 1
    if _key(tokens, at) == "," and _key(tokens, at - 2) == "(":
        return "model" if _key(tokens, at - 3) == "IS_OF_MODEL" else ""
    if _key(tokens, at) == "(":
        return "model" if _key(tokens, at - 1) == "IS_OF_MODEL" else ""
    while _key(tokens, at) == "," or _kind(tokens, at) == STRING:
        at -= 1  # what stands before it in a list
    if _key(tokens, at) == "[":
        at -= 1
    if _key(tokens, at) not in {"=", "!=", "IN", "NIN", "NOT_IN"}:
        return ""
    match _key(tokens, at - 2 if _key(tokens, at - 1) == "NOT" else at - 1):
        case "$MODEL":
            return "model"
        case "$RELATIONSHIPNAME":
            return "relationship"
        case "$DTID" | "$SOURCEID" | "$TARGETID":
            return "twin"
        case _:
            return ""


def path_before(tokens: Sequence[TypedToken]) -> list[str]:
    """Return the steps of the path that ends with a dot behind these tokens; none without one."""
    steps: list[str] = []
    at = len(tokens) - 1
    while _key(tokens, at) == "." and _kind(tokens, at - 1) in (WORD, ESCAPED):
        steps.append(_text(tokens, at - 1).strip("[]"))
        at -= 2
    return steps[::-1]


def names_relationship(tokens: Sequence[TypedToken]) -> bool:
    """Whether a relationship's name comes next: ``-[r:`` or ``|`` of a pattern."""
    at = len(tokens) - 1
    if clause_of(tokens) != "MATCH" or _key(tokens, at) not in {":", "|"}:
        return False
    return any(token.key == "[" for token in tokens[max(0, at - 40) : at])


def ends_value(tokens: Sequence[TypedToken]) -> bool:
    """Whether a value or a name stands before the cursor, so that a word goes on with the query."""
    if not tokens:
        return False
    last = tokens[-1]
    if last.key == ")":
        return [token.key for token in tokens[-4:-2]] != ["TOP", "("]
    if last.kind == WORD:
        is_free = last.key not in _NOT_NAMES and last.key not in FUNCTIONS
        return is_free or last.key in _LITERALS or _key(tokens, len(tokens) - 2) == "."
    return last.kind in (STRING, ESCAPED, NUMBER) or last.key in {"]", "*", "}"}


def _is_name(tokens: Sequence[TypedToken], at: int) -> bool:
    return _kind(tokens, at) == WORD and _key(tokens, at) not in _NOT_NAMES


def _key(tokens: Sequence[TypedToken], at: int) -> str:
    return tokens[at].key if 0 <= at < len(tokens) else ""


def _kind(tokens: Sequence[TypedToken], at: int) -> str:
    return tokens[at].kind if 0 <= at < len(tokens) else ""


def _text(tokens: Sequence[TypedToken], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""
