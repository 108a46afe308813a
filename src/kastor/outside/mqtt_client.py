"""paho's MQTT client, which trusts no broker; endpoints and inputs use it.

It connects to allowed addresses only, reads no packet that is too long, and its thread does not end
in silence.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from kastor.outside.addresses import connect_allowed
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.outside.bounds import EndpointPolicy


class PacketTooLongError(Exception):
    """The broker sends a packet that is longer than any that it may send."""


class GuardedClient(Client):
    """A client that connects to the address that was checked; TLS still verifies the name.

    Attributes:
        on_fault: told in paho's thread what ended it.
    """

    def __init__(
        self,
        *arguments: Any,  # any: as paho has them
        policy: EndpointPolicy,
        packet_bytes: int,
        **named: Any,  # any: as paho has them
    ) -> None:
        """Prepare; further arguments as paho's.

        Args:
            arguments: of paho.
            policy: what may be reached.
            packet_bytes: of what the broker may send at once.
            named: of paho.
        """
        super().__init__(*arguments, **named)
        self.on_fault: Callable[[Exception], None] | None = None
        self._kastor_policy = policy
        self._kastor_bytes = packet_bytes

    @override
    def loop_forever(self, *arguments: Any, **named: Any) -> MQTTErrorCode:  # any: as paho's
        """Do the network until the connection ends."""
        try:
            return super().loop_forever(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - a packet that is none, for one
            if self.on_fault is not None:
                self.on_fault(error)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    # paho has no parameters for these; tests fail should the methods move.
    @override
    def _create_socket_connection(self) -> socket.socket:
        return connect_allowed(self._host, self._port, self._kastor_policy, self._connect_timeout)

    @override
    def _sock_recv(self, bufsize: int) -> bytes:
        if self._in_packet["remaining_length"] > self._kastor_bytes:
            raise PacketTooLongError(f"a packet has more than {self._kastor_bytes} bytes")
        return super()._sock_recv(bufsize)
