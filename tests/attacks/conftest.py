"""Tells tests that measure, and run beside one another alone, from those that run beside others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

import pytest

FOLDER = Path(__file__).parent
MEASURES = frozenset({"watched", "resident"})
TIMES = frozenset({"monotonic", "seconds", "_slowest_of"})
"""What a test names itself that looks at how long something takes; in a helper it is a deadline."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "measures: time or memory, beside others that do alone")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Those of other folders, which may be collected with them, have no measure here.
        if not item.path.is_relative_to(FOLDER):
            continue
        function = getattr(item, "function", None)
        if isinstance(function, FunctionType) and _is_measuring(function):
            item.add_marker("measures")


def _is_measuring(function: FunctionType) -> bool:
    names = set(_names(function.__code__))
    helpers = [function.__globals__.get(name) for name in names]
    further = {
        name
        for helper in helpers
        if isinstance(helper, FunctionType) and helper.__module__ == function.__module__
        for name in _names(helper.__code__)
    }
    return bool((MEASURES | TIMES) & names or MEASURES & further)


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function uses, those of functions inside it too."""
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names(each)
