"""Fails for public classes of one name in several modules of Kastor.

Who meets a name knows which class it is, and searching for it finds one class. Two things are
allowed: a module whose classes are always written with the module's name before them, and names
that are listed here with a reason.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
# Their classes are named as the languages name them, and so may classes elsewhere be; they are
# used as `ast.And`, never as `And`.
NAMESPACES = {
    "kastor.lang.ast": "words of the query language",
    "kastor.lang.cypher.tree": "words of the openCypher subset",
    "kastor.events.filter_tree": "words of the language of route filters",
    "kastor.dtdl.model": "kinds of elements as DTDL names them",
}
# Name: why several classes have it.
ALLOWED: dict[str, str] = {}


def main() -> int:
    """Print what is named twice; return 1 if anything is."""
    trees = {_module(path): ast.parse(path.read_bytes()) for path in SOURCES.rglob("*.py")}
    found = problems(trees)
    print("\n".join(found), end="\n" if found else "")
    return int(bool(found))


def problems(trees: dict[str, ast.Module]) -> list[str]:
    """Return a line for each thing that is wrong, sorted."""
    owners: dict[str, list[str]] = defaultdict(list)
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                owners[node.name].append(module)
    shared = {name: sorted(modules) for name, modules in owners.items() if len(modules) > 1}
    found = [
        f"{name}: a class of {', '.join(modules)}; give it names that tell the difference"
        for name, modules in shared.items()
        if name not in ALLOWED and sum(module not in NAMESPACES for module in modules) > 1
    ]
    found += [f"{name}: allowed, but not shared" for name in ALLOWED.keys() - shared.keys()]
    found += [f"{name}: a namespace, but no module" for name in NAMESPACES.keys() - trees.keys()]
    for module, tree in trees.items():
        found += [
            f"{module}:{line}: {name} of {source} has to be written with its module's name"
            for source, name, line in _taken_out(tree)
            if source in shared.get(name, ())
        ]
    return sorted(found)


def _taken_out(tree: ast.Module) -> list[tuple[str, str, int]]:
    """Return the module, name and line of what is imported from a namespace by its name alone."""
    return [
        (node.module, alias.name, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in NAMESPACES
        for alias in node.names
    ]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")


if __name__ == "__main__":
    sys.exit(main())
