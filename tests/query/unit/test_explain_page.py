"""What docs/explain/queries.md quotes is what the case files say, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from query_cases import FOLDER, read_case

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "explain" / "queries.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"^```\w+ (\w+): ([^\n]+)\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
MODULES = sorted(set(re.findall(r"`((?:lang|query)/[\w/]+\.py)`", PAGE)))


@pytest.mark.parametrize(("name", "part", "text"), QUOTES, ids=lambda one: one[:40])
def test_a_quote_is_what_the_case_says(name: str, part: str, text: str) -> None:
    case = read_case(FOLDER / f"{name}.case")
    assert {**case.asked, **case.written}[part] == text
    assert f"`{name}.case`" in PAGE


def test_five_cases_are_quoted_with_query_and_statement() -> None:
    names = {name for name, _, _ in QUOTES}
    assert len(names) == 5
    for name in names:
        assert {"query", "sqlite"} <= {part for one, part, _ in QUOTES if one == name}
    assert {"plan", "postgresql"} <= {part for _, part, _ in QUOTES}
    assert PAGE.count("```") == 2 * (len(QUOTES) + 2)  # the road, and the commands


def test_the_modules_that_it_names_are_there() -> None:
    assert len(MODULES) > 5
    assert [one for one in MODULES if not (ROOT / "src" / "kastor" / one).is_file()] == []
