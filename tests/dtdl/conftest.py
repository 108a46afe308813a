"""Prints the agreement with the corpora at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .corpus import table

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = list(table())
    if lines:
        terminalreporter.section("DTDL conformity")
        for line in lines:
            terminalreporter.line(line)
