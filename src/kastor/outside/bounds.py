"""What the operator of a server allows to endpoints and inputs, whoever may create them.

They are made by API callers, and act with the server's rights: they read secrets, write files and
open connections inside the server's network. These are the bounds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from kastor.errors import InvalidArgument
from kastor.outside.kinds import OutsideSettings
from kastor.outside.secrets import Secret

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All that is assigned for the Internet (RFC 4291, IANA); what is in it, but not for that: protocol
# assignments with Teredo and ORCHID, documentation twice.
_UNICAST6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL6 = tuple(
    ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20")
)
# Said here too, since what the library knows of depends on the version of Python.
_SPECIAL4 = tuple(
    ipaddress.IPv4Network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4")
)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file below a root: the steps to it, which were no links when it was looked up."""

    root: Path
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """Bounds of endpoints and inputs.

    Attributes:
        webhook_prefixes: webhook URLs must begin with one of these; none: any URL.
        private_addresses: connections may go to loopback, private and link-local addresses.
        file_folder: files must lie below it, or below a root; None: anywhere.
        file_roots: further folders for files, and for files of authorities.
        own_names: what begins so in `file_folder` is the server's own.
        secret_folder: secrets in files, and files of authorities, must lie below it; None:
            anywhere. Whether another file is there, and readable, would show in the route's error.
        secret_variables: secrets in the environment must have names that begin so.
    """

    webhook_prefixes: tuple[str, ...] = ()
    private_addresses: bool = False
    file_folder: Path | None = None
    file_roots: tuple[Path, ...] = ()
    own_names: tuple[str, ...] = ()
    secret_folder: Path | None = None
    secret_variables: str = ""

    def check(self, settings: OutsideSettings) -> None:
        """Refuse settings that are out of bounds.

        Raises:
            InvalidArgument: with the setting and what is allowed.
        """
        role = settings.role
        for setting, reference in secrets_of(settings).items():
            self._check_secret(f"{setting} of the {role}", reference)
        for setting in settings.authorities:
            ca_file = getattr(settings, setting, None)
            if ca_file is not None:
                self._check_authorities(f"{setting} of the {role}", ca_file)
        for setting in settings.files:
            self.place(getattr(settings, setting), f"{setting} of the {role}")
        for setting in settings.urls:
            url = getattr(settings, setting)
            if isinstance(url, str):  # else it is a secret
                self.check_url(url, f"{setting} of the {role}")

    def check_url(self, url: str, setting: str = "url of the endpoint") -> None:
        """Refuse a URL that is not in the allow-list; raises InvalidArgument."""
        prefixes = self.webhook_prefixes
        if prefixes and not any(_begins(url, prefix) for prefix in prefixes):
            raise InvalidArgument(
                f"The setting {setting} is not allowed here: this server's webhook URLs "
                f"begin with {' or '.join(prefixes)}."
            )

    def allows(self, address: Address) -> bool:
        """Whether a connection may go to an address."""
        return self.private_addresses or is_public(address)

    def place(self, path: str, setting: str = "path of the endpoint") -> FilePlace | None:
        """Return where a file lies; None where files are not bounded.

        Raises:
            InvalidArgument: it lies in none of the allowed folders.
        """
        found = _resolved(setting, path)
        if self.file_folder is None:
            return None
        for root in (self.file_folder, *self.file_roots):
            base = root.resolve()
            parts = found.relative_to(base).parts if found.is_relative_to(base) else ()
            if parts and not (root is self.file_folder and self._is_own(parts[0])):
                return FilePlace(base, parts)
        raise InvalidArgument(
            f"The setting {setting} may only name files below "
            f"{_listed(self.file_folder, *self.file_roots)}, and there none of the server's own. "
            "Other folders are named with --file-root when the server is started."
        )

    def _is_own(self, name: str) -> bool:
        # Without regard to case, as some file systems have it.
        return name.lower().startswith(self.own_names)

    def _check_authorities(self, setting: str, path: str) -> None:
        found = _resolved(setting, path)
        if self.secret_folder is None:
            return
        allowed = (self.secret_folder, *self.file_roots)
        if not any(found.is_relative_to(each.resolve()) for each in allowed):
            raise InvalidArgument(
                f"The setting {setting} may only name files below {_listed(*allowed)}. "
                "Other folders are named with --file-root when the server is started."
            )

    def _check_secret(self, setting: str, reference: Secret) -> None:
        if reference.file is not None:
            found = _resolved(setting, reference.file)
            folder = self.secret_folder
            if folder is not None and not found.is_relative_to(folder.resolve()):
                raise InvalidArgument(
                    f"The setting {setting} may only name files below {folder}. Put the secret "
                    "there, or into an environment variable of the server that begins with "
                    f"{self.secret_variables}."
                )
        elif not str(reference.env).startswith(self.secret_variables):
            raise InvalidArgument(
                f"The setting {setting} may only name environment variables that begin with "
                f"{self.secret_variables}. Give the variable such a name, or put the secret into "
                f"a file below {self.secret_folder}."
            )


UNBOUNDED = EndpointPolicy(private_addresses=True)
"""Any file, secret and address."""


def secrets_of(settings: msgspec.Struct) -> Mapping[str, Secret]:
    """Return the references to secrets by the name of their setting."""
    return dict(_secrets_in("", settings))


def _secrets_in(name: str, value: object) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield name, value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _secrets_in(_joined(name, field), getattr(value, field))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _secrets_in(_joined(name, str(key)), each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _secrets_in(f"{name}[{index}]", each)


def _joined(name: str, part: str) -> str:
    return f"{name}.{part}" if name else part


def _resolved(setting: str, path: str) -> Path:
    """Return a path without links and steps upwards; raises InvalidArgument."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle; U+0000
        raise InvalidArgument(f"The setting {setting} names no file.") from None


def _listed(*folders: Path) -> str:
    return " or ".join(str(each) for each in folders)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public Internet; what is wrapped in IPv6 counts."""
    if isinstance(address, ipaddress.IPv4Address):
        special = any(address in each for each in _SPECIAL4)
        return address.is_global and not address.is_multicast and not special
    wrapped = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if wrapped is not None:
        return is_public(wrapped)
    return address in _UNICAST6 and not any(address in each for each in _SPECIAL6)


def _begins(url: str, prefix: str) -> bool:
    # `https://a.example` must not allow `https://a.example.evil` or `https://a.example@evil`.
    if not url.startswith(prefix):
        return False
    return prefix.endswith(("/", "?", "=")) or url[len(prefix) : len(prefix) + 1] in ("", "/", "?")
