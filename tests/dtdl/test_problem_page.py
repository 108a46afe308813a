"""The reference page of problems: every id has an example that gives it; the page is up to date."""

from __future__ import annotations

import re

import pytest

from kastor.dtdl.messages import MESSAGES

from . import problem_page
from .problem_examples import EXAMPLES


def test_every_problem_has_an_example() -> None:
    assert set(EXAMPLES) == set(MESSAGES)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_the_example_has_the_problem(name: str) -> None:
    found = problem_page.problems_of(name)
    assert name in {problem.id for problem in found}, found
    for problem in found:
        assert problem.message.endswith((".", "?"))
        assert problem.cure.endswith((".", "?"))
        assert "{" not in re.sub(r'\{ ?"', "", problem.message + problem.cure)
        assert "none" not in problem.message.split() or problem.id in ("badType", "disallowedType")


def test_the_page_is_up_to_date() -> None:
    assert problem_page.PAGE.read_text(encoding="utf-8") == problem_page.render(), (
        "run python tests/dtdl/problem_page.py"
    )
