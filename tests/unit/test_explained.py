"""The pages that explain the code name modules, functions and classes that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("explain/follow-a-patch.md", "explain/glossary.md")
NAMED = re.compile(r"`([\w/]+\.py)(?::([\w.]+))?`")


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _names(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """What a module or class defines, members of classes after a dot."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(prefix + node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {prefix + node.name, *_names(node.body, f"{prefix}{node.name}.")}
        elif isinstance(node, ast.Assign):
            found |= {prefix + each.id for each in node.targets if isinstance(each, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(prefix + node.target.id)
    return found


def _missing(page: str) -> list[str]:
    missing = []
    for file, name in NAMED.findall(page):
        path = ROOT / "src" / "kastor" / file
        if not path.is_file():
            missing.append(file)
        elif name and name not in _names(ast.parse(path.read_text(encoding="utf-8")).body):
            missing.append(f"{file}:{name}")
    return missing


@pytest.mark.parametrize("page", PAGES)
def test_every_module_and_name_is_there(page: str) -> None:
    text = _page(page)
    assert len(NAMED.findall(text)) > 40
    assert _missing(text) == []


def test_what_is_not_there_is_found() -> None:
    page = "`graph/gone.py` `graph/twin.py:decide_nothing` `graph/twin.py:decide_patch` `vital.py`"
    assert _missing(page) == ["graph/gone.py", "graph/twin.py:decide_nothing"]


def test_the_walk_has_one_notation_for_names() -> None:
    """Names elsewhere in code marks are those of modules that the same page names."""
    text = _page("explain/follow-a-patch.md")
    known = {part for _, name in NAMED.findall(text) for part in name.split(".")}
    loose = re.findall(r"`([a-z]+_[a-z_]+)`", text)
    assert set(loose) <= known


def test_the_glossary_is_in_order_and_every_word_has_a_place() -> None:
    rows = [line for line in _page("explain/glossary.md").splitlines() if line.startswith("| ")]
    words = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows][1:]
    assert [word for word, *_ in words] == sorted(word for word, *_ in words)
    for _, meaning, where in words:
        assert meaning.endswith(".")
        assert NAMED.search(where)
