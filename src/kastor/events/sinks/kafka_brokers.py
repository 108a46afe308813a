"""Which brokers a producer of Kafka may connect to: those it is given, and those they tell it of.

The client library resolves names itself and has no call-back for it. So names are checked before
it gets them, the cluster's own list of brokers is fetched by a client that does nothing else and
checked before there is a producer, and both again every minute. What remains: a name that leads
elsewhere between check and connection, and a cluster that tells of other brokers in that minute.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from confluent_kafka.admin import AdminClient

from kastor.events.endpoint_kinds import KafkaEndpoint
from kastor.logs import library_logger
from kastor.outside.addresses import allowed_addresses
from kastor.outside.bounds import EndpointPolicy
from kastor.waiting import in_own_thread

CHECK_SECONDS = 60.0
_PORT = 9092

_log = library_logger("kastor.kafka")


class BrokerCheck:
    """Checks the brokers of one endpoint; where every address is allowed there is nothing to do."""

    def __init__(self, endpoint: KafkaEndpoint, policy: EndpointPolicy) -> None:
        self._endpoint = endpoint
        self._policy = policy
        self._checked_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the last check is too old."""
        if self._policy.private_addresses:
            return False
        return not self._checked_at or time.monotonic() - self._checked_at > CHECK_SECONDS

    async def check(self, connection: dict[str, Any]) -> str:
        """Check all brokers; return what to connect to first.

        Raises:
            AddressRefusedError: one may not be reached.
            OSError: a name cannot be resolved.
            KafkaException: the cluster does not answer.
        """
        given = self._endpoint.brokers
        if self._policy.private_addresses:
            return ",".join(given)
        self._checked_at = 0.0
        checked: list[str] = []
        for broker in given:
            host, port = _parts(broker)
            addresses = await allowed_addresses(host, port, self._policy)
            # With TLS the name is needed: it is what the certificate is for.
            named = [host] if self._endpoint.tls else addresses
            checked += [_joined(each, port) for each in named]
        first = ",".join(checked)
        for host, port in await in_own_thread(self._told, connection, first):
            await allowed_addresses(host, port, self._policy)
        self._checked_at = time.monotonic()
        return first

    def _told(self, connection: dict[str, Any], first: str) -> list[tuple[str, int]]:
        """Return the brokers that the cluster tells its clients of."""
        asking = AdminClient(connection | {"bootstrap.servers": first}, logger=_log)
        metadata = asking.list_topics(self._endpoint.topic, timeout=self._endpoint.timeout)
        return [(each.host or "", each.port) for each in metadata.brokers.values()]


def connection_settings(endpoint: KafkaEndpoint, password: str | None) -> dict[str, Any]:
    """Return how the library connects and logs in, but for the brokers."""
    milliseconds = max(1_000, int(endpoint.timeout * 1000))
    settings: dict[str, Any] = {
        "socket.timeout.ms": milliseconds,
        "socket.connection.setup.timeout.ms": milliseconds,
    }
    if endpoint.username is not None:
        settings |= {
            "security.protocol": "SASL_SSL" if endpoint.tls else "SASL_PLAINTEXT",
            "sasl.mechanism": endpoint.mechanism,
            "sasl.username": endpoint.username,
            "sasl.password": password or "",
        }
    elif endpoint.tls:
        settings["security.protocol"] = "SSL"
    if endpoint.tls:
        settings["ssl.ca.location"] = endpoint.ca_file or "probe"
    return settings


def _parts(broker: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[address]:port`, or with the library's `scheme://`."""
    try:
        parts = urlsplit(broker if "://" in broker else f"//{broker}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return broker, _PORT  # which cannot be resolved, and so is refused
    return host, port or _PORT


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
