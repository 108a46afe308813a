"""From a tree of the openCypher subset to the plan that ADT's language is bound to as well.

- `names`: names in reach, refusals, a bound of what is made
- `patterns`: MATCH to sources, hops and conditions
- `functions`: functions by name, and what values are known to be
- `values`, `conditions`: expressions, which are one in the tree and two in a plan
- `bind`: RETURN, groups, order; the way in
"""

from __future__ import annotations

from kastor.query.cypher.bind import bind_cypher

__all__ = ["bind_cypher"]
