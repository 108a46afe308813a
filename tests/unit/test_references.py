"""The lint of references finds those that lead nowhere, and those alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = ROOT / "lints" / "references.py"
FILES = {
    "docs/reference/contract/rest-api.md": "# REST\n\n## A Rules\n\n### A.1 Paths\n\n### A.2 More\n\n"
    "#### B.1.1 Upload\n\nSee A.2 and [events](events.md#1-types).\n",
    "docs/reference/contract/events.md": "# Events\n\n## 1 Types\n\n### 1.2 Names\n\nAs section 1.\n",
    "docs/reference/contract/cases.md": "# Cases\n\n## D.1 Now\n\n| P-01 | x |\n| P-02 | x |\n\n"
    "## D.2 Later\n\nNot served yet.\n\n| X-01 | x |\n",
    "docs/architecture.md": "# Map\n\nIn `graph/patch.py`, `graph/patch`, `patch.py`, `graph/` and `kastor.graph.patch`.\n",
    "docs/how-to/begin.md": "# Begin\n\nMake a file shop/models.py.\n",
    "src/kastor/__init__.py": "",
    "src/kastor/graph/__init__.py": "from kastor.graph.patch import apply\n",
    "src/kastor/graph/patch.py": "LIMIT, _SIZE = 1, 2\n\n\ndef apply():\n    pass\n",
    "tests/contract/test_all.py": "def test_P_01_P_02_all_is_well():\n    pass\n",
    "README.md": "# Here\n\n[more](docs/architecture.md#map), [else](https://example.org/a.md)\n",
}


@pytest.fixture(scope="module")
def lint() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("references_lint", LINT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["references_lint"] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["references_lint"]


@pytest.fixture
def look(lint: Any, tmp_path: Path) -> Callable[[dict[str, str]], list[str]]:
    """Return what the lint says of a small tree with these files in it, or in the place of its own."""

    def find(changed: dict[str, str]) -> list[str]:
        for name, text in {**FILES, **changed}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return list(lint.find_problems(tmp_path))

    return find


def test_a_tree_whose_references_resolve_is_fine(look: Any) -> None:
    assert look({}) == []


@pytest.mark.parametrize(
    "words",
    [
        "Paths (rest-api A.1).",
        "Paths, and an upload (rest-api A.1, B.1.1, events 1 and 1.2).",
        "As rest-api has it; P-01 to P-02; the events 1,000 and more; U-17.",
        "From kastor.graph.patch.LIMIT to kastor.graph.apply, kastor.graph and kastor.graph.patch.",
        "See graph/patch.py, docs/architecture.md and https://example.org/no/such.py.",
    ],
)
def test_what_leads_somewhere_is_left_alone(look: Any, words: str) -> None:
    assert look({"src/kastor/new.py": f'"""{words}"""\n# {words}\n'}) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Paths (rest-api A.9).", "rest-api A.9: there is no such section in"),
        ("Paths (rest-api A.1, B.1.2).", "rest-api B.1.2: there is no such section in"),
        ("Types (rest-api A.1, events 1 to 3).", "events 3: there is no such section in"),
        ("Paths (rest A.1).", "A.1: no page is named in front of it"),
        ("As A.1 says.", "A.1: no page is named in front of it"),
        ("Paths (spec rest-api A.1).", "spec rest-api A.1: references are page and section"),
        ("Types (spec 1).", "spec 1: references are page and section"),
        ("As P-03 shows.", "P-03: there is no such case"),
        ("See graph/pach.py.", "graph/pach.py: there is no such file"),
        ("See docs/reference/none.md.", "docs/reference/none.md: there is no such file"),
        ("In kastor.grap.patch.", "kastor.grap.patch: there is no such module or name"),
        (
            "In kastor.graph.patch.apples.",
            "kastor.graph.patch.apples: there is no such module or name",
        ),
        ("In kastor.graph.apples.", "kastor.graph.apples: there is no such module or name"),
    ],
)
class TestWrong:
    def test_it_is_found_in_a_docstring(self, look: Any, words: str, said: str) -> None:
        (found,) = look({"src/kastor/new.py": f'"""Something.\n\n{words}\n"""\n'})
        assert found.startswith(f"src/kastor/new.py:3: {said}")

    def test_it_is_found_in_comments(self, look: Any, words: str, said: str) -> None:
        broken = words.replace(" ", "\n# ")
        (found,) = look({"tests/unit/test_new.py": f"x = 1\n# {broken}\n"})
        assert said.partition(":")[2] in found
        assert found.startswith("tests/unit/test_new.py:")

    def test_it_is_found_on_a_page(self, look: Any, words: str, said: str) -> None:
        (found,) = look({"docs/explain/new.md": f"# New\n\n{words}\n"})
        assert found.startswith(f"docs/explain/new.md:3: {said}")

    def test_a_text_of_the_program_is_none(self, look: Any, words: str, said: str) -> None:
        assert look({"src/kastor/new.py": f'x = "{words}"\n'}) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("docs/architecture.md", "In `grape/`.", "grape/: there is no such file"),
        ("docs/architecture.md", "In `graph/pach`.", "graph/pach: there is no such file"),
        ("docs/architecture.md", "In `pach.py`.", "pach.py: there is no such file"),
        ("src/kastor/new.py", "# In `pach.py`.\n", "pach.py: there is no such file"),
        ("docs/architecture.md", "[a](none.md)", "none.md: there is no such file"),
        (
            "README.md",
            "[a](docs/architecture.md#mop)",
            "docs/architecture.md#mop: there is no such heading",
        ),
        ("README.md", "# A\n\n[a](#b)", "#b: there is no such heading"),
        (
            "docs/reference/contract/events.md",
            "## 1 Types\n\nsections 1 and 4",
            "events 4: there is no such",
        ),
        (
            "docs/reference/contract/events.md",
            "## 1 Types\n\nC.7",
            "rest-api C.7: there is no such section",
        ),
        (
            "tests/contract/test_new.py",
            "def test_P_07_x(): ...",
            "test_P_07_x: there is no case P-07",
        ),
        ("tests/contract/test_all.py", "def test_P_01_x(): ...", "P-02 has no test"),
        (
            "src/kastor/schema.sql",
            "-- a row (rest-api A.9)",
            "rest-api A.9: there is no such section",
        ),
    ],
)
def test_what_else_leads_nowhere_is_found(look: Any, name: str, text: str, said: str) -> None:
    assert any(said in each for each in look({name: text}))


def test_it_says_so_by_its_status(tmp_path: Path) -> None:
    for name, text in {**FILES, "src/kastor/new.py": "# rest-api A.9\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    copy = tmp_path / "lints" / "references.py"
    copy.parent.mkdir()
    copy.write_text(LINT.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run([sys.executable, copy], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "src/kastor/new.py:1: rest-api A.9: there is no such section in" in done.stdout
