"""The lint for functions with many branches: what it counts, what it lets pass, what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "lints" / "complexity.py"
WHY = "    # Branches because every number has an answer of its own.\n"


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lints_complexity", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks for it there
    spec.loader.exec_module(module)
    return module


def function(branches: int, why: str = "") -> str:
    """A function that McCabe's number of `branches` is of."""
    tests = "".join(f"    if x == {n}:\n        return {n}\n" for n in range(branches - 1))
    return f"def answer(x: int) -> int:\n{why}{tests}    return -1\n"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (function(10), 0, ""),
        (function(11), 1, "answer has 11 branches; take it apart, or say why"),
        (function(11, WHY), 0, ""),
        (function(12, WHY), 0, "answer has 12 branches; is there no simpler way? (warning)"),
        (function(12), 1, "answer has 12 branches; take it apart, or say why"),
        (function(15, WHY), 0, "(warning)"),
        (function(16, WHY), 1, "answer has 16 branches; at most 15"),
        (function(16), 1, "answer has 16 branches; at most 15"),
        (WHY.strip() + "\n" + function(11), 0, ""),
        (WHY.strip() + "\nimport os\n\n\n" + function(11), 1, "answer has 11"),
        (WHY.strip() + "\n@staticmethod\n" + function(11), 0, ""),
        (function(11, "    # Branches because\n"), 1, "answer has 11"),
        (function(11) + "\n\n" + function(11, WHY).replace("answer", "b"), 1, "answer has 11"),
        (function(12, WHY).replace("int:", "int:  # noqa: C901"), 0, "(warning)"),
        (function(11).replace("int:", "int:  # noqa: C901"), 1, "answer has 11"),
    ],
)
def test_many_branches_need_a_reason_and_too_many_are_refused(
    lint: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    status: int,
    said: str,
) -> None:
    folder = tmp_path / "src" / "package"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text(text)
    assert lint.main(tmp_path / "src") == status
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == bool(said)
    if said:
        assert lines[0].startswith("src/package/module.py:")
        assert said in lines[0]


def test_the_program_keeps_to_it(lint: ModuleType) -> None:
    found = list(lint.branching(PATH.parents[1] / "src"))
    assert [str(one) for one in found if one.is_wrong] == []
    assert all(one.branches <= 15 for one in found)
