"""The query language as text: tokens, tree with spans, printer, errors that show the spot.

Pure; knows neither models nor storage. In the order in which a text passes them:

- `words`: reserved words, function names, what may stand where
- `characters`: those that are easily mistaken, by name
- `tokens`: text to tokens, one compiled regular expression
- `ast`: the tree's nodes
- `cursor`, `expressions`, `patterns`, `parser`: tokens to tree
- `printer`: tree to canonical text
- `errors`: the message with line, position, excerpt and caret
"""

from __future__ import annotations

from kastor.lang.parser import parse
from kastor.lang.printer import print_query

__all__ = ["parse", "print_query"]
