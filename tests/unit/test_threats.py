"""SECURITY.md: every kind of threat is there, and each test that it names."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
TEXT = (TESTS.parent / "SECURITY.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.partition("## Threats")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| kind")
]
KINDS = (
    *("Spoofing", "Tampering", "Repudiation", "Information disclosure", "Denial of service"),
    "Elevation of privilege",
)
NAME = re.compile(r"`([\w/]+)(?:::(\w+))?`")


@cache
def named_in(module: str) -> frozenset[str]:
    tree = ast.parse((TESTS / f"{module}.py").read_text("utf-8"))
    found = [
        each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return frozenset(each.name for each in found if each.name.startswith("test_"))


def test_every_kind_of_threat_is_there() -> None:
    assert {row[0] for row in ROWS} == set(KINDS)
    assert [row[0] for row in ROWS] == sorted((row[0] for row in ROWS), key=KINDS.index)


@pytest.mark.parametrize("row", ROWS, ids=[row[1][:60] for row in ROWS])
def test_each_threat_names_tests_that_there_are(row: list[str]) -> None:
    kind, threat, defence, tests = row
    assert all((kind, threat, defence))
    names = NAME.findall(tests)
    assert names
    assert NAME.sub("", tests).strip(", ") == "", "names of tests and nothing else"
    for module, name in names:
        assert named_in(module), f"there are no tests in {module}"
        assert not name or name in named_in(module), f"{module} has no {name}"
