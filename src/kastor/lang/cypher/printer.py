"""Tree to canonical text: what it prints parses to the same tree."""

from __future__ import annotations

from typing import assert_never

from kastor.lang.cypher import tree
from kastor.lang.cypher.words import is_plain

_OR, _XOR, _AND, _NOT, _COMPARE, _TEST, _ADD, _TIMES, _POWER, _SIGN, _ATOM = range(1, 12)
_ARITHMETIC = {"+": _ADD, "-": _ADD, "*": _TIMES, "/": _TIMES, "%": _TIMES, "^": _POWER}


def print_cypher(query: tree.Statement) -> str:
    """`query` as text of one line."""
    if isinstance(query, tree.Query):
        return f"{'EXPLAIN ' if query.explain else ''}{_query(query)}"
    word = " UNION ALL " if query.whole else " UNION "
    return f"{'EXPLAIN ' if query.explain else ''}{word.join(map(_query, query.queries))}"


def _query(query: tree.Query) -> str:
    return " ".join([*map(_clause, query.clauses), f"RETURN {_projection(query.result)}"])


def _clause(clause: tree.Clause) -> str:
    match clause:
        case tree.Match():
            word = "OPTIONAL MATCH" if clause.optional else "MATCH"
            return f"{word} {', '.join(map(_pattern, clause.patterns))}{_where(clause.where)}"
        case tree.Unwind():
            return f"UNWIND {print_expression(clause.value)} AS {print_name(clause.name.text)}"
        case tree.With():
            return f"WITH {_projection(clause.projection)}{_where(clause.where)}"
        case _:
            assert_never(clause)


def _where(where: tree.Expression | None) -> str:
    return "" if where is None else f" WHERE {print_expression(where)}"


def _projection(made: tree.Projection) -> str:
    parts = ["DISTINCT"] if made.distinct else []
    parts.append(", ".join((["*"] if made.star else []) + list(map(_column, made.columns))))
    if made.order:
        parts.append(f"ORDER BY {', '.join(map(_order, made.order))}")
    for word, count in (("SKIP", made.skip), ("LIMIT", made.limit)):
        if count is not None:
            parts.append(f"{word} {print_expression(count)}")
    return " ".join(parts)


def print_name(name: str) -> str:
    """A name, in backticks where it could be taken for something else."""
    return name if is_plain(name) else "`" + name.replace("`", "``") + "`"


def print_expression(node: tree.Expression, least: int = _OR) -> str:
    """A value or a condition, in parentheses if it binds looser than its place needs."""
    text, binding = _printed(node)
    return f"({text})" if binding < least else text


def _printed(node: tree.Expression) -> tuple[str, int]:
    """The text, and how tight it binds."""
    match node:
        case tree.Or() | tree.And():
            word, binding = ("OR", _OR) if isinstance(node, tree.Or) else ("AND", _AND)
            terms = [print_expression(term, binding + 1) for term in node.terms]
            return f" {word} ".join(terms), binding
        case tree.Xor():
            left, right = print_expression(node.left, _XOR), print_expression(node.right, _AND)
            return f"{left} XOR {right}", _XOR
        case tree.Not():
            return f"NOT {print_expression(node.operand, _NOT)}", _NOT
        case tree.Comparison():
            left, right = print_expression(node.left, _TEST), print_expression(node.right, _TEST)
            return f"{left} {node.op} {right}", _COMPARE
        case tree.Arithmetic():
            binding = _ARITHMETIC[node.op]
            left = print_expression(node.left, binding)
            return f"{left} {node.op} {print_expression(node.right, binding + 1)}", binding
        case tree.Negative():
            return f"-{_signed(node.operand)}", _SIGN
        case tree.TextTest() | tree.Membership() | tree.NullTest():
            return _test(node), _TEST
        case _:
            return _atom(node), _ATOM


def _signed(operand: tree.Expression) -> str:
    """What stands behind a sign; a number there would be read as a negative literal."""
    text = print_expression(operand, _SIGN)
    return f"({text})" if text[0] in "-.0123456789" else text


def _test(node: tree.TextTest | tree.Membership | tree.NullTest) -> str:
    match node:
        case tree.TextTest():
            return f"{_operand(node.subject)} {node.name} {print_expression(node.part, _ADD)}"
        case tree.Membership():
            return f"{_operand(node.item)} IN {print_expression(node.values, _ADD)}"
        case tree.NullTest():
            return f"{_operand(node.operand)} IS {'NOT ' if node.negated else ''}NULL"
        case _:
            assert_never(node)


def _operand(node: tree.Expression) -> str:
    return print_expression(node, _TEST)


def _atom(
    node: tree.Literal
    | tree.Parameter
    | tree.Variable
    | tree.MemberOf
    | tree.ItemOf
    | tree.SliceOf
    | tree.Case
    | tree.ListOf
    | tree.Comprehension
    | tree.Matches
    | tree.Quantifier
    | tree.MapOf
    | tree.Labelled
    | tree.Call
    | tree.Exists,
) -> str:
    # Branches because each kind of node is written in its own way.
    match node:
        case tree.Literal():
            return print_literal(node.value)
        case tree.Parameter():
            return f"${node.name}"
        case tree.Variable():
            return print_name(node.name)
        case tree.MemberOf():
            return f"{_base(node.base)}.{print_name(node.key)}"
        case tree.ItemOf():
            return f"{_base(node.base)}[{print_expression(node.index)}]"
        case tree.SliceOf():
            ends = ["" if one is None else print_expression(one) for one in (node.low, node.high)]
            return f"{_base(node.base)}[{'..'.join(ends)}]"
        case tree.Case():
            return _case(node)
        case tree.ListOf():
            return f"[{', '.join(map(print_expression, node.items))}]"
        case tree.Comprehension() | tree.Matches():
            return _made(node)
        case tree.Quantifier():
            return f"{node.name}({_each(node)} WHERE {print_expression(node.where)})"
        case tree.MapOf():
            return _map(node)
        case tree.Labelled():
            return f"{print_name(node.variable.text)}{_labels(node.labels)}"
        case tree.Call():
            inner = "*" if node.whole else ", ".join(map(print_expression, node.args))
            return f"{node.name}({'DISTINCT ' if node.distinct else ''}{inner})"
        case tree.Exists():
            where = f" WHERE {print_expression(node.where)}" if node.where is not None else ""
            return f"EXISTS {{ {', '.join(map(_pattern, node.patterns))}{where} }}"
        case _:
            assert_never(node)


def _made(node: tree.Comprehension | tree.Matches) -> str:
    source = _pattern(node.pattern) if isinstance(node, tree.Matches) else _each(node)
    where = "" if node.where is None else f" WHERE {print_expression(node.where)}"
    item = "" if node.item is None else f" | {print_expression(node.item)}"
    return f"[{source}{where}{item}]"


def _each(node: tree.Comprehension | tree.Quantifier) -> str:
    return f"{print_name(node.variable.text)} IN {print_expression(node.values)}"


def _case(node: tree.Case) -> str:
    parts = ["CASE"] if node.subject is None else ["CASE", print_expression(node.subject)]
    for test, value in node.branches:
        parts.append(f"WHEN {print_expression(test)} THEN {print_expression(value)}")
    if node.otherwise is not None:
        parts.append(f"ELSE {print_expression(node.otherwise)}")
    return " ".join([*parts, "END"])


def _base(node: tree.Expression) -> str:
    """What an access follows: labels and negative numbers would take it for their own."""
    text = print_expression(node, _ATOM)
    loose = isinstance(node, tree.Labelled) or (isinstance(node, tree.Literal) and text[0] != "'")
    return f"({text})" if loose else text


def print_literal(value: str | float | bool | None) -> str:
    """A literal as the lexer reads it back."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return repr(value)


def _map(node: tree.MapOf) -> str:
    entries = (f"{print_name(name)}: {print_expression(value)}" for name, value in node.entries)
    return f"{{{', '.join(entries)}}}"


def _column(column: tree.Column) -> str:
    text = print_expression(column.value)
    return text if column.alias is None else f"{text} AS {print_name(column.alias.text)}"


def _order(term: tree.OrderTerm) -> str:
    return f"{print_expression(term.value)}{' DESC' if term.descending else ''}"


def _labels(labels: tuple[tree.Name, ...]) -> str:
    return "".join(f":{print_name(label.text)}" for label in labels)


def _pattern(pattern: tree.Pattern) -> str:
    text = _chain(pattern)
    if pattern.shortest is not None:
        word = "shortestPath" if pattern.shortest == "one" else "allShortestPaths"
        text = f"{word}({text})"
    return text if pattern.path is None else f"{print_name(pattern.path.text)} = {text}"


def _chain(pattern: tree.Pattern) -> str:
    text = _node(pattern.nodes[0])
    for edge, node in zip(pattern.edges, pattern.nodes[1:], strict=True):
        head, tail = {"->": ("-", "->"), "<-": ("<-", "-"), "-": ("-", "-")}[edge.direction]
        text += f"{head}[{_edge(edge)}]{tail}{_node(node)}"
    return text


def _node(node: tree.Node) -> str:
    name = print_name(node.name.text) if node.name is not None else ""
    members = _map(node.members) if node.members is not None else ""
    return f"({name}{_labels(node.labels)}{' ' if name and members else ''}{members})"


def _edge(edge: tree.Edge) -> str:
    text = print_name(edge.name.text) if edge.name is not None else ""
    if edge.types:
        text += ":" + "|".join(print_name(one.text) for one in edge.types)
    if edge.range is not None:
        low, high = edge.range.low, edge.range.high
        if low is not None and low == high:
            text += f"*{low}"
        else:
            shown = ["" if one is None else str(one) for one in (low, high)]
            text += "*" if shown == ["", ""] else f"*{shown[0]}..{shown[1]}"
    return text + (f" {_map(edge.members)}" if edge.members is not None else "")
