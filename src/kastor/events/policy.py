"""What the operator of a server allows to endpoints, whoever may create them.

Endpoints are made by API callers, and a sink acts with the server's rights: it reads secrets,
writes files and opens connections inside the server's network. These are the bounds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kastor.errors import InvalidArgument
from kastor.events.endpoint_kinds import Endpoint, FileEndpoint, WebhookEndpoint
from kastor.events.secrets import Secret

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """Bounds of endpoints.

    Attributes:
        webhook_prefixes: webhook URLs must begin with one of these; none: any URL.
        private_addresses: webhooks may reach loopback, private and link-local addresses.
        file_folder: files must lie below it; None: anywhere.
        secret_folder: secrets in files, and files of authorities, must lie below it; None:
            anywhere. Whether another file is there, and readable, would show in the route's error.
        secret_variables: secrets in the environment must have names that begin so.
    """

    webhook_prefixes: tuple[str, ...] = ()
    private_addresses: bool = False
    file_folder: Path | None = None
    secret_folder: Path | None = None
    secret_variables: str = ""

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint that is out of bounds; raises InvalidArgument."""
        for setting, reference in secrets_of(endpoint).items():
            self._check_secret(setting, reference)
        ca_file = getattr(endpoint, "ca_file", None)
        if ca_file is not None:
            self._check_file("ca_file", ca_file, self.secret_folder)
        if isinstance(endpoint, FileEndpoint):
            self._check_file("path", endpoint.path, self.file_folder)
        if isinstance(endpoint, WebhookEndpoint) and isinstance(endpoint.url, str):
            self.check_url(endpoint.url)

    def check_url(self, url: str) -> None:
        """Refuse a webhook's URL that is not in the allow-list; raises InvalidArgument."""
        prefixes = self.webhook_prefixes
        if prefixes and not any(_begins(url, prefix) for prefix in prefixes):
            raise InvalidArgument(
                "The setting url of the endpoint is not allowed here: this server's webhook URLs "
                f"begin with {' or '.join(prefixes)}."
            )

    def allows(self, address: Address) -> bool:
        """Whether a webhook may connect to an address."""
        return self.private_addresses or is_public(address)

    def _check_secret(self, setting: str, reference: Secret) -> None:
        if reference.file is not None:
            self._check_file(setting, reference.file, self.secret_folder)
        elif not str(reference.env).startswith(self.secret_variables):
            raise InvalidArgument(
                f"The setting {setting} of the endpoint may only name environment variables that "
                f"begin with {self.secret_variables}."
            )

    @staticmethod
    def _check_file(setting: str, path: str, folder: Path | None) -> None:
        if "\0" in path:
            raise InvalidArgument(f"The setting {setting} of the endpoint names no file.")
        if folder is not None and not Path(path).resolve().is_relative_to(folder.resolve()):
            raise InvalidArgument(
                f"The setting {setting} of the endpoint may only name files below {folder}."
            )


UNBOUNDED = EndpointPolicy()
"""Any file and secret; webhooks reach public addresses alone."""


def secrets_of(endpoint: Endpoint) -> Mapping[str, Secret]:
    """Return the references to secrets by the name of their setting."""
    found: dict[str, Secret] = {}
    for name in endpoint.__struct_fields__:
        value = getattr(endpoint, name)
        if isinstance(value, Secret):
            found[name] = value
        elif isinstance(value, dict):
            inner = {f"{name}.{key}": each for key, each in value.items()}
            found |= {key: each for key, each in inner.items() if isinstance(each, Secret)}
    return found


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public Internet; what is wrapped in IPv6 counts."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if wrapped is not None:
            return is_public(wrapped)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _begins(url: str, prefix: str) -> bool:
    # `https://a.example` must not allow `https://a.example.evil` or `https://a.example@evil`.
    if not url.startswith(prefix):
        return False
    return prefix.endswith(("/", "?", "=")) or url[len(prefix) : len(prefix) + 1] in ("", "/", "?")
