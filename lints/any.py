"""Fails for values of type Any between modules that do not say why; counts those that do.

Seen are parameters, results and attributes of what is public, `cast("Any", ...)`, and other names
for Any. A reason stands at the end of the line: `# any: the driver has no types`. JSON values are
`Json` and `Document` of `kastor.types`, which need none.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_REASON = re.compile(r"# any: \S")


def main() -> int:
    """Print what has no reason, and how many have one; return 1 if anything fails."""
    failed, with_reason = False, 0
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for number, what in found_in(ast.parse(text)):
            if _REASON.search(lines[number - 1]):
                with_reason += 1
            else:
                name = path.relative_to(ROOT).as_posix()
                print(f"{name}:{number}: {what} is Any; give its type, or say why: # any: REASON")
                failed = True
    print(f"{with_reason} times Any between modules, each with its reason")
    return int(failed)


def found_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every Any that others meet."""
    yield from _declared(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_named(node.func, "cast") and _is_any(node.args[0]):
            yield node.lineno, "the result of a cast"


def _declared(scope: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.iter_child_nodes(scope):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_public(node.name):
                yield from _signature(node)
            case ast.ClassDef() if _is_public(node.name):
                yield from _declared(node)
            case ast.AnnAssign(target=ast.Name(id=name)) if _is_public(name):
                alias = _is_named(node.annotation, "TypeAlias")
                if _is_any(node.value if alias else node.annotation):
                    yield node.lineno, name
            case ast.If() | ast.Try() | ast.With():
                yield from _declared(node)


def _signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    given = function.args
    variable = [each for each in (given.vararg, given.kwarg) if each is not None]
    for each in [*given.posonlyargs, *given.args, *given.kwonlyargs, *variable]:
        if _is_any(each.annotation):
            yield each.lineno, f"{each.arg} of {function.name}"
    if function.returns is not None and _is_any(function.returns):
        yield function.returns.lineno, f"the result of {function.name}"


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name.endswith("__")


def _is_any(node: ast.expr | None) -> bool:
    match node:
        case ast.Constant(value=str() as text):
            return text == "Any"
        case ast.BinOp():
            return _is_any(node.left) or _is_any(node.right)
        case None:
            return False
        case _:
            return _is_named(node, "Any")


def _is_named(node: ast.expr, name: str) -> bool:
    return getattr(node, "id", getattr(node, "attr", None)) == name


if __name__ == "__main__":
    sys.exit(main())
