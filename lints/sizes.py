"""Fails for modules over 800 lines and functions over 80; warns for modules over 500.

Modules that are tables and nothing else may be longer; they are named here.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_WARN, MODULE_FAIL, FUNCTION_FAIL = 500, 800, 80
TABLES: frozenset[str] = frozenset()
BANNED_NAMES = {"utils", "helpers", "common", "core", "manager"}


def main() -> int:
    """Print what is too large; return 1 if anything fails."""
    failed = False
    for path in sorted((ROOT / "src").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if path.stem in BANNED_NAMES:
            print(f"{name}: a module needs a name that says what it is for")
            failed = True
        if lines > MODULE_FAIL and name not in TABLES:
            print(f"{name}: {lines} lines; at most {MODULE_FAIL}")
            failed = True
        elif lines > MODULE_WARN and name not in TABLES:
            print(f"{name}: {lines} lines; is this still one job? (warning)")
        failed |= _report_functions(name, ast.parse(text))
    return int(failed)


def _report_functions(name: str, tree: ast.Module) -> bool:
    failed = False
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_FAIL:
                print(f"{name}:{node.lineno}: {node.name} has {lines} lines; at most 80")
                failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
