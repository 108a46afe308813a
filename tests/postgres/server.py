"""The database that tests run against: the one that KASTOR_TEST_PG names, or one of their own.

With KASTOR_TEST_POOLER=1 Kastor reaches it through a PgBouncer in transaction mode.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .cluster import Cluster
from .pooler import Pooler

POOLER = os.environ.get("KASTOR_TEST_POOLER") == "1"
_direct: dict[str, str] = {}


@contextmanager
def database() -> Iterator[str]:
    """Yield the DSN of a running server."""
    with _server() as dsn:
        if not POOLER:
            yield dsn
            return
        os.environ["KASTOR_DB_POOLER"] = "true"  # for the servers that tests start
        with Pooler(dsn) as pooler:
            _direct[pooler.dsn] = dsn
            yield pooler.start().dsn


def direct(dsn: str) -> str:
    """Return the DSN of the server itself, for what a test does beside Kastor."""
    return _direct.get(dsn, dsn)


@contextmanager
def _server() -> Iterator[str]:
    given = os.environ.get("KASTOR_TEST_PG")
    if given:
        yield given
        return
    # Many short tests: what they write need not survive a crash of the machine.
    with Cluster(durable=False) as cluster:
        yield cluster.create().start().dsn
