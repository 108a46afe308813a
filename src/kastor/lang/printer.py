"""Tree to canonical text: what it prints parses to the same tree."""

from __future__ import annotations

from typing import assert_never

from kastor.lang import ast
from kastor.lang.words import SYSTEM_NAMES, is_plain

_LOOSE = {ast.Or: 1, ast.And: 2, ast.Not: 3}
_ARITHMETIC = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


def print_query(query: ast.Query) -> str:
    """`query` as text of one line."""
    parts = ["EXPLAIN SELECT" if query.explain else "SELECT"]
    if query.top is not None:
        parts.append(f"TOP({_count(query.top)})")
    if query.distinct:
        parts.append("DISTINCT")
    parts.append("*" if query.columns is None else ", ".join(map(_column, query.columns)))
    parts.append(_from(query.source))
    if query.where is not None:
        parts.append(f"WHERE {print_condition(query.where)}")
    if query.group:
        parts.append(f"GROUP BY {', '.join(map(print_scalar, query.group))}")
    if query.having is not None:
        parts.append(f"HAVING {print_condition(query.having)}")
    if query.order:
        parts.append(f"ORDER BY {', '.join(map(_order, query.order))}")
    if query.limit is not None:
        parts.append(f"LIMIT {_count(query.limit)}")
    if query.offset is not None:
        parts.append(f"OFFSET {_count(query.offset)}")
    return " ".join(parts)


def print_name(name: ast.Name) -> str:
    """An identifier, escaped where it could be taken for something else."""
    return name.text if is_plain(name.text) else f"[[{name.text}]]"


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


def print_scalar(node: ast.Scalar) -> str:
    """A value."""
    match node:
        case ast.Path():
            return _path(node)
        case ast.Literal():
            return print_literal(node.value)
        case ast.Parameter():
            return f"${node.name}"
        case ast.Arithmetic():
            right_least = _ARITHMETIC[node.op] + 1
            left = _operand(node.left, _ARITHMETIC[node.op])
            return f"{left} {node.op} {_operand(node.right, right_least)}"
        case ast.Negative():
            return f"-{_operand(node.operand, 3)}"
        case ast.Call():
            return f"{node.name}({', '.join(map(print_scalar, node.args))})"
        case ast.Aggregate():
            inner = "" if node.argument is None else print_scalar(node.argument)
            return f"{node.name}({'DISTINCT ' if node.distinct else ''}{inner})"
        case _:
            assert_never(node)


def print_condition(node: ast.Condition) -> str:
    """A condition."""
    match node:
        case ast.And() | ast.Or():
            word = " AND " if isinstance(node, ast.And) else " OR "
            return word.join(_term(term, _LOOSE[type(node)] + 1) for term in node.terms)
        case ast.Not():
            return f"NOT {_term(node.operand, 3)}"
        case ast.Comparison():
            return f"{print_scalar(node.left)} {node.op} {print_scalar(node.right)}"
        case ast.Membership():
            word = "NIN" if node.negated else "IN"
            return f"{print_scalar(node.operand)} {word} {_list(node.values)}"
        case ast.InQuery():
            word = "NOT IN" if node.negated else "IN"
            return f"{print_scalar(node.operand)} {word} ({print_query(node.query)})"
        case ast.Like():
            word = "NOT LIKE" if node.negated else "LIKE"
            return f"{print_scalar(node.operand)} {word} {_text(node.pattern)}"
        case ast.Exists():
            where = f" WHERE {print_condition(node.where)}" if node.where is not None else ""
            return f"EXISTS {{ {_pattern(node.pattern)}{where} }}"
        case _:
            return _function(node)


def _function(
    node: ast.TypeTest | ast.TextTest | ast.ArrayContains | ast.OfModel | ast.Within,
) -> str:
    match node:
        case ast.TypeTest():
            return f"{node.name}({_path(node.operand)})"
        case ast.TextTest():
            case = ", true" if node.ignore_case else ""
            return f"{node.name}({print_scalar(node.subject)}, {print_scalar(node.part)}{case})"
        case ast.ArrayContains():
            return f"ARRAY_CONTAINS({_path(node.array)}, {print_scalar(node.value)})"
        case ast.OfModel():
            alias = f"{print_name(node.alias)}, " if node.alias is not None else ""
            exact = ", EXACT" if node.exact else ""
            return f"IS_OF_MODEL({alias}{_text(node.model)}{exact})"
        case ast.Within():
            return f"ST_WITHIN({print_scalar(node.point)}, {print_scalar(node.area)})"
        case _:
            assert_never(node)


def _text(value: str | ast.Parameter) -> str:
    return f"${value.name}" if isinstance(value, ast.Parameter) else print_literal(value)


def _count(value: int | ast.Parameter) -> str:
    return f"${value.name}" if isinstance(value, ast.Parameter) else str(value)


def _list(values: tuple[ast.Literal | ast.Parameter, ...] | ast.Parameter) -> str:
    if isinstance(values, ast.Parameter):
        return f"${values.name}"
    shown = [
        f"${one.name}" if isinstance(one, ast.Parameter) else print_literal(one.value)
        for one in values
    ]
    return f"[{', '.join(shown)}]"


def _term(node: ast.Condition, least: int) -> str:
    """A term, in parentheses if it binds looser than its place needs."""
    text = print_condition(node)
    return f"({text})" if _LOOSE.get(type(node), 9) < least else text


def _operand(node: ast.Scalar, least: int) -> str:
    text = print_scalar(node)
    loose = isinstance(node, ast.Arithmetic) and _ARITHMETIC[node.op] < least
    signed = text.startswith("-") and least > 1
    return f"({text})" if loose or signed else text


def _path(path: ast.Path) -> str:
    first = path.steps[0]
    if len(path.steps) == 1 and isinstance(first, ast.Name) and first.text not in SYSTEM_NAMES:
        return f"[[{first.text}]]" if first.text[0] == "$" else print_name(first)
    parts: list[str] = []
    for step in path.steps:
        if isinstance(step, ast.Index):
            parts.append(f"[{step.value}]")
        elif parts and ("[" in step.text or "]" in step.text):
            parts.append(f"[{print_literal(step.text)}]")  # brackets cannot stand in [[ ]]
        else:
            parts.append(f".{print_name(step)}" if parts else print_name(step))
    return "".join(parts)


def _column(column: ast.Column) -> str:
    value = column.value
    text = print_scalar(value) if isinstance(value, ast.SCALAR_NODES) else print_condition(value)
    return f"{text} AS {print_name(column.alias)}" if column.alias is not None else text


def _order(term: ast.OrderTerm) -> str:
    return f"{print_scalar(term.value)} DESC" if term.descending else print_scalar(term.value)


def _from(source: ast.From) -> str:
    parts = [f"FROM {source.collection}"]
    if source.alias is not None:
        parts.append(print_name(source.alias))
    for join in source.joins:
        parts.append(
            f"{'LEFT ' if join.left else ''}JOIN {print_name(join.target)} RELATED "
            f"{print_name(join.source)}.{print_name(join.relationship)}"
        )
        if join.alias is not None:
            parts.append(print_name(join.alias))
    if source.patterns:
        parts.append("MATCH " + ", ".join(map(_pattern, source.patterns)))
    return " ".join(parts)


def _pattern(pattern: ast.Pattern) -> str:
    text = _node(pattern.nodes[0])
    for edge, node in zip(pattern.edges, pattern.nodes[1:], strict=True):
        head, tail = {"->": ("-", "->"), "<-": ("<-", "-"), "-": ("-", "-")}[edge.direction]
        text += f"{head}[{_hop(edge)}]{tail}{_node(node)}"
    return text


def _node(node: ast.Node) -> str:
    return f"({print_name(node.name)})" if node.name is not None else "()"


def _hop(edge: ast.Edge) -> str:
    text = "SHORTEST" if edge.shortest else ""
    if edge.variable is not None:
        text = print_name(edge.variable)
    if edge.names:
        text += ":" + "|".join(map(print_name, edge.names))
    if edge.hops is None:
        return text
    low = "" if edge.hops.low is None else str(edge.hops.low)
    high = "" if edge.hops.high is None else str(edge.hops.high)
    if edge.hops.inclusive:
        return f"{text}*{{{low},{high}}}"
    return f"{text}*{low}" if edge.hops.exact else f"{text}*{low}..{high}"
