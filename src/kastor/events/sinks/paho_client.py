"""paho's MQTT client with connections to allowed addresses only; endpoints and inputs use it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client

from kastor.events.sinks.addresses import connect_allowed

if TYPE_CHECKING:
    from kastor.events.policy import EndpointPolicy


class GuardedClient(Client):
    """A client that connects to the address that was checked; TLS still verifies the name."""

    def __init__(self, *arguments: Any, policy: EndpointPolicy, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kastor_policy = policy

    # paho has no parameter for the network; tests fail should this method move.
    def _create_socket_connection(self) -> socket.socket:
        return connect_allowed(self._host, self._port, self._kastor_policy, self._connect_timeout)
