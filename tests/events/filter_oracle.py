"""A second opinion on filters: a lark grammar for the syntax, a plain evaluator for the meaning."""

from __future__ import annotations

import json
from typing import Any

from lark import Lark
from lark.exceptions import LarkError

from kastor.events import filter_tree as tree
from kastor.events.model import Event

GRAMMAR = r"""
start: or
or: and (_OR and)*
and: term (_AND term)*
term: _NOT term | "(" or ")" | BOOLEAN | comparison | call | changed
comparison: operand SIGN operand
call: FUNCTION "(" operand "," operand ")"
changed: _CHANGED "(" (NAME | DOLLAR | BODY | ANY | POINTER) ")"
operand: STRING | POINTER | NUMBER | BOOLEAN | NULL | PLAIN | BODY

SIGN: "=" | "!=" | "<=" | ">=" | "<" | ">"
_OR.3: /or(?!\w)/i
_AND.3: /and(?!\w)/i
_NOT.3: /not(?!\w)/i
BOOLEAN.3: /(true|false)(?![\w.])/i
NULL.3: /null(?![\w.])/i
FUNCTION.4: /(STARTS_WITH|ENDS_WITH|CONTAINS)(?=\s*\()/i
_CHANGED.4: /CHANGED(?=\s*\()/i
NUMBER: /-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![\w.$])/
POINTER.2: /'\/([^'\\]|\\.|'')*'(?!')/s
STRING: /'([^'\\]|\\.|'')*'(?!')/s
BODY.2: /\$body(?!\w)(\.[\w$-]+)*|\$changed(\.[\w$-]+)+/
PLAIN: /(?!(?i:and|or|not)(?!\w))\$?[A-Za-z_]\w*(?![\w.])/
ANY: /\$?[A-Za-z_]\w*(?![\w.])/
NAME: /[A-Za-z_]\w*(\.[\w$-]+)+/
DOLLAR.1: /\$[A-Za-z_]\w*(\.[\w$-]+)+/
%ignore /\s+/
"""
PARSER = Lark(GRAMMAR, parser="earley", lexer="dynamic")

UPDATES = ("Microsoft.DigitalTwins.Twin.Update", "Microsoft.DigitalTwins.Relationship.Update")
MISSING = object()


def accepts(text: str) -> bool:
    """Whether the grammar knows the text."""
    try:
        PARSER.parse(text)
    except LarkError:
        return False
    return True


def printed(node: Any) -> str:
    """The text of a tree, with brackets around everything."""
    match node:
        case tree.Constant(value):
            return str(value).lower()
        case tree.And(terms):
            return " AND ".join(f"({printed(each)})" for each in terms)
        case tree.Or(terms):
            return " or ".join(f"({printed(each)})" for each in terms)
        case tree.Not(term):
            return f"NOT ({printed(term)})"
        case tree.Comparison(sign, left, right):
            return f"{printed(left)} {sign} {printed(right)}"
        case tree.Call(function, text, part):
            return f"{function}({printed(text)}, {printed(part)})"
        case tree.Changed(path):
            return f"CHANGED('{_quoted(''.join('/' + _pointer(step) for step in path))}')"
        case tree.Literal(str(value)):
            return f"'{_quoted(value)}'"
        case tree.Literal(value):
            return json.dumps(value)
        case tree.Attribute(name):
            return name
        case tree.Body(path):
            return ".".join(("$body", *path))
        case tree.NewValue(path):
            return ".".join(("$changed", *path))
    raise AssertionError(node)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")


def _pointer(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def truth(node: Any, event: Event) -> bool | None:
    """What a condition is for an event, spelled out."""
    match node:
        case tree.Constant(value):
            return value
        case tree.And(terms):
            truths = [truth(each, event) for each in terms]
            return False if False in truths else None if None in truths else True
        case tree.Or(terms):
            truths = [truth(each, event) for each in terms]
            return True if True in truths else None if None in truths else False
        case tree.Not(term):
            inner = truth(term, event)
            return None if inner is None else not inner
        case tree.Comparison(sign, left, right):
            return _compared(node, sign, operand_value(left, event), operand_value(right, event))
        case tree.Call(function, text, part):
            first, second = operand_value(text, event), operand_value(part, event)
            if not isinstance(first, str) or not isinstance(second, str):
                return None
            start, end = first[: len(second)], first[len(first) - len(second) :]
            shorter = len(second) <= len(first)
            if function == "CONTAINS":
                return second in first
            return shorter and (start if function == "STARTS_WITH" else end) == second
        case tree.Changed(path):
            return any(_related(steps, path) for steps, _ in _patch(event))
    raise AssertionError(node)


def _compared(node: Any, sign: str, first: Any, second: Any) -> bool | None:
    null = tree.Literal(None)
    if null in (node.left, node.right) and sign in ("=", "!="):
        other = first if node.right == null else second
        if sign == "!=":
            return other is not MISSING and other is not None
        return None if other is MISSING else other is None
    kinds = {_kind(first), _kind(second)}
    if len(kinds) != 1 or kinds <= {"missing", "container"}:
        return None
    if kinds == {"null"}:
        return {"=": True, "!=": False}.get(sign)
    answers = {
        "=": first == second,
        "!=": first != second,
        "<": first < second,
        "<=": first <= second,
        ">": first > second,
        ">=": first >= second,
    }
    return bool(answers[sign])


def _kind(found: Any) -> str:
    if found is MISSING:
        return "missing"
    if found is None:
        return "null"
    if isinstance(found, bool):
        return "boolean"
    if isinstance(found, str):
        return "string"
    return "number" if isinstance(found, int | float) else "container"


def operand_value(node: Any, event: Event) -> Any:
    """What an operand is for an event; MISSING where there is nothing."""
    match node:
        case tree.Literal(literal):
            return literal
        case tree.Attribute("specversion"):
            return "1.0"
        case tree.Attribute("type" | "source" | "subject" | "dataschema" | "id" | "time" as name):
            found = getattr(event, name)
            return MISSING if found is None else found
        case tree.Attribute("datacontenttype"):
            return event.datacontenttype
        case tree.Attribute():
            return MISSING
        case tree.Body(path):
            return _inside(json.loads(event.data), path)
        case tree.NewValue(path):
            newest = MISSING
            for steps, given in _patch(event):
                if list(path[: len(steps)]) == steps:
                    newest = MISSING if given is MISSING else _inside(given, path[len(steps) :])
            return newest
    raise AssertionError(node)


def _inside(found: Any, path: Any) -> Any:
    for step in path:
        found = found.get(step, MISSING) if isinstance(found, dict) else MISSING
    return found


def _patch(event: Event) -> list[tuple[list[str], Any]]:
    if event.type not in UPDATES:
        return []
    found = []
    for operation in json.loads(event.data)["patch"]:
        steps = [
            step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]
        ]
        found.append((steps, operation.get("value", MISSING)))
    return found


def _related(steps: list[str], path: tuple[str, ...]) -> bool:
    return all(a == b for a, b in zip(steps, path, strict=False))
