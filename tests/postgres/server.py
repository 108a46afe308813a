"""The database that tests run against: the one that KASTOR_TEST_PG names, or one of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .cluster import Cluster


@contextmanager
def database() -> Iterator[str]:
    """Yield the DSN of a running server."""
    given = os.environ.get("KASTOR_TEST_PG")
    if given:
        yield given
        return
    # Many short tests: what they write need not survive a crash of the machine.
    with Cluster(durable=False) as cluster:
        yield cluster.create().start().dsn
