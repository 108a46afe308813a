"""What tests of commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .rooms import graph
from .terminal import Cli

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["graph"]


@pytest.fixture(scope="session")
def cli() -> Iterator[Cli]:
    """Runs commands in terminals and pipes."""
    made = Cli()
    yield made
    made.close()
