"""A read-only subset of openCypher as text: tokens, tree with spans, printer.

Pure, and beside the language of Azure Digital Twins: moves, bounds and errors are those of
`kastor.lang`. In the order in which a text passes them:

- `words`: which words begin a text, which write, and what does it instead
- `tokens`: text to tokens
- `tree`: the nodes; unlike in `kastor.lang.ast` a condition is a value
- `expressions`, `patterns`, `parser`: tokens to tree
- `printer`: tree to canonical text
"""

from __future__ import annotations

from kastor.lang.cypher.parser import parse_cypher
from kastor.lang.cypher.printer import print_cypher
from kastor.lang.cypher.words import is_cypher

__all__ = ["is_cypher", "parse_cypher", "print_cypher"]
