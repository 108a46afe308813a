"""The base language as a lark grammar: a second parser, only to agree on what is accepted."""

from __future__ import annotations

from lark import Lark
from lark.exceptions import LarkError

from kastor.lang.words import RESERVED

_WORDS = sorted(
    RESERVED
    | {"JOIN", "RELATED", "MATCH", "NIN", "EXACT", "DIGITALTWINS", "RELATIONSHIPS", "STARTSWITH"}
    | {"ENDSWITH", "CONTAINS", "ARRAY_CONTAINS", "IS_ARRAY"}
)
_KEYWORDS = "\n".join(rf"K_{word}: /(?<![\w$]){word}(?![\w$])/i" for word in _WORDS)
_NOT_RESERVED = "".join(rf"(?!(?i:{word})(?![\w$]))" for word in sorted(RESERVED))

GRAMMAR = rf"""
start: query ";"?
query: K_SELECT select K_FROM from where?
select: count as? | top? projections | top
count: K_COUNT "(" ")"
top: K_TOP "(" INT ")" | K_TOP INT
projections: "*" | column ("," column)*
column: path as?
as: K_AS name

from: K_DIGITALTWINS name? (join* | match) | K_RELATIONSHIPS name?
join: K_JOIN name K_RELATED name "." step name?
match: K_MATCH node (edge node)*
node: "(" name? ")"
edge: "-" hop ARROW_RIGHT | ARROW_LEFT hop "-" | "-" hop "-"
hop: "[" name? (":" name ("|" name)*)? range? "]"
range: "*" (POSITIVE | INT? ".." INT)

where: K_WHERE condition
condition: conjunction (K_OR conjunction)*
conjunction: negation (K_AND negation)*
negation: K_NOT negation | predicate
predicate: "(" condition ")" | comparison | membership | test
comparison: operand OPERATOR operand
membership: operand (K_IN | K_NIN | K_NOT K_IN) "[" literal ("," literal)* "]"
test: type_test "(" path ")"
    | (K_STARTSWITH | K_STARTS_WITH | K_ENDSWITH | K_ENDS_WITH | K_CONTAINS) "(" operand "," operand ")"
    | K_ARRAY_CONTAINS "(" path "," operand ")"
    | K_IS_OF_MODEL "(" (name ",")? STRING ("," K_EXACT)? ")"
type_test: K_IS_DEFINED | K_IS_NULL | K_IS_BOOL | K_IS_NUMBER | K_IS_STRING
    | K_IS_PRIMITIVE | K_IS_OBJECT | K_IS_ARRAY
operand: path | literal
path: name ("." step)*
literal: STRING | "-"? NUMBER | K_TRUE | K_FALSE | K_NULL
name: NAME | ESCAPED
step: ANY_NAME | ESCAPED

{_KEYWORDS}
NAME: /(?<![\w$]){_NOT_RESERVED}(?:[^\W\d]|\$)[\w$]*/
ANY_NAME: /(?<![\w$])(?:[^\W\d]|\$)[\w$]*/
ESCAPED: /\[\[[^\[\]]+\]\]/
STRING: /'[^'\\]*(?:\\.[^'\\]*)*'/s | /"[^"\\]*(?:\\.[^"\\]*)*"/s
NUMBER: /[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/
INT: /[0-9]{{1,18}}(?![0-9])(?!\.[0-9])(?![eE][+-]?[0-9])/
POSITIVE: /(?!0+(?![0-9]))[0-9]{{1,18}}(?![0-9])(?!\.[0-9])(?![eE][+-]?[0-9])/
OPERATOR: /<=|>=|!=|<>|=|<|>/
ARROW_RIGHT: "->"
ARROW_LEFT: "<-"
%ignore /[ \t\r\n]+/
%ignore /--[^\n]*/
"""

_PARSER = Lark(GRAMMAR, parser="earley", lexer="dynamic", ambiguity="resolve")


def accepts(text: str) -> bool:
    """Whether the second parser takes the text."""
    try:
        _PARSER.parse(text)
    except LarkError:
        return False
    return True
