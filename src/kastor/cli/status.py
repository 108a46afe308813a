"""`kastor status`: what a running server holds."""

from __future__ import annotations

import json

from kastor.cli.connection import Connection


def status(connection: Connection) -> None:
    """Say what a graph holds: version, engine, counts, sizes."""
    with connection.client() as client:
        found = client.status()
    print(json.dumps(found, indent=2))
