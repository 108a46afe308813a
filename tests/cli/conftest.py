"""What tests of commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kastor.client import KastorClient
from kastor.testing import KastorServer

from .page_reader import Reader
from .rooms import graph
from .terminal import Cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["graph"]


@pytest.fixture(scope="session")
def cli() -> Iterator[Cli]:
    """Runs commands in terminals and pipes."""
    made = Cli()
    yield made
    made.close()


@pytest.fixture
def reader(cli: Cli, tmp_path: Path) -> Iterator[Reader]:
    with KastorServer(("--sample", "building")) as server, KastorClient(server.url) as client:
        # The one job that is there already; commands of the page begin others.
        job = client.jobs.begin_export("exchange/default/graph.ndjson", operation_id="nightly")
        client.jobs.wait(job)
        yield Reader(cli, server, tmp_path)
