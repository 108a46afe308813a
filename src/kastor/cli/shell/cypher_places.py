"""Where in a query of openCypher the cursor stands, and which names the query itself makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kastor.cli.shell.lexing import TypedToken
from kastor.cli.shell.places import NamesInQuery
from kastor.lang.cypher.tokens import name_of
from kastor.lang.cypher.words import RESERVED
from kastor.lang.tokens import ESCAPED, NUMBER, STRING, WORD

_CLAUSES = frozenset(
    {"MATCH", "WHERE", "RETURN", "WITH", "UNWIND", "ORDER", "SKIP", "LIMIT", "UNION", "CASE"}
    | {"EXPLAIN"}
)
_OPENING, _CLOSING = frozenset("([{"), {")": "(", "]": "[", "}": "{"}
_LABELS = frozenset(":|&")
_LITERALS = frozenset({"TRUE", "FALSE", "NULL"})
_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">=", "CONTAINS", "IN"})
_NODE_BEGINS = frozenset({"MATCH", "EXISTS", "WHERE", "NOT", "AND", "OR", "-", ">", ",", "{", "="})
_IDS = frozenset({"ID", "ELEMENTID"})


class NamedHop(NamedTuple):
    """A relationship of a pattern, from its source to its target, by their variables."""

    source: str
    target: str
    names: tuple[str, ...]


class TypedPatterns(NamedTuple):
    """What a query says of its own names: labels stand in `models` as they are written."""

    scope: NamesInQuery
    hops: list[NamedHop]


class PatternSpot(NamedTuple):
    """What a place of a pattern wants, and whose."""

    kind: Literal["label", "type", "map", "variable", ""]
    of: str = ""
    words: tuple[str, ...] = ()


def scope_of(tokens: Sequence[TypedToken]) -> TypedPatterns:
    """Return what a query says, wherever it says it: the cursor may stand before that."""
    found = TypedPatterns(NamesInQuery(), [])
    for at, token in enumerate(tokens):
        if key(tokens, at - 1) == ".":
            continue
        if token.key == "MATCH" or (token.key == "{" and key(tokens, at - 1) == "EXISTS"):
            _read_pattern(tokens, at + 1, found)
        elif token.key == "IS_OF_MODEL" and kind(tokens, at + 4) == STRING:
            _note(found, name(tokens, at + 2), tokens[at + 4].text[1:-1])
        elif token.key == ":" and is_name(tokens, at - 1) and key(tokens, at - 2) != "(":
            _read_labels(tokens, at, name(tokens, at - 1), found)
        elif token.key == "AS" and is_name(tokens, at + 1) and key(tokens, at - 2) != ".":
            _read_named(tokens, at, found.scope)
    return found


def _read_named(tokens: Sequence[TypedToken], at: int, scope: NamesInQuery) -> None:
    """``WITH n AS m`` gives another name to the same."""
    old, new = name(tokens, at - 1), name(tokens, at + 1)
    if old in scope.aliases:
        scope.aliases.setdefault(new, scope.aliases[old])
        scope.models.setdefault(new, scope.models.get(old, []))


def _note(found: TypedPatterns, alias: str, label: str) -> None:
    if label == "Model":
        found.scope.aliases[alias] = "model"
    elif label != "Twin":
        found.scope.models.setdefault(alias, []).append(label)


def _read_labels(tokens: Sequence[TypedToken], begin: int, alias: str, found: TypedPatterns) -> int:
    at = begin
    while key(tokens, at) in _LABELS:
        if kind(tokens, at + 1) in (WORD, ESCAPED):
            if alias:
                _note(found, alias, name(tokens, at + 1))
            at += 1
        at += 1
    return at


class _Edge(NamedTuple):
    alias: str
    names: tuple[str, ...]
    is_back: bool
    is_range: bool


def _read_pattern(tokens: Sequence[TypedToken], begin: int, found: TypedPatterns) -> None:
    """``p = (a:Room {..})-[r:name]->(b)<-[..]-(c), (d) ..``."""
    at, last, edge = begin, None, None
    while at < len(tokens):
        sign = key(tokens, at)
        if sign == "(":
            at, alias = _read_node(tokens, at, found)
            if edge is not None and last is not None and not edge.is_range:
                ends = (alias, last) if edge.is_back else (last, alias)
                found.hops.append(NamedHop(*ends, edge.names))
            last, edge = alias, None
        elif sign == "[":
            at, edge = _read_edge(tokens, at, found)
        elif sign in {"-", ">", "<"}:
            at += 1
        elif sign == ",":
            at, last, edge = at + 1, None, None
        elif is_name(tokens, at) and key(tokens, at + 1) == "=":
            at += 2
        else:
            return


def _read_node(tokens: Sequence[TypedToken], at: int, found: TypedPatterns) -> tuple[int, str]:
    alias = name(tokens, at + 1) if is_name(tokens, at + 1) else ""
    at += 2 if alias else 1
    if alias:
        found.scope.aliases.setdefault(alias, "twin")
    at = _read_labels(tokens, at, alias, found)
    if key(tokens, at) == "{":
        at = _behind(tokens, at)
    return (at + 1 if key(tokens, at) == ")" else at), alias


def _read_edge(tokens: Sequence[TypedToken], at: int, found: TypedPatterns) -> tuple[int, _Edge]:
    is_back = key(tokens, at - 1) == "-" and key(tokens, at - 2) == "<"
    alias = name(tokens, at + 1) if is_name(tokens, at + 1) else ""
    at += 2 if alias else 1
    names: list[str] = []
    while key(tokens, at) in _LABELS:
        if kind(tokens, at + 1) in (WORD, ESCAPED):
            names.append(name(tokens, at + 1))
            at += 1
        at += 1
    is_range = False
    while at < len(tokens) and key(tokens, at) not in {"]", "("}:
        is_range = is_range or key(tokens, at) == "*"
        at += 1
    if alias:
        found.scope.aliases[alias] = "relationship"
        found.scope.relationships.setdefault(alias, []).extend(names)
    is_forth = key(tokens, at + 1) == "-" and key(tokens, at + 2) == ">"
    edge = _Edge(alias, tuple(names), is_back, is_range or is_back == is_forth)
    return (at + 1 if key(tokens, at) == "]" else at), edge


def _behind(tokens: Sequence[TypedToken], begin: int) -> int:
    depth = 0
    for at in range(begin, len(tokens)):
        depth += (tokens[at].key == "{") - (tokens[at].key == "}")
        if depth == 0:
            return at + 1
    return len(tokens)


def clause_of(tokens: Sequence[TypedToken]) -> tuple[str, list[int]]:
    """Return the clause that goes on behind these tokens, and where brackets are open there."""
    clause, around = "", list[tuple[int, str]]()
    for at, token in enumerate(tokens):
        if token.key in _OPENING:
            around.append((at, clause))
            if token.key == "{" and key(tokens, at - 1) == "EXISTS":
                clause = "MATCH"
        elif around and tokens[around[-1][0]].key == _CLOSING.get(token.key):
            clause = around.pop()[1]
        elif token.key == "END" and clause == "CASE":
            clause = ""
        elif token.key in _CLAUSES and key(tokens, at - 1) not in {".", ":"}:
            is_part = token.key == "WITH" and key(tokens, at - 1) in {"STARTS", "ENDS"}
            clause = clause if is_part else token.key
    return clause, [at for at, _ in around]


def spot_of(tokens: Sequence[TypedToken], clause: str, around: Sequence[int]) -> PatternSpot:
    """Return what a pattern or a label wants where the cursor stands."""
    last = tokens[-1].key if tokens else ""
    inner = around[-1] if around else -1
    bracket = key(tokens, inner)
    is_edge = bracket == "[" and key(tokens, inner - 1) == "-"
    if is_edge:
        return (
            PatternSpot("type", _source_of(tokens, inner))
            if last in _LABELS
            else PatternSpot("variable")
        )
    if bracket == "{" and last in {"{", ","} and len(around) > 1:
        return _map_of(tokens, around[-2], inner)
    if last in _LABELS and bracket not in {"{", "["}:
        return PatternSpot("label")
    is_node = bracket == "(" and clause == "MATCH" and key(tokens, inner - 1) in _NODE_BEGINS
    return PatternSpot("variable") if is_node else PatternSpot("")


def _map_of(tokens: Sequence[TypedToken], outer: int, inner: int) -> PatternSpot:
    """``(n:Room {`` and ``[r:name {``."""
    is_edge = key(tokens, outer) == "[" and key(tokens, outer - 1) == "-"
    is_node = key(tokens, outer) == "(" and key(tokens, outer - 1) in _NODE_BEGINS
    if not (is_edge or is_node):
        return PatternSpot("")
    words = tuple(name(tokens, at + 1) for at in range(outer, inner) if tokens[at].key in _LABELS)
    return PatternSpot("map", "relationship" if is_edge else "twin", words)


def _source_of(tokens: Sequence[TypedToken], at: int) -> str:
    """Return the node from which the edge at a place starts: ``(a)-[``."""
    depth = 0
    for here in range(at - 1, -1, -1):
        depth += (tokens[here].key == ")") - (tokens[here].key == "(")
        if tokens[here].key == "(" and depth == 0:
            return name(tokens, here + 1) if is_name(tokens, here + 1) else ""
    return ""


def path_before(tokens: Sequence[TypedToken]) -> list[str]:
    """Return the steps of the path that ends with a dot behind these tokens; none without one."""
    return _path(tokens, len(tokens) - 2) if key(tokens, len(tokens) - 1) == "." else []


def _path(tokens: Sequence[TypedToken], at: int) -> list[str]:
    steps: list[str] = []
    while kind(tokens, at) in (WORD, ESCAPED):
        steps.append(name(tokens, at))
        if key(tokens, at - 1) != ".":
            break
        at -= 2
    return steps[::-1]


def string_place(tokens: Sequence[TypedToken]) -> Literal["model", "twin", ""]:
    """Return what the string that begins behind these tokens names."""
    at = len(tokens) - 1
    if key(tokens, at) == "," and key(tokens, at - 3) == "IS_OF_MODEL":
        return "model"
    while at >= 0 and (key(tokens, at) == "," or kind(tokens, at) == STRING):
        at -= 1
    if key(tokens, at) == "[" and key(tokens, at - 1) == "IN":
        at -= 1
    if key(tokens, at) not in _COMPARISONS:
        return ""
    if key(tokens, at - 1) == ")" and key(tokens, at - 4) in _IDS:
        return "twin"
    path = _path(tokens, at - 1)
    match path[-1:]:
        case ["$model"]:
            return "model"
        case ["$dtId" | "$sourceId" | "$targetId"]:
            return "twin"
        case _:
            return ""


def ends_value(tokens: Sequence[TypedToken], functions: frozenset[str]) -> bool:
    """Whether a value or a name stands before the cursor, so that a word goes on with the query."""
    if not tokens:
        return False
    last = tokens[-1]
    if last.kind == WORD:
        is_free = last.key not in RESERVED and last.key not in functions and last.key != "EXPLAIN"
        is_end = last.key in _LITERALS or last.key == "END"
        return is_free or is_end or key(tokens, len(tokens) - 2) == "."
    if last.key == "*":
        return key(tokens, len(tokens) - 2) in {"RETURN", "DISTINCT", "WITH"}
    return last.kind in (STRING, ESCAPED, NUMBER) or last.key in _CLOSING


def is_name(tokens: Sequence[TypedToken], at: int) -> bool:
    """Whether a token is a name that a query makes."""
    if kind(tokens, at) == ESCAPED:
        return True
    is_word = kind(tokens, at) == WORD and not tokens[at].text.startswith("$")
    return is_word and key(tokens, at) not in RESERVED


def name(tokens: Sequence[TypedToken], at: int) -> str:
    """Return the name at a place, without its backticks; the empty string where there is none."""
    return name_of(tokens[at].kind, tokens[at].text) if 0 <= at < len(tokens) else ""


def key(tokens: Sequence[TypedToken], at: int) -> str:
    """Return the key of a token; the empty string where there is none."""
    return tokens[at].key if 0 <= at < len(tokens) else ""


def kind(tokens: Sequence[TypedToken], at: int) -> str:
    """Return the kind of a token; the empty string where there is none."""
    return tokens[at].kind if 0 <= at < len(tokens) else ""
