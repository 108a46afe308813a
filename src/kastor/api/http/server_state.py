"""What the handlers of a request may use that is the whole server's and not one graph's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kastor.api.http.base_url import BaseUrls
from kastor.api.http.client_limits import ClientLimits
from kastor.api.http.lifecycle import Lifecycle
from kastor.api.http.limits import RequestLimits
from kastor.api.http.meter import ConnectionMeter, RequestMeter
from kastor.auth.access_book import AccessBook
from kastor.budget import StreamBudget
from kastor.config import Settings
from kastor.vital import Vitals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kastor.hosting.graphs import Graphs


@dataclass(slots=True)
class ServerState:
    """One for each process; limits and addresses are replaced when the configuration is read again.

    Attributes:
        graphs: those of the server.
        limits: of requests.
        meter: counts the requests of this process.
        streams: what open streams may take.
        vitals: whether what must not die lives.
        allow_reset: whether a graph may be emptied over HTTP.
        has_explorer: whether the explorer is served.
        base_urls: what absolute links begin with.
        clients: what each client may have.
        connections: counts the connections of this process.
        lifecycle: where the process is in its life.
        allow_sample: whether a sample may be loaded over HTTP.
        in_force: tells the settings that are in force.
        access: what may be read of who may do what.
    """

    graphs: Graphs
    limits: RequestLimits = field(default_factory=RequestLimits)
    meter: RequestMeter = field(default_factory=RequestMeter)
    streams: StreamBudget = field(default_factory=StreamBudget)
    vitals: Vitals = field(default_factory=Vitals)
    allow_reset: bool = False
    base_urls: BaseUrls = field(default_factory=BaseUrls)
    clients: ClientLimits = field(default_factory=ClientLimits)
    connections: ConnectionMeter = field(default_factory=ConnectionMeter)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    has_explorer: bool = True
    allow_sample: bool = False
    in_force: Callable[[], Settings] = Settings.model_construct
    access: AccessBook = field(default_factory=AccessBook)

    def trusted_proxies(self) -> Collection[str]:
        """Return the peers whose X-Forwarded-For is believed now."""
        return self.base_urls.trusted
