"""`kastor me`: who one is to a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.cli.connection import Connection
from kastor.cli.output import Output, OutputOption

if TYPE_CHECKING:
    from kastor.client.calls import Document


def me(connection: Connection, output: OutputOption = Output.TABLE) -> None:
    """Say who one is to a server, and what one may do on the graph."""
    from kastor.cli.rows import show_document

    with connection.client() as client:
        found = client.me()
    show_document(found if output is Output.JSON else _told(found), output)


def _told(found: Document) -> Document:
    roles = [f"{each['role']} on {', '.join(each['graphs'])}" for each in found["roles"]]
    return {
        "name": found["name"],
        "id": found["id"],
        **{name: found[name] for name in ("issuer", "expires") if found.get(name)},
        "roles": "; ".join(roles) or "none",
        "graph": found["graph"],
        "permissions": ", ".join(found["permissions"]) or "none",
    }
