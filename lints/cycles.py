"""Fails for modules of Kastor that import each other in a circle, and prints each circle.

Imports inside functions and for type checking only count as well: who reads one of the modules
has to read them all.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import grimp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PACKAGE = "kastor"


def main() -> int:
    """Print every circle; return 1 if there is any."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=False, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    found = circles(imports)
    for circle in found:
        print(f"{len(circle)} modules import each other in a circle:")
        for name in circle:
            print(f"  {name} imports {', '.join(sorted(imports[name] & set(circle)))}")
    return int(bool(found))


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of modules of which each leads to every other, each group sorted.

    This is Kosaraju's algorithm: what one can walk to backwards, from the end of every walk, is one
    group.
    """
    backwards: dict[str, set[str]] = {name: set() for name in imports}
    for name, others in imports.items():
        for other in others:
            backwards[other].add(name)
    seen: set[str] = set()
    ended = [each for name in sorted(imports) for each in _walk(name, imports, seen)]
    seen = set()
    groups = (_walk(name, backwards, seen) for name in reversed(ended))
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _walk(start: str, steps: Mapping[str, Iterable[str]], seen: set[str]) -> list[str]:
    """Return what can be reached from `start` and was not seen, those first that end first."""
    if start in seen:
        return []
    seen.add(start)
    ended = []
    stack = [(start, iter(sorted(steps[start])))]
    while stack:
        name, left = stack[-1]
        for other in left:
            if other not in seen:
                seen.add(other)
                stack.append((other, iter(sorted(steps[other]))))
                break
        else:
            stack.pop()
            ended.append(name)
    return ended


if __name__ == "__main__":
    sys.exit(main())
