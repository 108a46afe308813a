# Made from `asynchronous` by `python3 dev client`; do not edit.
"""The client of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from kastor.client import operations, own
from kastor.client.synchronous.models import Models
from kastor.client.synchronous.pages import Listing
from kastor.client.synchronous.relationships import Relationships
from kastor.client.synchronous.routes import Routes
from kastor.client.synchronous.transport import Transport
from kastor.client.synchronous.twins import Twins

if TYPE_CHECKING:
    from kastor.client.calls import Document, HttpCall
    from kastor.client.credentials import Credential
    from kastor.client.pages import ListingPage
    from kastor.client.retries import Retries

T = TypeVar("T")


class KastorClient:
    """A graph of Kastor or of Azure Digital Twins.

    Attributes:
        models, twins, relationships, routes: what the contract has, by its things.
    """

    def __init__(
        self,
        url: str,
        credential: Credential | None = None,
        *,
        ca_file: Path | str | None = None,
        retries: Retries | None = None,
        seconds: float = 300.0,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: address of the server, or of a graph of it (`http://HOST/graphs/NAME`); a host name
                alone is https.
            credential: a token, a function that returns one, or a credential of `azure-identity`.
            ca_file: certificates to trust besides, for a server with `--tls-dev`.
            retries: how often and how patiently a call is tried again.
            seconds: between two parts of an answer, before it counts as lost.

        Raises:
            ValueError: the URL is none.
        """
        transport = Transport(url, credential, ca_file=ca_file, retries=retries, seconds=seconds)
        self._use(transport)

    def _use(self, transport: Transport) -> None:
        self._transport = transport
        self.models = Models(transport)
        self.twins = Twins(transport)
        self.relationships = Relationships(transport)
        self.routes = Routes(transport)

    def dry_run(self) -> KastorClient:
        """Return a client over the same connections whose writes are only tried.

        The other side has to announce that it has dry runs; one that does not would write.
        """
        made = object.__new__(KastorClient)
        made._use(self._transport.trying())
        return made

    def features(self) -> frozenset[str]:
        """Return what the other side announces beyond the contract; nothing of Azure's."""
        return self._transport.features()

    def status(self) -> Document:
        """Return what a graph of Kastor holds: version, engine, counts, sizes."""
        return self._transport.send(own.status())

    def send(self, call: HttpCall[T]) -> T:
        """Return the result of a call that was made by hand (`kastor.client.calls`)."""
        return self._transport.send(call)

    def query(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        page_size: int | None = None,
    ) -> Listing[Document]:
        """Return the rows of a query, page by page as they are wanted.

        Args:
            text: of the query.
            parameters: values for each `$name` in it; Kastor alone takes them.
            page_size: how many rows are asked for at once.
        """

        def page(token: str | None) -> HttpCall[ListingPage[Document]]:
            # Values that are too large for a token have to come again with it.
            return operations.query_page(text, parameters, token, page_size)

        return Listing(self._transport, page(None), page)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
